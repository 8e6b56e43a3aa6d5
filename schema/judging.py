"""Whether a document could be executed, told without executing it."""

from graphql import DocumentNode, GraphQLError, OperationDefinitionNode

from schema import errors
from schema.root import Schema


class Judge:
    """Of documents, by the rules by which they are executed."""

    def __init__(self, schema: Schema) -> None:
        self._documents = schema.documents

    def __call__(self, text: str) -> str | None:
        """What is wrong with the document, in a sentence; None: nothing."""
        read = self._documents.read(text)
        if not isinstance(read, DocumentNode):
            errors.translate(read)
            return _told(read[0])
        operations = (isinstance(node, OperationDefinitionNode) for node in read.definitions)
        return None if any(operations) else "holds no operation"


def _told(error: GraphQLError) -> str:
    where = error.locations[0] if error.locations else None
    return f"line {where.line}, column {where.column}: {error.message}" if where else error.message
