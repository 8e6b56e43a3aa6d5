"""Scalars. What comes in is passed on as it is: the operation judges it, once, and names the field."""

from typing import Any, NewType

import strawberry
from graphql import FloatValueNode, IntValueNode, StringValueNode, ValueNode
from strawberry.schema.config import StrawberryConfig

from timing import clocks

Instant = NewType("Instant", int)
BigInt = NewType("BigInt", int)


def _text(value: Any) -> Any:
    if not isinstance(value, str):
        raise ValueError("an Instant is a text in RFC 3339")
    return value


def _number(value: Any) -> Any:
    if not isinstance(value, int | float) or isinstance(value, bool) or value != int(value):
        raise ValueError("a BigInt is a whole number")
    return int(value)


def _literal(node: ValueNode, _variables: dict[str, Any] | None = None) -> Any:
    match node:
        case StringValueNode():
            return _text(node.value)
        case IntValueNode() | FloatValueNode() if len(node.value) < 64:
            return _number(float(node.value) if isinstance(node, FloatValueNode) else int(node.value))
    raise ValueError("a scalar of another kind is expected")


INSTANT = strawberry.scalar(
    name="Instant",
    description="A moment in RFC 3339, UTC, up to microseconds: `2023-02-03T16:08:18.263Z`. "
    "Taken with any offset, and up to nine decimals of which six are kept.",
    serialize=clocks.text,
    parse_value=_text,
    parse_literal=_literal,
    specified_by_url="https://www.rfc-editor.org/rfc/rfc3339",
)
BIGINT = strawberry.scalar(
    name="BigInt",
    description="A whole number beyond 32 bits, as a JSON number; up to 9223372036854775807.",
    serialize=int,
    parse_value=_number,
    parse_literal=_literal,
)

CONFIG = StrawberryConfig(scalar_map={Instant: INSTANT, BigInt: BIGINT})
