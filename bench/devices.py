"""Devices that keep sending through a server's deaths, and the ledger of what they were promised."""

import asyncio
import random
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import count

from bench import wire
from bench.caller import Answer, Caller

GIVES_UP = 0.1
NO_ANSWER = "no answer"


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
    answers: Counter[str] = field(default_factory=Counter)
    """By status, and those that never came."""
    odd: list[str] = field(default_factory=list)
    """Answers that no device ought to get."""

    def settle(self, numbers: Sequence[int], answer: Answer | None, first: bool) -> bool:
        """Whether the call is acknowledged. Without an answer, or told to come again, nobody knows."""
        self.answers[str(answer.status) if answer else NO_ANSWER] += 1
        if answer is None or answer.status == 503:
            return False
        counts = answer.json() if answer.status == 201 else {}
        known = int(str(counts.get("duplicate_count", 0)))
        if known + int(str(counts.get("inserted_count", 0))) != len(numbers):
            self.odd.append(f"{len(numbers)} passings sent, {answer.status} answered: {answer.body[:300]!r}")
            return False
        if first:
            self.answered_as_known += known
        self.acknowledged.update(numbers)
        return True


@dataclass
class Device:
    """Singles and batches over one connection; what was not acknowledged is mostly sent again, to another
    server where there is one."""

    ports: Sequence[int]
    key: str
    ledger: Ledger
    up: asyncio.Event
    over: asyncio.Event
    longest_pause: float = 0.0
    """Seconds between two calls."""
    body: Callable[[str, Iterable[int]], bytes] = wire.v0_body
    resting: bool = False
    """It waits until `up`, with nothing under way."""

    async def send(self) -> None:
        callers = [Caller(port) for port in random.sample(self.ports, len(self.ports))]
        while not self.over.is_set():
            size = random.choice([1, 1, 1, 1, 10, 100])
            numbers = [next(self.ledger.numbers) for _ in range(size)]
            self.ledger.sent.update(numbers)
            self.ledger.calls += 1
            await self._deliver(callers, numbers)
            if self.longest_pause:
                await asyncio.sleep(random.uniform(0.0, self.longest_pause))
        for caller in callers:
            caller.close()

    async def _deliver(self, callers: list[Caller], numbers: list[int]) -> None:
        request = wire.post("/v0/passings", self.key, self.body(self.ledger.token, numbers))
        for attempt in count():
            await self._rest()
            answer = await answer_of(callers[0], request)
            if self.ledger.settle(numbers, answer, first=attempt == 0):
                return
            if random.random() < GIVES_UP:
                self.ledger.abandoned += 1
                return
            self.ledger.retried += 1
            callers.append(callers.pop(0))
            await asyncio.sleep(random.uniform(0.0, 0.02))

    async def _rest(self) -> None:
        self.resting = True
        await self.up.wait()
        self.resting = False


async def answer_of(caller: Caller, request: bytes) -> Answer | None:
    try:
        return await caller.call(request)
    except ConnectionError:
        return None
