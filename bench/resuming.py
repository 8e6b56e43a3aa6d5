"""Subscribers of passings who are cut off again and again, and go on behind what they heard last."""

import asyncio
import random
import re
from array import array
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any, NamedTuple, cast

import orjson

from bench import event_streams
from bench.event_streams import Event, Events
from bench.frames import CLOSE, PING, PONG, TEXT, Frames, Refused, ending, handshake, masked

QUERY = (
    "subscription($s:String,$d:String,$a:String)"
    "{passings(sessionToken:$s,deviceId:$d,after:$a){cursor passing{number}}}"
)
FROM_THE_BEGINNING = "0"
CUT, BROKEN, NOT_REACHED, ENDED = "cut", "broken", "not reached", "ended"
MAY_END = {CUT, BROKEN, NOT_REACHED, ENDED, "1001", "1012", "1013", "BUSY", "HTTP 503"}
"""How a connection may end where a server dies, stops and comes back."""
ABRUPTLY = 0.8
"""The share of cuts without a word; before the others the client says that it goes."""
COME_BACK = re.compile(r"(\d+(?:\.\d+)?) s\b")


class Which(NamedTuple):
    """The passings of a session, of a device, or with neither those of the account."""

    session: str | None = None
    device: str | None = None


class Since(NamedTuple):
    """From when on somebody waits for the next passing, and where to note how long."""

    at: float
    waits: list[float]


@dataclass
class Fate:
    """What happens to everybody's connections. `calm`: nothing any more."""

    life: float
    """Seconds for which a connection is left alone, on average."""
    away: float
    """Seconds for which one who was cut off stays away, at most."""
    calm: asyncio.Event = field(default_factory=asyncio.Event)
    cuts: int = 0
    frames: int = 0
    backs: list[float] = field(default_factory=list)
    """Seconds from the attempt of one who was cut off to come back until the next passing is there …"""
    returns: list[float] = field(default_factory=list)
    """… and from the end of a connection that the server ended."""
    ends: Counter[str] = field(default_factory=Counter)


@dataclass
class Subscriber:
    """One of them. `positions` and `numbers`: of all passings that it was told, in the order of telling."""

    which: Which
    by_socket: bool
    fate: Fate
    positions: "array[int]" = field(default_factory=lambda: array("q"))
    numbers: "array[int]" = field(default_factory=lambda: array("q"))

    async def live(self, port: int, key: str) -> None:
        """Until it is cancelled."""
        loop, fate = asyncio.get_running_loop(), self.fate
        await asyncio.sleep(random.uniform(0.0, fate.away))
        since: Since | None = None
        while True:
            line = await self._connected(port, key, since)
            with doomed(line, fate):
                end = await line.over
            fate.ends[end] += 1
            if end == CUT:  # it stays away by itself
                await asyncio.sleep(random.uniform(0.0, fate.away))
                since = Since(loop.time(), fate.backs)
            else:
                since = Since(loop.time(), fate.returns)
                await asyncio.sleep(line.pause)

    async def _connected(self, port: int, key: str, since: Since | None) -> "Line":
        kind = SocketLine if self.by_socket else StreamLine
        made = partial(kind, self, key, since)
        while True:
            try:
                _, line = await asyncio.get_running_loop().create_connection(made, "127.0.0.1", port)
                return line
            except OSError:
                self.fate.ends[NOT_REACHED] += 1
                await asyncio.sleep(random.uniform(0.5, 1.5))

    @property
    def variables(self) -> dict[str, object]:
        return {"s": self.which.session, "d": self.which.device, "a": self.last}

    @property
    def last(self) -> str:
        return str(self.positions[-1]) if self.positions else FROM_THE_BEGINNING


@contextmanager
def doomed(line: "Line", fate: Fate) -> Iterator[None]:
    """It is cut at a random moment, or behind one of the first passings: in the midst of catching up."""
    if random.random() < 0.3:
        line.left = random.randint(1, 40)
    timer = asyncio.get_running_loop().call_later(random.expovariate(1 / fate.life), line.cut)
    try:
        yield
    finally:
        timer.cancel()


class Line(asyncio.Protocol):
    """One connection of a subscriber. `over`: how it ended; `left`: passings after which it is cut."""

    def __init__(self, subscriber: Subscriber, key: str, since: Since | None) -> None:
        self.over: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self.left = -1
        self.pause = random.uniform(0.5, 1.5)
        """Seconds after which to come again, where the server ended it."""
        self._subscriber, self._key = subscriber, key
        self._since = since

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self.begin()

    def connection_lost(self, exc: Exception | None) -> None:
        self.end(BROKEN)

    def data_received(self, data: bytes) -> None:
        if self.over.done():
            return
        try:
            self.read(data)
        except Refused as refused:
            self.end(str(refused))

    def begin(self) -> None:
        raise NotImplementedError

    def read(self, data: bytes) -> None:
        raise NotImplementedError

    def goodbye(self) -> None:
        """Says that it goes."""

    def take(self, payload: Any) -> None:
        """An execution result."""
        if payload.get("errors"):
            self.end(code_of(payload["errors"]))
            return
        delivered, subscriber = payload["data"]["passings"], self._subscriber
        subscriber.positions.append(int(delivered["cursor"]))
        subscriber.numbers.append(delivered["passing"]["number"])
        subscriber.fate.frames += 1
        if self._since is not None:
            self._since.waits.append(asyncio.get_running_loop().time() - self._since.at)
            self._since = None
        self.left -= 1
        if not self.left:
            self.cut()

    def cut(self) -> None:
        fate = self._subscriber.fate
        if self.over.done() or fate.calm.is_set():
            return
        fate.cuts += 1
        if random.random() > ABRUPTLY:
            self.goodbye()
            self._transport.close()
        self.end(CUT)

    def end(self, how: str) -> None:
        if not self.over.done():
            self.over.set_result(how)
        if not self._transport.is_closing():
            self._transport.abort()


class SocketLine(Line):
    """By `graphql-transport-ws`."""

    def begin(self) -> None:
        self._frames = Frames()
        self._transport.write(handshake())

    def read(self, data: bytes) -> None:
        if not self._frames.open:
            if not self._frames.opened(data):
                return
            self._say({"type": "connection_init", "payload": {"apiKey": self._key}})
            data = b""
        for opcode, payload in self._frames.whole(data):
            if self.over.done():
                return
            if opcode == TEXT:
                self._told(orjson.loads(payload))
            elif opcode == PING:
                self._transport.write(masked(PONG, payload))
            elif opcode == CLOSE:
                self._closed(*ending(payload))

    def goodbye(self) -> None:
        self._say({"type": "complete", "id": "1"})
        self._transport.write(masked(CLOSE, (1000).to_bytes(2, "big")))

    def _told(self, message: dict[str, Any]) -> None:
        match message["type"]:
            case "next":
                self.take(message["payload"])
            case "connection_ack":
                asked = {"query": QUERY, "variables": self._subscriber.variables}
                self._say({"type": "subscribe", "id": "1", "payload": asked})
            case "error":
                self.end(code_of(message["payload"]))
            case "complete":
                self.end(ENDED)

    def _closed(self, code: int, reason: str) -> None:
        if found := COME_BACK.search(reason):
            self.pause = float(found[1])
        self.end(str(code))

    def _say(self, message: dict[str, object]) -> None:
        self._transport.write(masked(TEXT, orjson.dumps(message)))


class StreamLine(Line):
    """By server-sent events; it goes on by `Last-Event-ID`."""

    def begin(self) -> None:
        self._events = Events()
        subscriber = self._subscriber
        asked = subscriber.variables | {"a": FROM_THE_BEGINNING}
        last = subscriber.last if subscriber.positions else None
        self._transport.write(event_streams.request(QUERY, asked, self._key, last))

    def read(self, data: bytes) -> None:
        if not self._events.open:
            if not self._events.opened(data):
                return
            data = b""
        for event in self._events.whole(data):
            if self.over.done():
                return
            self._told(event)
        if self._events.ended:
            self.end(ENDED)

    def _told(self, event: Event) -> None:
        if milliseconds := event.get(b"retry"):
            self.pause = int(milliseconds) / 1000
        if event.get(b"event") == b"next":
            self.take(orjson.loads(event[b"data"]))


def code_of(errors: list[dict[str, Any]]) -> str:
    return str(errors[0].get("extensions", {}).get("code") or errors[0]["message"])
