"""All who are connected to hear what happens, over sockets and event streams: whether their keys still let
them in, and how they are told to go when the server stops."""

import asyncio
import logging
import random
from typing import Protocol

from resolvers.callers import Callers
from resolvers.context import Caller
from subscriptions.patience import away

logger = logging.getLogger(__name__)

LOOK_EVERY = 2.0
"""Seconds after which it is looked whether keys still let somebody in, though no revocation was heard of."""
NOT_LET_IN = 4403
"""The code with which a guest is dismissed whose key was revoked or has expired. The reason says which."""
RESTARTING = 1012, "restarting"
"""The code and the reason with which guests are dismissed while the server stops."""
LEAVING = 200
"""Guests that are dismissed in a second at least: few cost no time."""
RETURNING = 250
"""Guests that are told to come back in the same second. One that resumes costs the next server some 3 ms."""
MOST_SECONDS = 60.0
"""… though nobody is asked to wait longer than this."""
DISMISSED = ("idle", "key", "restart")
"""Why guests are dismissed."""


class Guest(Protocol):
    """A live connection."""

    @property
    def caller(self) -> Caller:
        """Whose key it is; the same as long as the guest stays."""
        ...

    def dismiss(self, code: int, reason: str, retry_after: float | None = None) -> None:
        """Closes the connection. `retry_after`: seconds after which it may come again."""
        ...


class Audience:
    """The live connections of this process."""

    def __init__(self, callers: Callers) -> None:
        self.dismissed = dict.fromkeys(DISMISSED, 0)
        """How many were dismissed, by reason."""
        self._callers = callers
        self._by_key: dict[int | None, set[Guest]] = {}
        self._rung = asyncio.Event()
        self._looking: asyncio.Task[None] | None = None
        self._gone_at: float | None = None
        """When the server will have said goodbye to everybody."""
        callers.on_forget = self._rung.set

    def __len__(self) -> int:
        return sum(map(len, self._by_key.values()))

    def start(self) -> None:
        self._looking = asyncio.create_task(self._look_on(), name="keys of live connections")

    async def close(self) -> None:
        """Keys are looked after no more. Also where it was never started."""
        if self._looking is not None:
            self._looking.cancel()
            await asyncio.wait([self._looking])

    def enter(self, guest: Guest) -> None:
        """From now on the guest is dismissed when it must go; at once where the server is stopping. Its
        caller stays the same until it leaves."""
        self._by_key.setdefault(guest.caller.key_id, set()).add(guest)
        if self._gone_at is not None:
            self._restart(guest, self._gone_at, 1.0)

    def leave(self, guest: Guest) -> None:
        """Also for one that did not enter."""
        guests = self._by_key.get(guest.caller.key_id)
        if guests is None or guest not in guests:
            return
        guests.remove(guest)
        if not guests:
            del self._by_key[guest.caller.key_id]

    def dismiss(
        self, guest: Guest, why: str, code: int, reason: str, retry_after: float | None = None
    ) -> None:
        """Counted once for each guest, under one of the words in `dismissed`."""
        if guest in self._by_key.get(guest.caller.key_id, ()):
            self.dismissed[why] += 1
            self.leave(guest)
        guest.dismiss(code, reason, retry_after)

    def time_to_leave(self, window: float) -> float:
        """Seconds that a goodbye takes now, if it may take so many."""
        return min(window, len(self) / LEAVING)

    async def goodbye(self, window: float) -> None:
        """Dismisses everybody, spread over so many seconds or fewer, and each with another time to come back:
        never before the window is over, and not all at once. Who comes meanwhile is dismissed as well."""
        guests = [guest for guests in self._by_key.values() for guest in guests]
        random.shuffle(guests)
        loop = asyncio.get_running_loop()
        began, window = loop.time(), self.time_to_leave(window)
        self._gone_at = began + window
        back_within = min(max(1.0, len(guests) / RETURNING), MOST_SECONDS)
        for place, guest in enumerate(guests):
            if (early := began + window * place / len(guests) - loop.time()) > 0:
                await asyncio.sleep(early)
            if guest in self._by_key.get(guest.caller.key_id, ()):
                self._restart(guest, self._gone_at, back_within)

    def _restart(self, guest: Guest, gone_at: float, back_within: float) -> None:
        left = max(0.0, gone_at - asyncio.get_running_loop().time())
        self.dismiss(guest, "restart", *RESTARTING, left + 1 + random.random() * back_within)

    async def _look_on(self) -> None:
        while True:
            try:
                async with asyncio.timeout(LOOK_EVERY):
                    await self._rung.wait()
            except TimeoutError:
                pass
            self._rung.clear()
            try:
                await self._look()
            except Exception as error:
                if not away(error):  # until it is back everybody stays
                    logger.exception("it could not be seen whether keys still let somebody in")

    async def _look(self) -> None:
        keys = [key for key in self._by_key if key is not None]
        for key, reason in (await self._callers.refused(keys)).items():
            for guest in tuple(self._by_key.get(key, ())):
                self.dismiss(guest, "key", NOT_LET_IN, reason)
