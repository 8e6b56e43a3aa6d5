"""A machine to look inside, a real bus that can be killed, and followers that write down what they are
given."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterator

import pytest

from models.passings import Filter
from subscriptions import bus as line
from subscriptions import hub, passings
from subscriptions.hub import Hub
from tests.schema.machine import Machine, running
from tests.subscriptions.buses import BusServer, ListenNotify, Valkey


async def until(true: Callable[[], bool], seconds: float = 10) -> None:
    """Returns when it is true; fails when it does not come true in time."""
    async with asyncio.timeout(seconds):
        while not true():
            await asyncio.sleep(0.005)


async def acquainted(*hubs: Hub) -> None:
    """Each has heard the others, which takes no heartbeat: all of them have just said something."""
    for each in hubs:
        each._bus.ring()
    await until(lambda: all(len(each._numbers) >= len(hubs) for each in hubs))


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
async def machine(url: str, broker_url: str) -> AsyncIterator[Machine]:
    async with running(url, broker_url) as made:
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
    monkeypatch.setattr(hub, "LONE_LOOK", 3600.0)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """The bus is taken for dead sooner, so that tests need not wait."""
    monkeypatch.setattr(line, "HEARTBEAT", 0.1)
    monkeypatch.setattr(line, "SILENCE", 0.6)


@pytest.fixture(scope="session")
def bus_servers() -> Iterator[Callable[[str], BusServer]]:
    """The server of a kind, started when it is first asked for."""
    made: dict[str, BusServer] = {}

    def get(kind: str) -> BusServer:
        if kind not in made:
            made[kind] = Valkey() if kind == "valkey" else ListenNotify()
        return made[kind]

    yield get
    for server in made.values():
        server.close()


@pytest.fixture(params=["valkey", "listen-notify"])
def bus(request: pytest.FixtureRequest, bus_servers: Callable[[str], BusServer]) -> Iterator[BusServer]:
    """A real server, that may be killed and may be made to hang."""
    server = bus_servers(request.param)
    server.start()
    yield server
    server.go_on()
