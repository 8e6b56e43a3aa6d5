"""Requests that leave at their own times, whatever became of those before them."""

import asyncio
import time
from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field

from bench.caller import Caller

LINES = 16
"""Connections; a request waits for a free one."""
STALE = 2.0
"""Seconds without use after which one is made anew: the server may be about to close it."""
Idle = asyncio.LifoQueue[tuple[float, Caller]]


@dataclass
class Paced:
    """What came of them: the instants of the request at each place, by the system's clock."""

    sent: "array[float]" = field(default_factory=lambda: array("d"))
    answered: "array[float]" = field(default_factory=lambda: array("d"))
    late: float = 0.0
    """The longest that one left after its time."""
    busy: float = 0.0
    """The share of a core that sending took."""

    @property
    def seconds(self) -> float:
        return max(self.answered) - min(self.sent)


async def send(port: int, requests: Sequence[bytes], rate: float, status: int = 201) -> Paced:
    """So many a second. Raises RuntimeError for an answer with another status."""
    paced = Paced(array("d", bytes(8 * len(requests))), array("d", bytes(8 * len(requests))))
    idle: Idle = asyncio.LifoQueue()
    for _ in range(LINES):
        idle.put_nowait((0.0, Caller(port)))
    began, worked = time.time(), time.process_time()
    async with asyncio.TaskGroup() as tasks:
        for place, request in enumerate(requests):
            due = began + place / rate
            await asyncio.sleep(max(0.0, due - time.time()))
            used, caller = await idle.get()
            if time.time() - used > STALE:
                caller.close()
            paced.late = max(paced.late, time.time() - due)
            tasks.create_task(_call(caller, request, place, status, paced, idle))
    paced.busy = (time.process_time() - worked) / (time.time() - began)
    while not idle.empty():
        idle.get_nowait()[1].close()
    return paced


async def _call(caller: Caller, request: bytes, place: int, status: int, paced: Paced, idle: Idle) -> None:
    paced.sent[place] = time.time()
    answer = await caller.call(request)
    paced.answered[place] = time.time()
    if answer.status != status:
        raise RuntimeError(f"status {answer.status}: {answer.body[:300]!r}")
    idle.put_nowait((paced.answered[place], caller))
