"""What a document may ask for at once. Measured with memory: fragments that spread each other cost little.
And what it costs to read and to answer it, beside the operations in it."""

from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterable, Iterator
from contextlib import aclosing
from itertools import islice
from typing import Any, NamedTuple

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentSpreadNode,
    GraphQLError,
    InlineFragmentNode,
    NoSchemaIntrospectionCustomRule,
    OperationDefinitionNode,
    SelectionSetNode,
    specified_rules,
)
from graphql.validation import ASTValidationRule
from graphql.validation.validate import ValidationAbortedError

from resolvers import costs
from resolvers.context import FREE, Context

DEEPEST = 16
"""Levels of fields. The deepest question of common tools, introspection, has 15."""
MOST_FIELDS = 1_000
"""Fields after every fragment is put in its places; aliases count."""
MOST_ROOTS = 30
"""Fields at the top, each an operation with a transaction of its own."""
MOST_SAME = 50
"""Times that one name is asked for in one place. Validation compares each of them with each other."""
MOST_STEPS = 4 * MOST_FIELDS
"""Fields and fragments that are looked at; only fragments that go round in a circle have more."""


_HOLDERS = frozenset({dict, list})
"""Kinds of values in an answer that hold others."""


class Size(NamedTuple):
    """Of a set of fields, with its fragments in place."""

    depth: int = 0
    fields: int = 0
    roots: int = 0


class Limits(ASTValidationRule):
    """Refuses what is deeper, wider or more repetitive than any honest client's, before other rules look."""

    def enter_document(self, node: DocumentNode, *_args: object) -> None:
        known: dict[str, Size] = {}
        for operation in node.definitions:
            if isinstance(operation, OperationDefinitionNode):
                self._judge(operation, known)

    def _judge(self, node: OperationDefinitionNode, known: dict[str, Size]) -> None:
        size = self._size(node.selection_set, known, ())
        if size.depth > DEEPEST:
            self._refuse(node, f"The document is deeper than {DEEPEST} levels.")
        if size.fields > MOST_FIELDS:
            self._refuse(node, f"The document asks for more than {MOST_FIELDS} fields.")
        if size.roots > MOST_ROOTS:
            self._refuse(node, f"The document asks for more than {MOST_ROOTS} things at the top.")
        places = Counter(islice(self._places(node.selection_set, (), ()), MOST_STEPS))
        if max(places.values(), default=0) > MOST_SAME:
            self._refuse(node, f"The document asks for the same more than {MOST_SAME} times.")

    def _refuse(self, node: OperationDefinitionNode, sentence: str) -> None:
        self.report_error(GraphQLError(sentence, node))
        raise ValidationAbortedError("Validation aborted.")

    def _size(
        self, selections: SelectionSetNode | None, known: dict[str, Size], within: tuple[str, ...]
    ) -> Size:
        """A fragment is measured once."""
        depth = fields = roots = 0
        for node in selections.selections if selections else ():
            if isinstance(node, FieldNode):
                below = self._size(node.selection_set, known, within)
                below = Size(below.depth + 1, below.fields + 1, 1)
            elif isinstance(node, InlineFragmentNode):
                below = self._size(node.selection_set, known, within)
            elif isinstance(node, FragmentSpreadNode):
                below = self._fragment(node.name.value, known, within)
            else:
                continue
            depth, fields, roots = max(depth, below.depth), fields + below.fields, roots + below.roots
        return Size(depth, fields, roots)

    def _fragment(self, name: str, known: dict[str, Size], within: tuple[str, ...]) -> Size:
        fragment = self.context.get_fragment(name)
        if fragment is None or name in within:  # other rules name these mistakes
            return Size()
        if name not in known:
            known[name] = self._size(fragment.selection_set, known, (*within, name))
        return known[name]

    def _places(
        self, selections: SelectionSetNode | None, path: tuple[str, ...], within: tuple[str, ...]
    ) -> Iterator[tuple[str, ...]]:
        """The place of each field and spread. Walks a fragment as often as it is spread: take a slice."""
        for node in selections.selections if selections else ():
            if isinstance(node, FieldNode):
                place = (*path, (node.alias or node.name).value)
                yield place
                yield from self._places(node.selection_set, place, within)
            elif isinstance(node, InlineFragmentNode):
                yield from self._places(node.selection_set, path, within)
            elif isinstance(node, FragmentSpreadNode):
                name = node.name.value
                fragment = self.context.get_fragment(name)
                yield (*path, "...", name)
                if fragment is not None and name not in within:
                    yield from self._places(fragment.selection_set, path, (*within, name))


def rules(*, introspection: bool) -> tuple[type[ASTValidationRule], ...]:
    """What documents have to keep: the limits, and the rules of GraphQL."""
    return (
        (*specified_rules, Limits)
        if introspection
        else (*specified_rules, Limits, NoSchemaIntrospectionCustomRule)
    )


def pay_to_read(ctx: Context, document: str | None) -> None:
    """Before it is parsed. Raises TooMany."""
    ctx.meter.spend(1 + len(document or "") / costs.DOCUMENT)


def charge_for_answer(ctx: Context, data: Any) -> int:
    """For each field; how many that are nobody knows before."""
    if ctx.meter is FREE:
        return 0
    count = _fields(data)
    charge_for_fields(ctx, count)
    return count


def charge_for_fields(ctx: Context, count: int) -> None:
    """Of an answer, which may have been made for another."""
    ctx.meter.charge(count / costs.FIELDS)


def _fields(data: Any) -> int:
    count, left = 0, [data]
    while left:
        part = left.pop()
        if type(part) is dict:
            count += len(part)
            part = part.values()
        if part is not None and not _HOLDERS.isdisjoint(map(type, part)):
            left += [each for each in part if type(each) in _HOLDERS]
    return count


async def charged(ctx: Context, results: AsyncIterable[Any]) -> AsyncGenerator[Any, None]:
    """The results of an operation, each paid for unless it is from a feed, which paid when it began."""
    async with aclosing(results):  # type: ignore[type-var]
        async for result in results:
            charge_for_answer(ctx, getattr(result, "data", None))
            yield result
