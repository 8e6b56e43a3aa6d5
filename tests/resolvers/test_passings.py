"""Recording passings: what is taken, what is refused and in which words, and whose time zone counts."""

import msgspec
import pytest

from models.ingest import Ingest
from resolvers import devices, passings, sessions
from resolvers.devices import NewDevice
from resolvers.errors import Busy, Invalid, NotFound, SessionNotActive, TooLarge
from resolvers.passings import MOST, NewPassing, judge
from tests import factories as make
from timing import clocks

AT = "2026-06-01T12:00:00Z"


def new(**said) -> NewPassing:
    return NewPassing(**({"number": 1, "timestamp": AT, "bib": "7"} | said))


@pytest.fixture
async def session(ctx):
    device = (await devices.bind(ctx, NewDevice(model="M", serial_number="S1"))).device
    return await sessions.open(ctx, device.device_id)


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ({"number": "7"}, {"number": 7}),
        ({"number": " +7 "}, {"number": 7}),
        ({"number": 7.0}, {"number": 7}),
        ({"number": 2**63 - 1}, {"number": 2**63 - 1}),
        ({"bib": 42}, {"bib": "42"}),
        ({"bib": 4.5}, {"bib": "4.5"}),
        ({"bib": "0042"}, {"bib": "0042"}),
        ({"bib": ""}, {"bib": ""}),
        ({"bib": "ツ" * 128}, {"bib": "ツ" * 128}),
        ({"bib": None, "chip": "C"}, {"bib": None, "chip": "C"}),
        ({"latitude": "48.5", "longitude": -2}, {"latitude": 48.5, "longitude": -2.0}),
        ({"latitude": "", "longitude": None}, {"latitude": None, "longitude": None}),
        ({"timestamp": "2026-06-01 14:00:00,5+02:00"}, {"at": make.NOON + 500_000}),
        ({"timestamp": "2026-06-01 14:00", "time_zone": "Europe/Madrid"}, {"at": make.NOON}),
        ({"time_zone": "nonsense"}, {"at": make.NOON, "time_zone": "nonsense"}),
    ],
)
def test_old_spellings_are_taken(said, kept):
    [content] = judge([new(**said)])
    assert {name: getattr(content, name) for name in kept} == kept


@pytest.mark.parametrize(
    ("said", "field", "missing"),
    [
        ({"number": None}, "number", True),
        ({"number": -1}, "number", False),
        ({"number": 2**63}, "number", False),
        ({"number": 1.5}, "number", False),
        ({"number": float("nan")}, "number", False),
        ({"number": True}, "number", False),
        ({"number": "x"}, "number", False),
        ({"number": "٣"}, "number", False),
        ({"number": "--1"}, "number", False),
        ({"number": "+-1"}, "number", False),
        ({"number": [1]}, "number", False),
        ({"timestamp": None}, "timestamp", True),
        ({"timestamp": ""}, "timestamp", False),
        ({"timestamp": 5}, "timestamp", False),
        ({"timestamp": "noon"}, "timestamp", False),
        ({"timestamp": "1" * 100_000}, "timestamp", False),
        ({"timestamp": "2026-06-01T12:00:00", "time_zone": "Mars"}, "time_zone", False),
        ({"time_zone": 5}, "time_zone", False),
        ({"bib": None}, "bib", True),
        ({"bib": True}, "bib", False),
        ({"bib": {}}, "bib", False),
        ({"bib": "x" * 129}, "bib", False),
        ({"bib": "a\0"}, "bib", False),
        ({"bib": 10**5_000}, "bib", False),
        ({"chip": 5}, "chip", False),
        ({"chip": "\ud800"}, "chip", False),
        ({"latitude": "north"}, "latitude", False),
        ({"latitude": float("inf")}, "latitude", False),
        ({"longitude": True}, "longitude", False),
        ({"longitude": 10**400}, "longitude", False),
        ({"longitude": "nan"}, "longitude", False),
        ({"participant": 5}, "participant", False),
        ({"status": "x" * 129}, "status", False),
        ({"gender": []}, "gender", False),
    ],
)
def test_nonsense_is_refused_with_the_place_and_the_field(said, field, missing):
    with pytest.raises(Invalid) as refused:
        judge([new(), new(**said), new(number=None)])
    assert (refused.value.field, refused.value.missing) == (f"passings[1].{field}", missing)
    assert str(refused.value).startswith(f"passings[1].{field}: ")


def test_a_skin_may_ask_for_the_bib_even_with_a_chip():
    class Strict(NewPassing):
        bib_required = True

    with pytest.raises(Invalid, match="bib: is missing"):
        judge([Strict(1, AT, None, "CHIP")])


def test_a_text_without_a_zone_needs_one():
    with pytest.raises(clocks.NoZone):
        judge([new(timestamp="2026-06-01T12:00:00")])
    [content] = judge([new(timestamp="2026-06-01T14:00:00")], "Europe/Madrid")
    assert (content.at, content.time_zone) == (make.NOON, None)


async def test_one_bad_passing_refuses_the_whole_call(ctx, session):
    with pytest.raises(Invalid, match=r"passings\[2\].bib"):
        await passings.record(ctx, session.token, [new(), new(number=2), new(number=3, bib=None)])
    assert await passings.count(ctx, passings.Filter()) == 0


@pytest.mark.parametrize(
    ("zone", "own", "hour"), [("Europe/Madrid", None, 10), ("Europe/Madrid", "UTC", 12), (None, None, 12)]
)
async def test_a_time_without_a_zone_takes_the_passings_then_the_devices_then_utc(ctx, zone, own, hour):
    device = (await devices.bind(ctx, NewDevice(model="M", serial_number="Z", time_zone=zone))).device
    token = (await sessions.open(ctx, device.device_id)).token
    said = [new(timestamp="2026-06-01T12:00:00", time_zone=own), new(number=2)]
    recorded = await passings.record(ctx, token, said)
    assert [passing.at for passing in recorded.passings] == [
        make.NOON + (hour - 12) * 3600 * clocks.SECOND,
        make.NOON,
    ]
    rows, _, _ = await passings.numbered(ctx, token)
    assert [(row.timestamp_text, row.time_zone) for row in rows] == [("2026-06-01T12:00:00", own), (AT, None)]


@pytest.mark.parametrize(
    ("token", "given", "error"),
    [
        (None, [new()], Invalid),
        ("", [new()], Invalid),
        (5, [new()], Invalid),
        ("a\0", [new()], Invalid),
        ("F" * 64, [new()], SessionNotActive),
        ("F" * 64, [new(timestamp="2026-06-01T12:00:00")], SessionNotActive),
        ("F" * 64, None, Invalid),
        ("F" * 64, [], Invalid),
        ("F" * 64, [new()] * (MOST + 1), TooLarge),
    ],
    ids=range(9),
)
async def test_a_call_that_cannot_be_taken_says_why(ctx, token, given, error):
    with pytest.raises(error):
        await passings.record(ctx, token, given)


async def test_the_outcome_of_each_row_is_told(ctx, session):
    recorded = await passings.record(ctx, session.token, [new(), new(), new(bib="8"), new(number=2)])
    assert make.outcome(recorded.written, 4) == ["inserted", "duplicate", "conflict", "inserted"]
    assert [msgspec.to_builtins(passing)[0] for passing in recorded.passings] == [1, 1, 1, 2]


async def test_a_full_queue_and_a_failing_database_are_busy(office, ctx, session):
    narrow = Ingest(office.database, make.app.writer(office.database), lambda commit: None, 1)
    narrow.start()
    ctx.ingest = narrow
    with pytest.raises(Busy):
        await passings.record(ctx, session.token, [new(), new(number=2)])
    await narrow.close()
    with pytest.raises(Busy) as refused:
        await passings.record(ctx, session.token, [new()])
    assert (refused.value.status, refused.value.extensions) == (503, {"code": "BUSY", "retryAfter": 1})


async def test_passings_are_read_by_number_time_arrival_and_place(ctx, session, record):
    device = (await devices.of_rows(ctx, [session.device_row]))[session.device_row]
    await record(ctx, session.token, 3, 1, 2)
    rows, of, on = await passings.numbered(ctx, session.token, first=2, last=3)
    assert ([row.number for row in rows], of.id, on.id) == ([2, 3], session.id, device.id)
    rows, _, _ = await passings.numbered(ctx, session.token, page=2, limit=2)
    assert [row.number for row in rows] == [3]
    rows, found = await passings.timed(ctx, device.device_id, (make.NOON, make.NOON))
    assert [row.number for row in rows] == [3, 1, 2] and set(found) == {session.id}
    assert (await passings.of_position(ctx, 2)).number == 1
    assert set(await passings.of_numbers(ctx, session.id, [1, 9])) == {1}
    for which in (passings.Filter(), passings.Filter(session_row=session.id), passings.Filter(bib="7")):
        assert await passings.count(ctx, which) == 3
    with pytest.raises(NotFound, match="Passing not found"):
        await passings.of_position(ctx, 4)


async def test_a_page_says_up_to_where_there_is_nothing_else(ctx, other, session, record):
    await record(ctx, session.token, 1, 2, 3)
    await record(ctx, session.token, 1, 2, 3)
    which = await passings.which(ctx, session_token=session.token)
    rows, until = await passings.after(ctx, which, 0, 2)
    assert ([row.number for row in rows], until) == ([1, 2], 2)
    rows, until = await passings.after(ctx, which, until, 2)
    assert ([row.number for row in rows], until) == ([3], await passings.position(ctx))
    assert await passings.after(ctx, which, until, 2) == ([], until)
    assert await passings.after(ctx, which, 99, 2) == ([], 99)
    assert [row.number for row in await passings.before(ctx, which, 3, 1)] == [2]
