"""Those who follow boards as a page does."""

import asyncio
import contextlib

import pytest

from resolvers import leaderboards
from subscriptions import leaderboards as feeds
from tests.resolvers.day import Day
from tests.subscriptions.conftest import until


class Watcher:
    """Follows a board as a page does: keeps what is shown by the updates alone."""

    def __init__(self, ctx, feed) -> None:
        self.updates = []
        self.shown = {}
        self.gate = asyncio.Event()
        self.gate.set()
        self._feed = feed
        self.task = asyncio.create_task(self._follow())

    async def _follow(self) -> None:
        async for update in self._feed:
            self.updates.append(update)
            if update.snapshot:
                self.shown = {}
            self.shown |= {line.key: line for line in update.standings}
            for key in update.removed:
                del self.shown[key]
            await self.gate.wait()

    @property
    def bibs(self) -> list[str]:
        return [line.participant.bib for line in sorted(self.shown.values(), key=lambda line: line.place)]

    async def shows(self, *bibs: str) -> None:
        await until(lambda: self.bibs == list(bibs) or self.task.done())
        assert self.bibs == list(bibs)


@pytest.fixture
async def day(machine):
    day = await Day(machine.ctx).begin()
    await day.enter("1", "2", "3", gender="F")
    await day.enter("11", "12", "13", gender="M")
    return day


@pytest.fixture
async def watch(machine, day):
    watchers = []

    async def start(top=50, ctx=None, counts=True, **names):
        ctx = ctx or machine.ctx
        board = await leaderboards.of_race(ctx, day.race.id)
        feed = feeds.feed(ctx, board, leaderboards.which(board, **names), top, counts=counts)
        watchers.append(Watcher(ctx, feed))
        await until(lambda: watchers[-1].updates or watchers[-1].task.done())
        return watchers[-1]

    yield start
    for each in watchers:
        each.task.cancel()
        with contextlib.suppress(asyncio.CancelledError, Exception):
            await each.task
