"""When a post goes out: paced by the race's own time, or at full speed."""

import asyncio
from typing import Protocol

from replay import plans


class Clock(Protocol):
    """Tells a device when a post's time has come, and is told when it went through."""

    async def reach(self, due: float) -> None: ...
    def through(self, post: plans.Post) -> None: ...


class Paced:
    """Race time, `speed` times as fast as real time, from the first reading on."""

    def __init__(self, begins: float, speed: float) -> None:
        self.begins = begins
        self.speed = speed
        self.zero = asyncio.get_running_loop().time()

    async def reach(self, due: float) -> None:
        wait = self.zero + (due - self.begins) / self.speed - asyncio.get_running_loop().time()
        if wait > 0:
            await asyncio.sleep(wait)

    def through(self, post: plans.Post) -> None:
        pass


class Rushed:
    """No waiting, except that what was held back offline goes when everything else is through."""

    def __init__(self, ahead: int) -> None:
        self.ahead = ahead
        self.clear = asyncio.Event()
        if not ahead:
            self.clear.set()

    async def reach(self, due: float) -> None:
        if due == plans.NEVER:
            await self.clear.wait()

    def through(self, post: plans.Post) -> None:
        if post.due != plans.NEVER:
            self.ahead -= 1
            if not self.ahead:
                self.clear.set()
