"""Do the rows, what subscribers heard and what boards show agree, while nobody sends?"""

import asyncio
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import httpx

from bench import sessions, stored
from bench.desk import Desk
from bench.devices import Ledger
from bench.follower import Follower
from bench.listener import Listener
from bench.topology import Topology

SETTLING_SECONDS = 60.0
MISSED = "subscribers that missed, repeated or reordered"
Found = dict[str, list[str]]
"""What is wrong, by kind, in words; every kind is there."""


@dataclass
class Ear:
    """A subscriber, and the session whose passings he ought to hear: none for all."""

    listener: Listener
    token: str | None
    due: list[int] = field(default_factory=list)
    """The numbers of what is stored for him."""

    @property
    def heard(self) -> list[int]:
        return self.listener.numbers


@dataclass
class Agreement:
    """One look at a cluster at rest."""

    topology: Topology
    key: str
    race: str
    ledgers: Sequence[Ledger]
    ears: Sequence[Ear]
    followers: Sequence[Follower]

    async def ready(self) -> float:
        """Seconds until every server says that it is ready."""
        began = time.monotonic()
        async with httpx.AsyncClient(trust_env=False) as client:
            for machine in self.topology.servers:
                while time.monotonic() - began < SETTLING_SECONDS:
                    with suppress(httpx.TransportError):
                        if (await client.get(f"{machine.url}/readyz")).is_success:
                            break
                    await asyncio.sleep(0.05)
        return time.monotonic() - began

    async def settle(self) -> float:
        """Seconds until all have heard as much as is stored, or until it is decent to wait no longer."""
        self._rows = await stored.in_postgres(self.topology.postgres.dsn())
        for ear in self.ears:
            ear.due = [number for token, number in self._rows if ear.token in (None, token)]
        began = time.monotonic()
        while time.monotonic() - began < SETTLING_SECONDS:
            if all(len(ear.heard) >= len(ear.due) for ear in self.ears):
                break
            await asyncio.sleep(0.05)
        waited = time.monotonic() - began
        await asyncio.sleep(0.5)  # one too many is heard, too
        return waited

    async def compare(self) -> Found:
        return {
            **await asyncio.to_thread(self.counted),
            **self.heard(),
            **await asyncio.to_thread(self._boards),
            "followers with another board": await self._followed(),
        }

    def counted(self) -> Found:
        """What is stored beside what was sent and acknowledged, and beside what both servers count."""
        kinds = ("acknowledged but not stored", "doubled", "never sent", "counters wrong", "odd answers")
        found: Found = {kind: [] for kind in kinds}
        rows: dict[str, list[int]] = {ledger.token: [] for ledger in self.ledgers}
        for token, number in self._rows:
            rows[token].append(number)
        for ledger in self.ledgers:
            mine = rows[ledger.token]
            found["acknowledged but not stored"] += map(str, ledger.acknowledged - set(mine))
            found["doubled"] += (str(number) for number, times in Counter(mine).items() if times > 1)
            found["doubled"] += ["known when it was sent first"] * ledger.answered_as_known
            found["never sent"] += map(str, set(mine) - ledger.sent)
            found["odd answers"] += ledger.odd
            for machine in self.topology.servers:
                with machine.client(self.key) as client:
                    counted = sessions.passing_count(client, ledger.token)
                if counted != len(mine):
                    found["counters wrong"].append(f"{counted:,} of {len(mine):,}, says {machine.url}")
        return found

    def heard(self) -> Found:
        """What subscribers heard beside what is stored for them."""
        missed = [
            f"{len(ear.heard):,} heard of {len(ear.due):,}, from {first_difference(ear.heard, ear.due):,} on"
            for ear in self.ears
            if ear.heard != ear.due
        ]
        return {MISSED: missed}

    def _boards(self) -> Found:
        unlike: list[str] = []
        boards: list[list[dict[str, Any]]] = []
        for machine in self.topology.servers:
            with machine.client(self.key) as client:
                desk = Desk(client)
                boards.append(desk.board(self.race))
                unlike += (f"{machine.url}: {each}" for each in desk.differences(self.race))
        self._board = boards[0]
        others = [each for each in boards if each != boards[0]]
        return {
            "boards unlike one from scratch": unlike,
            "servers with another board": [
                f"{first_difference(each, boards[0])} is the first other line" for each in others
            ],
        }

    async def _followed(self) -> list[str]:
        """Whose screen is not what is there to ask for. They have the time that others have to hear."""
        deadline = time.monotonic() + SETTLING_SECONDS / 4
        while (wrong := [each for each in self.followers if not self._shows(each)]) and (
            time.monotonic() < deadline
        ):
            await asyncio.sleep(0.1)
        return [f"{each.url}: {len(each.lines)} lines, {each.updates} updates" for each in wrong]

    def _shows(self, follower: Follower) -> bool:
        asked = self._board[: follower.top]
        return standings(follower.lines.values()) == standings(asked)


def standings(lines: Any) -> list[tuple[Any, ...]]:
    return sorted((line["key"], line["rank"], line["state"], line["gunTime"]) for line in lines)


def first_difference(one: Sequence[object], other: Sequence[object]) -> int:
    pairs = enumerate(zip(one, other, strict=False))
    return next((place for place, (mine, theirs) in pairs if mine != theirs), min(len(one), len(other)))
