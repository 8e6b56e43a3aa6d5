"""Telemetry: what is taken, what is refused and in which words, how a device stands, what is thinned."""

import math

import pytest

from models.batches import Full
from models.history import Period
from resolvers import devices, telemetry
from resolvers.devices import NewDevice
from resolvers.errors import Busy, Invalid, NotFound, TooLarge
from resolvers.reports import NewReport
from resolvers.retention import Retention
from resolvers.telemetry import Part
from tests.factories import NOON
from timing.clocks import SECOND

DAY = 86_400 * SECOND


@pytest.fixture
async def device(ctx):
    return (await devices.bind(ctx, NewDevice(model="M", serial_number="S1"))).device


@pytest.fixture
def report(ctx, device):
    """Reports one thing, and gives what is stored of it."""

    async def send(**told):
        await telemetry.report(ctx, device.device_id, [NewReport(**told)])
        return (await telemetry.timed(ctx, device.device_id, Period()))[0]

    return send


@pytest.mark.parametrize(
    ("field", "given", "kept"),
    [
        ("battery_percentage", "87.5", 87.5),
        ("battery_percentage", 0, 0.0),
        ("battery_percentage", 100, 100.0),
        ("temperature", -60, -60.0),
        ("temperature", "150", 150.0),
        ("latitude", "-90", -90.0),
        ("longitude", 180, 180.0),
        ("altitude", -400.5, -400.5),
        ("signal_strength", "-71", -71.0),
        ("voltage", "", None),
        ("antennas", "4", 4),
        ("antennas", 4.0, 4),
        ("passings_pending", 2**63 - 1, 2**63 - 1),
        ("charging", False, False),
        ("reader_connected", True, True),
        ("mode", "TEST", "TEST"),
        ("connectivity", "ETHERNET", "ETHERNET"),
        ("clock_source", "MANUAL", "MANUAL"),
        ("firmware", "2.4.1", "2.4.1"),
        ("configuration", {}, "{}"),
        ("configuration", {"power": 30, "zones": ["a"]}, '{"power":30,"zones":["a"]}'),
        ("extra", {"weird": math.nan}, '{"weird":null}'),
    ],
)
async def test_what_is_taken(report, field, given, kept):
    assert getattr(await report(**{field: given}), field) == kept


async def test_a_status_has_up_to_64_characters(report):
    assert (await report(device_status="x" * 64)).status == "x" * 64


async def test_a_report_of_nothing_is_a_sign_of_life(report, device, ctx, clock):
    clock.move(9)
    row = await report()
    assert (row.reported_at, row.received_at) == (clock.at, clock.at)
    assert row[4:] == (None,) * 18
    assert (await telemetry.health(ctx, [device.id]))[device.id].state.received_at == clock.at


DEEP: dict = {}
_inner = DEEP
for _ in range(5_000):
    _inner["a"] = _inner = {}


@pytest.mark.parametrize(
    ("field", "given"),
    [
        ("device_status", "x" * 65),
        ("device_status", 5),
        ("device_status", "a\0b"),
        ("mode", "start"),
        ("mode", ["START"]),
        ("battery_percentage", -0.1),
        ("battery_percentage", 100.5),
        ("battery_percentage", "full"),
        ("battery_percentage", True),
        ("battery_percentage", math.nan),
        ("charging", "true"),
        ("charging", 1),
        ("voltage", 1e300),
        ("temperature", -60.1),
        ("temperature", 150.1),
        ("latitude", 90.1),
        ("longitude", -180.1),
        ("altitude", "high"),
        ("connectivity", "5G"),
        ("signal_strength", {}),
        ("reader_connected", 0),
        ("antennas", -1),
        ("antennas", 2**31),
        ("antennas", 1.5),
        ("firmware", "x" * 129),
        ("passings_pending", -1),
        ("passings_pending", 2**63),
        ("clock_source", "SUN"),
        ("configuration", []),
        ("configuration", "{}"),
        ("configuration", {"a": "x" * 16_384}),
        ("configuration", DEEP),
        ("extra", {"a": "x" * 4_096}),
        ("extra", {"a": "\ud800"}),
        ("reported_at", 1_780_315_200),
        ("reported_at", "yesterday"),
        ("reported_at", "2026-06-01T12:05:00.000001Z"),
        ("reported_at", "0001-01-01T00:00:00+14:00"),
    ],
)
async def test_what_is_refused_names_its_field_and_stores_nothing(ctx, device, field, given):
    new = [NewReport(), NewReport(**{field: given})]
    with pytest.raises(Invalid) as refused:
        await telemetry.report(ctx, device.device_id, new)
    assert refused.value.field == f"reports[1].{field}" and refused.value.status == 400
    assert await telemetry.timed(ctx, device.device_id, Period()) == []


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("2026-06-01T12:05:00Z", NOON + 300 * SECOND),
        ("2026-06-01 13:00:00.5+02:00", NOON - 3599_500_000),
        ("2026-06-01T11:59:59.123456789Z", NOON - 876_544),
        ("1970-01-01T00:00:00Z", 0),
        ("1899-12-31T23:59:59Z", -2_208_988_801 * SECOND),
    ],
)
async def test_an_instant_is_read_as_of_a_passing(report, text, at):
    assert (await report(reported_at=text)).reported_at == at


@pytest.mark.parametrize(("zone", "at"), [(None, NOON), ("Europe/Madrid", NOON - 7200 * SECOND)])
async def test_an_instant_without_a_zone_is_in_the_devices(ctx, zone, at):
    new = NewDevice(model="M", serial_number="Z", time_zone=zone)
    device = (await devices.bind(ctx, new)).device
    written = await telemetry.report(ctx, device.device_id, [NewReport(reported_at="2026-06-01T12:00:00")])
    assert [each.reported_at for each in written.reports] == [at]


@pytest.mark.parametrize(
    ("count", "error"), [(None, Invalid), (0, Invalid), (1, None), (1000, None), (1001, TooLarge)]
)
async def test_a_call_holds_1_to_1000_reports(ctx, device, count, error):
    new = None if count is None else [NewReport(reported_at=_text(second)) for second in range(count)]
    if error is None:
        assert (await telemetry.report(ctx, device.device_id, new)).written.inserted == count
        return
    with pytest.raises(error) as refused:
        await telemetry.report(ctx, device.device_id, new)
    assert refused.value.field == "reports"
    assert (refused.value.status, refused.value.missing) == (413 if count else 400, count is None)


def _text(second: int) -> str:
    return f"2026-05-01T{second // 3600:02}:{second // 60 % 60:02}:{second % 60:02}Z"


@pytest.mark.parametrize("name", ["F" * 64, "a\0b", "\ud800", "", "a b"])
async def test_an_odd_name_is_a_device_that_is_not_there(ctx, name):
    with pytest.raises(NotFound, match="Device not found") as refused:
        await telemetry.report(ctx, name, [NewReport()])
    assert refused.value.name == name


async def test_a_full_queue_is_busy(ctx, device, office, monkeypatch):
    def full(*_):
        raise Full

    monkeypatch.setattr(office.reports, "submit", full)
    with pytest.raises(Busy):
        await telemetry.report(ctx, device.device_id, [NewReport()])


async def test_an_unbound_device_is_refused_and_its_history_stays(ctx, device, report):
    await report(mode="IDLE")
    await devices.unbind(ctx, device.device_id)
    with pytest.raises(NotFound):
        await report()
    assert len(await telemetry.timed(ctx, device.device_id, Period())) == 1
    await devices.bind(ctx, NewDevice(model="M", serial_number="S1"))
    assert (await report(reported_at="2026-06-01T12:01:00Z")).mode is None
    assert (await telemetry.health(ctx, [device.id]))[device.id].state.mode == "IDLE"


async def test_a_report_is_a_sign_of_life_that_ages(ctx, device, report, clock):
    await report()

    async def alive():
        health = (await telemetry.health(ctx, [device.id]))[device.id]
        counts = (await devices.counts(ctx, [device.id])).get(device.id) or devices.session_rows.Counts()
        return devices.connected(ctx, devices.last_seen(counts, health))

    clock.move(149)
    assert await alive()
    clock.move(1)
    assert not await alive()
    await report(reported_at="2026-05-01T12:00:00Z")  # stale, and heard all the same
    assert await alive()


async def test_the_history_is_paged_newest_first(ctx, device, report):
    for minute in (1, 3, 2):
        await report(reported_at=f"2026-06-01T11:0{minute}:00Z", antennas=minute)

    async def page(number, period=Period()):  # noqa: B008  immutable
        found = await telemetry.timed(ctx, device.device_id, period, number, 2)
        return [row.antennas for row in found]

    assert [await page(1), await page(2), await page(3)] == [[3, 2], [1], []]
    assert await page(1, telemetry.period("2026-06-01T11:01:00Z", "2026-06-01T11:02:00Z")) == [2, 1]


async def test_old_telemetry_is_thinned_and_the_newest_stays(office, ctx, device, clock):
    hours = [f"2026-04-01T{hour:02}:{minute}:00Z" for hour in (1, 2) for minute in (10, 20, 50)]
    new = [NewReport(reported_at=text) for text in [*hours, "2026-05-31T10:00:00Z", "2026-05-31T10:01:00Z"]]
    await telemetry.report(ctx, device.device_id, new)
    retention = Retention(office.database, clock, full_days=30, span=3600)
    await retention.thin()

    async def left():
        found = await telemetry.history(ctx, [device.id], Part(Period(), 99))
        return [(row.reported_at - NOON) // (60 * SECOND) for row in found[device.id]]

    april = [-88_450, -88_390]
    assert await left() == [*april, -1560, -1559]
    clock.at += 31 * DAY
    await retention.thin()
    assert await left() == [*april, -1559]
