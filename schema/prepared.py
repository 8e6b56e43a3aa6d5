"""Documents, read and judged once for all who ask them, on whichever transport."""

from collections import OrderedDict
from collections.abc import Sequence
from hashlib import blake2b
from typing import Any

from graphql import (
    DirectiveNode,
    DocumentNode,
    GraphQLError,
    GraphQLSchema,
    OperationDefinitionNode,
    VariableNode,
    Visitor,
    parse,
    visit,
)
from graphql.validation import ASTValidationRule
from strawberry.schema.schema import validate_document
from strawberry.types.graphql import OperationType

from schema import hot, keeping
from schema.executor import Places

MOST_TOKENS = 2_000
"""In one document. Longer ones keep the parser, and with it everybody, busy."""
MOST_KEPT = 500
"""Operations that are known; for a new one that goes which was asked longest ago."""
MOST_CHARACTERS = 1_000_000
"""Of their documents together. What is known of one takes a hundred times as much memory."""
FIELD = 20
"""So many characters count for each field, as often as its place may be known: fragments make many of few."""
LONGEST = 20_000
"""Characters of a document that is kept."""
MOST_CONDITIONS = 16
"""Combinations of values of `@skip` and `@include` for which an operation's places are kept."""


class Operation:
    """One operation of a valid document, with what is known of it before it is executed."""

    def __init__(
        self, schema: GraphQLSchema, text: str, document: DocumentNode, node: OperationDefinitionNode
    ) -> None:
        self.document, self.node = document, node
        self.name = node.name.value if node.name else None
        self.type = OperationType(node.operation.value)
        self.key = _digest(text, self.name)
        """The same for every operation of that name in a document of that text."""
        self.hot = hot.compiled(document)
        self.roots = keeping.roots(document, node)
        """The names of the fields at the top."""
        self.of_boards = keeping.asks_boards(schema, document, node)
        """Whether it asks for nothing but what stands on leaderboards."""
        self._conditions = _conditions(document)
        times = min(MOST_CONDITIONS, 2 ** len(self._conditions))
        self.size = len(text) + FIELD * times * keeping.fields(document, node)
        """In characters, with all that may be known of it."""
        self._places: dict[tuple[Any, ...], Places] = {}

    def places(self, variables: dict[str, Any]) -> Places:
        """What is known of its places, with these variables. Whoever asks what nobody asks again has nothing
        compiled."""
        values = tuple(variables.get(name) for name in self._conditions)
        known = self._places.get(values)
        if known is not None:
            known.compiled = True
            return known
        known = Places(compiled=False)
        if len(self._places) < MOST_CONDITIONS:
            self._places[values] = known
        return known


Found = Operation | list[GraphQLError]
"""An operation, or why there is none."""


class Documents:
    """The operations of the documents that were asked last."""

    def __init__(self, schema: GraphQLSchema, rules: Sequence[type[ASTValidationRule]]) -> None:
        self._schema = schema
        self._rules = tuple(rules)
        self._kept: OrderedDict[tuple[str, str | None], Operation] = OrderedDict()
        self._characters = 0

    def operation(self, text: str, name: str | None) -> Found:
        """The operation of that name; of a document with a single one, without a name."""
        asked = text, name
        kept = self._kept.get(asked)
        if kept is not None:
            self._kept.move_to_end(asked)
            return kept
        read = self.read(text)
        found = self._operation(text, read, name) if isinstance(read, DocumentNode) else read
        if isinstance(found, Operation) and len(text) <= LONGEST:  # an error holds all of who met it first
            self._keep(asked, found)
        return found

    def read(self, text: str) -> DocumentNode | list[GraphQLError]:
        """A document that keeps all rules, or what is wrong with it."""
        try:
            document = parse(text, max_tokens=MOST_TOKENS)
            return validate_document(self._schema, document, self._rules) or document
        except GraphQLError as error:
            return [error]
        except Exception as error:  # graphql-core stumbles over some texts: see `schema.errors`
            return [GraphQLError(str(error), original_error=error)]

    def _operation(self, text: str, document: DocumentNode, name: str | None) -> Found:
        nodes = [node for node in document.definitions if isinstance(node, OperationDefinitionNode)]
        if name is None and len(nodes) > 1:
            return [GraphQLError("Of several operations one must be named.")]
        named = (node for node in nodes if name in (None, node.name and node.name.value))
        node = next(named, None)
        if node is None:
            return [GraphQLError("The document has no operation, or none of that name.")]
        return Operation(self._schema, text, document, node)

    def _keep(self, asked: tuple[str, str | None], found: Operation) -> None:
        self._kept[asked] = found
        self._characters += found.size
        while len(self._kept) > MOST_KEPT or self._characters > MOST_CHARACTERS:
            _, longest_ago = self._kept.popitem(last=False)
            self._characters -= longest_ago.size


def _digest(text: str, name: str | None) -> bytes:
    named = f"{name or ''}\n{text}"  # no name has a line end
    return blake2b(named.encode(errors="surrogatepass"), digest_size=32).digest()


class _Conditions(Visitor):
    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()

    def enter_directive(self, node: DirectiveNode, *_args: object) -> None:
        values = (argument.value for argument in node.arguments or ())
        self.names.update(value.name.value for value in values if isinstance(value, VariableNode))


def _conditions(document: DocumentNode) -> tuple[str, ...]:
    """The variables that decide which fields are asked for."""
    found = _Conditions()
    visit(document, found)
    return tuple(sorted(found.names))
