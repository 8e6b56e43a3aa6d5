"""Plain fields of an object: how a value is read and made into what JSON has, without the general machine.

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
    GraphQLLeafType,
    GraphQLObjectType,
    GraphQLOutputType,
    Undefined,
    get_nullable_type,
    is_leaf_type,
)
from strawberry.types.field import StrawberryField

DEFINITION = "strawberry-definition"
"""Under this Strawberry keeps its own field beside graphql-core's."""
USUAL = frozenset({str, int, float, bool})
"""Kinds of values, beside enums: no errors, and nothing that is to be awaited."""


class Reader(NamedTuple):
    """A field that is an attribute, or a method that takes nothing."""

    read: Callable[[Any], Any]
    attribute: str | None
    """Its name, where it is one."""
    type: GraphQLOutputType


class Leaf(NamedTuple):
    """A plain field that has no fields below it."""

    read: Callable[[Any], Any]
    nullable: bool
    coerce: Callable[[Any], Any]

    def value(self, source: Any) -> Any:
        """As JSON has it. Raises Unusual, and what reading it raises."""
        return usual(self.read(source), self.nullable, self.coerce)


class Branch(NamedTuple):
    """A plain field that is an object."""

    read: Callable[[Any], Any]
    type: GraphQLOutputType
    kind: GraphQLObjectType


class Unusual(Exception):
    """A value for the general way."""


class Later(Unusual):
    """A value that has to be waited for."""


def usual(value: Any, nullable: bool, coerce: Callable[[Any], Any]) -> Any:
    """A leaf's value as JSON has it. Raises Unusual."""
    if value is None and nullable:
        return None
    if value.__class__ in USUAL or isinstance(value, enum.Enum):
        coerced = coerce(value)
        if coerced is not None and coerced is not Undefined:
            return coerced
    raise unusual(value)


def unusual(value: Any) -> Unusual:
    """What to raise because of it. The general way makes another one of what is awaited."""
    if iscoroutine(value):
        value.close()
    return Later() if isinstance(value, Awaitable) else Unusual()


def readers(parent_type: GraphQLObjectType) -> dict[str, Reader]:
    """The plain fields of a type, by name."""
    known: dict[str, Reader] | None = parent_type.extensions.get("readers")
    if known is None:
        found = {name: _reader(field) for name, field in parent_type.fields.items()}
        known = {name: reader for name, reader in found.items() if reader is not None}
        parent_type.extensions["readers"] = known
    return known


def leaf(reader: Reader | None) -> Leaf | None:
    if reader is None:
        return None
    kind = get_nullable_type(reader.type)
    return Leaf(reader.read, kind is reader.type, coercion(kind)) if is_leaf_type(kind) else None


def coercion(kind: GraphQLLeafType) -> Callable[[Any], Any]:
    return kind.coerce_output_value


def branch(reader: Reader | None) -> Branch | None:
    if reader is None:
        return None
    kind = get_nullable_type(reader.type)
    return Branch(reader.read, reader.type, kind) if isinstance(kind, GraphQLObjectType) else None


def _reader(field: GraphQLField) -> Reader | None:
    """None where a value needs more than its object."""
    own: StrawberryField | None = field.extensions.get(DEFINITION)
    if own is None or own.extensions or own.arguments:
        return None
    resolver = own.base_resolver
    if resolver is None:
        return Reader(attrgetter(own.python_name), own.python_name, field.type)
    plain = resolver.self_parameter and not resolver.info_parameter and not resolver.is_async
    return Reader(resolver._unbound_wrapped_func, None, field.type) if plain else None
