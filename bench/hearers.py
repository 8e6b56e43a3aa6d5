"""Many subscribers in few processes, who only note when which frame came: a reader as cheap as it can be."""

import asyncio
import multiprocessing
import time
from array import array
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from multiprocessing.connection import Connection
from typing import NamedTuple, cast

import orjson
import uvloop

from bench.frames import PING, PONG, TEXT, Frames, handshake, masked


class Heard(NamedTuple):
    """What the subscribers of one process heard: each frame's instant, by the system's clock, and its place
    among the frames that differ."""

    at: "array[float]"
    which: "array[int]"
    sockets: list[int]
    """How many frames each socket heard, one socket after the other."""
    frames: list[bytes]
    busy: float
    """The share of a core that reading took, from the first frame after the mark to the last."""


class Hearer(asyncio.Protocol):
    """One socket with one subscription. Answers pings, and parses nothing else. `known`: the frames that its
    process has heard, of which each is kept once."""

    def __init__(self, key: str, query: str, known: dict[bytes, int]) -> None:
        self.heard: list[tuple[float, int]] = []
        self.ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.worked: list[tuple[float, float]] = []
        self._key, self._query = key, query
        self._known = known
        self._frames = Frames()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._transport.write(handshake())

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.ready.done():
            self.ready.set_exception(ConnectionError("the server closed a socket"))

    def data_received(self, data: bytes) -> None:
        now = time.time()
        if not self._frames.open:
            if not self._frames.opened(data):
                return
            self._send({"type": "connection_init", "payload": {"apiKey": self._key} if self._key else {}})
            data = b""
        for opcode, payload in self._frames.whole(data):
            self._frame(opcode, payload, now)
        self.worked.append((now, time.process_time()))

    def _frame(self, opcode: int, payload: bytes, now: float) -> None:
        if opcode == PING:
            self._transport.write(masked(PONG, payload))
        elif opcode == TEXT and self.ready.done():
            self.heard.append((now, self._known.setdefault(payload, len(self._known))))
        elif b"connection_ack" in payload:
            self._send({"type": "subscribe", "id": "1", "payload": {"query": self._query}})
            self.ready.set_result(None)

    def _send(self, message: dict[str, object]) -> None:
        self._transport.write(masked(TEXT, orjson.dumps(message)))


class Crowd:
    """The processes. `hear` ends them."""

    def __init__(self, pipes: Sequence[Connection]) -> None:
        self._pipes = pipes

    def hear(self, since: float) -> list[Heard]:
        """What was heard from that instant on."""
        for pipe in self._pipes:
            pipe.send(since)
        return [pipe.recv() for pipe in self._pipes]


@contextmanager
def following(port: int, key: str, queries: Sequence[str], processes: int) -> Iterator[Crowd]:
    """A socket for each query, in so many processes, all acknowledged."""
    context = multiprocessing.get_context("spawn")
    pipes, workers = [], []
    for place in range(processes):
        mine, theirs = context.Pipe()
        arguments = theirs, port, key, queries[place::processes]
        workers.append(context.Process(target=_work, args=arguments, daemon=True))
        workers[-1].start()
        pipes.append(mine)
    try:
        for pipe in pipes:
            pipe.recv()
        yield Crowd(pipes)
    finally:
        for worker in workers:
            worker.terminate()
            worker.join()


def _work(pipe: Connection, port: int, key: str, queries: Sequence[str]) -> None:
    with suppress(EOFError):
        uvloop.run(_listen(pipe, port, key, queries))


async def _listen(pipe: Connection, port: int, key: str, queries: Sequence[str]) -> None:
    loop = asyncio.get_running_loop()
    hearers, known = [], dict[bytes, int]()
    for query in queries:
        hearer = Hearer(key, query, known)
        await loop.create_connection(partial(_same, hearer), "127.0.0.1", port)
        await hearer.ready
        hearers.append(hearer)
    pipe.send(len(hearers))
    since = await loop.run_in_executor(None, pipe.recv)
    pipe.send(_summed_up(hearers, list(known), since))


def _same(hearer: Hearer) -> Hearer:
    return hearer


def _summed_up(hearers: Sequence[Hearer], frames: list[bytes], since: float) -> Heard:
    at, which, sockets = array("d"), array("I"), []
    for hearer in hearers:
        heard = [(moment, frame) for moment, frame in hearer.heard if moment >= since]
        at.extend(moment for moment, _ in heard)
        which.extend(frame for _, frame in heard)
        sockets.append(len(heard))
    worked = sorted(each for hearer in hearers for each in hearer.worked if each[0] >= since)
    seconds = worked[-1][0] - worked[0][0] if worked else 0.0
    busy = (worked[-1][1] - worked[0][1]) / seconds if seconds else 0.0
    return Heard(at, which, sockets, frames, busy)
