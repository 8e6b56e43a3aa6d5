"""What operations cost: all of them something, and more where there is more to do."""

import re
from pathlib import Path

import pytest

from models.participants import Filter as Who
from resolvers import (
    context,
    costs,
    devices,
    imports,
    leaderboards,
    participants,
    passings,
    polls,
    registrations,
    results,
    sessions,
    verdicts,
)
from resolvers.context import Caller, Meter
from resolvers.devices import NewDevice
from resolvers.entries import NewParticipant
from resolvers.errors import TooMany
from resolvers.inputs import HIGHEST
from resolvers.passings import NewPassing
from tests.resolvers.test_rights import EVERY_SCOPE, OPERATIONS, call

END = 1_800_000_000_000_000
"""In 2027, in microseconds."""
LIMITS = Path(__file__).parents[2] / "docs" / "limits.md"


class Counting(Meter):
    """Lets everything in and adds it up; with `most`, no more than that."""

    __slots__ = ("most", "spent")

    def __init__(self, most: float = float("inf")) -> None:
        self.spent, self.most = 0.0, most

    def spend(self, cost: float) -> None:
        if self.spent + cost > self.most:
            raise TooMany
        self.spent += cost

    def charge(self, cost: float) -> None:
        self.spent += cost


@pytest.fixture
def paying(ctx):
    """The company's context, and what it pays in an operation."""

    async def pay(operation):
        ctx.meter = Counting()
        try:
            await operation
        finally:
            spent, ctx.meter = ctx.meter.spent, context.FREE
        return spent

    return pay


@pytest.mark.parametrize("name", OPERATIONS)
async def test_every_operation_costs_at_least_a_point(empty_office, name):
    asked = empty_office.context(Caller(1, 1, scopes=EVERY_SCOPE))
    asked.meter = Counting()
    try:
        await call(asked, OPERATIONS[name])
    except Exception:  # the arguments were nothing at all
        pass
    assert asked.meter.spent >= 1


@pytest.mark.parametrize("name", OPERATIONS)
async def test_no_operation_does_anything_for_one_who_has_nothing_left(empty_office, name):
    asked = empty_office.context(Caller(1, 1, scopes=EVERY_SCOPE))
    asked.meter = Counting(most=0)
    with pytest.raises(TooMany):
        await call(asked, OPERATIONS[name])


async def test_recording_pays_for_each_hundred(ctx, paying):
    device = (await devices.bind(ctx, NewDevice(model="M", serial_number="S1"))).device
    token = (await sessions.open(ctx, device.device_id)).token

    def record(*numbers):
        new = [NewPassing(number, "2026-06-01T12:00:00Z", "7") for number in numbers]
        return paying(passings.record(ctx, token, new))

    assert await record(1) == await record(*range(100)) == 1
    assert await record(*range(1000)) == 10
    assert await paying(passings.numbered(ctx, token)) == 1 + 1000 / costs.ROWS
    assert await paying(passings.timed(ctx, device.device_id)) == 1 + 1000 / costs.ROWS
    assert await paying(polls.poll(ctx, device.device_id)) == 1 + 1000 / costs.ROWS
    which = await passings.which(ctx)
    assert await paying(passings.after(ctx, which, 0, 100)) == 1 + 100 / costs.ROWS
    assert await paying(passings.before(ctx, which, None, 50)) == 1 + 50 / costs.ROWS
    rows = await passings.before(ctx, which, None, 50)
    assert await paying(verdicts.of_passings(ctx, rows)) == 1 + 50 / costs.ROWS


@pytest.mark.parametrize("wanted", [{}, {"bib": "7"}, {"from_number": 1}, {"from_": 0}])
async def test_a_cursor_ahead_of_everything_costs_no_more_than_the_end(ctx, paying, wanted):
    which = await passings.which(ctx, **wanted)
    for ahead in (HIGHEST, HIGHEST - 1000):
        assert await paying(passings.before(ctx, which, ahead, 50)) < 2
        assert await paying(passings.after(ctx, which, ahead, 50)) == 1


@pytest.mark.parametrize("wanted", [{"bib": "8"}, {"bib": "8", "from_": 0}, {"chip": "C", "to": END}])
async def test_who_looks_for_something_pays_for_what_is_looked_at(ctx, record, paying, wanted):
    device = (await devices.bind(ctx, NewDevice(model="M", serial_number="S"))).device
    token = (await sessions.open(ctx, device.device_id)).token
    await record(ctx, token, *range(3_000))
    which = await passings.which(ctx, **wanted)
    assert await paying(passings.before(ctx, which, None, 50)) >= 1 + 3_000 / costs.LOOKED_THROUGH
    assert await paying(passings.after(ctx, which, 0, 50)) >= 1 + 3_000 / costs.LOOKED_THROUGH
    assert await paying(passings.count(ctx, which)) == 1 + 3_000 / costs.LOOKED_THROUGH
    later = await passings.which(ctx, **wanted | {"from_": END, "to": None})
    assert await paying(passings.count(ctx, later)) == 1


async def test_pages_pay_for_what_is_on_them(ctx, paying):
    for number in range(5):
        device = (await devices.bind(ctx, NewDevice(model="M", serial_number=f"S{number}"))).device
        await sessions.open(ctx, device.device_id)
    assert await paying(devices.page(ctx, limit=5000)) == 1 + 5 / costs.ROWS
    assert await paying(devices.page(ctx, limit=2)) == 1 + 2 / costs.ROWS
    assert await paying(sessions.of_device(ctx, device.device_id)) == 1 + 1 / costs.ROWS
    assert await paying(sessions.pages(ctx, [device.id], 0, 9)) == 1 + 1 / costs.ROWS


async def test_entering_participants_pays_for_each(ctx, event, paying):
    new = [NewParticipant(bib=str(number), name="Ann") for number in range(20)]
    full = costs.CHANGE + 20 / costs.ENTRIES
    assert await paying(registrations.add(ctx, event.token, new)) == full
    file = "bib,name\n" + "\n".join(f"{number},Eve" for number in range(100, 120))
    assert await paying(imports.participants(ctx, event.token, file)) == 1 + full
    assert await paying(participants.page(ctx, event.token, limit=30)) == 1 + 30 / costs.ROWS
    assert await paying(participants.pages(ctx, [event.id], Who(), 0, 10)) == 1 + 10 / costs.ROWS


async def test_an_import_that_cannot_be_paid_enters_nobody(ctx, event):
    file = "bib,name\n" + "\n".join(f"{number},Eve" for number in range(1500))
    ctx.meter = Counting(most=200)
    with pytest.raises(TooMany):
        await imports.participants(ctx, event.token, file)
    ctx.meter = context.FREE
    assert (await participants.page(ctx, event.token, limit=1)).total == 0


async def test_dear_questions_pay_by_the_size_of_the_field(ctx, event, race, paying):
    new = [NewParticipant(bib=str(number), name="Ann", race_id=race.id) for number in range(300)]
    await registrations.add(ctx, event.token, new)
    board = await leaderboards.of_race(ctx, race.id)
    assert len(board.leaderboard) == 300
    assert await paying(results.official(ctx, race.id)) == 1 + 300 / costs.LINES_OF_RESULTS
    assert await paying(leaderboards.rescore(ctx, race.id)) == 1 + 300 / costs.LINES_COMPARED
    assert await paying(verdicts.anomalies_of(ctx, race.id)) == 1 + 300 / costs.LINES_EXAMINED


async def test_a_view_is_paid_for_by_the_one_for_whom_it_is_made(ctx, event, race):
    new = [NewParticipant(bib=str(number), name="Ann", race_id=race.id, club="A") for number in range(300)]
    await registrations.add(ctx, event.token, new)
    for expected in (300 / costs.LINES_OF_VIEW, 0):
        ctx.meter = Counting()
        board = await leaderboards.of_race(ctx, race.id)
        ctx.meter.spent = 0
        which = leaderboards.which(board, club="A")
        assert ctx.meter.spent == expected
    view = board.leaderboard.view(which)
    leaderboards.page(view, limit=10, meter=ctx.meter)
    assert ctx.meter.spent == 0
    leaderboards.page(view, search="Ann", limit=10, meter=ctx.meter)
    assert ctx.meter.spent == 300 / costs.LINES_SEARCHED


def test_every_cost_is_in_the_docs_as_it_is():
    rows = [line.split("|") for line in LIMITS.read_text().splitlines() if line.startswith("|")]
    told = {row[1].strip().strip("`"): row[2].replace(",", "") for row in rows}
    known = {name: value for name, value in vars(costs).items() if name.isupper()}
    assert {name for name in told if name.isupper()} == set(known)
    for name, value in known.items():
        assert re.search(rf"\b{value}\b", told[name]), name
