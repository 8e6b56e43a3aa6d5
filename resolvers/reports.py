"""Judges what a device says of itself."""

from collections.abc import Sequence
from typing import Any

import msgspec

from models.telemetry import Content
from resolvers import inputs
from resolvers.errors import Invalid
from timing import clocks

MODES = ("IDLE", "START", "TEST")
CONNECTIVITIES = ("ETHERNET", "WIFI", "CELLULAR", "OFFLINE")
CLOCK_SOURCES = ("NTP", "GPS", "MANUAL")
LONGEST_STATUS = 64
MOST_CONFIGURATION = 16 * 1024
"""Bytes of a configuration as compact JSON."""
MOST_EXTRA = 4 * 1024
FUTURE = 300 * clocks.SECOND
"""A report may come from so far in the future: clocks of devices are not right to the minute."""
MOST_ANTENNAS = 2**31 - 1


class NewReport(msgspec.Struct):
    """A report as a skin hands it in, nothing judged yet. Whatever is None was not told."""

    reported_at: Any = None
    device_status: Any = None
    mode: Any = None
    battery_percentage: Any = None
    charging: Any = None
    voltage: Any = None
    temperature: Any = None
    latitude: Any = None
    longitude: Any = None
    altitude: Any = None
    connectivity: Any = None
    signal_strength: Any = None
    reader_connected: Any = None
    antennas: Any = None
    firmware: Any = None
    passings_pending: Any = None
    clock_source: Any = None
    configuration: Any = None
    extra: Any = None


def judge(reports: Sequence[NewReport], now: int, zone: str | None = None) -> list[Content]:
    """What is stored of each.
    Raises Invalid naming the first bad field, and NoZone where `zone` is needed."""
    judged = []
    for place, new in enumerate(reports):
        with inputs.within(f"reports[{place}]"):
            judged.append(_judged(new, now, zone))
    return judged


def _judged(new: NewReport, now: int, zone: str | None) -> Content:
    return Content(
        reported_at=_instant(new.reported_at, now, zone),
        status=inputs.text(new.device_status, "device_status", LONGEST_STATUS),
        mode=_one_of(new, "mode", MODES),
        battery_percentage=_number(new, "battery_percentage", 0, 100),
        charging=_flag(new, "charging"),
        voltage=_number(new, "voltage"),
        temperature=_number(new, "temperature", -60, 150),
        latitude=_number(new, "latitude", -90, 90),
        longitude=_number(new, "longitude", -180, 180),
        altitude=_number(new, "altitude"),
        connectivity=_one_of(new, "connectivity", CONNECTIVITIES),
        signal_strength=_number(new, "signal_strength"),
        reader_connected=_flag(new, "reader_connected"),
        antennas=_whole(new, "antennas", MOST_ANTENNAS),
        firmware=inputs.text(new.firmware, "firmware"),
        passings_pending=_whole(new, "passings_pending", inputs.HIGHEST),
        clock_source=_one_of(new, "clock_source", CLOCK_SOURCES),
        configuration=_object(new.configuration, "configuration", MOST_CONFIGURATION),
        extra=_object(new.extra, "extra", MOST_EXTRA),
    )


def _instant(value: Any, now: int, zone: str | None) -> int:
    given = inputs.text(value, "reported_at")
    if given is None:
        return now
    try:
        at = clocks.instant(given, zone)
    except clocks.NoZone:
        raise
    except ValueError:
        raise Invalid("reported_at", "is not an ISO 8601 instant") from None
    if at > now + FUTURE:
        raise Invalid("reported_at", "is more than 5 minutes in the future")
    return at


def _one_of(new: NewReport, field: str, allowed: tuple[str, ...]) -> str | None:
    value = getattr(new, field)
    return None if value is None else inputs.choice(value, field, allowed)


def _flag(new: NewReport, field: str) -> bool | None:
    value = getattr(new, field)
    return None if value is None else inputs.flag(value, field)


def _whole(new: NewReport, field: str, high: int) -> int | None:
    value = getattr(new, field)
    return None if value is None else inputs.whole(value, field, 0, high)


def _number(
    new: NewReport, field: str, low: float = -inputs.LARGEST, high: float = inputs.LARGEST
) -> float | None:
    value = inputs.decimal(getattr(new, field), field)
    if value is not None and not low <= value <= high:
        raise Invalid(field, f"must be between {low:g} and {high:g}")
    return value


def _object(value: Any, field: str, most: int) -> str | None:
    """An object as compact JSON."""
    if value is None:
        return None
    if not isinstance(value, dict):
        raise Invalid(field, "must be an object")
    try:
        text = msgspec.json.encode(value)
    except (ValueError, TypeError, OverflowError, RecursionError):
        raise Invalid(field, "holds what cannot be kept") from None
    if len(text) > most:
        raise Invalid(field, f"must not be larger than {most} bytes")
    return text.decode()
