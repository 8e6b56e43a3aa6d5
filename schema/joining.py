"""Which subscriptions may be joined at any moment: they tell what comes from then on, to all the same."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from graphql import (
    BooleanValueNode,
    DocumentNode,
    FieldNode,
    GraphQLError,
    OperationDefinitionNode,
    OperationType,
    ValueNode,
    VariableNode,
    parse,
)

LONGEST = 2_000
"""Characters of a document that is looked at: it is read once more when it is paid for."""
JOINABLE = {"devices": "snapshot"}
"""Root fields, and the argument that has to be false: with it each gets a beginning of its own."""
_NO = BooleanValueNode(value=False)


def joinable(query: str, operation_name: str | None, variables: Mapping[str, Any]) -> bool:
    """Whether one execution of the operation can serve all who ask it with the same variables and rights."""
    if len(query) > LONGEST or not any(name in query for name in JOINABLE):
        return False
    match _beginning(query, operation_name):
        case BooleanValueNode(value=given):
            return not given
        case VariableNode(name=name):
            return variables.get(name.value) is False
    return False


@lru_cache(maxsize=500)
def _beginning(query: str, operation_name: str | None) -> ValueNode | None:
    """What the operation says of its beginning; None when it is not to be joined anyway."""
    try:
        document = parse(query, no_location=True)
    except (GraphQLError, RecursionError):
        return None
    field = _only_field(document, operation_name)
    if field is None or field.directives or field.name.value not in JOINABLE:
        return None
    given = {argument.name.value: argument.value for argument in field.arguments or ()}
    return given.get(JOINABLE[field.name.value], _NO)


def _only_field(document: DocumentNode, operation_name: str | None) -> FieldNode | None:
    operations = [node for node in document.definitions if isinstance(node, OperationDefinitionNode)]
    if operation_name is not None:
        operations = [node for node in operations if node.name and node.name.value == operation_name]
    if len(operations) != 1 or operations[0].operation is not OperationType.SUBSCRIPTION:
        return None
    match operations[0].selection_set.selections:
        case (FieldNode() as field,):
            return field
    return None
