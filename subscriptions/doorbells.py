"""Inboxes that hold no messages: they are rung, and whoever waits there looks for itself what is new."""

import asyncio
import contextlib
from collections.abc import Callable, Collection, Iterator, Mapping

SLOW_LOOK = 1.5
"""Seconds after which a listener looks into the table though nobody rang: facts may be lost, rows may not."""


class Doorbell:
    """An inbox of one: it holds the newest position only,
    so a slow listener costs nothing and misses nothing. `patience`: how long it waits for a ring at most."""

    def __init__(self, patience: Callable[[], float] = lambda: SLOW_LOOK) -> None:
        self._patience = patience
        self._rung = asyncio.Event()
        self.position = 0

    def ring(self, position: int) -> None:
        self.position = max(self.position, position)
        self._rung.set()

    async def wait(self) -> None:
        """Returns when it was rung, or when its patience is at an end."""
        # Not `wait_for`: before Python 3.12 it loses a cancellation that comes in the moment of a ring.
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._patience()):
                await self._rung.wait()
        self._rung.clear()


class Touches:
    """An inbox of devices that have news: a set, so that a slow listener costs no more than the devices."""

    def __init__(self) -> None:
        self._rung = asyncio.Event()
        self.devices: dict[int, int | None] = {}
        """Rows, to their accounts where the news told them: passings do not."""
        self.everything = True
        """News may have been missed: all has to be read."""

    def ring(self, devices: Collection[int], states: Mapping[int, int]) -> None:
        """These devices sent passings; and these, of which accounts, have a new state."""
        if devices or states:
            for row in devices:
                self.devices.setdefault(row, None)
            self.devices.update(states)
            self._rung.set()

    def ring_all(self) -> None:
        self.everything = True
        self._rung.set()

    async def wait(self, seconds: float) -> None:
        """Returns when there is news, or after so many seconds all the same."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._rung.wait()
        self._rung.clear()

    def take(self) -> tuple[dict[int, int | None], bool]:
        """What came since it was asked last: the devices, and whether all has to be read."""
        taken = self.devices, self.everything
        self.devices, self.everything = {}, False
        return taken


class Listeners:
    """Who listens to one thing. `left` is called when the last one goes."""

    def __init__(self, left: Callable[[], None]) -> None:
        self._left = left
        self._doorbells: set[Doorbell] = set()

    @contextlib.contextmanager
    def listening(self) -> Iterator[Doorbell]:
        """A doorbell that is rung from now on."""
        doorbell = Doorbell()
        self._doorbells.add(doorbell)
        try:
            yield doorbell
        finally:
            self._doorbells.discard(doorbell)
            if not self._doorbells:
                self._left()

    def ring(self, position: int) -> None:
        for doorbell in self._doorbells:
            doorbell.ring(position)
