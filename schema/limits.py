"""What a document may ask for at once. Walked once, with memory: fragments that spread each other cost nothing."""

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    InlineFragmentNode,
    NoSchemaIntrospectionCustomRule,
    OperationDefinitionNode,
    SelectionSetNode,
)
from graphql.validation import ASTValidationRule
from strawberry.extensions import AddValidationRules

DEEPEST = 16
"""Levels of fields. The deepest question of common tools, introspection, has 15."""
MOST_FIELDS = 1_000
"""Fields after every fragment is put in its places; aliases count."""
MOST_ROOTS = 30
"""Fields at the top, each an operation with a transaction of its own."""


class Limits(ASTValidationRule):
    """Refuses documents that are deeper, wider or more repetitive than any honest client's."""

    def enter_operation_definition(self, node: OperationDefinitionNode, *_args: object) -> None:
        try:
            depth, fields = self._size(node.selection_set, {}, ())
        except RecursionError:
            depth, fields = DEEPEST + 1, 0
        if depth > DEEPEST:
            self._refuse(node, f"The document is deeper than {DEEPEST} levels.")
        elif fields > MOST_FIELDS:
            self._refuse(node, f"The document asks for more than {MOST_FIELDS} fields.")
        elif len(node.selection_set.selections) > MOST_ROOTS:
            self._refuse(node, f"The document asks for more than {MOST_ROOTS} things at the top.")

    def _refuse(self, node: OperationDefinitionNode, sentence: str) -> None:
        self.report_error(GraphQLError(sentence, node))

    def _size(
        self, selections: SelectionSetNode | None, known: dict[str, tuple[int, int]], within: tuple[str, ...]
    ) -> tuple[int, int]:
        """Depth and number of fields below; a fragment is measured once."""
        depth = fields = 0
        for node in selections.selections if selections else ():
            if isinstance(node, FieldNode):
                below = self._size(node.selection_set, known, within)
                below = below[0] + 1, below[1] + 1
            elif isinstance(node, InlineFragmentNode):
                below = self._size(node.selection_set, known, within)
            elif isinstance(node, FragmentSpreadNode):
                below = self._fragment(node.name.value, known, within)
            else:
                continue
            depth, fields = max(depth, below[0]), fields + below[1]
        return depth, fields

    def _fragment(
        self, name: str, known: dict[str, tuple[int, int]], within: tuple[str, ...]
    ) -> tuple[int, int]:
        fragment: FragmentDefinitionNode | None = self.context.get_fragment(name)
        if fragment is None or name in within:  # other rules name these mistakes
            return 0, 0
        if name not in known:
            known[name] = self._size(fragment.selection_set, known, (*within, name))
        return known[name]


def limiter(*, introspection: bool) -> AddValidationRules:
    rules: list[type[ASTValidationRule]] = [Limits]
    if not introspection:
        rules.append(NoSchemaIntrospectionCustomRule)
    return AddValidationRules(rules)
