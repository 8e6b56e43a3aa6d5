"""A simulated device: binds itself, opens a session, and sends what it detected over several connections."""

import asyncio
from collections.abc import Iterator

from replay import calls, clocks, plans


class Device:
    """One mat's device and its plan. It sends from several connections, so passings arrive out of order."""

    def __init__(self, name: str, serial: str, plan: list[plans.Post], callers: list[calls.Caller]) -> None:
        self.name = name
        self.serial = serial
        self.plan = plan
        self.callers = callers
        self.total = sum(len(post.passings) for post in plan)
        self.tally = calls.Tally()
        self.seconds = 0.0
        self.token = ""
        for caller in callers:
            caller.tally = self.tally

    async def connect(self) -> None:
        """Bound, now or from before, and with a fresh session."""
        device = {"model": "Replay", "serial_number": self.serial, "alias": self.name}
        bound = await self.callers[0].call("POST", "/v0/devices", device)
        session = {"deviceid": bound["deviceid"], "alias": self.name}
        self.token = (await self.callers[0].call("POST", "/v0/sessions", session))["token_session"]

    async def play(self, clock: clocks.Clock) -> None:
        """Returns when every post of the plan has been acknowledged."""
        began = asyncio.get_running_loop().time()
        posts = iter(self.plan)
        async with asyncio.TaskGroup() as group:
            for caller in self.callers:
                group.create_task(self.send(caller, posts, clock))
        self.seconds = asyncio.get_running_loop().time() - began

    async def send(self, caller: calls.Caller, posts: Iterator[plans.Post], clock: clocks.Clock) -> None:
        """Takes the next post of the plan until none is left."""
        for post in posts:
            await clock.reach(post.due)
            count = len(post.passings)
            body = {"token_session": self.token, "passings_list": post.passings}
            answer = await caller.call("POST", "/v0/passings", body, count)
            self.tally.sent += count
            self.tally.inserted += answer["inserted_count"]
            self.tally.duplicates += answer["duplicate_count"]
            clock.through(post)

    async def stored(self) -> int:
        """How many passings the server says the session holds."""
        answer = await self.callers[0].call("GET", f"/v0/sessions/{self.token}")
        return int(answer["result"][0]["passings"])

    def close(self) -> None:
        for caller in self.callers:
            caller.line.close()
