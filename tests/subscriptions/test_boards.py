"""Followed boards that are changed, made anew or let go meanwhile."""

import asyncio

import pytest

from models import boards
from resolvers import events, leaderboards, passings, races
from resolvers.context import STRANGER
from resolvers.errors import NotFound
from resolvers.passings import NewPassing
from subscriptions import leaderboards as feeds
from tests.resolvers.day import at
from tests.resolvers.racing import make_event, make_race
from tests.subscriptions.conftest import until
from tests.subscriptions.watching import day as day
from tests.subscriptions.watching import watch as watch
from timing.views import Which


async def test_a_followed_board_is_never_left_behind_however_many_others_are_asked_for(
    machine, watch, day, monkeypatch
):
    monkeypatch.setattr(leaderboards, "MOST_EVENTS", 1)
    await events.update(machine.ctx, day.event.token, {"public": True, "status": "PUBLISHED"})
    stranger = machine.context_of(STRANGER)
    board = await leaderboards.of_race(stranger, day.race.id)
    watcher, race = await watch(ctx=stranger), feeds.race(stranger, board)
    assert (await anext(race)).counts.finished == 0
    others = [await make_race(machine.ctx, await make_event(machine.ctx)) for _ in range(3)]

    async def ask_for_others():
        for other in others:
            await leaderboards.of_race(machine.ctx, other.id)

    await ask_for_others()
    await day.see(2, 2000, "13")
    await until(lambda: watcher.bibs[0] == "13")
    async with asyncio.timeout(5):
        assert (await anext(race)).counts.finished == 1
    await ask_for_others()
    await events.update(machine.ctx, day.event.token, {"public": False})
    await until(watcher.task.done)
    assert isinstance(watcher.task.exception(), NotFound)
    with pytest.raises(NotFound):
        async with asyncio.timeout(5):
            await anext(race)


async def test_another_basis_of_the_ranks_reaches_an_open_board(machine, watch, day):
    """By gun 1 is before 2, by net behind: the boards are others then, whose revisions begin anew."""
    for bib, start, finish in (("1", 1, 2000), ("2", 100, 2050)):
        await day.see(0, start, bib)
        await day.see(2, finish, bib)
    watcher, women = await watch(), await watch(gender="F", ranking="GENDER")
    assert watcher.bibs[:2] == women.bibs[:2] == ["1", "2"]
    await races.update(machine.ctx, day.race.id, {"overall_by": "NET"})
    await watcher.shows("2", "1", "3", "11", "12", "13")
    assert women.bibs[:2] == ["1", "2"]
    await day.see(2, 1900, "3")
    await women.shows("3", "1", "2")
    await watcher.shows("3", "2", "1", "11", "12", "13")


@pytest.mark.parametrize("follow", ["leaderboard", "participant", "race"])
async def test_nothing_is_given_in_the_middle_of_a_change(machine, day, monkeypatch, follow):
    """Whoever else asks may be the one who changes the board, a competitor at a time."""
    monkeypatch.setattr(boards, "SLICE", 1)
    many = [str(bib) for bib in range(100, 300)]
    await day.enter(*many)
    board = await leaderboards.of_race(machine.ctx, day.race.id)
    last = await leaderboards.of_bib(machine.ctx, board, many[-1])
    new = [NewPassing(number=number, timestamp=at(2000), bib=bib) for number, bib in enumerate(many)]
    await passings.record(machine.ctx, day.tokens[2], new)
    asking = asyncio.create_task(leaderboards.of_race(machine.ctx, day.race.id))
    while not 0 < board.leaderboard.view(Which()).counts().finished < len(many):
        assert not asking.done(), "nobody could have seen half a change"
        await asyncio.sleep(0)
    match follow:
        case "leaderboard":
            feed = feeds.feed(machine.ctx, board, Which(), 5)
            assert (await anext(feed)).counts.finished == len(many)
        case "participant":
            feed = feeds.participant(machine.ctx, board, last)
            assert (await anext(feed)).state == "FINISHED"
        case _:
            feed = feeds.race(machine.ctx, board)
            assert (await anext(feed)).counts.finished == len(many)
    await feed.aclose()
    await asking
