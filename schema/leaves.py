"""Plain fields of an object, answered without the general machine: a value, made into what JSON has.

graphql-core and Strawberry spend several times as long on a field's path, info and resolver as on its value.
Whatever is unusual about a value goes the general way after all, which finds the same answer or the right
error; a test compares both ways.
"""

import enum
from collections.abc import Awaitable, Callable
from inspect import iscoroutine
from operator import attrgetter
from typing import Any, NamedTuple

from graphql import (
    GraphQLField,
    GraphQLObjectType,
    GraphQLOutputType,
    Undefined,
    get_nullable_type,
    is_leaf_type,
)
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext
from strawberry.types.field import StrawberryField

DEFINITION = "strawberry-definition"
"""Under this Strawberry keeps its own field beside graphql-core's."""
USUAL = frozenset({str, int, float, bool})
"""Kinds of values, beside enums: no errors, and nothing that is to be awaited."""
NO_INFO: Any = None
Fields = dict[str, Any]
"""What is asked for in one place of a document, by the key in the answer."""


class Leaf(NamedTuple):
    """A field that has no fields below it, and is an attribute or a method that takes nothing."""

    read: Callable[[Any], Any]
    nullable: bool
    coerce: Callable[[Any], Any]


class Branch(NamedTuple):
    """A field that is an object, and an attribute or a method that takes nothing."""

    read: Callable[[Any], Any]
    type: GraphQLOutputType
    kind: GraphQLObjectType


class Plan(NamedTuple):
    """How the fields of one place are answered: in their order, None for what goes the general way."""

    fields: list[tuple[str, Leaf | None]]
    general: Fields
    asked: Fields
    """Kept, so that it is known by its identity."""


class Unusual(Exception):
    """A value for the general way."""


class Executor(StrawberryGraphQLCoreExecutionContext):
    """Executes one operation. The fields of one place are planned once for all objects there."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._plans: dict[int, Plan] = {}

    def execute_fields(
        self,
        parent_type: GraphQLObjectType,
        source_value: Any,
        path: Any,
        grouped_field_set: Fields,
        position_context: Any,
    ) -> Any:
        plan = self._plans.get(id(grouped_field_set))
        if plan is None:
            plan = self._plans[id(grouped_field_set)] = _plan(parent_type, grouped_field_set)
        try:
            answer = _answer(plan, source_value)
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
        branch = _branches(parent_type).get(details[0].node.name.value)
        value = None if branch is None else _object(branch, source)
        if branch is None or value is None:
            return super().execute_field(parent_type, source, details, path, position_context)
        try:
            done = self.complete_object_value(branch.kind, details, NO_INFO, path, value, position_context)
        except Exception as error:
            return self.handle_field_error(error, branch.type, details, path)
        return done if isinstance(done, dict) else self._awaited(done, branch.type, details, path)

    async def _awaited(self, done: Awaitable[Any], kind: Any, details: Any, path: Any) -> Any:
        try:
            return await done
        except Exception as error:
            return self.handle_field_error(error, kind, details, path)


def _object(branch: "Branch", source: Any) -> Any:
    """None where it is unusual, or not known without waiting."""
    try:
        value = branch.read(source)
    except Exception:
        return None
    if iscoroutine(value):
        value.close()
    return None if isinstance(value, Awaitable | Exception) else value


async def _with(answer: dict[str, Any], others: Awaitable[dict[str, Any]]) -> dict[str, Any]:
    answer.update(await others)
    return answer


def _answer(plan: Plan, source: Any) -> dict[str, Any]:
    """The values of plain fields, and the keys of the others in their places. Raises where one is unusual."""
    return {key: None if leaf is None else _value(leaf, source) for key, leaf in plan.fields}


def _value(leaf: Leaf, source: Any) -> Any:
    value = leaf.read(source)
    if value is None and leaf.nullable:
        return None
    if value.__class__ in USUAL or isinstance(value, enum.Enum):
        coerced = leaf.coerce(value)
        if coerced is not None and coerced is not Undefined:
            return coerced
    if iscoroutine(value):  # the general way makes another
        value.close()
    raise Unusual


def _plan(parent_type: GraphQLObjectType, asked: Fields) -> Plan:
    leaves = parent_type.extensions.get("leaves")
    if leaves is None:
        leaves = parent_type.extensions["leaves"] = _leaves(parent_type)
    fields = [(key, leaves.get(details[0].node.name.value)) for key, details in asked.items()]
    return Plan(fields, {key: asked[key] for key, leaf in fields if leaf is None}, asked)


def _leaves(parent_type: GraphQLObjectType) -> dict[str, Leaf]:
    found = {name: _leaf(field) for name, field in parent_type.fields.items()}
    return {name: leaf for name, leaf in found.items() if leaf is not None}


def _branches(parent_type: GraphQLObjectType) -> dict[str, Branch]:
    known: dict[str, Branch] | None = parent_type.extensions.get("branches")
    if known is None:
        found = {name: _branch(field) for name, field in parent_type.fields.items()}
        known = {name: branch for name, branch in found.items() if branch is not None}
        parent_type.extensions["branches"] = known
    return known


def _branch(field: GraphQLField) -> Branch | None:
    kind, read = get_nullable_type(field.type), _reader(field.extensions.get(DEFINITION))
    return Branch(read, field.type, kind) if read and isinstance(kind, GraphQLObjectType) else None


def _leaf(field: GraphQLField) -> Leaf | None:
    kind = get_nullable_type(field.type)
    read = _reader(field.extensions.get(DEFINITION))
    return Leaf(read, kind is field.type, kind.coerce_output_value) if read and is_leaf_type(kind) else None


def _reader(field: StrawberryField | None) -> Callable[[Any], Any] | None:
    """How the field's value is read from its object; None where that needs more than the object."""
    if field is None or field.extensions or field.arguments:
        return None
    resolver = field.base_resolver
    if resolver is None:
        return attrgetter(field.python_name)
    plain = resolver.self_parameter and not resolver.info_parameter and not resolver.is_async
    return resolver._unbound_wrapped_func if plain else None
