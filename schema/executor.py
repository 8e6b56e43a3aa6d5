"""Executes operations: plain places by compiled functions, everything else as graphql-core does.

What does not depend on a request is kept for the next one that asks the same: see Places.
"""

from collections.abc import Awaitable
from inspect import iscoroutine
from typing import Any, NamedTuple

from graphql import GraphQLNonNull, GraphQLObjectType, is_leaf_type
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext

from schema import shapes
from schema.leaves import Branch, Later, branch, leaf, readers
from schema.shapes import NO_INFO, Fields, Shape


class Plan(NamedTuple):
    """How the fields of one place are answered whose objects are not wholly plain: the leaves by a function,
    with None for what goes the general way."""

    leaves: Shape
    general: Fields
    asked: Fields
    """Kept, so that it is known by its identity."""


class Places:
    """What is known of the places of one operation, for all its executions under the same conditions."""

    def __init__(self, *, compiled: bool = True) -> None:
        self.compiled = compiled
        """Whether functions are made: that takes longer than to do without them once."""
        self.root: Fields | None = None
        self.collected: dict[Any, Any] = {}
        self.plans: dict[int, Plan] = {}
        self.shapes: dict[tuple[int, int], tuple[Shape | None, Any]] = {}


class Executor(StrawberryGraphQLCoreExecutionContext):
    """Executes one operation."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.know(Places())

    def know(self, places: Places) -> None:
        """What other executions of the same have found already."""
        self._places = places
        self._relevant_sub_fields = places.collected

    def execute_collected_root_fields(
        self, root_type: GraphQLObjectType, root_value: Any, grouped_field_set: Fields, *more: Any
    ) -> Any:
        if self._places.root is None:
            self._places.root = grouped_field_set
        return super().execute_collected_root_fields(root_type, root_value, self._places.root, *more)

    def complete_value(
        self, return_type: Any, details: Any, info: Any, path: Any, result: Any, position_context: Any
    ) -> Any:
        places = self._places
        if places.compiled and result is not None and not isinstance(return_type, GraphQLNonNull):
            shape = self._shape(return_type, details)
            if shape is not None:
                try:
                    return shape(result)
                except Later:  # as it will be every time
                    places.shapes[id(return_type), id(details)] = None, (return_type, details)
                except Exception:
                    pass
        return super().complete_value(return_type, details, info, path, result, position_context)

    def execute_fields(
        self,
        parent_type: GraphQLObjectType,
        source_value: Any,
        path: Any,
        grouped_field_set: Fields,
        position_context: Any,
    ) -> Any:
        if not self._places.compiled:
            return super().execute_fields(
                parent_type, source_value, path, grouped_field_set, position_context
            )
        plan = self._places.plans.get(id(grouped_field_set))
        if plan is None:
            plan = self._places.plans[id(grouped_field_set)] = _plan(parent_type, grouped_field_set)
        try:
            answer = plan.leaves(source_value)
        except Exception:
            return super().execute_fields(
                parent_type, source_value, path, grouped_field_set, position_context
            )
        if not plan.general:
            return answer
        others = super().execute_fields(parent_type, source_value, path, plan.general, position_context)
        if isinstance(others, dict):
            answer.update(others)
            return answer
        return _with(answer, others)

    def execute_field(
        self, parent_type: GraphQLObjectType, source: Any, details: Any, path: Any, position_context: Any
    ) -> Any:
        """An object that is there needs no info of where it stands, but for its errors."""
        known = branch(readers(parent_type).get(details[0].node.name.value))
        value = None if known is None else _object(known, source)
        if known is None or value is None:
            return super().execute_field(parent_type, source, details, path, position_context)
        try:
            done = self.complete_object_value(known.kind, details, NO_INFO, path, value, position_context)
        except Exception as error:
            return self.handle_field_error(error, known.type, details, path)
        return done if isinstance(done, dict) else self._awaited(done, known.type, details, path)

    async def _awaited(self, done: Awaitable[Any], kind: Any, details: Any, path: Any) -> Any:
        try:
            return await done
        except Exception as error:
            return self.handle_field_error(error, kind, details, path)

    def _shape(self, kind: Any, details: Any) -> Shape | None:
        """The two are kept with it, so that they are known by their identity."""
        known = self._places.shapes.get((id(kind), id(details)))
        if known is None:
            made = None if is_leaf_type(kind) else shapes.shape(kind, details, self._below)
            known = self._places.shapes[id(kind), id(details)] = made, (kind, details)
        return known[0]

    def _below(self, kind: GraphQLObjectType, details: Any) -> Fields:
        return self.collect_subfields(kind, details).grouped_field_set


def _object(known: Branch, source: Any) -> Any:
    """None where it is unusual, or not known without waiting."""
    try:
        value = known.read(source)
    except Exception:
        return None
    if iscoroutine(value):
        value.close()
    return None if isinstance(value, Awaitable | Exception) else value


async def _with(answer: dict[str, Any], others: Awaitable[dict[str, Any]]) -> dict[str, Any]:
    answer.update(await others)
    return answer


def _plan(parent_type: GraphQLObjectType, asked: Fields) -> Plan:
    known = readers(parent_type)
    found = [(key, leaf(known.get(details[0].node.name.value))) for key, details in asked.items()]
    general = {key: asked[key] for key, each in found if each is None}
    return Plan(shapes.leaves(found), general, asked)
