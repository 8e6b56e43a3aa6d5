"""Which subscriptions one execution can serve for many, and how those who come late get to where the others
are."""

import enum
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple

import orjson
from graphql import (
    BooleanValueNode,
    DocumentNode,
    FieldNode,
    GraphQLError,
    NonNullTypeNode,
    NullValueNode,
    OperationDefinitionNode,
    OperationType,
    ValueNode,
    VariableDefinitionNode,
    VariableNode,
    Visitor,
    parse,
    visit,
)

from schema.prepared import MOST_TOKENS

LONGEST = 8_000
"""Characters of a document and of the operation's name that are looked at: read again when it is paid for."""
KEPT = 500
"""Documents of which is known what they ask for."""


class Start(enum.Enum):
    """How one who comes late begins."""

    OWN = "with what is behind its own position, read for it alone"
    SNAPSHOT = "with a snapshot, made once for all who wait for one"
    LAST = "with what was told last, which tells everything"


STARTS = {
    "passings": Start.OWN,
    "devices": Start.OWN,
    "leaderboard": Start.SNAPSHOT,
    "participant": Start.LAST,
    "race": Start.LAST,
}
OF_BEGINNING = {"passings": "after", "devices": "snapshot"}
"""Arguments that say where one begins: what comes from then on does not depend on them."""


class Joint(NamedTuple):
    """An operation that can be shared by all who ask it with these variables, in JSON. `news_only`: it wants
    nothing of what there was before."""

    start: Start
    variables: bytes
    news_only: bool


class _Asks(NamedTuple):
    """A field, the variables that what comes depends on, and where one begins."""

    field: str
    declared: frozenset[str]
    beginning: ValueNode | None
    of_beginning: VariableDefinitionNode | None


def joint(query: str, operation_name: str | None, variables: Mapping[str, Any]) -> Joint | None:
    """None for what has to be executed for everybody alone."""
    kept = len(query) + len(operation_name or "") <= LONGEST
    asks = _asks(query, operation_name) if kept else None
    if asks is None:
        return None
    given = {name: value for name, value in variables.items() if name in asks.declared}
    try:
        told = orjson.dumps(given, option=orjson.OPT_SORT_KEYS)
    except TypeError:  # a number or half a character that only the parser of JSON takes
        return None
    return Joint(STARTS[asks.field], told, _news_only(asks, variables))


def _news_only(asks: _Asks, variables: Mapping[str, Any]) -> bool:
    if asks.field not in OF_BEGINNING:
        return False
    match asks.beginning:
        case None | NullValueNode() | BooleanValueNode(value=False):
            return True
        case VariableNode(name=name) if asks.of_beginning is not None:
            left_out = asks.of_beginning.default_value is None and name.value not in variables
            return left_out or name.value in variables and variables[name.value] in (None, False)
    return False


@lru_cache(maxsize=KEPT)
def _asks(query: str, operation_name: str | None) -> _Asks | None:
    try:
        document = parse(query, no_location=True, max_tokens=MOST_TOKENS)
    except (GraphQLError, RecursionError):
        return None
    operation = _operation(document, operation_name)
    match operation and operation.selection_set.selections:
        case (FieldNode() as field,) if field.name.value in STARTS and not field.directives:
            assert operation is not None
            wanted = OF_BEGINNING.get(field.name.value)
            values = {argument.name.value: argument.value for argument in field.arguments or ()}
            beginning = values.get(wanted) if wanted else None
            variables = {each.variable.name.value: each for each in operation.variable_definitions or ()}
            alone = _alone(document, variables, beginning)
            declared = frozenset(variables) - ({alone.variable.name.value} if alone else set())
            return _Asks(field.name.value, declared, beginning, alone)
    return None


def _operation(document: DocumentNode, name: str | None) -> OperationDefinitionNode | None:
    """The subscription that is meant."""
    found = [node for node in document.definitions if isinstance(node, OperationDefinitionNode)]
    if name is not None:
        found = [node for node in found if node.name and node.name.value == name]
    return found[0] if len(found) == 1 and found[0].operation is OperationType.SUBSCRIPTION else None


def _alone(
    document: DocumentNode, variables: Mapping[str, VariableDefinitionNode], value: ValueNode | None
) -> VariableDefinitionNode | None:
    """The variable that is this value, if it is nothing else and may be left out."""
    found = variables.get(value.name.value) if isinstance(value, VariableNode) else None
    if found is None or isinstance(found.type, NonNullTypeNode):
        return None
    return found if _mentions(document, found.variable.name.value) == 2 else None  # declared, and used once


def _mentions(document: DocumentNode, variable: str) -> int:
    class Count(Visitor):
        found = 0

        def enter_variable(self, node: VariableNode, *_args: object) -> None:
            self.found += node.name.value == variable

    count = Count()
    visit(document, count)
    return count.found
