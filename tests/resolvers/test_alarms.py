"""Alarms and thresholds as operations: who sees which, and what may be set."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from resolvers import alarms
from resolvers.errors import Invalid, NotAllowed, NotFound
from tests.resolvers.field import watched
from timing.health import USUAL, Kind, Thresholds


@pytest.fixture
async def field(office, ctx, record):
    async with watched(office, record, ctx) as made:
        yield made


@pytest.fixture
async def history(field):
    """Of two devices: (kind, severity, open) of each alarm, newest first."""
    one, other = await field.device("S1"), await field.device("S2")
    await field.report(one, battery_percentage=5.0)
    await field.look(one)
    await field.report(other, temperature=62.0)
    await field.look(other)
    field.clock.move(60)
    await field.report(one, battery_percentage=90.0, reader_connected=False)
    await field.look(one)
    return one, other


def kinds(found) -> list[str]:
    return [alarm.kind for alarm in found]


async def test_alarms_come_newest_first_page_by_page(ctx, history):
    first, total = await alarms.page(ctx, limit=2)
    assert (kinds(first), total) == (["READER_ABSENT", "TEMPERATURE"], 3)
    rest, total = await alarms.page(ctx, before=first[-1].id, limit=2)
    assert (kinds(rest), total) == (["BATTERY_LOW"], 3)


async def test_open_ones_or_ended_ones_or_those_of_a_severity(ctx, history):
    assert kinds((await alarms.page(ctx, open=True, limit=9))[0]) == ["READER_ABSENT", "TEMPERATURE"]
    assert kinds((await alarms.page(ctx, open=False, limit=9))[0]) == ["BATTERY_LOW"]
    assert kinds((await alarms.page(ctx, severity="CRITICAL", limit=9))[0]) == ["BATTERY_LOW"]
    with pytest.raises(Invalid, match="severity"):
        await alarms.page(ctx, severity="BAD", limit=9)


async def test_pages_of_devices(ctx, history):
    one, other = history
    found = await alarms.pages(ctx, [one.id, other.id], None, None, 1)
    assert {row: (kinds(some), total) for row, (some, total) in found.items()} == {
        one.id: (["READER_ABSENT"], 2),
        other.id: (["TEMPERATURE"], 1),
    }
    before = found[one.id][0][0].id
    assert kinds((await alarms.pages(ctx, [one.id], None, before, 9))[one.id][0]) == ["BATTERY_LOW"]
    assert (await alarms.pages(ctx, [one.id], True, None, 9))[one.id][1] == 1


async def test_what_is_asked_is_answered_by_both_databases(office, record):
    async with watched(office, record) as field:
        device, ctx = await field.device(), field.ctx
        await field.report(device, battery_percentage=15.0)
        await field.look(device)
        await alarms.set_thresholds(ctx, {"battery_low": 10, "battery_critical": None, "passings_pending": 7})
        await alarms.set_thresholds(ctx, {"temperature_high": 30})
        wanted = USUAL._replace(
            battery_low=10.0, battery_critical=None, passings_pending=7, temperature_high=30.0
        )
        assert await alarms.thresholds(ctx) == wanted
        field.clock.move(60)
        await field.report(device, temperature=31.0)
        await field.look(device)
        for open, expected in (
            (None, ["TEMPERATURE", "BATTERY_LOW"]),
            (True, ["TEMPERATURE", "BATTERY_LOW"]),
        ):
            found, total = await alarms.page(ctx, open=open, limit=9)
            assert (kinds(found), total) == (expected, 2)
            assert (await alarms.pages(ctx, [device.id], open, found[0].id, 9))[device.id] == (found[1:], 2)
            assert (await alarms.of_id(ctx, found[0].id)).detail == "31 °C, upper limit 30 °C"
        assert kinds((await alarms.open_alarms(ctx, [device.id]))[device.id]) == [
            "BATTERY_LOW",
            "TEMPERATURE",
        ]


async def test_open_alarms_of_devices(ctx, history):
    one, other = history
    found = await alarms.open_alarms(ctx, [one.id, other.id])
    assert {row: kinds(some) for row, some in found.items()} == {
        one.id: ["READER_ABSENT"],
        other.id: ["TEMPERATURE"],
    }


async def test_a_key_for_one_device_sees_the_alarms_of_that_device(office, ctx, history):
    one, other = history
    narrow = office.context(replace(ctx.caller, device_row=one.id))
    assert kinds((await alarms.page(narrow, limit=9))[0]) == ["READER_ABSENT", "BATTERY_LOW"]
    assert list(await alarms.open_alarms(narrow, [one.id, other.id])) == [one.id]
    assert (await alarms.pages(narrow, [other.id], None, None, 9))[other.id] == ([], 0)
    foreign = (await alarms.open_alarms(ctx, [other.id]))[other.id][0]
    assert (await alarms.of_id(ctx, foreign.id)).kind == "TEMPERATURE"
    with pytest.raises(NotFound, match="Alarm not found"):
        await alarms.of_id(narrow, foreign.id)


async def test_thresholds_are_the_usual_ones_until_they_are_set(ctx, other):
    assert await alarms.thresholds(ctx) == USUAL
    new = await alarms.set_thresholds(ctx, {"battery_low": 35, "moved": None, "silent": False})
    assert new == await alarms.thresholds(ctx) == USUAL._replace(battery_low=35.0, moved=None, silent=False)
    again = await alarms.set_thresholds(ctx, {"moved": 10, "passings_pending": 5.0})
    assert again == new._replace(moved=10.0, passings_pending=5)
    assert await alarms.thresholds(other) == USUAL


async def test_new_thresholds_hold_for_what_is_known_already(field, ctx, office):
    device = await field.device()
    await field.report(device, battery_percentage=30.0)
    await field.look(device)
    told = {}
    office.reports.touched = told.update
    await alarms.set_thresholds(ctx, {"battery_low": 35})
    assert told == {device.id: device.account_id}
    await field.look(device)
    assert await field.open(device) == {"BATTERY_LOW": "WARNING"}
    await alarms.set_thresholds(ctx, {"battery_low": None, "battery_critical": None})
    await field.look(device)
    assert await field.open(device) == {}


async def test_new_thresholds_of_missing_numbers_hold_for_quiet_sessions(field, ctx):
    device = await field.device()
    await field.send(await field.session(device), 1, 2, 5)
    field.clock.move(60)
    await alarms.set_thresholds(ctx, {"missing_numbers": 3})
    await field.look(device)
    assert await field.open(device) == {}
    await alarms.set_thresholds(ctx, {"missing_numbers": 2})
    await field.look(device)
    assert await field.open(device) == {"MISSING_NUMBERS": "WARNING"}


@pytest.mark.parametrize(
    ("patch", "field_name"),
    [
        ({"battery_low": 101}, "battery_low"), ({"battery_low": float("nan")}, "battery_low"),
        ({"battery_low": 5}, "battery_critical"), ({"battery_critical": 21}, "battery_critical"),
        ({"battery_low": True}, "battery_low"), ({"temperature_low": -101}, "temperature_low"),
        ({"temperature_low": 57}, "temperature_high"), ({"clock_ahead": 0}, "clock_ahead"),
        ({"clock_ahead": 301}, "clock_ahead"), ({"passings_pending": 0}, "passings_pending"),
        ({"passings_pending": 1.5}, "passings_pending"), ({"moved": 0.5}, "moved"), ({"moved": 1e300}, "moved"),
        ({"missing_numbers": -1}, "missing_numbers"), ({"missing_numbers": 2**40}, "missing_numbers"),
        ({"reader": None}, "reader"), ({"silent": "yes"}, "silent"),
    ],
)  # fmt: skip
async def test_nonsense_is_refused_and_changes_nothing(ctx, patch, field_name):
    with pytest.raises(Invalid) as error:
        await alarms.set_thresholds(ctx, {"battery_critical": 10} | patch)
    assert error.value.field == field_name
    assert await alarms.thresholds(ctx) == USUAL


async def test_a_key_that_only_reads_may_not_set_thresholds(office, ctx):
    reader = await office.ask_as(ctx, "READ")
    assert await alarms.thresholds(reader) == USUAL
    with pytest.raises(NotAllowed):
        await alarms.set_thresholds(reader, {"battery_low": 30})


def test_every_threshold_can_be_judged():
    """The usual ones are in range themselves."""
    for name, value in USUAL._asdict().items():
        assert alarms._judged(name, value) == value
    assert set(alarms.RANGES) | {"reader", "silent"} == set(Thresholds._fields)


def table(heading: str) -> dict[str, list[str]]:
    """The cells of a table in the docs, by the name in the first one."""
    text = (Path(__file__).parents[2] / "docs" / "devices.md").read_text()
    section = text.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in section.splitlines()]
    return {row[0].strip("`"): row[1:] for row in rows if row[0].startswith("`") and len(row) > 1}


def test_the_docs_tell_each_kind_of_alarm():
    assert list(table("Alarms")) == [kind.value for kind in Kind]


def test_the_docs_tell_each_threshold_as_it_is():
    told = table("Thresholds")
    names = {re.sub(r"_(\w)", lambda letter: letter[1].upper(), name): name for name in Thresholds._fields}
    assert list(told) == list(names)
    for name, (usual, _, range, _) in told.items():
        value, limits = getattr(USUAL, names[name]), alarms.RANGES.get(names[name])
        assert usual == (str(value).lower() if isinstance(value, bool) else f"{value:g}")
        assert range == ("" if limits is None else f"{limits[0]:.10g} to {limits[1]:.10g}")
