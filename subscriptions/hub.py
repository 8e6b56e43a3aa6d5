"""Facts in and out, doorbells rung. Facts ("there is more, up to here") carry no rows: readers look into the
table.

What was committed here rings this process's doorbells at once, bus or no bus, and is told to the others over
the bus, a doorbell too. Facts that are not sent yet are merged, not queued. Messages are numbered: who hears
a gap has missed some, and looks everywhere.
"""

import contextlib
import secrets
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from typing import Annotated

import msgspec

from models.outcomes import Commit
from subscriptions.bus import Bus
from subscriptions.doorbells import SLOW_LOOK, Doorbell, Touches

LONE_LOOK = 0.75
"""… while the bus is not heard: what others commit is found by looking alone."""
MOST_NAMED = 170
"""Rows that a message names: PostgreSQL's NOTIFY takes 7,999 bytes, and a row needs 44 at most."""
MOST_ORIGINS = 1_000
"""Processes whose numbers are remembered."""

Topic = tuple[str, int]


class Fact(msgspec.Struct, array_like=True):
    """These topics have news up to these positions. Without any it is a heartbeat."""

    accounts: dict[int, int] = {}
    sessions: dict[int, int] = {}
    devices: dict[int, int] = {}
    events: dict[int, int] = {}
    states: dict[int, int] = {}
    """Devices whose state is new, to their accounts: telemetry, binding, session, alarms."""
    keys: bool = False
    """Keys were revoked."""

    @property
    def named(self) -> tuple[dict[int, int], ...]:
        return self.accounts, self.sessions, self.devices, self.events, self.states

    def __bool__(self) -> bool:
        return self.keys or any(self.named)

    def merge(self, later: "Fact") -> None:
        for mine, news in zip(self.named, later.named, strict=True):
            mine.update(news)
        self.keys = self.keys or later.keys

    def parts(self) -> Iterator["Fact"]:
        """The fact in pieces that fit into a message, at least one."""
        if sum(map(len, self.named)) <= MOST_NAMED:
            yield self
            return
        names = ((kind, *news) for kind, rows in enumerate(self.named) for news in rows.items())
        keys = self.keys
        while some := list(islice(names, MOST_NAMED)):
            part = Fact(keys=keys)
            for kind, row, news in some:
                part.named[kind][row] = news
            yield part
            keys = False


class Message(msgspec.Struct, array_like=True):
    """What goes over the bus: who says it, the how manieth it is, and what."""

    origin: Annotated[str, msgspec.Meta(max_length=16)]
    number: int
    fact: Fact


class Hub:
    """Between this process's listeners and the bus of all processes. `on_keys` is called when keys were
    revoked elsewhere."""

    def __init__(self, broker_url: str) -> None:
        self.origin = secrets.token_hex(8)
        self.on_keys: Callable[[], None] = lambda: None
        self.sent = self.heard = self.merged = self.rung = 0
        """Messages with news that were sent and heard, facts that went along with another, doorbells rung."""
        self._bus = Bus(broker_url, self._say, self._hear, self._missed)
        self._alone = broker_url.startswith("memory:")
        self._doorbells: dict[Topic, set[Doorbell]] = defaultdict(set)
        self._touches: set[Touches] = set()
        self._unsent = Fact()
        self._number = 0
        self._numbers: dict[str, int] = {}

    @property
    def listeners(self) -> int:
        return sum(map(len, self._doorbells.values()))

    @property
    def alive(self) -> bool:
        return self._bus.alive

    @property
    def hears_others(self) -> bool:
        """Whether what other processes say comes here; with a bus in memory it never does."""
        return self.alive and not self._alone

    @property
    def rebuilds(self) -> int:
        return self._bus.rebuilds

    @property
    def silence(self) -> float:
        """Seconds since anything was heard on the bus, be it oneself."""
        return time.monotonic() - self._bus.heard_at

    async def start(self) -> None:
        """Returns when the bus is heard, or after a while when it is not: it may come later."""
        await self._bus.start()

    async def close(self) -> None:
        await self._bus.close()

    def announce(self, commit: Commit) -> None:
        """Passings were committed here."""
        self._tell(Fact(*commit))

    def changed(self, event_id: int, revision: int) -> None:
        """What defines an event has a new revision."""
        self._tell(Fact(events={event_id: revision}))

    def touched(self, states: Mapping[int, int]) -> None:
        """These devices, of which accounts, have a new state."""
        self._tell(Fact(states=dict(states)))

    def forgot(self) -> None:
        """Keys were revoked here: no process believes any key that it has looked up before."""
        self._tell(Fact(keys=True))

    def patience(self) -> float:
        """Seconds after which a listener looks for itself."""
        return SLOW_LOOK if self.alive else LONE_LOOK

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
        doorbell = Doorbell(self.patience)
        for topic in topics:
            self._doorbells[topic].add(doorbell)
        try:
            yield doorbell
        finally:
            for topic in topics:
                self._doorbells[topic].discard(doorbell)
                if not self._doorbells[topic]:
                    del self._doorbells[topic]

    def _tell(self, fact: Fact) -> None:
        """Rings here at once, and tells the others by and by; never waits."""
        self._ring(fact)
        if self._alone:
            return
        if not self.alive:
            self._number += 1  # they will hear the gap
            return
        self.merged += bool(self._unsent)
        self._unsent.merge(fact)
        self._bus.ring()

    def _say(self) -> Iterator[str]:
        fact, self._unsent = self._unsent, Fact()
        for part in fact.parts():
            self._number += 1
            self.sent += bool(part)
            yield msgspec.json.encode(Message(self.origin, self._number, part)).decode()

    def _hear(self, text: str) -> None:
        try:
            message = msgspec.json.decode(text, type=Message)
        except (ValueError, RecursionError):  # of another version of the software, or of a stranger
            self._ring_all()
            return
        before = self._numbers.get(message.origin, 0)
        if len(self._numbers) > MOST_ORIGINS:
            self._numbers.clear()
        self._numbers[message.origin] = message.number
        if message.number > before + 1:
            self._ring_all()
        if message.origin != self.origin and message.fact:
            self.heard += 1
            self._ring(message.fact)
            if message.fact.keys:
                self.on_keys()

    def _missed(self) -> None:
        self._unsent = Fact()
        if not self.alive:
            self._number += 1  # what was on its way may be lost
        self._ring_all()

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
                    self.rung += 1
        for inbox in self._touches:
            inbox.ring(fact.devices, fact.states)

    def _ring_all(self) -> None:
        for doorbells in self._doorbells.values():
            for doorbell in doorbells:
                doorbell.ring(0)
                self.rung += 1
        for inbox in self._touches:
            inbox.ring_all()
