"""Judges single values that a skin hands in.
Fields are named in our words; a skin that has others translates."""

import math
import re
from typing import Any

from resolvers.errors import Invalid

LONGEST = 128
"""Characters in any text that a device or a person gives."""
HIGHEST = 2**63 - 1
"""The largest whole number that is kept."""
_DECIMAL = re.compile(r"\s*[+-]?([0-9]{1,30}(\.[0-9]{0,30})?|\.[0-9]{1,30})([eE][+-]?[0-9]{1,4})?\s*")
LARGEST = 1e9
"""The largest coordinate that is kept; a doubtful one is kept, only nonsense is refused."""
_WHOLE = re.compile(r"\s*[+-]?[0-9]{1,30}\s*")


def text(value: Any, field: str, longest: int = LONGEST) -> str | None:
    """A text, or None. Refuses what no database can keep: NUL and halves of characters."""
    if value is None:
        return None
    if not isinstance(value, str):
        raise Invalid(field, "must be a text")
    if len(value) > longest:
        raise Invalid(field, f"must not be longer than {longest} characters")
    if "\0" in value or not (value.isascii() or _encodes(value)):
        raise Invalid(field, "holds a character that cannot be kept")
    return value


def _encodes(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def required(value: Any, field: str) -> str:
    """A text that must be there and not be empty."""
    given = text(value, field)
    if given is None:
        raise Invalid(field, "is missing", missing=True)
    if not given.strip():
        raise Invalid(field, "must not be empty")
    return given


def whole(value: Any, field: str, low: int = 0, high: int = HIGHEST) -> int:
    """A whole number from `low` to `high`; numeric texts and 5.0 are taken too, as old devices send them."""
    if isinstance(value, str) and _WHOLE.fullmatch(value):
        value = int(value)
    elif isinstance(value, float) and value.is_integer():
        value = int(value)
    if value is None:
        raise Invalid(field, "is missing", missing=True)
    if not isinstance(value, int) or isinstance(value, bool):
        raise Invalid(field, "must be a whole number")
    if not low <= value <= high:
        raise Invalid(field, f"must be between {low} and {high}")
    return value


def decimal(value: Any, field: str) -> float | None:
    """A number up to a billion either way, or None; numeric texts are taken too, and an empty one is None."""
    if value is None or value == "":
        return None
    if isinstance(value, str) and _DECIMAL.fullmatch(value):
        value = float(value)
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise Invalid(field, "must be a number")
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not abs(number) <= LARGEST:
        raise Invalid(field, "must be a number up to a billion")
    return number


def choice(value: Any, field: str, allowed: tuple[str, ...]) -> str:
    if value not in allowed:
        raise Invalid(field, f"must be one of {', '.join(allowed)}")
    return str(value)


def cursor(value: str | None, field: str) -> int | None:
    """The position that a cursor stands for; an empty one is the beginning."""
    if value is None:
        return None
    if value == "":
        return 0
    if not (value.isascii() and value.isdigit() and len(value) < 20 and int(value) <= HIGHEST):
        raise Invalid(field, "is not a cursor of this list")
    return int(value)


def page_size(value: int | None, field: str, most: int = 1000, default: int = 50) -> int:
    return default if value is None else whole(value, field, 1, most)
