"""What is wrong with a device: alarms, judged from what is known of it at one moment.

Each rule says whether its alarm holds and how bad it is. One that is open ends a little later than it would
begin, so that a value at the edge does not ring again and again. What a device does not say changes nothing.
"""

import math
from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import NamedTuple

from timing import clocks
from timing.conditions import CONNECTED_FOR, Condition
from timing.numbering import Missing

MARGIN = 2.0
"""Percent of battery or degrees that a value must be back by, before its alarm ends."""
FAR_OUTSIDE = 10.0
"""Degrees beyond a limit of temperature that make it critical."""
BACK = 0.8
"""The share of a threshold under which a clock or a position is right again: both wander by themselves."""
MANY_TIMES = 10
"""So many times the threshold of passings pending or metres moved is critical."""
MOST_MISSING = 10
"""A device that leaves out more than so many numbers for each that it sends does not count on by one."""


class Kind(StrEnum):
    BATTERY_LOW = "BATTERY_LOW"
    TEMPERATURE = "TEMPERATURE"
    READER_ABSENT = "READER_ABSENT"
    CLOCK_UNSYNCHRONISED = "CLOCK_UNSYNCHRONISED"
    PASSINGS_PENDING = "PASSINGS_PENDING"
    SILENT = "SILENT"
    MOVED = "MOVED"
    MISSING_NUMBERS = "MISSING_NUMBERS"


class Severity(StrEnum):
    WARNING = "WARNING"
    CRITICAL = "CRITICAL"


class Thresholds(NamedTuple):
    """When to ring. None, or False: never."""

    battery_low: float | None = 20.0
    """Percent: a warning at or below it."""
    battery_critical: float | None = 10.0
    temperature_low: float | None = -10.0
    """Degrees Celsius: a warning below it."""
    temperature_high: float | None = 60.0
    clock_ahead: float | None = 5.0
    """Seconds that a report may come from the future."""
    passings_pending: int | None = 100
    moved: float | None = 50.0
    """Metres from where it began to time."""
    missing_numbers: int | None = 1
    reader: bool = True
    silent: bool = True


USUAL = Thresholds()


class Finding(NamedTuple):
    """An alarm that holds, and why; the reason is empty where nothing new is known."""

    severity: Severity
    detail: str = ""


class Moment(NamedTuple):
    """What the rules look at: a condition at an instant, and what is known of its session's numbers."""

    at: int
    of: Condition
    missing: Missing | None
    wanted: Thresholds


Rule = Callable[[Moment, Severity | None], Finding | None]
"""From a moment, and the severity of the alarm if it is open, to the alarm if it holds."""


def judge(
    at: int,
    condition: Condition,
    missing: Missing | None = None,
    wanted: Thresholds = USUAL,
    open: Mapping[Kind, Severity] | None = None,
) -> dict[Kind, Finding]:
    """The alarms that hold, given those that are open. A device that is not bound has none."""
    if not condition.bound:
        return {}
    moment, known = Moment(at, condition, missing, wanted), open or {}
    found = ((kind, rule(moment, known.get(kind))) for kind, rule in RULES.items())
    return {kind: finding for kind, finding in found if finding is not None}


def _as_it_was(was: Severity | None) -> Finding | None:
    return None if was is None else Finding(was)


def _battery(now: Moment, was: Severity | None) -> Finding | None:
    low, critical, charge = now.wanted.battery_low, now.wanted.battery_critical, now.of.battery
    limits = [limit for limit in (low, critical) if limit is not None]
    if not limits:
        return None
    if charge is None:
        return _as_it_was(was)
    if charge > max(limits) + (MARGIN if was else 0):
        return None
    margin = MARGIN if was is Severity.CRITICAL else 0
    grave = critical is not None and charge <= critical + margin and not now.of.charging
    return Finding(_severity(grave), f"battery at {charge:g} %" + ", charging" * bool(now.of.charging))


def _temperature(now: Moment, was: Severity | None) -> Finding | None:
    low, high, degrees = now.wanted.temperature_low, now.wanted.temperature_high, now.of.temperature
    if low is None and high is None:
        return None
    if degrees is None:
        return _as_it_was(was)
    colder = -math.inf if low is None else low - degrees
    hotter = -math.inf if high is None else degrees - high
    outside = max(colder, hotter)
    if outside <= (-MARGIN if was else 0):
        return None
    grave = outside > FAR_OUTSIDE - (MARGIN if was is Severity.CRITICAL else 0)
    limit, word = (low, "lower") if colder > hotter else (high, "upper")
    return Finding(_severity(grave), f"{degrees:g} °C, {word} limit {limit:g} °C")


def _reader(now: Moment, was: Severity | None) -> Finding | None:
    if not now.wanted.reader:
        return None
    if now.of.reader_connected is None:
        return _as_it_was(was)
    if now.of.reader_connected:
        return None
    return Finding(_severity(now.of.timing), "no reader present" + f" in mode {now.of.mode}" * now.of.timing)


def _clock(now: Moment, was: Severity | None) -> Finding | None:
    limit, source = now.wanted.clock_ahead, now.of.clock_source
    if limit is None:
        return None
    if now.of.reported_at is None or now.of.report_came_at is None:
        return _as_it_was(was)
    ahead = (now.of.reported_at - now.of.report_came_at) / clocks.SECOND
    if ahead > limit * (BACK if was is Severity.CRITICAL else 1):
        return Finding(Severity.CRITICAL, f"clock {ahead:.1f} s ahead")
    if source == "MANUAL":
        return Finding(Severity.WARNING, "clock set by hand")
    return _as_it_was(was) if source is None and was is Severity.WARNING else None


def _pending(now: Moment, was: Severity | None) -> Finding | None:
    limit, pending, before = now.wanted.passings_pending, now.of.pending, now.of.pending_before
    if limit is None:
        return None
    if pending is None:
        return _as_it_was(was)
    if pending < limit or (before is not None and pending < before):
        return None
    grows = before is not None and pending > before
    if not (was or grows):
        return None
    severity = _severity(pending >= limit * MANY_TIMES)
    return Finding(severity, f"passings pending: {pending}" + f", before: {before}" * grows)


def _silent(now: Moment, _was: Severity | None) -> Finding | None:
    silent_at = now.of.silent_at
    if not now.wanted.silent or silent_at is None or now.at < silent_at:
        return None
    heard = clocks.milliseconds(silent_at - CONNECTED_FOR)
    return Finding(Severity.CRITICAL, f"nothing heard since {heard} in mode START")


def _moved(now: Moment, was: Severity | None) -> Finding | None:
    limit = now.wanted.moved
    if limit is None or not now.of.timing:
        return None
    far = now.of.moved
    if far is None:
        return _as_it_was(was)
    if far <= limit * (BACK if was else 1):
        return None
    grave = far > limit * MANY_TIMES * (BACK if was is Severity.CRITICAL else 1)
    return Finding(_severity(grave), f"{far:.0f} m from where it began to time")


def _missing(now: Moment, was: Severity | None) -> Finding | None:
    limit, missing = now.wanted.missing_numbers, now.missing
    if limit is None:
        return None
    if missing is None:
        return _as_it_was(was)
    if missing.now > MOST_MISSING * missing.received:
        return None
    if was:
        young = missing.now if missing.young is None else missing.young
        return None if young < limit else Finding(was)
    if missing.old is None or missing.old < limit:
        return None
    return Finding(Severity.WARNING, f"missing numbers: {missing.old}, passings: {missing.received}")


def _severity(grave: bool) -> Severity:
    return Severity.CRITICAL if grave else Severity.WARNING


RULES: Mapping[Kind, Rule] = {
    Kind.BATTERY_LOW: _battery,
    Kind.TEMPERATURE: _temperature,
    Kind.READER_ABSENT: _reader,
    Kind.CLOCK_UNSYNCHRONISED: _clock,
    Kind.PASSINGS_PENDING: _pending,
    Kind.SILENT: _silent,
    Kind.MOVED: _moved,
    Kind.MISSING_NUMBERS: _missing,
}
