"""Corrections: what officials say, why, and what became of it."""

import asyncio
import itertools

import msgspec
import pytest

from models import participants as rows
from models import passings as passing_rows
from models import streams
from resolvers import (
    corrections,
    devices,
    events,
    participants,
    passings,
    races,
    registrations,
    servings,
    sessions,
)
from resolvers.corrections import NewManual
from resolvers.courses import NewRace
from resolvers.devices import NewDevice
from resolvers.entries import NewParticipant
from resolvers.errors import Busy, Conflict, Invalid, NotAllowed, NotFound
from resolvers.events import NewEvent
from resolvers.servings import ServeCheckpoint
from tests.factories import NOON

NOBODY = "F" * 64


class Desk:
    """A race with a reader at its finish and one participant."""

    @classmethod
    async def of(cls, ctx, record):
        self = cls()
        self.ctx = ctx
        self.event = await events.create(ctx, NewEvent(name="Run", start_date="2026-06-01", time_zone="CET"))
        self.race = await races.create(ctx, self.event.token, NewRace(name="10K"))
        self.start, self.finish = (await races.parts(ctx, [self.race.id]))[self.race.id].checkpoints
        (added,) = await registrations.add(ctx, self.event.token, [NewParticipant(bib="007", name="Ann")])
        self.ann = added.participant
        self.device = (await devices.bind(ctx, NewDevice(model="M", serial_number="S"))).device
        self.session = await sessions.open(ctx, self.device.device_id)
        self.position = (await record(ctx, self.session.token, 1)).written.position
        return self

    async def serve(self, **window):
        new = ServeCheckpoint(checkpoint_id=self.finish.id, device_id=self.device.device_id, **window)
        await servings.serve(self.ctx, new)

    async def rulings(self):
        async with self.ctx.database.reading() as session:
            return await rows.rulings(session, self.event.id)

    async def noted(self):
        return [audited.change for audited in await events.changes(self.ctx, self.event.token)][-1]

    def manual(self, **more):
        new = {"checkpoint_id": self.finish.id, "bib": "007", "at": "2026-06-01T12:00:00Z", "reason": "seen"}
        return corrections.add_manual_passing(self.ctx, NewManual(**new | more))


@pytest.fixture
async def desk(ctx, record):
    return await Desk.of(ctx, record)


async def test_a_manual_passing_is_recorded_and_confirmed(ctx, desk):
    passing = await desk.manual()
    assert (passing.bib, passing.at, passing.number) == ("007", NOON, 1)
    (ruling,) = await desk.rulings()
    assert (ruling.position, ruling.override, ruling.reason) == (passing.position, "CONFIRMED", "seen")
    assert (ruling.checkpoint_id, ruling.participant_row) == (desk.finish.id, desk.ann.id)
    assert (ruling.key_id, ruling.at) == (ctx.caller.key_id, NOON)
    change = await desk.noted()
    assert (change.kind, change.reason) == ("RULING", "seen")
    assert msgspec.json.decode(change.subject) == {"positions": [passing.position]}
    assert (await passings.of_position(ctx, passing.position)) == passing


async def test_manual_passings_of_an_event_are_in_one_session_of_its_own(ctx, desk, record):
    first, second = await desk.manual(), await desk.manual(at="2026-06-01T14:00:01")
    assert (second.session_row, second.number) == (first.session_row, 2)
    assert second.at == NOON + 1_000_000  # without a zone it is the event's
    (device,) = (await devices.page(ctx, search="manual", limit=9)).devices
    assert (device.type, device.model, device.alias) == ("MANUAL", "Passline", "manual entries of Run")
    (sheet,) = await sessions.of_device(ctx, device.device_id)
    assert sheet.alias == "manual entries of Run" and sheet.passing_count == 2


async def test_a_sheet_that_was_closed_or_unbound_is_followed_by_another(ctx, desk):
    first = await desk.manual()
    (device,) = (await devices.page(ctx, search="manual", limit=9)).devices
    await devices.unbind(ctx, device.device_id)
    second = await desk.manual()
    assert second.session_row != first.session_row and second.device_row == first.device_row


async def test_officials_who_write_at_the_same_moment_do_not_lose_a_passing(office, record):
    desk = await Desk.of(await office.company(), record)
    made = await asyncio.gather(*(desk.manual(reason=f"R{n}") for n in range(10)))
    assert len({passing.position for passing in made}) == 10
    assert len({passing.session_row for passing in made}) == 1
    assert len(await desk.rulings()) == 10


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"bib": "7"}, "bib"), ({"bib": ""}, "bib"), ({"bib": None}, "bib"), ({"at": "noon"}, "at"), ({"at": None}, "at"),
        ({"reason": ""}, "reason"), ({"reason": " "}, "reason"), ({"reason": None}, "reason"), ({"reason": "x" * 501}, "reason"),
    ],
    ids=itertools.count(),
)  # fmt: skip
async def test_nonsense_on_a_sheet_is_named_and_stores_nothing(ctx, desk, more, field):
    with pytest.raises(Invalid) as error:
        await desk.manual(**more)
    assert error.value.field == field
    assert await passings.position(ctx) == desk.position and await desk.rulings() == []


async def test_a_manual_passing_is_on_the_course_of_the_participant(ctx, desk):
    other = await races.create(ctx, desk.event.token, NewRace(name="5K"))
    finish = (await races.parts(ctx, [other.id]))[other.id].checkpoints[-1]
    with pytest.raises(Invalid, match="not on the course"):
        await desk.manual(checkpoint_id=finish.id)
    for row in (0, -1, 999_999, 10**30):
        with pytest.raises(NotFound, match="Checkpoint not found"):
            await desk.manual(checkpoint_id=row)


async def test_a_full_writer_is_busy(ctx, desk):
    ctx.ingest._most_waiting = 0
    with pytest.raises(Busy):
        await desk.manual()
    assert await desk.rulings() == []


async def test_a_passing_is_voided_and_confirmed_and_never_changed(ctx, desk):
    await desk.serve()
    before = await passings.of_position(ctx, desk.position)
    await corrections.judge(ctx, desk.position, "VOIDED", " a photographer ")
    await corrections.judge(ctx, desk.position, "CONFIRMED", "no, it was Ann")
    first, second = await desk.rulings()
    assert (first.override, first.reason, first.checkpoint_id) == ("VOIDED", "a photographer", None)
    assert (second.override, second.key_id) == ("CONFIRMED", ctx.caller.key_id)
    assert await passings.of_position(ctx, desk.position) == before
    assert msgspec.json.decode((await desk.noted()).subject) == {"positions": [desk.position]}


async def test_a_ruling_concerns_the_events_that_were_served_at_that_time(ctx, desk, record):
    with pytest.raises(Conflict, match="of no event"):
        await corrections.judge(ctx, desk.position, "VOIDED", "why")
    await desk.serve(to="2026-06-01T12:00:00Z")
    with pytest.raises(Conflict, match="of no event"):
        await corrections.judge(ctx, desk.position, "VOIDED", "why")
    await corrections.judge(ctx, desk.position, "CONFIRMED", "why", desk.start.id)
    (ruling,) = await desk.rulings()
    assert ruling.checkpoint_id == desk.start.id
    await corrections.judge(ctx, desk.position, "VOIDED", "after all")  # it has been ruled on here
    assert [each.override for each in await desk.rulings()] == ["CONFIRMED", "VOIDED"]


async def test_a_manual_passing_keeps_its_place_when_it_is_voided_and_confirmed_again(ctx, desk):
    passing = await desk.manual()
    await corrections.judge(ctx, passing.position, "VOIDED", "why")
    await corrections.judge(ctx, passing.position, "CONFIRMED", "why")
    for ruling in await desk.rulings():
        assert (ruling.checkpoint_id, ruling.participant_row) == (desk.finish.id, desk.ann.id)


@pytest.mark.parametrize(
    ("verdict", "reason", "field"),
    [
        ("VALID", "why", "verdict"),
        (None, "why", "verdict"),
        ("VOIDED", "", "reason"),
        ("VOIDED", "x" * 501, "reason"),
    ],
)
async def test_a_senseless_ruling_is_refused(ctx, desk, verdict, reason, field):
    await desk.serve()
    with pytest.raises(Invalid) as error:
        await corrections.judge(ctx, desk.position, verdict, reason)
    assert error.value.field == field and await desk.rulings() == []


async def test_penalties_and_bonuses_are_noted_and_add_up(ctx, desk):
    await corrections.adjust_time(ctx, desk.ann.participant_id, 30, "cut a corner")
    await corrections.adjust_time(ctx, desk.ann.participant_id, -10.5, "helped somebody")
    async with ctx.database.reading() as session:
        assert await rows.adjustment_sums(session, desk.event.id) == {desk.ann.id: 19_500_000}
    given = (await participants.personal(ctx, [desk.ann.id]))[desk.ann.id].adjustments
    assert [(each.amount, each.reason, each.key_id) for each in given] == [
        (30_000_000, "cut a corner", ctx.caller.key_id),
        (-10_500_000, "helped somebody", ctx.caller.key_id),
    ]
    change = await desk.noted()
    assert (change.kind, change.reason) == ("ADJUSTMENT", "helped somebody")
    assert msgspec.json.decode(change.subject) == {"participants": [desk.ann.id]}


@pytest.mark.parametrize(
    "seconds", [0, 1e-9, None, "x", True, 604_801, -604_801, float("nan"), float("inf"), 10**400]
)
async def test_senseless_seconds_are_refused(ctx, desk, seconds):
    with pytest.raises(Invalid) as error:
        await corrections.adjust_time(ctx, desk.ann.participant_id, seconds, "why")
    assert error.value.field == "seconds"


async def test_correcting_needs_the_right_and_the_account(office, ctx, other, desk, record):
    await desk.serve()
    await events.update(ctx, desk.event.token, {"status": "PUBLISHED", "public": True})
    theirs = (await devices.bind(other, NewDevice(model="M", serial_number="S"))).device
    await record(other, (await sessions.open(other, theirs.device_id)).token, 1)
    for asking, error in ((await office.ask_as(ctx, "READ"), NotAllowed), (other, NotFound)):
        desk.ctx = asking
        with pytest.raises(error):
            await desk.manual()
        with pytest.raises(error):
            await corrections.adjust_time(asking, desk.ann.participant_id, 1, "why")
        with pytest.raises(error):
            await corrections.judge(asking, 1, "VOIDED", "why", desk.finish.id)
    with pytest.raises(Conflict):  # their own first passing is of no event
        await corrections.judge(other, 1, "VOIDED", "why")
    with pytest.raises(NotFound):
        await corrections.judge(other, 2, "VOIDED", "why")
    desk.ctx = ctx
    assert await desk.rulings() == []
    async with ctx.database.reading() as session:
        assert await rows.adjustment_sums(session, desk.event.id) == {}
        assert len(await streams.after(session, ctx.caller.owner, passing_rows.Filter(), 0, 9)) == 1


async def test_who_or_what_is_not_there_is_not_found(ctx):
    with pytest.raises(NotFound, match="Participant not found"):
        await corrections.adjust_time(ctx, NOBODY, 1, "why")
    for position in (0, -1, 99):
        with pytest.raises(NotFound, match="Passing not found"):
            await corrections.judge(ctx, position, "VOIDED", "why")
