"""Many subscribers in few processes, who only note when which frame came: a reader as cheap as it can be."""

import asyncio
import base64
import multiprocessing
import os
import struct
import time
from array import array
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from multiprocessing.connection import Connection
from typing import NamedTuple, cast

import orjson
import uvloop

TEXT, PING, PONG = 0x1, 0x9, 0xA
MASK = bytes(4)


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
    """One socket with one subscription. Answers pings, and parses nothing else."""

    def __init__(self, key: str, query: str) -> None:
        self.heard: list[tuple[float, bytes]] = []
        self.ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.worked: list[tuple[float, float]] = []
        self._key, self._query = key, query
        self._rest = b""
        self._open = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        secret = base64.b64encode(os.urandom(16)).decode()
        self._transport.write(
            (
                "GET /graphql HTTP/1.1\r\nHost: passline\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                f"Sec-WebSocket-Key: {secret}\r\nSec-WebSocket-Version: 13\r\n"
                "Sec-WebSocket-Protocol: graphql-transport-ws\r\n\r\n"
            ).encode()
        )

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.ready.done():
            self.ready.set_exception(ConnectionError("the server closed a socket"))

    def data_received(self, data: bytes) -> None:
        now = time.time()
        data = self._rest + data
        if not self._open:
            _, end, data = data.partition(b"\r\n\r\n")
            self._open = bool(end)
            self._send({"type": "connection_init", "payload": {"apiKey": self._key}})
        self._rest = self._frames(data, now)
        self.worked.append((now, time.process_time()))

    def _frames(self, data: bytes, now: float) -> bytes:
        """Takes the whole ones; gives what is left."""
        at, end = 0, len(data)
        while end - at >= 2:
            length, head = data[at + 1], 2
            if length == 126:
                if end - at < 4:
                    break
                length, head = int.from_bytes(data[at + 2 : at + 4], "big"), 4
            if end - at < head + length:
                break
            self._frame(data[at] & 0xF, data[at + head : at + head + length], now)
            at += head + length
        return data[at:]

    def _frame(self, opcode: int, payload: bytes, now: float) -> None:
        if opcode == PING:
            self._transport.write(_masked(PONG, payload))
        elif opcode == TEXT and self.ready.done():
            self.heard.append((now, payload))
        elif b"connection_ack" in payload:
            self._send({"type": "subscribe", "id": "1", "payload": {"query": self._query}})
            self.ready.set_result(None)

    def _send(self, message: dict[str, object]) -> None:
        self._transport.write(_masked(TEXT, orjson.dumps(message)))


def _masked(opcode: int, payload: bytes) -> bytes:
    """A client's frame; zeros are a mask like any other."""
    length = len(payload)
    head = struct.pack("!BB", 0x80 | opcode, 0x80 | length) if length < 126 else b""
    return (head or struct.pack("!BBH", 0x80 | opcode, 0xFE, length)) + MASK + payload


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
    hearers = []
    for query in queries:
        hearer = Hearer(key, query)
        await loop.create_connection(partial(_same, hearer), "127.0.0.1", port)
        await hearer.ready
        hearers.append(hearer)
    pipe.send(len(hearers))
    since = await loop.run_in_executor(None, pipe.recv)
    pipe.send(_summed_up(hearers, since))


def _same(hearer: Hearer) -> Hearer:
    return hearer


def _summed_up(hearers: Sequence[Hearer], since: float) -> Heard:
    places: dict[bytes, int] = {}
    at, which, sockets = array("d"), array("I"), []
    for hearer in hearers:
        frames = [(moment, frame) for moment, frame in hearer.heard if moment >= since]
        at.extend(moment for moment, _ in frames)
        which.extend(places.setdefault(frame, len(places)) for _, frame in frames)
        sockets.append(len(frames))
    worked = sorted(each for hearer in hearers for each in hearer.worked if each[0] >= since)
    seconds = worked[-1][0] - worked[0][0] if worked else 0.0
    busy = (worked[-1][1] - worked[0][1]) / seconds if seconds else 0.0
    return Heard(at, which, sockets, list(places), busy)
