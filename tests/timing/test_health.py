"""Alarms: when each begins, how bad it is, when it ends."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from timing.clocks import SECOND
from timing.conditions import CONNECTED_FOR, Condition, metres
from timing.health import RULES, USUAL, Kind, Severity, Thresholds, judge
from timing.numbering import Missing

NOW = 1_780_315_200 * SECOND
WARNING, CRITICAL = Severity.WARNING, Severity.CRITICAL


def told(severity=None, kind=None, at=NOW, wanted=USUAL, missing=None, **known):
    """The severity of the only alarm that may hold; `severity`, if one of `kind` is open."""
    open = {} if severity is None else {kind: severity}
    holds = judge(at, Condition(**known), missing, wanted, open)
    assert set(holds) <= {kind}
    return holds[kind].severity if holds else None


@pytest.mark.parametrize(
    ("battery", "was", "now"),
    [
        (20.5, None, None), (20, None, WARNING), (10.5, None, WARNING), (10, None, CRITICAL), (0, None, CRITICAL),
        (22, WARNING, WARNING), (22.5, WARNING, None), (12, CRITICAL, CRITICAL), (12.5, CRITICAL, WARNING),
        (12, WARNING, WARNING), (90, CRITICAL, None), (None, None, None), (None, CRITICAL, CRITICAL),
    ],
)  # fmt: skip
def test_battery(battery, was, now):
    assert told(was, Kind.BATTERY_LOW, battery=battery) is now


def test_a_battery_that_is_charged_is_a_warning_at_most():
    assert told(None, Kind.BATTERY_LOW, battery=3, charging=True) is WARNING
    assert told(CRITICAL, Kind.BATTERY_LOW, battery=3, charging=True) is WARNING
    assert told(WARNING, Kind.BATTERY_LOW, battery=3, charging=False) is CRITICAL


@pytest.mark.parametrize(
    ("temperature", "was", "now"),
    [
        (60, None, None), (60.1, None, WARNING), (70, None, WARNING), (70.1, None, CRITICAL), (-10, None, None),
        (-10.1, None, WARNING), (-20.1, None, CRITICAL), (58.1, WARNING, WARNING), (58, WARNING, None),
        (-8, WARNING, None), (-8.1, WARNING, WARNING), (68.1, CRITICAL, CRITICAL), (68, CRITICAL, WARNING),
        (68.1, WARNING, WARNING), (None, None, None), (None, WARNING, WARNING),
    ],
)  # fmt: skip
def test_temperature(temperature, was, now):
    assert told(was, Kind.TEMPERATURE, temperature=temperature) is now


@pytest.mark.parametrize(
    ("connected", "mode", "was", "now"),
    [
        (True, "START", None, None), (False, "IDLE", None, WARNING), (False, None, None, WARNING),
        (False, "START", None, CRITICAL), (False, "TEST", WARNING, CRITICAL), (True, "START", CRITICAL, None),
        (None, "START", WARNING, WARNING), (None, "START", None, None),
    ],
)  # fmt: skip
def test_reader(connected, mode, was, now):
    assert told(was, Kind.READER_ABSENT, reader_connected=connected, mode=mode) is now


@pytest.mark.parametrize(
    ("source", "ahead", "was", "now"),
    [
        ("NTP", 5, None, None), ("NTP", 5.1, None, CRITICAL), ("NTP", -3600, None, None), ("MANUAL", 0, None, WARNING),
        ("MANUAL", 6, None, CRITICAL), ("NTP", 4.1, CRITICAL, CRITICAL), ("NTP", 4, CRITICAL, None),
        ("MANUAL", 4, CRITICAL, WARNING), ("GPS", 0, WARNING, None), (None, 0, WARNING, WARNING),
        (None, 0, CRITICAL, None), (None, 0, None, None),
    ],
)  # fmt: skip
def test_clock(source, ahead, was, now):
    came = {"reported_at": NOW + int(ahead * SECOND), "report_came_at": NOW, "clock_source": source}
    assert told(was, Kind.CLOCK_UNSYNCHRONISED, **came) is now


@pytest.mark.parametrize(
    ("before", "pending", "was", "now"),
    [
        (99, 100, None, WARNING), (0, 99, None, None), (100, 100, None, None), (200, 150, None, None),
        (None, 500, None, None), (500, 1000, None, CRITICAL), (100, 100, WARNING, WARNING),
        (101, 100, WARNING, None), (98, 99, WARNING, None), (None, 100, WARNING, WARNING),
        (5, None, WARNING, WARNING), (1001, 1000, CRITICAL, None),
    ],
)  # fmt: skip
def test_pending(before, pending, was, now):
    assert told(was, Kind.PASSINGS_PENDING, pending=pending, pending_before=before) is now


@pytest.mark.parametrize(
    ("mode", "telemetry", "passings", "now"),
    [
        ("START", CONNECTED_FOR, None, CRITICAL), ("START", CONNECTED_FOR - 1, None, None),
        ("START", CONNECTED_FOR, CONNECTED_FOR - 1, None), ("START", CONNECTED_FOR + 9, CONNECTED_FOR, CRITICAL),
        ("TEST", CONNECTED_FOR, None, None), ("IDLE", CONNECTED_FOR, None, None), (None, None, None, None),
    ],
)  # fmt: skip
def test_silent(mode, telemetry, passings, now):
    ago = {"telemetry_at": telemetry, "passings_at": passings}
    heard = {name: None if back is None else NOW - back for name, back in ago.items()}
    assert told(None, Kind.SILENT, mode=mode, **heard) is now
    assert told(CRITICAL, Kind.SILENT, mode=mode, **heard) is now


METRE = 1 / 111_195
"""In degrees of latitude."""


@pytest.mark.parametrize(
    ("moved", "mode", "was", "now"),
    [
        (49, "START", None, None), (51, "START", None, WARNING), (51, "TEST", None, WARNING), (51, "IDLE", None, None),
        (51, "IDLE", WARNING, None), (501, "START", None, CRITICAL), (41, "START", WARNING, WARNING),
        (39, "START", WARNING, None), (401, "START", CRITICAL, CRITICAL), (399, "START", CRITICAL, WARNING),
    ],
)  # fmt: skip
def test_moved(moved, mode, was, now):
    place = {"latitude": 45 + moved * METRE, "longitude": 7, "anchor_latitude": 45, "anchor_longitude": 7}
    assert told(was, Kind.MOVED, mode=mode, **place) is now


def test_a_device_that_does_not_say_where_it_is_stays_as_it_was():
    known = {"mode": "START", "anchor_latitude": 45.0, "anchor_longitude": 7.0}
    assert told(WARNING, Kind.MOVED, **known) is WARNING
    assert told(None, Kind.MOVED, **known) is None


def test_a_device_begins_to_time_where_it_first_tells_its_place():
    assert Condition(mode="START", latitude=45, longitude=7).anchor == (45, 7)
    assert Condition(
        mode="TEST", latitude=46, longitude=7, anchor_latitude=45, anchor_longitude=7
    ).anchor == (45, 7)
    assert (
        Condition(mode="IDLE", latitude=46, longitude=7, anchor_latitude=45, anchor_longitude=7).anchor
        is None
    )
    assert Condition(latitude=46, longitude=7).anchor is None


@pytest.mark.parametrize(
    ("missing", "was", "now"),
    [
        (Missing(1, 1, 1, 10), None, WARNING), (Missing(1, 0, 1, 10), None, None), (Missing(1, None, 1, 10), None, None),
        (Missing(0, 0, 0, 10), WARNING, None), (Missing(1, 0, 1, 10), WARNING, WARNING),
        (Missing(1, 0, 0, 10), WARNING, None), (Missing(1, None, None, 10), WARNING, WARNING),
        (Missing(0, None, None, 10), WARNING, None), (Missing(100, 100, 100, 10), None, WARNING),
        (Missing(101, 101, 101, 10), None, None), (Missing(101, 101, 101, 10), WARNING, None), (None, None, None),
        (None, WARNING, WARNING),
    ],
)  # fmt: skip
def test_missing_numbers(missing, was, now):
    assert told(was, Kind.MISSING_NUMBERS, missing=missing) is now


FULL = {"battery": 1.0, "temperature": 99.0, "reader_connected": False, "clock_source": "MANUAL", "pending": 500,
        "pending_before": 1, "mode": "START", "telemetry_at": NOW - CONNECTED_FOR, "reported_at": NOW, "report_came_at": NOW,
        "latitude": 1.0, "longitude": 1.0, "anchor_latitude": 0.0, "anchor_longitude": 0.0}  # fmt: skip


def test_everything_may_be_wrong_at_once_and_each_alarm_says_why():
    holds = judge(NOW, Condition(**FULL), Missing(3, 3, 3, 97))
    assert set(holds) == set(Kind) == set(RULES)
    assert {kind: finding.detail for kind, finding in holds.items()} == {
        Kind.BATTERY_LOW: "battery at 1 %",
        Kind.TEMPERATURE: "99 °C, upper limit 60 °C",
        Kind.READER_ABSENT: "no reader present in mode START",
        Kind.CLOCK_UNSYNCHRONISED: "clock set by hand",
        Kind.PASSINGS_PENDING: "passings pending: 500, before: 1",
        Kind.SILENT: "nothing heard since 2026-06-01T11:57:30.000Z in mode START",
        Kind.MOVED: "157250 m from where it began to time",
        Kind.MISSING_NUMBERS: "missing numbers: 3, passings: 97",
    }


def test_a_device_that_is_not_bound_has_no_alarms():
    open = {kind: CRITICAL for kind in Kind}
    assert judge(NOW, Condition(**FULL, bound=False), Missing(3, 3, 3, 97), USUAL, open) == {}


def test_who_wants_no_alarms_gets_none():
    never = Thresholds(*[None] * 8, reader=False, silent=False)
    open = {kind: CRITICAL for kind in Kind}
    assert judge(NOW, Condition(**FULL), Missing(3, 3, 3, 97), never, open) == {}


def test_one_of_two_limits_may_be_missing():
    only_critical, only_low = USUAL._replace(battery_low=None), USUAL._replace(battery_critical=None)
    assert told(None, Kind.BATTERY_LOW, battery=15, wanted=only_critical) is None
    assert told(None, Kind.BATTERY_LOW, battery=9, wanted=only_critical) is CRITICAL
    assert told(CRITICAL, Kind.BATTERY_LOW, battery=12.5, wanted=only_critical) is None
    assert told(None, Kind.BATTERY_LOW, battery=1, wanted=only_low) is WARNING
    warm = USUAL._replace(temperature_low=None)
    assert told(None, Kind.TEMPERATURE, temperature=-50, wanted=warm) is None
    assert told(None, Kind.TEMPERATURE, temperature=65, wanted=warm) is WARNING


def test_metres():
    assert metres((45, 7), (45, 7)) == 0
    assert metres((0, 0), (0, 1)) == pytest.approx(111_195, rel=1e-4)
    assert metres((45, 179.9995), (45, -179.9995)) == pytest.approx(78.6, rel=0.01)
    assert metres((90, 0), (-90, 0)) == pytest.approx(20_015_000, rel=1e-3)
    assert metres((52.5163, 13.3777), (48.8584, 2.2945)) == pytest.approx(880_000, rel=0.01)


percent = st.none() | st.floats(0, 100)
degrees = st.none() | st.floats(-60, 150)
moments = st.none() | st.integers(NOW - 400 * SECOND, NOW + 20 * SECOND)
few = st.none() | st.integers(0, 2000)
near = st.none() | st.floats(-0.01, 0.01)
conditions = st.builds(
    Condition, bound=st.booleans(), mode=st.sampled_from([None, "IDLE", "START", "TEST"]), reported_at=moments,
    report_came_at=moments, telemetry_at=moments, passings_at=moments, battery=percent, temperature=degrees,
    charging=st.none() | st.booleans(), reader_connected=st.none() | st.booleans(),
    clock_source=st.sampled_from([None, "NTP", "GPS", "MANUAL"]), pending=few, pending_before=few,
    latitude=near, longitude=near, anchor_latitude=near, anchor_longitude=near,
)  # fmt: skip
numbers = st.none() | st.builds(
    lambda old, young, more, received, known: Missing(
        old + young + more, old if known > 1 else None, old + young if known else None, received
    ),
    *[st.integers(0, 20)] * 3, st.integers(1, 50), st.integers(0, 2),
)  # fmt: skip
wanted = st.builds(
    Thresholds, battery_low=percent, battery_critical=percent, temperature_low=st.none() | st.floats(-60, 0),
    temperature_high=st.none() | st.floats(10, 150), clock_ahead=st.none() | st.floats(0.1, 300),
    passings_pending=st.none() | st.integers(1, 1000), moved=st.none() | st.floats(1, 1000),
    missing_numbers=st.none() | st.integers(1, 20), reader=st.booleans(), silent=st.booleans(),
)  # fmt: skip
opened = st.dictionaries(st.sampled_from(Kind), st.sampled_from(Severity))


def severities(holds):
    return {kind: finding.severity for kind, finding in holds.items()}


@given(conditions, numbers, wanted, opened)
def test_what_does_not_change_does_not_ring_again(condition, missing, limits, open):
    """What follows from a condition stays as long as the condition stays."""
    first = severities(judge(NOW, condition, missing, limits, open))
    assert severities(judge(NOW, condition, missing, limits, first)) == first


@given(conditions, numbers, wanted)
def test_an_open_alarm_only_holds_longer(condition, missing, limits):
    """Whatever begins by itself also goes on; what was critical is never less than what would begin."""
    fresh = severities(judge(NOW, condition, missing, limits, {}))
    held = severities(judge(NOW, condition, missing, limits, dict.fromkeys(Kind, CRITICAL)))
    assert fresh.keys() <= held.keys()
    assert not [kind for kind in fresh if fresh[kind] is CRITICAL and held.get(kind) is WARNING]


@given(opened)
def test_a_device_that_says_nothing_new_keeps_its_alarms(open):
    """But for silence, which the clock decides."""
    dumb = Condition(mode="START", anchor_latitude=0.0, anchor_longitude=0.0)
    assert severities(judge(NOW, dumb, None, USUAL, open)) == {
        kind: severity for kind, severity in open.items() if kind is not Kind.SILENT
    }
