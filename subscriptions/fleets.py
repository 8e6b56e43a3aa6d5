"""Fleets: how the devices of an account were told last, for all who follow them.

Devices that have news are read once, however many follow; and a device that falls silent is turned
DISCONNECTED by a clock, with nobody asking.
"""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable, Collection
from heapq import heappop, heappush
from itertools import takewhile
from operator import attrgetter
from typing import Any, NamedTuple

from models.devices import Device
from models.fleets import Sight
from models.telemetry import Report
from resolvers import devices
from subscriptions.doorbells import Listeners, Touches
from subscriptions.hub import Hub
from subscriptions.patience import LONGEST_PAUSE, away
from timing.clocks import SECOND

logger = logging.getLogger(__name__)

SLOW_LOOK = 10.0
"""Seconds after which a whole fleet is read though nobody rang: facts may be lost, rows may not."""
NOTHING = -1
"""The revision behind which every device is."""
LONE_LOOK = 0.75
"""… while the bus is not heard: what others commit is found by looking alone."""
LONE_SHARE = 2.0
"""… and so many times as long as the last such reading took: a large fleet is not read all the time."""

Read = Callable[[int, Collection[int] | None], AsyncIterator[list[Sight]]]
_of_device = attrgetter(*Device.model_fields)
_of_report = attrgetter(*(name for name in Report.model_fields if name not in ("received_at", "stale")))


class Told(NamedTuple):
    """How a device was told last, and when it was read. `until`: it is connected up to that instant, if
    nothing is heard of it."""

    revision: int
    at: int
    sight: Sight
    until: int
    news: tuple[Any, ...]


class Fleet:
    """The devices of one account. Each change raises the revision, and the changed device has that one."""

    def __init__(self, fleets: "Fleets", account_id: int) -> None:
        self.revision = 0
        self._fleets = fleets
        self._account_id = account_id
        self._told: dict[int, Told] = {}  # by the device's row; those that changed last come last
        self._due: list[tuple[int, int]] = []  # a heap: when to look at which connected device
        self._timed: set[int] = set()  # the devices in it, each once
        self._looked_at, self._took = -SLOW_LOOK, 0.0
        self.listeners = Listeners(self._left)
        """Rung after each reading that brought something."""
        self._ready = asyncio.Event()
        self._task = asyncio.create_task(self._run(), name=f"fleet of account {account_id}")

    async def ready(self) -> None:
        """Returns when the fleet was read for the first time."""
        await self._ready.wait()

    def since(self, revision: int, only: Collection[int] | None) -> list[Told]:
        """The devices, of these rows, that changed after a revision, in that order; None: all there are.

        Each comes once, as it is now, however often it changed: who reads slowly has no queue.
        """
        newest = reversed(self._told.values())
        found = takewhile(lambda told: told.revision > revision, newest)
        return [told for told in found if only is None or told.sight.device.id in only][::-1]

    def _left(self) -> None:
        self._fleets.leave(self._account_id)
        self._task.cancel()

    async def _run(self) -> None:
        with self._fleets.hub.touches() as inbox:
            while True:
                try:
                    await self._look(inbox)
                except Exception as error:
                    inbox.ring_all()
                    if away(error):
                        await asyncio.sleep(LONGEST_PAUSE)
                    else:
                        logger.exception("a fleet could not be read")
                await asyncio.sleep(self._fleets.interval)
                await inbox.wait(self._patience())

    def _patience(self) -> float:
        """Seconds until there is something to do though nobody rings."""
        slow = self._looked_at + self._slowly() - time.monotonic()
        due = (self._due[0][0] - self._fleets.clock()) / SECOND if self._due else slow
        return max(0.0, min(slow, due))

    def _slowly(self) -> float:
        """Seconds between two readings of the whole fleet."""
        return SLOW_LOOK if self._fleets.hub.alive else max(LONE_LOOK, LONE_SHARE * self._took)

    async def _look(self, inbox: Touches) -> None:
        """Reads what has news or falls silent, and tells what differs."""
        touched, everything = inbox.take()
        overdue = self._overdue()
        if everything or time.monotonic() - self._looked_at >= self._slowly():
            wanted, self._looked_at = None, time.monotonic()
        else:
            wanted = overdue | {row for row, account in touched.items() if self._concerns(row, account)}
            if not wanted:
                return
        before = self.revision
        async for sights in self._fleets.read(self._account_id, wanted):
            for sight in sights:
                self._compare(sight)
        if wanted is None:
            self._took = time.monotonic() - self._looked_at
        if not self._ready.is_set():
            self._ready.set()
        if self.revision != before:
            self.listeners.ring(self.revision)

    def _overdue(self) -> set[int]:
        """Connected devices of which nothing is known for too long. They are read once more before they are
        told to be silent, so that passings in the meantime need not be looked at one by one."""
        now, found = self._fleets.clock(), set()
        while self._due and self._due[0][0] <= now:
            _, row = heappop(self._due)
            if (until := self._told[row].until) > now:
                heappush(self._due, (until, row))
            else:
                self._timed.discard(row)
                found.add(row)
        return found

    def _concerns(self, row: int, account: int | None) -> bool:
        """Whether a device that has news must be read. Passings tell no account; they are only a sign of
        life, which is news of a silent device alone."""
        if account is not None:
            return account == self._account_id
        return row in self._told and row not in self._timed

    def _compare(self, sight: Sight) -> None:
        row, now, last = sight.device.id, self._fleets.clock(), self._told.get(sight.device.id)
        seen_at = devices.last_seen(sight.counts, sight.health)
        until = 0 if seen_at is None else seen_at + devices.CONNECTED_FOR
        news = _news(sight, now < until)
        if now < until and row not in self._timed:
            self._timed.add(row)
            heappush(self._due, (until, row))
        if last is not None and last.news == news:
            self._told[row] = last._replace(at=now, sight=sight, until=until)
            return
        if self._ready.is_set():
            self.revision += 1
            self._told.pop(row, None)  # so that it goes in behind all others
        self._told[row] = Told(self.revision, now, sight, until, news)


class Fleets:
    """The fleets of the accounts that somebody follows.

    `read` gives devices of an account, None: all; `interval`: seconds between two readings of a fleet.
    """

    def __init__(self, hub: Hub, read: Read, clock: Callable[[], int], interval: float) -> None:
        self.hub, self.read, self.clock, self.interval = hub, read, clock, interval
        self._fleets: dict[int, Fleet] = {}

    def of(self, account_id: int) -> Fleet:
        """To be listened to at once: it is left when the last listener goes."""
        fleet = self._fleets.get(account_id)
        if fleet is None:
            fleet = self._fleets[account_id] = Fleet(self, account_id)
        return fleet

    def leave(self, account_id: int) -> None:
        self._fleets.pop(account_id, None)


def _news(sight: Sight, connected: bool) -> tuple[Any, ...]:
    """What followers are told when it differs. When a device was heard last and its counts are not news."""
    device, _, active, health, alarms = sight
    return (
        connected,
        _of_device(device),
        active and (active.id, active.alias),
        health and (health.state.mode, _of_report(health.report)),
        [(alarm.id, alarm.severity, alarm.detail) for alarm in alarms],
    )
