"""Judges single values that a skin hands in.
Fields are named in our words; a skin that has others translates."""

import contextlib
import math
import re
from collections.abc import Iterator
from datetime import date
from typing import Any

from resolvers.errors import Invalid
from timing import clocks

LONGEST = 128
"""Characters in any text that a device or a person gives."""
HIGHEST = 2**63 - 1
"""The largest whole number that is kept."""
_DECIMAL = re.compile(r"\s*[+-]?([0-9]{1,30}(\.[0-9]{0,30})?|\.[0-9]{1,30})([eE][+-]?[0-9]{1,4})?\s*")
LARGEST = 1e9
"""The largest coordinate that is kept; a doubtful one is kept, only nonsense is refused."""
_WHOLE = re.compile(r"\s*[+-]?[0-9]{1,30}\s*")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_GENDERS = {"MALE": "M", "MAN": "M", "MEN": "M", "FEMALE": "F", "WOMAN": "F", "WOMEN": "F", "W": "F"}
LONGEST_GENDER = 16
LONGEST_TIME = 100 * 86_400
"""Seconds of any duration in a race: the longest ones last for weeks."""


@contextlib.contextmanager
def within(place: str) -> Iterator[None]:
    """What is wrong inside is named by its place: `checkpoints[2].distance`."""
    try:
        yield
    except Invalid as error:
        raise Invalid(f"{place}.{error.field}", error.reason, missing=error.missing) from None


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


def flag(value: Any, field: str) -> bool:
    if not isinstance(value, bool):
        raise Invalid(field, "must be true or false")
    return value


def day(value: Any, field: str) -> str | None:
    """A date as `2026-06-01`, or None."""
    given = text(value, field)
    if given is None:
        return None
    try:
        return date.fromisoformat(given if _DAY.fullmatch(given) else "").isoformat()
    except ValueError:
        raise Invalid(field, "must be a date like 2026-06-01") from None


def instant(value: Any, field: str, zone: str = "UTC") -> int | None:
    """A moment from its text, or None; `zone` is for a text that names none."""
    given = text(value, field)
    if given is None:
        return None
    try:
        return clocks.instant(given, zone)
    except ValueError:
        raise Invalid(field, "is not a time") from None


def seconds(value: Any, field: str, low: float = 0, high: float = LONGEST_TIME) -> int | None:
    """Microseconds of a duration that is given in seconds, or None."""
    given = decimal(value, field)
    if given is None:
        return None
    if not low <= given <= high:
        raise Invalid(field, f"must be between {low:g} and {high:g}")
    return round(given * clocks.SECOND)


def gender(value: Any, field: str) -> str | None:
    """A gender as it is kept: upper case, `M` and `F` for their words; an empty text is None."""
    given = (text(value, field, LONGEST_GENDER) or "").strip().upper()
    return _GENDERS.get(given, given) or None


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
    """0 asks for an empty page: what is wanted then is whether there is anything, and how many."""
    return default if value is None else whole(value, field, 0, most)
