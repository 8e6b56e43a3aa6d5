"""Scalars. What comes in is passed on as it is: the operation judges it, once, and names the field."""

from typing import Any, NewType

import strawberry
from graphql import (
    FloatValueNode,
    GraphQLError,
    IntValueNode,
    StringValueNode,
    ValueNode,
    value_from_ast_untyped,
)
from strawberry.schema.config import StrawberryConfig

from timing import clocks

Instant = NewType("Instant", int)
BigInt = NewType("BigInt", int)
JsonObject = NewType("JsonObject", dict[str, Any])

LONGEST_LITERAL = 64
"""Digits of a number in a document that are looked at."""


def _text(value: Any) -> Any:
    if not isinstance(value, str):
        raise GraphQLError("an Instant is a text in RFC 3339")
    return value


def _number(value: Any) -> Any:
    whole = value.is_integer() if isinstance(value, float) else isinstance(value, int)
    if not whole or isinstance(value, bool):
        raise GraphQLError("a BigInt is a whole number")
    return int(value)


def _text_literal(node: ValueNode, _variables: dict[str, Any] | None = None) -> Any:
    return _text(node.value if isinstance(node, StringValueNode) else None)


def _number_literal(node: ValueNode, _variables: dict[str, Any] | None = None) -> Any:
    if not isinstance(node, IntValueNode | FloatValueNode) or len(node.value) > LONGEST_LITERAL:
        raise GraphQLError("a BigInt is a whole number")
    return _number(float(node.value) if isinstance(node, FloatValueNode) else int(node.value))


def _object(value: Any) -> Any:
    if not isinstance(value, dict):
        raise GraphQLError("a JSONObject is an object")
    return value


def _object_literal(node: ValueNode, variables: dict[str, Any] | None = None) -> Any:
    return _object(value_from_ast_untyped(node, variables))


INSTANT = strawberry.scalar(
    name="Instant",
    description="A moment in RFC 3339, UTC, up to microseconds: `2023-02-03T16:08:18.263Z`. "
    "Taken with any offset, and up to nine decimals of which six are kept.",
    serialize=clocks.text,
    parse_value=_text,
    parse_literal=_text_literal,
    specified_by_url="https://www.rfc-editor.org/rfc/rfc3339",
)
BIGINT = strawberry.scalar(
    name="BigInt",
    description="A whole number beyond 32 bits, as a JSON number; up to 9223372036854775807.",
    serialize=int,
    parse_value=_number,
    parse_literal=_number_literal,
)

JSON_OBJECT = strawberry.scalar(
    name="JSONObject",
    description="A JSON object of any content.",
    serialize=dict,
    parse_value=_object,
    parse_literal=_object_literal,
)

# Suggestions would tell strangers what there is.
CONFIG = StrawberryConfig(
    scalar_map={Instant: INSTANT, BigInt: BIGINT, JsonObject: JSON_OBJECT}, disable_field_suggestions=True
)
