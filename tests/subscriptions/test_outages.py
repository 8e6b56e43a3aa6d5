"""The database goes away and comes back: who listens gets neither an error nor a gap."""

import asyncio
import contextlib
import logging

import pytest

from models import migrate
from resolvers import errors, leaderboards
from resolvers.errors import Busy
from subscriptions import hub as hubs
from subscriptions import leaderboards as feeds
from subscriptions.patience import patiently
from tests.resolvers.day import Day
from tests.schema.machine import running
from tests.subscriptions.conftest import Follower, until
from tests.subscriptions.fleet import Watcher as DeviceWatcher
from tests.subscriptions.fleet import heard
from tests.subscriptions.watching import Watcher
from timing.views import Which


@pytest.fixture
async def postgresql(bus_servers):
    """A server that may be killed, with a new database."""
    server = bus_servers("listen-notify")
    server.start()
    yield server
    server.start()


@pytest.fixture
async def machine(postgresql, broker_url):
    await postgresql.run("DROP DATABASE IF EXISTS away WITH (FORCE)", "CREATE DATABASE away")
    url = postgresql.database_url("away")
    await migrate.upgrade(url)
    async with running(url, broker_url) as made:
        yield made


async def again(work):
    """Until it is not refused, as a device does."""
    async with asyncio.timeout(20):
        while True:
            try:
                return await work()
            except Exception as error:
                if not isinstance(errors.told(error), Busy):
                    raise
            await asyncio.sleep(0.05)


@pytest.mark.alone("postgresql", "a file does not go away")
async def test_everybody_who_listens_goes_on_after_the_database_was_away(
    machine, postgresql, monkeypatch, caplog
):
    monkeypatch.setattr(hubs, "SLOW_LOOK", 0.1)  # so that each of them meets its absence
    monkeypatch.setattr("resolvers.callers.TRUSTED", 0)
    ctx = machine.ctx
    day = await Day(ctx).begin()
    await day.enter("1", "2")
    board = await leaderboards.of_race(ctx, day.race.id)
    counts, places = [], []

    async def follow_race():
        async for progress in feeds.race(ctx, board):
            counts.append(progress.counts.finished)

    async def follow_participant(bib):
        async for standing in feeds.participant(ctx, board, await leaderboards.of_bib(ctx, board, bib)):
            places.append(standing.rank)

    passings, devices = Follower(machine, 0), DeviceWatcher(ctx, None, True)
    watcher = Watcher(ctx, feeds.feed(ctx, board, Which(), 10))
    others = [asyncio.create_task(work) for work in (follow_race(), follow_participant("2"))]
    tasks = [passings.task, devices.task, watcher.task, *others]
    try:
        await day.see(2, 2000, "2")
        await until(lambda: counts[-1:] == [1] and places[-1:] == [1] and watcher.bibs == ["2", "1"])
        told = len(devices.told)
        postgresql.kill()
        await asyncio.sleep(0.5)
        assert not any(task.done() for task in tasks)
        postgresql.start()
        await again(lambda: day.see(2, 1000, "1"))
        await until(lambda: watcher.bibs == ["1", "2"] and counts[-1] == 2 and places[-1] == 2)
        await until(lambda: len(passings.numbers) == 2)
        name = await again(machine.device)
        await heard(machine, name, mode="START")
        await until(lambda: name in devices.names[told:])
        assert not any(task.done() for task in tasks)
        assert counts == sorted(counts) and len(set(passings.positions)) == 2
        assert not [
            each for each in caplog.records if each.levelno >= logging.ERROR and each.name != "asyncio"
        ]
    finally:
        await passings.stop()
        await devices.stop()
        for task in (watcher.task, *others):
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task


async def test_what_is_wrong_with_a_question_is_not_waited_for():
    async def read():
        raise errors.NotFound("Race")

    with pytest.raises(errors.NotFound):
        await patiently(read)
