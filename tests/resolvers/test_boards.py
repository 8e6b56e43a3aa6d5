"""Boards that are read while they are being changed, in slices as small as can be: nobody sees half a change."""

import asyncio
import contextlib
import gc
import weakref

import pytest

from models import boards as rows
from resolvers import corrections, leaderboards, passings, races, servings
from resolvers.errors import NotFound
from resolvers.leaderboards import Board
from resolvers.passings import NewPassing
from tests.resolvers.day import Day, at
from tests.resolvers.racing import make_event, make_race
from timing import scoring
from timing.views import Which

MANY = 300


@pytest.fixture
async def day(ctx, monkeypatch):
    """Everybody is entered, nobody was seen yet."""
    day = await Day(ctx).begin()
    await day.enter(*(str(bib) for bib in range(MANY)))
    monkeypatch.setattr(rows, "SLICE", 1)
    monkeypatch.setattr(rows, "TAKEN", 1)
    return day


@pytest.fixture
async def board(ctx, day):
    return await leaderboards.of_race(ctx, day.race.id)


async def see_everybody(day, place=2, from_=2000, most=MANY):
    """In one commit."""
    new = [
        NewPassing(number=day.numbers + bib, timestamp=at(from_ + bib), bib=str(bib)) for bib in range(most)
    ]
    day.numbers += most
    await passings.record(day.ctx, day.tokens[place], new)


def finished(board):
    """As the board stands, be it in the middle of a change."""
    return board.leaderboard.view(Which()).counts().finished


async def ask(ctx, board):
    return await leaderboards.of_race(ctx, board.race_id)


async def amid(ctx, board):
    """Somebody asks, so that the boards are brought up to date; returns in the middle of that."""
    asking = asyncio.create_task(ask(ctx, board))
    while not 0 < finished(board) < MANY:
        assert not asking.done(), "nobody could have seen half a change"
        await asyncio.sleep(0)
    return asking


async def test_how_a_race_goes_is_never_told_in_the_middle_of_a_change(ctx, day, board):
    await see_everybody(day)
    asking = await amid(ctx, board)
    assert (await leaderboards.progress(ctx, board)).counts.finished == MANY
    await asking


async def test_what_one_who_gave_up_has_left_is_judged_before_others_read(ctx, day, board):
    await see_everybody(day)
    asking = await amid(ctx, board)
    asking.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await asking
    assert 0 < finished(board) < MANY
    await board.kept.settled()
    assert finished(board) == MANY


@pytest.mark.parametrize("amidst", [True, False])
async def test_a_running_board_is_compared_as_of_one_moment(ctx, day, board, monkeypatch, amidst):
    """Not in the middle of a change, nor when it is changed while passings are counted."""
    monkeypatch.setattr(scoring, "PART", 1)
    made, asking = rows.anew, []

    async def anew(database, event):
        """The first time, what is made from scratch has passings that the running board has not, or not all."""
        if asking:
            return await made(database, event)
        await see_everybody(day)
        fresh = await made(database, event)
        asking.append(await amid(ctx, board) if amidst else asyncio.create_task(ask(ctx, board)))
        return fresh

    monkeypatch.setattr(rows, "anew", anew)
    assert await leaderboards.rescore(ctx, day.race.id) == []
    await asyncio.gather(*asking)


async def test_another_definition_brings_other_boards_at_once_and_never_half_of_them(ctx, day, board):
    await see_everybody(day)
    await leaderboards.of_race(ctx, day.race.id)
    former = board.leaderboard
    await races.update(ctx, day.race.id, {"name": "Half", "overall_by": "NET"})
    asking, turns = asyncio.create_task(ask(ctx, board)), 0
    while not asking.done():
        assert (len(board.leaderboard), finished(board)) == (MANY, MANY)
        turns += board.leaderboard is former
        await asyncio.sleep(0)
    assert turns > 2 * MANY  # each passing and each competitor gave the others a turn
    assert board.leaderboard is not former and board.race.name == "Half" and await asking == board
    assert await leaderboards.rescore(ctx, day.race.id) == []


async def test_a_ruling_on_a_passing_from_elsewhere_is_followed_with_another_definition(ctx, day):
    """Such a passing was not read before: its reader serves nothing."""
    elsewhere = await day.reader(day.checkpoints[1].id)
    await servings.end(ctx, day.servings[-1].id, at(-9000), "was not there")
    new = NewPassing(number=1, timestamp=at(1990), bib="7")
    position = (await passings.record(ctx, elsewhere, [new])).written.position
    board = await leaderboards.of_race(ctx, day.race.id)
    assert finished(board) == 0
    finish = day.checkpoints[2].id
    await corrections.judge(ctx, position, "CONFIRMED", "on the video", finish)
    await races.update(ctx, day.race.id, {"name": "Half"})
    assert finished(await leaderboards.of_race(ctx, day.race.id)) == 1
    assert await leaderboards.rescore(ctx, day.race.id) == []


async def another(ctx):
    """Another event, whose boards are asked for."""
    race = await make_race(ctx, await make_event(ctx))
    await leaderboards.of_race(ctx, race.id)


async def test_an_event_has_no_other_boards_while_somebody_has_some(ctx, day, board, monkeypatch):
    monkeypatch.setattr(leaderboards, "MOST_EVENTS", 1)
    await another(ctx)
    await see_everybody(day)
    assert (await leaderboards.of_race(ctx, day.race.id)).kept is board.kept
    assert finished(board) == MANY


async def test_boards_that_nobody_has_are_let_go(ctx, day, monkeypatch):
    monkeypatch.setattr(leaderboards, "MOST_EVENTS", 1)
    left = weakref.ref((await leaderboards.of_race(ctx, day.race.id)).kept)
    await another(ctx)
    gc.collect()
    assert left() is None
    assert len((await leaderboards.of_race(ctx, day.race.id)).leaderboard) == MANY


async def test_a_race_that_is_not_there_is_not_found(board):
    with pytest.raises(NotFound):
        assert Board(board.kept, board.race_id + 1).leaderboard
