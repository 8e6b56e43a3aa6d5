"""A client that sends at a fixed pace whatever it is told, in a process of its own: nobody waits for it."""

import asyncio
import json
import secrets
import sys
import time
from collections import Counter, deque
from collections.abc import Iterator
from itertools import count
from typing import cast

import uvloop

from bench import wire
from bench.load import is_complete

CONNECTIONS = 64
TICK = 0.002
"""Seconds between two looks at what is due."""


class Hose(asyncio.Protocol):
    """One connection. What is due while it waits for an answer is sent by another, or left out."""

    def __init__(self, idle: "deque[Hose]", statuses: Counter[str]) -> None:
        self._idle, self._statuses = idle, statuses
        self._rest = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._idle.append(self)

    def send(self, request: bytes) -> None:
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        data = self._rest + data
        if not is_complete(data):
            self._rest = data
            return
        self._rest = b""
        self._statuses[data[9:12].decode()] += 1
        self._idle.append(self)


def passings(key: str, token: str, first: int) -> Iterator[bytes]:
    for number in count(first):
        yield wire.post("/v0/passings", key, wire.v0_body(token, [number]))


def wrong_keys(token: str) -> Iterator[bytes]:
    while True:
        yield wire.post("/v0/passings", "ror-" + secrets.token_hex(10), wire.v0_body(token, [1]))


async def pour(port: int, requests: Iterator[bytes], pace: float, seconds: float) -> Counter[str]:
    """So many a second for so long; what came back, by status."""
    idle: deque[Hose] = deque()
    statuses: Counter[str] = Counter()
    loop = asyncio.get_running_loop()
    for _ in range(CONNECTIONS):
        await loop.create_connection(lambda: Hose(idle, statuses), "127.0.0.1", port)
    began, sent = time.perf_counter(), 0
    while (passed := time.perf_counter() - began) < seconds:
        due = int(passed * pace) - sent
        for _ in range(min(due, len(idle))):
            idle.popleft().send(next(requests))
        sent += max(due, 0)
        await asyncio.sleep(TICK)
    async with asyncio.timeout(10):
        while len(idle) < CONNECTIONS:  # what is under way is answered too
            await asyncio.sleep(TICK)
    return statuses


def main() -> None:
    kind, port, pace, seconds, key, token, first = sys.argv[1:]
    requests = wrong_keys(token) if kind == "keys" else passings(key, token, int(first))
    print(json.dumps(uvloop.run(pour(int(port), requests, float(pace), float(seconds)))))


if __name__ == "__main__":
    main()
