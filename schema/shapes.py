"""Whole places of a document, compiled: a function from an object to what JSON has of it.

Where everything that is asked for in a place is plain (`schema.leaves`), down to the last leaf, the place is
written once as a Python function: to read a field and to see that its value is a usual one takes a fiftieth
of what the general machine takes. At the first unusual value the function gives up, and the general
way answers.
"""

import enum
from collections.abc import Callable
from typing import Any

from graphql import (
    GraphQLBoolean,
    GraphQLEnumType,
    GraphQLFloat,
    GraphQLID,
    GraphQLInt,
    GraphQLLeafType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLString,
    get_nullable_type,
    is_leaf_type,
)

from schema.leaves import Leaf, Unusual, coercion, readers, unusual, usual

Fields = dict[str, Any]
"""What is asked for in one place of a document, by the key in the answer."""
Subfields = Callable[[GraphQLObjectType, Any], Fields]
"""What is asked for below a field, of an object of that type."""
Shape = Callable[[Any], Any]
"""Raises for a value that is unusual: Unusual, or anything else."""
NO_INFO: Any = None

_TEXT, _FLAG = "{0}.__class__ is not str", "{0} is not True and {0} is not False"
_WHOLE = "{0}.__class__ is not int or not -2147483648 <= {0} <= 2147483647"
WHOLE = "{0}.__class__ is not int"  # for a scalar of ours that is any whole number
_NUMBER = "{0}.__class__ is not float or {0} - {0} != 0.0"  # that of what is not finite is no number
STRANGE: dict[GraphQLLeafType, str] = {
    GraphQLString: _TEXT,
    GraphQLID: _TEXT,
    GraphQLInt: _WHOLE,
    GraphQLFloat: _NUMBER,
    GraphQLBoolean: _FLAG,
}
"""When a value is not yet what JSON has of it."""


class General(Exception):
    """Something in this place is not plain."""


def shape(kind: GraphQLOutputType, details: Any, below: Subfields) -> Shape | None:
    """How a value of this type is answered; None where that needs the general machine."""
    try:
        return _shape(kind, details, below)
    except General:
        return None


def leaves(fields: list[tuple[str, Leaf | None]]) -> Shape:
    """An object's leaves, by the keys in the answer; None in the places of others."""
    place = _Place()
    for key, leaf in fields:
        place.put(key, "None" if leaf is None else f"{place.named(leaf.value)}(o)")
    return place.function()


def _shape(kind: Any, details: Any, below: Subfields) -> Shape:
    """Of what is not null."""
    kind = get_nullable_type(kind)
    if isinstance(kind, GraphQLObjectType):
        return _object(kind, below(kind, details), below)
    if isinstance(kind, GraphQLList):
        return _list(_shape(kind.of_type, details, below), not isinstance(kind.of_type, GraphQLNonNull))
    if not is_leaf_type(kind):
        raise General
    coerce = coercion(kind)
    return lambda value: usual(value, False, coerce)


def _list(item: Shape, nullable: bool) -> Shape:
    def listed(values: Any) -> list[Any]:
        if values.__class__ is not list and values.__class__ is not tuple:
            raise unusual(values)
        if nullable:
            return [None if value is None else item(value) for value in values]
        return [item(value) for value in values]

    return listed


def _object(kind: GraphQLObjectType, fields: Fields, below: Subfields) -> Shape:
    place, known = _Place(), readers(kind)
    place.known(kind)
    for key, details in fields.items():
        name = details[0].node.name.value
        if name == "__typename":
            place.put(key, repr(kind.name))
            continue
        reader = known.get(name)
        if reader is None:
            raise General
        value = place.read(reader.attribute, reader.read)
        inner = get_nullable_type(reader.type)
        nullable = inner is reader.type
        if is_leaf_type(inner):
            place.leaf(value, inner, nullable)
        else:
            place.deeper(value, _shape(inner, details, below), nullable)
        place.put(key, value)
    return place.function()


class _Place:
    """The text of a function of an object `o`, and what its names stand for."""

    def __init__(self) -> None:
        self._names: dict[str, Any] = {}
        self._lines: list[str] = []
        self._answer: list[str] = []

    def named(self, value: Any) -> str:
        name = f"n{len(self._names)}"
        self._names[name] = value
        return name

    def known(self, kind: GraphQLObjectType) -> None:
        """Gives up at what is not an object of the type. Whether it is one, its class tells."""
        classes: set[type] = set()

        def learn(value: Any) -> None:
            strange = unusual(value)
            if value is None or isinstance(value, Exception) or strange.__class__ is not Unusual:
                raise strange
            if kind.is_type_of is not None and kind.is_type_of(value, NO_INFO) is not True:
                raise strange
            classes.add(value.__class__)

        self._lines.append(f"if o.__class__ not in {self.named(classes)}: {self.named(learn)}(o)")

    def read(self, attribute: str | None, read: Shape) -> str:
        """The name that the field's value has from here on."""
        value = f"v{len(self._lines)}"
        plain = attribute is not None and attribute.isidentifier()
        self._lines.append(f"{value} = o.{attribute}" if plain else f"{value} = {self.named(read)}(o)")
        return value

    def leaf(self, value: str, kind: GraphQLLeafType, nullable: bool) -> None:
        """Makes it what JSON has."""
        coerce = coercion(kind)
        strange = (WHOLE if coerce is int else STRANGE.get(kind, "True")).format(value)
        made = f"{self.named(lambda value: usual(value, nullable, coerce))}({value})"
        if isinstance(kind, GraphQLEnumType):
            made = f"{self.named(_members(kind))}.get({value}) or {made}"
        self._lines.append(f"if {f'{value} is not None and ({strange})' if nullable else strange}:")
        self._lines.append(f"    {value} = {made}")

    def deeper(self, value: str, shape: Shape, nullable: bool) -> None:
        condition = f"if {value} is not None: " if nullable else ""
        self._lines.append(f"{condition}{value} = {self.named(shape)}({value})")

    def put(self, key: str, value: str) -> None:
        self._answer.append(f"{key!r}: {value}")

    def function(self) -> Shape:
        lines = [*self._lines, f"return {{{', '.join(self._answer)}}}"]
        text = "def answer(o):\n" + "\n".join(f"    {line}" for line in lines)
        scope = self._names
        exec(compile(text, "<a place of a document>", "exec"), scope)
        made: Shape = scope.pop("answer")
        return made


def _members(kind: GraphQLEnumType) -> dict[Any, str]:
    """The names of an enumeration's members, by member."""
    wrapped = getattr(kind, "wrapped_cls", None)
    members = wrapped if isinstance(wrapped, type) and issubclass(wrapped, enum.Enum) else ()
    return {member: kind.coerce_output_value(member) for member in members}
