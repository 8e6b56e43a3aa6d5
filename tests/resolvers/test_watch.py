"""The watch: alarms begin, change and end as devices report, fall silent and move."""

import asyncio

import pytest

from models.telemetry import Content
from resolvers import devices
from tests.resolvers.field import watched
from timing.clocks import SECOND
from timing.conditions import CONNECTED_FOR

SILENCE = CONNECTED_FOR / SECOND
METRE = 1 / 111_195
"""In degrees of latitude."""


@pytest.fixture
async def field(office, record):
    async with watched(office, record) as made:
        yield made


@pytest.fixture
async def each_field(office, record):
    """On SQLite, and then on PostgreSQL."""
    async with watched(office, record) as made:
        yield made


async def test_an_alarm_begins_gets_worse_and_ends(each_field):
    field, device = each_field, await each_field.device()
    began = field.clock()
    await field.report(device, battery_percentage=18.0)
    assert await field.look(device) == {device.id: device.account_id}
    field.clock.move(60)
    await field.report(device, battery_percentage=9.0)
    assert await field.look(device) == {device.id: device.account_id}
    (alarm,) = await field.history(device)
    assert (alarm.kind, alarm.severity, alarm.detail) == ("BATTERY_LOW", "CRITICAL", "battery at 9 %")
    assert (alarm.started_at, alarm.ended_at) == (began, None)
    field.clock.move(60)
    await field.report(device, battery_percentage=80.0)
    assert await field.look(device) == {device.id: device.account_id}
    (alarm,) = await field.history(device)
    assert (alarm.started_at, alarm.ended_at) == (began, began + 120 * SECOND)


async def test_a_change_is_told_once(field):
    device = await field.device()
    await field.report(device, battery_percentage=18.0, temperature=99.0)
    assert await field.look(device)
    assert await field.look(device) == {}
    field.clock.move(60)
    await field.report(device, battery_percentage=17.0, temperature=98.0)
    assert await field.look(device) == {}
    assert await field.open(device) == {"BATTERY_LOW": "WARNING", "TEMPERATURE": "CRITICAL"}


async def test_only_who_has_news_is_looked_at(field):
    one, other = await field.device("S1"), await field.device("S2")
    for device in (one, other):
        await field.report(device, battery_percentage=5.0)
    await field.look(one)
    assert await field.open(one) and not await field.open(other)
    await field.watch.look(None)
    assert await field.open(other)


async def test_a_device_that_times_and_falls_silent_is_found_by_the_clock(each_field):
    field, device = each_field, await each_field.device()
    await field.report(device, mode="START")
    await field.look(device)
    field.clock.move(SILENCE - 0.000001)
    await field.look()
    assert await field.open(device) == {}
    field.clock.move(0.000001)
    assert await field.look() == {device.id: device.account_id}
    assert await field.open(device) == {"SILENT": "CRITICAL"}
    field.clock.move(60)
    assert await field.look() == {}
    await field.report(device, mode="START")
    assert await field.look(device)
    assert await field.open(device) == {}


async def test_passings_are_a_sign_of_life(field):
    device = await field.device()
    token = await field.session(device)
    await field.report(device, mode="START")
    await field.look(device)
    field.clock.move(SILENCE - 1)
    await field.send(token, 1)
    field.clock.move(1)
    assert await field.look() == {}
    field.clock.move(SILENCE - 1)
    assert await field.look() == {device.id: device.account_id}
    await field.send(token, 2)
    await field.look(device)
    assert await field.open(device) == {}


@pytest.mark.parametrize("mode", ["TEST", "IDLE", None])
async def test_a_device_that_need_not_send_is_never_silent(field, mode):
    device = await field.device()
    await field.report(device, mode=mode)
    await field.look(device)
    field.clock.move(10 * SILENCE)
    await field.watch.look(None)
    assert await field.history(device) == []


async def test_a_watch_that_starts_anew_goes_on(each_field):
    field, device = each_field, await each_field.device()
    await field.report(device, mode="START", battery_percentage=5.0)
    await field.look(device)
    field.clock.move(10 * SILENCE)
    anew = field.another_watch()
    await anew.look(None)
    assert await field.open(device) == {"BATTERY_LOW": "CRITICAL", "SILENT": "CRITICAL"}
    await field.report(device, mode="START", battery_percentage=50.0)
    await anew.look([device.id])
    assert [alarm.ended_at for alarm in await field.history(device)] == [field.clock()] * 2


async def test_a_device_that_a_new_watch_has_seen_once_is_found_by_the_clock(field):
    device = await field.device()
    await field.report(device, mode="START")
    anew = field.another_watch()
    await anew.look(None)
    field.clock.move(SILENCE)
    await anew.look([])
    assert await field.open(device) == {"SILENT": "CRITICAL"}


async def test_many_watches_begin_and_end_an_alarm_once(each_field):
    field = each_field
    fleet = [await field.device(f"S{number}") for number in range(20)]
    watches = [field.another_watch() for _ in range(4)]
    rows = [device.id for device in fleet]
    for battery in (5.0, 15.0, 90.0):
        field.clock.move(60)
        for device in fleet:
            await field.report(device, battery_percentage=battery, reader_connected=battery > 50)
        await asyncio.gather(*(watch.look(rows) for watch in watches))
    for device in fleet:
        history = await field.history(device)
        assert sorted(alarm.kind for alarm in history) == ["BATTERY_LOW", "READER_ABSENT"]
        assert {alarm.ended_at for alarm in history} == {field.clock()}


async def test_a_device_that_is_unbound_has_no_open_alarms(field):
    device = await field.device()
    await field.report(device, battery_percentage=5.0)
    await field.look(device)
    await devices.unbind(field.ctx, device.device_id)
    assert await field.look(device)
    assert await field.open(device) == {}
    await field.device()
    assert await field.look(device)
    assert await field.open(device) == {"BATTERY_LOW": "CRITICAL"}


async def test_a_device_that_was_carried_away_rings_until_it_is_back(each_field):
    field, device = each_field, await each_field.device()

    async def stands(north: float, mode: str) -> dict[str, str]:
        field.clock.move(60)
        await field.report(device, mode=mode, latitude=45 + north * METRE, longitude=7.0)
        await field.look(device)
        return await field.open(device)

    assert await stands(500, "IDLE") == {}
    assert await stands(0, "START") == {}
    assert await stands(45, "START") == {}
    assert await stands(60, "TEST") == {"MOVED": "WARNING"}
    assert await stands(600, "START") == {"MOVED": "CRITICAL"}
    assert await stands(10, "START") == {}
    assert await stands(60, "IDLE") == {}
    assert await stands(90, "START") == {}
    assert await stands(0, "START") == {"MOVED": "WARNING"}


async def test_a_pause_among_reports_that_come_together_counts(each_field):
    """It was packed up and carried to another place while it had no connection."""
    field, device = each_field, await each_field.device()
    await field.report(device, mode="START", latitude=45.0, longitude=7.0)
    await field.look(device)
    field.clock.move(3600)
    now = field.clock()
    away = {"latitude": 46.0, "longitude": 8.0}
    pause = Content(now - 60 * SECOND, mode="IDLE"), Content(now, mode="START", **away)
    await field.reports(device, *pause)
    assert await field.look(device) == {}
    field.clock.move(60)
    await field.report(device, mode="START", latitude=46.01, longitude=8.0)
    await field.look(device)
    assert await field.open(device) == {"MOVED": "CRITICAL"}


async def test_passings_that_pile_up(field):
    device = await field.device()
    for pending, alarms in (
        (150, []),
        (160, ["WARNING"]),
        (160, ["WARNING"]),
        (140, []),
        (1500, ["CRITICAL"]),
    ):
        field.clock.move(60)
        await field.report(device, passings_pending=pending)
        await field.look(device)
        assert list((await field.open(device)).values()) == alarms


async def test_a_late_report_is_no_news(field):
    device = await field.device()
    await field.report(device, battery_percentage=50.0)
    await field.report(device, at=-60, battery_percentage=5.0)
    assert await field.look(device) == {}


async def test_a_report_from_the_future(field):
    device = await field.device()
    await field.report(device, at=60, clock_source="GPS")
    await field.look(device)
    (alarm,) = await field.history(device)
    assert (alarm.kind, alarm.detail) == ("CLOCK_UNSYNCHRONISED", "clock 60.0 s ahead")
