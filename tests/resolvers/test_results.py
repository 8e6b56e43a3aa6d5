"""Results: the official list, of one moment, for those who may see the race."""

from dataclasses import replace

import pytest

from resolvers import (
    corrections,
    devices,
    leaderboards,
    participants,
    races,
    registrations,
    results,
    servings,
    sessions,
)
from resolvers.context import REFUSED, STRANGER, Caller
from resolvers.courses import NewCategory, NewCheckpoint, NewWave
from resolvers.devices import NewDevice
from resolvers.entries import NewParticipant
from resolvers.errors import NotAllowed, NotFound, Unidentified
from resolvers.servings import ServeCheckpoint
from tests.resolvers.racing import NOON_TEXT, make_event, make_race
from timing.clocks import SECOND

COURSE = (
    NewCheckpoint(kind="START"),
    NewCheckpoint(distance=5000),
    NewCheckpoint(kind="FINISH", distance=10_000),
)
FIELD = (("1", "M", 45), ("2", "F", 30), ("3", "F", 31), ("4", "M", 50), ("5", "M", 20))


class Meeting:
    """A race whose mats are sessions of devices of their own."""

    def __init__(self, ctx, record, event, race, tokens):
        self.ctx, self.record, self.event, self.race, self.tokens = ctx, record, event, race, tokens
        self._number = 0

    @classmethod
    async def of(cls, ctx, record, *, public=False, **more):
        event = await make_event(ctx, public=public, status="PUBLISHED")
        new = {
            "name": "10K",
            "checkpoints": COURSE,
            "categories": [NewCategory(name="M", oldest=39), NewCategory(name="Masters", youngest=40)],
            "waves": [NewWave(name="1", gun_time=NOON_TEXT)],
        }
        race = await make_race(ctx, event, **(new | more))
        tokens = []
        for checkpoint in (await races.parts(ctx, [race.id]))[race.id].checkpoints:
            name = f"{race.id}-{checkpoint.name}"
            device = (await devices.bind(ctx, NewDevice(model="M", serial_number=name))).device
            tokens.append((await sessions.open(ctx, device.device_id)).token)
            await servings.serve(ctx, ServeCheckpoint(checkpoint_id=checkpoint.id, session_token=tokens[-1]))
        entries = [
            NewParticipant(bib=bib, name=f"N{bib}", gender=gender, age=age) for bib, gender, age in FIELD
        ]
        await registrations.add(ctx, event.token, entries)
        return cls(ctx, record, event, race, tokens)

    async def read(self, mat, bib, seconds):
        self._number += 1
        minutes, rest = divmod(seconds, 60)
        at = f"2026-06-01T12:{minutes:02}:{rest:02}Z"
        await self.record(self.ctx, self.tokens[mat], self._number, bib=bib, timestamp=at)

    async def run(self):
        """1 wins, 2 and 3 share the second place, 4 gives up behind 5 km, 5 does not come."""
        for bib, start, middle, finish in (
            ("1", 3, 900, 1800),
            ("2", 4, 1000, 1900),
            ("3", 9, 990, 1900),
            ("4", 5, 800, 0),
        ):
            await self.read(0, bib, start)
            await self.read(1, bib, middle)
            if finish:
                await self.read(2, bib, finish)
        for bib, status in (("4", "DNF"), ("5", "DNS")):
            await self.status(bib, status)

    async def status(self, bib, status):
        row = await self.participant(bib)
        await registrations.update(self.ctx, row.participant_id, {"status": status}, "seen")

    async def participant(self, bib):
        return await participants.of_bib(self.ctx, self.event.token, bib)

    async def lines(self):
        found = await results.official(self.ctx, self.race.id)
        return {line.participant.bib: line for line in found.lines(0, len(found))}


@pytest.fixture
async def meeting(ctx, record):
    made = await Meeting.of(ctx, record)
    await made.run()
    return made


async def test_the_official_order_has_the_unranked_at_its_end(meeting):
    lines = await meeting.lines()
    assert list(lines) == ["1", "2", "3", "4", "5"]
    assert [line.rank for line in lines.values()] == [1, 2, 2, None, None]
    assert [line.state for line in lines.values()] == ["FINISHED"] * 3 + ["DNF", "DNS"]


async def test_a_line_has_the_ranks_within_gender_and_category_too(meeting):
    lines = await meeting.lines()
    assert [line.gender_rank for line in lines.values()] == [1, 1, 1, None, None]
    assert [(line.category, line.category_rank) for line in lines.values()] == [
        ("Masters", 1), ("M", 1), ("M", 1), ("Masters", None), ("M", None),
    ]  # fmt: skip


async def test_each_rank_is_by_its_own_basis(ctx, record):
    meeting = await Meeting.of(ctx, record, gender_by="NET", category_by="NET")
    await meeting.run()
    lines = await meeting.lines()
    assert [line.rank for line in lines.values()][:3] == [1, 2, 2]
    assert (lines["3"].gender_rank, lines["2"].gender_rank) == (1, 2)
    assert (lines["3"].category_rank, lines["2"].category_rank) == (1, 2)


async def test_times_are_of_the_finish_and_none_for_who_has_not_finished(meeting):
    lines = await meeting.lines()
    assert (lines["1"].time, lines["1"].gun_time, lines["1"].net_time) == (
        1800 * SECOND, 1800 * SECOND, 1797 * SECOND,
    )  # fmt: skip
    assert (lines["4"].time, lines["4"].gun_time, lines["4"].net_time) == (None, None, None)
    assert [split.gun for split in lines["4"].splits] == [5 * SECOND, 800 * SECOND]
    assert lines["5"].splits == ()


async def test_a_line_says_when_the_gun_stands_in_for_an_own_start(meeting):
    await meeting.read(1, "5", 1000)
    await meeting.read(2, "5", 2000)
    await meeting.status("5", "REGISTERED")
    lines = await meeting.lines()
    assert [line.net_is_gun for line in lines.values()] == [False, False, False, True, False]
    assert lines["5"].net_time == lines["5"].gun_time == 2000 * SECOND
    entry = NewParticipant(bib="6", name="absent")
    await registrations.add(meeting.ctx, meeting.event.token, [entry])
    assert not (await meeting.lines())["6"].net_is_gun


async def test_an_adjustment_is_in_the_time_that_ranks_and_in_no_other(meeting):
    row = await meeting.participant("1")
    await corrections.adjust_time(meeting.ctx, row.participant_id, 120, "cut a corner")
    lines = await meeting.lines()
    assert list(lines)[:3] == ["2", "3", "1"]
    assert (lines["1"].time, lines["1"].gun_time) == (1920 * SECOND, 1800 * SECOND)


async def test_in_a_race_of_a_given_duration_the_last_lap_is_the_result(ctx, record):
    course = (NewCheckpoint(kind="FINISH", distance=400),)
    meeting = await Meeting.of(ctx, record, mode="TIMED", duration_seconds=1800, checkpoints=course)
    for bib, lap in (("1", 100), ("1", 200), ("1", 300), ("2", 90), ("2", 210)):
        await meeting.read(0, bib, lap)
    found = await results.official(ctx, meeting.race.id)
    assert [place.lap for place in found.places] == [1, 2, 3]
    first, second, third = found.lines(0, 3)
    assert (first.participant.bib, first.rank, first.laps, first.time) == ("1", 1, 3, 300 * SECOND)
    assert (second.participant.bib, second.rank, second.laps, second.time) == ("2", 2, 2, 210 * SECOND)
    assert (third.rank, third.laps, third.time) == (None, 0, None)


async def test_results_stay_as_they_were_while_the_race_goes_on(meeting):
    found = await results.official(meeting.ctx, meeting.race.id)
    before = found.lines(0, 10)
    await meeting.status("1", "DSQ")
    assert found.lines(0, 10) == before
    assert (await meeting.lines())["1"].state == "DSQ"


async def test_pages_make_up_the_whole(meeting):
    found = await results.official(meeting.ctx, meeting.race.id)
    whole = found.lines(0, 10)
    assert [line for start in range(5) for line in found.lines(start, 1)] == whole and len(found) == len(
        whole
    )


async def test_verdicts_are_counted_when_asked_for(meeting):
    await meeting.read(2, "1", 1810)
    await meeting.read(2, "nobody", 1820)
    assert (await results.official(meeting.ctx, meeting.race.id)).verdicts is None
    found = await results.official(meeting.ctx, meeting.race.id, verdicts=True)
    assert found.verdicts == {"VALID": 11, "BOUNCED": 1, "UNKNOWN_PARTICIPANT": 1}


async def test_verdicts_are_for_the_account_alone(office, other, ctx, record):
    meeting = await Meeting.of(ctx, record, public=True)
    await meeting.run()
    without = replace(ctx.caller, scopes=frozenset({"passings:read"}))
    for caller in (STRANGER, other.caller, without):
        found = await results.official(office.context(caller), meeting.race.id, verdicts=True)
        assert found.verdicts is None and len(found) == 5
    assert (await results.official(ctx, meeting.race.id, verdicts=True)).verdicts == {"VALID": 11}


async def test_a_race_without_anything_has_no_lines(ctx):
    event = await make_event(ctx)
    found = await results.official(ctx, (await make_race(ctx, event)).id)
    assert len(found) == 0 and found.lines(0, 10) == [] and len(found.places) == 4


async def test_a_private_race_is_for_its_account(office, ctx, other, meeting):
    for caller in (STRANGER, other.caller):
        with pytest.raises(NotFound, match="Race not found"):
            await results.official(office.context(caller), meeting.race.id)
    bare = office.context(replace(ctx.caller, scopes=frozenset({"participants:read"})))
    with pytest.raises(NotAllowed):
        await results.official(bare, meeting.race.id)
    reader = office.context(replace(ctx.caller, scopes=frozenset({"events:read"})))
    assert len(await results.official(reader, meeting.race.id)) == 5


async def test_a_public_race_is_for_everybody_but_a_wrong_key(office, other, ctx, record):
    meeting = await Meeting.of(ctx, record, public=True)
    for caller in (STRANGER, other.caller, Caller(1, 1)):
        assert len(await results.official(office.context(caller), meeting.race.id)) == 5
    with pytest.raises(Unidentified):
        await results.official(office.context(REFUSED), meeting.race.id)


@pytest.mark.parametrize("id", [None, 0, -1, 10**17, 2**63])
async def test_a_race_that_is_not_there_is_not_found(ctx, id):
    with pytest.raises(NotFound, match="Race not found"):
        await results.official(ctx, id)


async def test_the_results_say_what_the_leaderboard_says(meeting):
    board = await leaderboards.of_race(meeting.ctx, meeting.race.id)
    shown = board.leaderboard.view(leaderboards.which(board)).page(0, 10)
    lines = (await meeting.lines()).values()
    assert [(each.participant, each.rank, each.splits) for each in shown] == [
        (line.participant, line.rank, line.splits) for line in lines
    ]
