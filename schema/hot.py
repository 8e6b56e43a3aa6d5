"""`recordPassings` as devices send it, past the general machine.

graphql-core and Strawberry turn a hundred passings into objects at ten times the cost of storing them. A
document that asks for nothing but `recordPassings` with two variables is therefore compiled once and answered
as the general machine would, with the same data and the same errors. Whatever is unusual in the document or
the variables goes the general way; a test compares both ways over generated requests.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import msgspec
from graphql import (
    DocumentNode,
    FieldNode,
    GraphQLError,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    VariableNode,
    print_ast,
)

from resolvers import passings
from resolvers.errors import told
from resolvers.passings import NewPassing, Recorded
from schema.context import GraphQLContext

TYPES = {"sessionToken": "String!", "passings": "[PassingInput!]!"}


class HotPassing(NewPassing, rename="camel", forbid_unknown_fields=True):
    """`PassingInput`, with exactly the kinds of values that GraphQL's own coercion leaves as they are."""

    number: int
    timestamp: str
    bib: str | None = None
    chip: str | None = None
    latitude: float | None = None
    longitude: float | None = None
    participant: str | None = msgspec.field(default=None, name="participantRef")
    status: str | None = None
    time_zone: str | None = None
    gender: str | None = None


Shape = Callable[[Recorded], Any]


class Plan(NamedTuple):
    """A compiled document: where its variables are, and how its answer is built."""

    node: FieldNode
    key: str
    variables: dict[str, str]
    operation_name: str | None
    shapes: dict[str, Shape]

    def input(self, values: dict[str, Any] | None) -> tuple[str, list[HotPassing]] | None:
        """The arguments, or None where the general way must find the right words."""
        if values is None:
            return None
        token = values.get(self.variables["sessionToken"])
        if not isinstance(token, str) or not isinstance(values.get(self.variables["passings"]), list):
            return None
        try:
            given = msgspec.convert(values[self.variables["passings"]], list[HotPassing])
        except (msgspec.ValidationError, RecursionError):
            return None
        return token, given

    async def run(
        self, ctx: GraphQLContext, token: str, given: list[HotPassing]
    ) -> tuple[dict[str, Any] | None, list[GraphQLError] | None]:
        """Data and errors, as the general machine gives them."""
        try:
            recorded = await passings.record(ctx, token, given)
        except Exception as error:
            no = told(error)
            if no is None:
                raise
            return None, [GraphQLError(str(no), [self.node], path=[self.key], original_error=no)]
        return {self.key: {key: shape(recorded) for key, shape in self.shapes.items()}}, None


def compiled(document: DocumentNode) -> Plan | None:
    """The plan of a valid document, or None when it is one for the general way."""
    if len(document.definitions) != 1:
        return None
    operation = document.definitions[0]
    if (
        not isinstance(operation, OperationDefinitionNode)
        or operation.operation is not OperationType.MUTATION
    ):
        return None
    node = _only_field(operation.selection_set)
    if operation.directives or node is None or node.directives or node.name.value != "recordPassings":
        return None
    variables = _variables(operation, node)
    shapes = _shapes(node.selection_set, COUNTS)
    if variables is None or shapes is None:
        return None
    name = operation.name.value if operation.name else None
    return Plan(node, _key(node), variables, name, shapes)


def _variables(operation: OperationDefinitionNode, node: FieldNode) -> dict[str, str] | None:
    """Argument to variable, when both are plain variables of exactly the arguments' types."""
    kinds = {
        each.variable.name.value: print_ast(each.type)
        for each in operation.variable_definitions or ()
        if each.default_value is None and not each.directives
    }
    found = {
        each.name.value: each.value.name.value
        for each in node.arguments or ()
        if isinstance(each.value, VariableNode)
    }
    fits = {name: kinds.get(variable) for name, variable in found.items()} == TYPES
    return found if fits and len(kinds) == len(operation.variable_definitions or ()) == 2 else None


def _only_field(selections: SelectionSetNode) -> FieldNode | None:
    (first, *more) = selections.selections
    return first if isinstance(first, FieldNode) and not more else None


def _key(node: FieldNode) -> str:
    return node.alias.value if node.alias else node.name.value


def _shapes(selections: SelectionSetNode | None, known: dict[str, Any]) -> dict[str, Any] | None:
    """Key to what builds it; None for whatever is not a plain field of those known, each key once."""
    shapes: dict[str, Any] = {}
    for node in selections.selections if selections else ():
        if not isinstance(node, FieldNode) or node.directives or _key(node) in shapes:
            return None
        shape = known.get(node.name.value)
        if isinstance(shape, dict):
            below = _shapes(node.selection_set, shape)
            shape = below and _results(below)
        if shape is None:
            return None
        shapes[_key(node)] = shape
    return shapes


def _outcome(recorded: Recorded, index: int) -> str:
    if index in recorded.written.duplicates:
        return "DUPLICATE"
    return "CONFLICT" if index in recorded.written.conflicts else "INSERTED"


def _results(shapes: dict[str, Callable[[Recorded, int], Any]]) -> Shape:
    def build(recorded: Recorded) -> list[dict[str, Any]]:
        return [
            {key: shape(recorded, index) for key, shape in shapes.items()}
            for index in range(len(recorded.passings))
        ]

    return build


COUNTS: dict[str, Any] = {
    "__typename": lambda _recorded: "RecordPassingsPayload",
    "insertedCount": lambda recorded: recorded.written.inserted,
    "duplicateCount": lambda recorded: len(recorded.passings) - recorded.written.inserted,
    "results": {
        "__typename": lambda _recorded, _index: "PassingResult",
        "number": lambda recorded, index: recorded.passings[index].number,
        "outcome": _outcome,
    },
}
