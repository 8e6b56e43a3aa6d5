"""The live boards: as of every commit, the same as from scratch, whatever happened in between."""

import contextlib
import random

import pytest

from resolvers import (
    corrections,
    events,
    leaderboards,
    races,
    registrations,
    servings,
    telemetry,
    verdicts,
)
from resolvers.context import STRANGER
from resolvers.corrections import NewManual
from resolvers.errors import Conflict, Invalid, NotFound, TimingError, Unidentified
from resolvers.reports import NewReport
from tests.resolvers.day import Day, at
from timing import standings, views
from timing.races import Override, Ruling
from timing.views import Ranking, Which


@pytest.fixture
async def day(ctx):
    return await Day(ctx).begin()


async def bibs(ctx, race_id, **names):
    board = await leaderboards.of_race(ctx, race_id)
    view = board.leaderboard.view(leaderboards.which(board, **names))
    return [(line.rank, line.participant.bib) for line in view.page(0, 100)]


async def test_a_board_holds_every_passing_that_was_acknowledged_before(ctx, day):
    await day.enter("1", "007")
    for number, bib in enumerate(("1", "007")):
        await day.see(0, 1 + number, bib)
    assert await bibs(ctx, day.race.id) == [(1, "1"), (2, "007")]
    await day.see(2, 2000, "007")
    assert await bibs(ctx, day.race.id) == [(1, "007"), (2, "1")]


async def test_those_who_are_entered_after_the_race_are_found_by_their_passings(ctx, day):
    await day.see(2, 1900, "9")
    assert await bibs(ctx, day.race.id) == []
    await day.enter("9")
    assert await bibs(ctx, day.race.id) == [(1, "9")]


@pytest.mark.parametrize("seed", range(4))
async def test_whatever_happens_the_running_board_equals_one_from_scratch(office, seed):
    ctx, chance = await office.company(), random.Random(seed)
    day = await Day(ctx).begin()
    for step in range(120):
        with contextlib.suppress(Conflict, Invalid, NotFound):
            await day.something(chance)
        if chance.random() < 0.2 or step == 119:
            assert await leaderboards.rescore(ctx, day.race.id) == []
    board = await leaderboards.of_race(ctx, day.race.id)
    assert (
        len(board.leaderboard.view(Which())) > 3
        and sum(board.scoring.verdict_counts(day.race.id).values()) > 20
    )


async def test_a_wrong_board_is_told_of(ctx, day):
    await day.enter("1")
    await day.see(2, 2000, "1")
    board = await leaderboards.of_race(ctx, day.race.id)
    board.scoring.change(rulings=[Ruling(1, Override.VOIDED)])  # which no official said
    board.scoring.settle()
    found = await leaderboards.rescore(ctx, day.race.id)
    assert len(found) == 2 and "participant" in found[0] and "verdicts" in found[1]


async def test_corrections_take_effect_at_once(ctx, day):
    await day.enter("1", "2")
    await day.see(2, 2000, "1")
    passing = await day.see(2, 2010, "2")
    assert await bibs(ctx, day.race.id) == [(1, "1"), (2, "2")]
    first = await day.participant("1")
    await corrections.adjust_time(ctx, first, 30, "cut a corner")
    assert await bibs(ctx, day.race.id) == [(1, "2"), (2, "1")]
    await corrections.judge(ctx, passing.position, "VOIDED", "somebody else's chip")
    assert (await bibs(ctx, day.race.id))[0] == (1, "1")
    new = NewManual(checkpoint_id=day.checkpoints[2].id, bib="2", at=at(1990), reason="on the video")
    await corrections.add_manual_passing(ctx, new)
    assert await bibs(ctx, day.race.id) == [(1, "2"), (2, "1")]
    await registrations.update(ctx, await day.participant("2"), {"status": "DSQ"}, "no bib shown")
    assert await bibs(ctx, day.race.id) == [(1, "1"), (None, "2")]


async def test_a_corrected_gun_changes_times_and_a_moved_device_what_it_saw(ctx, day):
    await day.enter("1")
    await day.see(2, 2000, "1")

    async def time():
        board = await leaderboards.of_race(ctx, day.race.id)
        line = board.leaderboard.view(Which()).page(0, 1)[0]
        return line.gun_time, line.checkpoint

    assert await time() == (2_000_000_000, day.checkpoints[2].id)
    await races.set_gun_time(ctx, day.race.id, "first", at(-10), "the official's watch")
    assert (await time())[0] == 2_010_000_000
    await servings.end(ctx, day.servings[2].id, at(1), "was not there")
    assert await time() == (None, None)
    serving = servings.ServeCheckpoint(
        checkpoint_id=day.checkpoints[1].id, device_id=day.device_ids[2], from_=at(1)
    )
    await servings.serve(ctx, serving)
    assert await time() == (2_010_000_000, day.checkpoints[1].id)
    assert await leaderboards.rescore(ctx, day.race.id) == []


async def test_every_passing_has_a_verdict_and_a_reason(ctx, day):
    await day.enter("1")
    seen = [
        await day.see(0, -5, "1"),
        await day.see(0, 3, "1"),
        await day.see(1, 30, "1"),
        await day.see(2, 2000, "8"),
    ]
    judged = await verdicts.of_passings(ctx, seen)
    assert [judged[row.position].verdict for row in seen] == [
        "BEFORE_START", "VALID", "TOO_SOON", "UNKNOWN_PARTICIPANT",
    ]  # fmt: skip
    assert all(each.reason for each in judged.values())


async def test_only_the_account_sees_a_private_race_and_anybody_a_public_one(office, ctx, other, day):
    stranger = office.context(STRANGER)
    for who in (other, stranger):
        with pytest.raises(NotFound):
            await leaderboards.of_race(who, day.race.id)
    await events.update(ctx, day.event.token, {"public": True, "status": "PUBLISHED"})
    for who in (other, stranger):
        assert (await leaderboards.of_race(who, day.race.id)).race.name == "Marathon"
        with pytest.raises(TimingError):
            await leaderboards.rescore(who, day.race.id)
    with pytest.raises(Unidentified):
        await verdicts.anomalies_of(stranger, day.race.id)


async def test_a_page_is_found_by_bib_and_by_name(ctx, day):
    await day.enter("1", "12", "2")
    board = await leaderboards.of_race(ctx, day.race.id)
    view = board.leaderboard.view(Which())
    assert [line.participant.bib for line in leaderboards.page(view, search="1", limit=9)[0]] == ["1", "12"]
    found, total, more = leaderboards.page(view, search="n1", limit=1)
    assert (len(found), total, more) == (1, 2, True)
    assert [line.place for line in leaderboards.page(view, after=1, limit=1)[0]] == [2]


@pytest.mark.parametrize("which", [Which(), Which(gender="F"), Which(Ranking.TEAM)])
@pytest.mark.parametrize("search", ["n1", "3", "RÜSSEL", "strasse", "t", "nobody"])
async def test_a_search_finds_what_all_lines_would(ctx, day, which, search):
    await day.enter(*"12345", gender="F", team="Rüssel")
    await day.enter("13", "14", "15", "16", gender="M", team="Straße")
    for place, bib in enumerate(("15", "2", "14", "13")):
        await day.see(2, 2000 + place // 2, bib)
    view = (await leaderboards.of_race(ctx, day.race.id)).leaderboard.view(which)
    wanted = [
        line
        for line in view.page(0, 99)
        if search.casefold() in (line.participant.name if line.participant else line.team).casefold()
        or (line.participant and line.participant.bib == search)
    ]
    assert leaderboards.page(view, search=search, limit=99) == (wanted, len(wanted), False)
    for after in range(len(view) + 1):
        behind = [line for line in wanted if line.place > after]
        found = leaderboards.page(view, search=search, after=after, limit=2)
        assert found == (behind[:2], len(wanted), len(behind) > 2)


async def test_a_search_builds_no_standing_but_those_it_gives(ctx, day, monkeypatch):
    built = []

    def standing(*args):
        built.append(standings.standing(*args))
        return built[-1]

    monkeypatch.setattr(views, "standing", standing)
    await day.enter(*(str(bib) for bib in range(10, 40)))
    view = (await leaderboards.of_race(ctx, day.race.id)).leaderboard.view(Which())
    found, total, _ = leaderboards.page(view, search="N", limit=3)
    assert total == 30 and found == built and len(built) == 3


async def test_a_checkpoint_of_another_race_is_refused(ctx, day):
    board = await leaderboards.of_race(ctx, day.race.id)
    with pytest.raises(Invalid, match="checkpoint_id"):
        leaderboards.which(board, checkpoint_id=999)


async def test_how_a_race_goes(ctx, day):
    await day.enter("1", "2")
    board = await leaderboards.of_race(ctx, day.race.id)

    async def state():
        progress = await leaderboards.progress(ctx, await leaderboards.of_race(ctx, day.race.id))
        return progress.state, progress.readers, progress.readers_alive

    assert await state() == ("NOT_STARTED", 3, 0)
    await day.see(0, 1, "1")
    assert await state() == ("RUNNING", 3, 1)
    await day.see(2, 2000, "1")
    assert await state() == ("FINISHED", 3, 2)
    assert board.state[0] == 2
    await telemetry.report(ctx, day.device_ids[1], [NewReport()])
    assert await state() == ("FINISHED", 3, 3), "a report is a sign of life too"


async def test_the_least_used_boards_are_let_go_and_made_anew(ctx, day, monkeypatch):
    monkeypatch.setattr(leaderboards, "MOST_EVENTS", 1)
    await day.enter("1")
    await day.see(2, 2000, "1")
    await leaderboards.of_race(ctx, day.race.id)
    other_day = await Day(ctx).begin()
    await leaderboards.of_race(ctx, other_day.race.id)
    assert await bibs(ctx, day.race.id) == [(1, "1")]
