"""The bus in, doorbells out. The bus carries facts ("there is more, up to here"), never rows: readers look
into the table.

broadcaster keeps unbounded queues, goes silent without an exception when its server restarts, and mixes up
concurrent
first subscribers. So this process subscribes once, to one channel; facts that are not sent yet are merged,
not queued;
and a heartbeat that is not heard for a while rebuilds everything, after which all listeners look for
themselves.
"""

import asyncio
import contextlib
import logging
from collections import defaultdict
from collections.abc import Iterator, Mapping

import msgspec
from broadcaster import Broadcast

from models.outcomes import Commit

logger = logging.getLogger(__name__)

CHANNEL = "passline"
WAKE = "passline-wake"
"""A channel without messages:
broadcaster's Redis listener falls asleep over its first subscription and needs a second."""
HEARTBEAT = 1.0
"""Seconds between two heartbeats."""
SILENCE = 3.0
"""Seconds without any fact after which the bus is taken for dead."""
SLOW_LOOK = 2.0
"""Seconds after which a listener looks into the table though nobody rang: facts may be lost, rows may not."""

Topic = tuple[str, int]


class Fact(msgspec.Struct, array_like=True):
    """These topics have news up to these positions. Without any it is a heartbeat."""

    accounts: dict[int, int] = {}
    sessions: dict[int, int] = {}
    devices: dict[int, int] = {}
    events: dict[int, int] = {}
    states: dict[int, int] = {}
    """Devices whose state is new, to their accounts: telemetry, binding, session, alarms."""


class Doorbell:
    """An inbox of one: it holds the newest position only,
    so a slow listener costs nothing and misses nothing."""

    def __init__(self) -> None:
        self._rung = asyncio.Event()
        self.position = 0

    def ring(self, position: int) -> None:
        self.position = max(self.position, position)
        self._rung.set()

    async def wait(self) -> None:
        """Returns when it was rung, or after SLOW_LOOK seconds all the same."""
        # Not `wait_for`: before Python 3.12 it loses a cancellation that comes in the moment of a ring.
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(SLOW_LOOK):
                await self._rung.wait()
        self._rung.clear()


class Touches:
    """An inbox of devices that have news: a set, so that a slow listener costs no more than the devices."""

    def __init__(self) -> None:
        self._rung = asyncio.Event()
        self.devices: dict[int, int | None] = {}
        """Rows, to their accounts where the news told them: passings do not."""
        self.everything = True
        """News may have been missed: all has to be read."""

    def ring(self, fact: Fact) -> None:
        if fact.devices or fact.states:
            for row in fact.devices:
                self.devices.setdefault(row, None)
            self.devices.update(fact.states)
            self._rung.set()

    def ring_all(self) -> None:
        self.everything = True
        self._rung.set()

    async def wait(self, seconds: float) -> None:
        """Returns when there is news, or after so many seconds all the same."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._rung.wait()
        self._rung.clear()

    def take(self) -> tuple[dict[int, int | None], bool]:
        """What came since it was asked last: the devices, and whether all has to be read."""
        taken = self.devices, self.everything
        self.devices, self.everything = {}, False
        return taken


class Hub:
    """Between this process's listeners and the bus of all processes."""

    def __init__(self, broker_url: str) -> None:
        self._broker_url = broker_url
        self._doorbells: dict[Topic, set[Doorbell]] = defaultdict(set)
        self._touches: set[Touches] = set()
        self._unsent = Fact({}, {}, {}, {}, {})
        self._send = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._closing = False
        self.alive = False
        self.rebuilds = 0

    @property
    def listeners(self) -> int:
        return sum(map(len, self._doorbells.values()))

    async def start(self) -> None:
        """Returns when the bus is heard, or after SILENCE seconds when it is not: it may come later."""
        self._closing = False
        self._task = asyncio.create_task(self._run(), name="hub")
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(SILENCE):
                while not self.alive:
                    await asyncio.sleep(0.01)

    async def close(self) -> None:
        self._closing = True
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    def announce(self, commit: Commit) -> None:
        """Tells every process; never waits. What could not be sent yet is merged with what comes."""
        for mine, news in zip(
            (self._unsent.accounts, self._unsent.sessions, self._unsent.devices), commit, strict=True
        ):
            mine.update(news)
        self._send.set()

    def changed(self, event_id: int, revision: int) -> None:
        """Tells every process that what defines an event has a new revision; never waits."""
        self._unsent.events[event_id] = revision
        self._send.set()

    def touched(self, states: Mapping[int, int]) -> None:
        """Tells every process which devices, of which accounts, have a new state; never waits."""
        self._unsent.states.update(states)
        self._send.set()

    @contextlib.contextmanager
    def touches(self) -> Iterator[Touches]:
        """An inbox of the devices of any account that have news; at first it says that all has to be read."""
        inbox = Touches()
        self._touches.add(inbox)
        try:
            yield inbox
        finally:
            self._touches.discard(inbox)

    @contextlib.contextmanager
    def listen(self, *topics: Topic) -> Iterator[Doorbell]:
        """A doorbell that rings for news of any of the topics."""
        doorbell = Doorbell()
        for topic in topics:
            self._doorbells[topic].add(doorbell)
        try:
            yield doorbell
        finally:
            for topic in topics:
                self._doorbells[topic].discard(doorbell)
                if not self._doorbells[topic]:
                    del self._doorbells[topic]

    async def _run(self) -> None:
        while not self._closing:  # a bus that fails while it is left hides the cancellation
            try:
                async with Broadcast(self._broker_url) as bus, asyncio.TaskGroup() as tasks:
                    tasks.create_task(self._hear(bus))
                    tasks.create_task(self._beat(bus))
                    tasks.create_task(self._tell(bus))
            except Exception as error:
                logger.warning("the bus was lost and is built anew", extra={"error": repr(error)})
            self.alive = False
            self.rebuilds += 1
            await asyncio.sleep(HEARTBEAT)

    async def _hear(self, bus: Broadcast) -> None:
        async with bus.subscribe(WAKE), bus.subscribe(CHANNEL) as subscriber:
            self._ring_all()
            while True:
                async with asyncio.timeout(SILENCE):
                    event = await subscriber.get()
                self.alive = True
                self._ring(msgspec.json.decode(event.message, type=Fact))

    async def _beat(self, bus: Broadcast) -> None:
        while True:
            await bus.publish(CHANNEL, _encode(Fact()))
            await asyncio.sleep(HEARTBEAT if self.alive else 0.05)

    async def _tell(self, bus: Broadcast) -> None:
        while True:
            await self._send.wait()
            self._send.clear()
            fact, self._unsent = self._unsent, Fact({}, {}, {}, {}, {})
            await bus.publish(CHANNEL, _encode(fact))

    def _ring(self, fact: Fact) -> None:
        for kind, news in (
            ("account", fact.accounts),
            ("session", fact.sessions),
            ("device", fact.devices),
            ("event", fact.events),
        ):
            for row, position in news.items():
                for doorbell in self._doorbells.get((kind, row), ()):
                    doorbell.ring(position)
        for inbox in self._touches:
            inbox.ring(fact)

    def _ring_all(self) -> None:
        for doorbells in self._doorbells.values():
            for doorbell in doorbells:
                doorbell.ring(0)
        for inbox in self._touches:
            inbox.ring_all()


def _encode(fact: Fact) -> str:
    return msgspec.json.encode(fact).decode()
