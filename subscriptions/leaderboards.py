"""Leaderboards, participants and races as they change."""

from collections.abc import AsyncGenerator, AsyncIterator
from functools import partial

from resolvers import events, leaderboards
from resolvers.leaderboards import Board, Progress
from subscriptions.live import Live
from subscriptions.patience import patiently
from subscriptions.screens import Shown, Update
from timing.leaderboards import Leaderboard
from timing.standings import Standing
from timing.views import Which


async def feed(
    ctx: Live, board: Board, which: Which, top: int, *, counts: bool = True
) -> AsyncGenerator[Update, None]:
    """A snapshot, then what changes for this view alone; revisions grow by one.

    One who reads slowly gets another snapshot instead of all that came between. Ends with Unidentified when
    the caller's key is revoked, and with NotFound when the event is no longer to be seen.
    """
    ctx.begin()
    await _whole(ctx, board)
    ctx.span.look = partial(leaderboards.of_race, race_id=board.race_id)
    pace = ctx.screens.pace(board.event)
    shown = Shown(board.race_id, which, top, counts)
    with pace.listeners.listening() as doorbell, pace.screen(shown, board.kept) as screen:
        revision = ctx.span.begin(0, screen.revision)
        while True:
            for update in screen.since(revision):
                revision = ctx.span.position = update.revision
                yield update
            if ctx.span.reached(revision):
                return
            await doorbell.wait()
            await _still(ctx, board)


async def participant(ctx: Live, board: Board, participant: int) -> AsyncGenerator[Standing, None]:
    """The standing of one participant, now and whenever it changes: each tells everything."""
    ctx.begin()
    last = None
    async for now in _readings(ctx, board):
        standing = now.view(Which()).standing(participant)
        if standing is not None and standing != last:
            last = standing
            ctx.span.position += 1
            yield standing


async def race(ctx: Live, board: Board) -> AsyncGenerator[Progress, None]:
    """How the race goes, now and whenever that changes: each tells everything."""
    ctx.begin()
    last = None
    async for _ in _readings(ctx, board):
        progress = await patiently(partial(leaderboards.progress, ctx, board))
        if progress != last:
            last = progress
            ctx.span.position += 1
            yield progress


async def _readings(ctx: Live, board: Board) -> AsyncIterator[Leaderboard]:
    ctx.span.look = partial(leaderboards.of_race, race_id=board.race_id)
    with ctx.screens.pace(board.event).listeners.listening() as doorbell:
        ctx.span.begin(0, 0)
        while True:
            await _whole(ctx, board)
            yield board.leaderboard
            await doorbell.wait()
            await _still(ctx, board)


async def _whole(ctx: Live, board: Board) -> None:
    """What is read of the board before the next await is of one moment, in which the caller may look."""
    await board.kept.settled()
    events.seen(ctx, board.event)


async def _still(ctx: Live, board: Board) -> None:
    """Raises when the caller may no longer look."""
    await ctx.still()
    events.seen(ctx, board.event)
