"""What the servers on one database share: limits that hold for all of them together, and whose turn it is to
do what one of them has to do.

Nobody waits for it: each server counts by itself, and takes over once an interval what the others did.
"""

import asyncio
import heapq
import secrets
from collections.abc import Callable, Mapping
from functools import partial
from operator import attrgetter

from models import shares as rows
from models.database import Database
from models.shares import Bucket, Place, Told
from resolvers.limits import Limits, Name, Places

SMALL = 1 / 32
"""Of what flows into a bucket: who spends less is no news to the others."""
MANY = 1 / 16
"""Of the places that a name may have: who has fewer here is no news to the others."""
MOST = 2_000
"""Buckets, and names with places, that are told in one exchange: those with the most."""
BY_ROW = ("key", "sockets_of_key")
"""Kinds whose names are rows of keys; the others' are addresses."""
TURN = "housekeeping"
FORGET_EVERY = 10
"""Exchanges between two in which what says nothing any more is removed."""


class Shares:
    """This server among the others. On SQLite there are none: then it is always its turn, and nothing else is
    to be called.

    `clock`: the seconds of the limits. `places`: what is limited by name, by its kind.
    """

    def __init__(
        self,
        database: Database,
        clock: Callable[[], float],
        limits: Limits,
        places: Mapping[str, Places],
        interval: float,
    ) -> None:
        self._database = database
        self._clock = clock
        self._limits = limits
        self._places = places
        self._least = interval * SMALL
        self._server = secrets.token_hex(8)
        self._turn_until = 0.0
        self._exchanges = 0

    def has_turn(self) -> bool:
        """Whether this is the one server that watches over alarms, thins old telemetry and clears away.

        When a server dies another has its turn within seconds. For a moment two may think that it is theirs:
        what is done in turns must be right when two do it, and only too much.
        """
        return self._database.sqlite or self._clock() < self._turn_until

    async def exchange(self) -> None:
        """Tells the others what was spent and taken here, and takes over what they did. What cannot be told
        is forgotten: the server goes on by itself."""
        spent, taken, began = self._spent(), self._taken(), self._clock()
        async with asyncio.timeout(rows.LEASE):
            told = await self._database.transact(partial(rows.exchange, self._server, TURN, spent, taken))
        self._take_over(told)
        self._turn_until = began + rows.LEASE if told.turn else 0.0
        self._exchanges += 1
        if told.turn and self._exchanges % FORGET_EVERY == 0:
            await self._database.transact(rows.forget)

    async def leave(self) -> None:
        """This server stops: its places are free, and another has its turn at once."""
        self._turn_until = 0.0
        async with asyncio.timeout(rows.LEASE):
            await self._database.transact(partial(rows.leave, self._server))

    def _spent(self) -> list[Bucket]:
        told = (
            Bucket(kind, str(name), seconds)
            for kind, buckets in self._limits.by_kind.items()
            for name, seconds in buckets.spent(self._least).items()
        )
        return heapq.nlargest(MOST, told, key=attrgetter("seconds"))

    def _taken(self) -> list[Place]:
        told = (
            Place(kind, str(name), count)
            for kind, places in self._places.items()
            for name, count in places.many(MANY).items()
        )
        return heapq.nlargest(MOST, told, key=attrgetter("taken"))

    def _take_over(self, told: Told) -> None:
        now, kinds = self._clock(), self._limits.by_kind
        for kind, name, seconds in told.buckets:
            if kind in kinds:
                kinds[kind].learn(_name(kind, name), now + seconds)
        elsewhere: dict[str, dict[Name, int]] = {kind: {} for kind in self._places}
        for kind, name, count in told.places:
            if kind in elsewhere:
                elsewhere[kind][_name(kind, name)] = count
        for kind, places in self._places.items():
            places.elsewhere = elsewhere[kind]


def _name(kind: str, text: str) -> Name:
    return int(text) if kind in BY_ROW else text
