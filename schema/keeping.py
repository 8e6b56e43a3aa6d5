"""Documents that ask for nothing but what stands on leaderboards: their answers are true as long as these
stay as they are.

Everything below such a field has to be plain (`schema.leaves`): nothing that is read from elsewhere, or that
depends on the clock. A test names the plain fields there are.
"""

from collections.abc import Iterator

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLObjectType,
    GraphQLSchema,
    InlineFragmentNode,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    get_named_type,
)

from schema.leaves import readers

BOARD = "leaderboard"
TYPENAME = "__typename"
Fragments = dict[str, FragmentDefinitionNode]


def roots(document: DocumentNode, node: OperationDefinitionNode) -> frozenset[str]:
    """The names of the fields at the top of an operation of a valid document."""
    return frozenset(each.name.value for each in _fields(node.selection_set, _fragments(document)))


def fields(document: DocumentNode, node: OperationDefinitionNode) -> int:
    """How many there are in an operation of a valid document, with every fragment in its places."""
    fragments = _fragments(document)

    def within(selections: SelectionSetNode | None) -> int:
        return sum(1 + within(each.selection_set) for each in _fields(selections, fragments))

    return within(node.selection_set)


def asks_boards(schema: GraphQLSchema, document: DocumentNode, node: OperationDefinitionNode) -> bool:
    """Whether an operation of a valid document asks for nothing but what stands on leaderboards."""
    if node.operation is not OperationType.QUERY or schema.query_type is None:
        return False
    fragments = _fragments(document)
    tops = [each for each in _fields(node.selection_set, fragments) if each.name.value != TYPENAME]
    board = schema.query_type.fields.get(BOARD)
    if board is None or not tops or any(each.name.value != BOARD for each in tops):
        return False
    kind = get_named_type(board.type)
    return isinstance(kind, GraphQLObjectType) and all(_is_plain(kind, each, fragments) for each in tops)


def _is_plain(kind: GraphQLObjectType, node: FieldNode, fragments: Fragments) -> bool:
    """Whether everything below the field, of objects of that type, is plain."""
    known = readers(kind)
    for field in _fields(node.selection_set, fragments):
        name = field.name.value
        if name == TYPENAME:
            continue
        reader = known.get(name)
        if reader is None:
            return False
        below = get_named_type(reader.type)
        if field.selection_set is None:
            continue
        if not isinstance(below, GraphQLObjectType) or not _is_plain(below, field, fragments):
            return False
    return True


def _fields(selections: SelectionSetNode | None, fragments: Fragments) -> Iterator[FieldNode]:
    """All that may be asked for in one place, whatever the conditions."""
    for node in selections.selections if selections else ():
        if isinstance(node, FieldNode):
            yield node
        elif isinstance(node, FragmentSpreadNode):
            yield from _fields(fragments[node.name.value].selection_set, fragments)
        elif isinstance(node, InlineFragmentNode):
            yield from _fields(node.selection_set, fragments)


def _fragments(document: DocumentNode) -> Fragments:
    definitions = document.definitions
    return {node.name.value: node for node in definitions if isinstance(node, FragmentDefinitionNode)}
