"""Instants: whole microseconds since 1970-01-01T00:00:00Z, and the texts they are read from and shown as."""

import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EPOCH = EPOCH.replace(tzinfo=None)
SECOND = 1_000_000
"""Microseconds in a second."""
FIRST, LAST = -62_135_596_800 * SECOND, 253_402_300_800 * SECOND - 1
"""The instants that have a text: years 1 to 9999 in UTC."""

_TEXT = re.compile(
    r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:[.,](\d{0,9}))?)?(Z|[+-]\d\d(?::?[0-5]\d)?)?", re.ASCII
)
_OFFSET = re.compile(r"(?:UTC|GMT)?([+-])(\d{1,2})(?::?([0-5]\d))?", re.ASCII | re.IGNORECASE)

# Daylight-saving abbreviations that devices send and the IANA database does not name, in minutes east of UTC.
# Only those with one meaning in timing practice.
_ABBREVIATIONS = {
    "BST": 60, "WEST": 60, "CEST": 120, "EEST": 180, "MSK": 180,
    "EDT": -240, "CDT": -300, "CST": -360, "MDT": -360, "PDT": -420, "PST": -480,
    "AEST": 600, "AEDT": 660, "NZST": 720, "NZDT": 780, "JST": 540, "Z": 0,
}  # fmt: skip


class UnknownZone(ValueError):
    """No time zone has this name."""


class NoZone(ValueError):
    """The text names no zone, and none was given beside it."""


@lru_cache(maxsize=1024)
def zone(name: str) -> tzinfo:
    """The zone of an IANA name (`Europe/Madrid`),
    an abbreviation (`CET`) or an offset (`+02:00`, `UTC+2`)."""
    if (minutes := _ABBREVIATIONS.get(name.upper())) is not None:
        return timezone(timedelta(minutes=minutes))
    if offset := _OFFSET.fullmatch(name):
        minutes = int(offset[2]) * 60 + int(offset[3] or 0)
        if minutes < 24 * 60:
            return timezone(timedelta(minutes=-minutes if offset[1] == "-" else minutes))
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise UnknownZone(name) from None


def instant(text: str, zone_name: str | None = None) -> int:
    """The instant that a device's text names; `zone_name` tells where, when the text does not.

    ISO 8601 with `T` or a blank, 0 to 9 decimals, `Z`, an offset or neither. Digits below the
    microsecond are cut off. An hour that a clock change repeats is its first occurrence.
    Raises ValueError, and its kinds UnknownZone and NoZone.
    """
    if len(text) == 24 and text[23] == "Z" and text[4:20:3] == "--T::.":
        moment = datetime.fromisoformat(text)  # what most devices send
    else:
        moment = _moment(text.upper(), zone_name)
    since = moment - EPOCH
    at = (since.days * 86_400 + since.seconds) * SECOND + since.microseconds
    if not FIRST <= at <= LAST:
        raise ValueError(text)
    return at


def _moment(text: str, zone_name: str | None) -> datetime:
    match = _TEXT.fullmatch(text)
    if match is None:
        raise ValueError(text)
    if match[1] == "":
        text = text.replace(".", "").replace(",", "")
    moment = datetime.fromisoformat(text)
    if match[2] is not None:
        return moment
    if not zone_name:
        raise NoZone(text)
    return moment.replace(tzinfo=zone(zone_name))


def text(at: int) -> str:
    """RFC 3339 in UTC: milliseconds, or microseconds when the instant has them."""
    precision = "milliseconds" if at % 1000 == 0 else "microseconds"
    return (_EPOCH + timedelta(microseconds=at)).isoformat(timespec=precision) + "Z"


def milliseconds(at: int) -> str:
    """RFC 3339 in UTC with exactly three decimals, cut off: `2023-02-03T16:08:18.263Z`."""
    return (_EPOCH + timedelta(microseconds=at)).isoformat(timespec="milliseconds") + "Z"
