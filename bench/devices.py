"""Devices that keep sending through a server's deaths, and the ledger of what they were promised."""

import asyncio
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count

from bench import wire
from bench.caller import Caller

GIVES_UP = 0.1


@dataclass
class Ledger:
    """What was sent to a session, and what the server said is stored."""

    token: str
    sent: set[int] = field(default_factory=set)
    acknowledged: set[int] = field(default_factory=set)
    answered_as_known: int = 0
    calls: int = 0
    retried: int = 0
    abandoned: int = 0
    numbers: Iterator[int] = field(default_factory=lambda: count(1))


@dataclass
class Device:
    """Singles and batches over one connection; what was not acknowledged is mostly sent again."""

    port: int
    key: str
    ledger: Ledger
    up: asyncio.Event
    over: asyncio.Event

    async def send(self) -> None:
        caller = Caller(self.port)
        while not self.over.is_set():
            size = random.choice([1, 1, 1, 1, 10, 100])
            numbers = [next(self.ledger.numbers) for _ in range(size)]
            self.ledger.sent.update(numbers)
            self.ledger.calls += 1
            await self._deliver(caller, numbers)
        caller.close()

    async def _deliver(self, caller: Caller, numbers: list[int]) -> None:
        request = wire.post("/v0/passings", self.key, wire.v0_body(self.ledger.token, numbers))
        for attempt in count():
            await self.up.wait()
            if await self._acknowledged(caller, request, numbers, first=attempt == 0):
                return
            if random.random() < GIVES_UP:
                self.ledger.abandoned += 1
                return
            self.ledger.retried += 1
            await asyncio.sleep(random.uniform(0.0, 0.02))

    async def _acknowledged(self, caller: Caller, request: bytes, numbers: list[int], first: bool) -> bool:
        try:
            answer = await caller.call(request)
        except ConnectionError:
            return False
        if answer.status == 503:
            return False
        if answer.status != 201:
            raise RuntimeError(f"status {answer.status}: {answer.body!r}")
        counts = answer.json()
        if counts["inserted_count"] + counts["duplicate_count"] != len(numbers):  # type: ignore[operator]
            raise RuntimeError(f"{len(numbers)} passings sent, answered {answer.body!r}")
        if first:
            self.ledger.answered_as_known += int(str(counts["duplicate_count"]))
        self.ledger.acknowledged.update(numbers)
        return True
