"""The boards of one event in memory: made from the tables, then kept up with every commit."""

import asyncio
from collections.abc import AsyncIterator, Collection, Iterable, Sequence
from itertools import islice
from typing import Any

import msgspec

from models import definitions, events, races, reads
from models.database import AsyncSession, Database
from timing.races import Definition, Read
from timing.scoring import Scoring

SLICE = 250
"""Participants that are judged before others get their turn: a few milliseconds."""
TAKEN = 2_000
"""Passings that are routed before others get their turn."""
MOST_CHANGES = 1_000
"""Changes behind a board beyond which it is made anew."""


class Boards:
    """As of `position` in the account's stream of passings and `revision` of the event's definition."""

    def __init__(self, event: events.Event) -> None:
        self.event = event
        self.position = 0
        self.revision = -1
        self.definition = Definition()
        self.scoring = Scoring(self.definition)
        self._turn = asyncio.Lock()
        self._begun = self._looked = 0
        """Looks into the database: how many began, and the number of the last one that came to its end."""

    async def catch_up(self, database: Database) -> None:
        """What was committed before the call is on the boards after it, and nobody is changing them: what is
        read before the next await is of one moment.

        One look into the database serves all who came before it began.
        """
        whole = self._looked == self._begun and not self._turn.locked()
        if whole and reads.state_now(database, self.event.id) == self.state:
            return
        before = self._begun
        async with self._turn:
            if self._looked <= before:
                self._begun += 1
                number = self._begun
                await self._look(database)
                self._looked = number

    @property
    def state(self) -> tuple[int, int]:
        """What is on them: up to which position in the stream of passings, and of which definition."""
        return self.position, self.revision

    async def _look(self, database: Database) -> None:
        newest, revision = await reads.state(database, self.event.id)
        if revision != self.revision:
            await self._follow(database, newest)
        if not self.definition.servings:
            self.position = newest
        while self.position < newest:
            found = await reads.after(database, self.event.account_id, self.position, newest)
            await _take(self.scoring, found)
            self.position = found[-1].position if len(found) == reads.AT_ONCE else newest
        await _settle(self.scoring)

    async def settled(self) -> None:
        """Returns when nobody is changing the boards: what is read before the next await is of one moment."""
        async with self._turn:
            await _settle(self.scoring)  # one who was cancelled may have left something

    async def _follow(self, database: Database, newest: int) -> None:
        """Brings the definition up to date: by what changed where that is enough, else all of it."""
        async with database.reading() as session:
            event = await events.by_id(session, self.event.id)
            if event is None:
                return
            changes = [] if self.revision < 0 else await self._changes(session)
            if changes and _day(event) == _day(self.event) and all(map(_narrow, changes)):
                await self._change(database, session, changes)
            else:
                definition = await definitions.of_event(session, event)
                await self._define(database, definition, newest)
        self.event, self.revision = event, event.revision

    async def _changes(self, session: AsyncSession) -> list[dict[str, Any]]:
        """The subjects of the changes behind the boards; none when they are too many."""
        found = await events.changes(session, self.event.id, self.revision, MOST_CHANGES)
        return [] if len(found) == MOST_CHANGES else [msgspec.json.decode(row.subject) for row in found]

    async def _change(
        self, database: Database, session: AsyncSession, changes: Sequence[dict[str, Any]]
    ) -> None:
        ids = {row for subject in changes for row in subject.get("participants", ())}
        positions = {place for subject in changes for place in subject.get("positions", ())}
        started = {subject["race"] for subject in changes if "wave" in subject}
        if ids:
            self.scoring.change(participants=await definitions.participants(session, self.event, ids))
        if positions:
            self.scoring.change(rulings=await definitions.rulings(session, self.event.id, positions))
            self.scoring.take(await reads.at(database, self.event.account_id, positions))
        if started:
            for wave in await races.waves(session, list(started)):
                self.scoring.regun(wave.race_id, wave.id, wave.gun_at)

    async def _define(self, database: Database, definition: Definition, newest: int) -> None:
        """Boards that take the place of these when they are ready. Passings are read again only where others
        serve the checkpoints than before."""
        scoring, position = Scoring(definition), newest
        if self.revision >= 0 and definition.servings == self.definition.servings:
            position = self.position
            await _take(scoring, self.scoring.reads())
            await _take(scoring, await _ruled(database, self.event.account_id, definition))
        else:
            async for found in _all_reads(database, self.event.account_id, definition):
                await _take(scoring, (read for read in found if read.position <= newest))
        await _settle(scoring)
        self.scoring, self.definition, self.position = scoring, definition, position


async def anew(database: Database, event: events.Event) -> Boards:
    """Boards made from scratch, which know nothing of those that are kept."""
    boards = Boards(event)
    await boards.catch_up(database)
    return boards


def _narrow(subject: dict[str, Any]) -> bool:
    """Whether the change concerns some participants, passings, a gun or the event's own texts alone."""
    return any(key in subject for key in ("participants", "positions", "wave", "event"))


def _day(event: events.Event) -> str:
    """The day on which ages count."""
    return event.reference_date or event.start_date


async def _take(scoring: Scoring, found: Iterable[Read]) -> None:
    waiting = iter(found)
    while part := list(islice(waiting, TAKEN)):
        scoring.take(part)
        await asyncio.sleep(0)


async def _settle(scoring: Scoring) -> None:
    while scoring.settle(SLICE):
        await asyncio.sleep(0)


async def _all_reads(
    database: Database, account_id: int, definition: Definition
) -> AsyncIterator[Iterable[Read]]:
    """What the devices and sessions detected that serve the event, and what officials ruled on."""
    servings = definition.servings
    for device_row in {each.device_row for each in servings if each.device_row is not None}:
        windows = [(each.from_, each.to) for each in servings if each.device_row == device_row]
        from_, to = _span(windows)
        async for found in reads.of_device(database, account_id, device_row, from_, to):
            yield found
    for session_row in {each.session_row for each in servings if each.session_row is not None}:
        async for found in reads.of_session(database, account_id, session_row):
            yield found
    yield await _ruled(database, account_id, definition)


async def _ruled(database: Database, account_id: int, definition: Definition) -> Sequence[Read]:
    """What officials ruled on, wherever it was detected."""
    positions = [ruling.position for ruling in definition.rulings]
    return await reads.at(database, account_id, positions) if positions else ()


def _span(windows: Collection[tuple[int | None, int | None]]) -> tuple[int | None, int | None]:
    """The one window that holds all of these; None is open."""
    starts = [from_ for from_, _ in windows if from_ is not None]
    ends = [to for _, to in windows if to is not None]
    return (
        min(starts) if len(starts) == len(windows) else None,
        max(ends) if len(ends) == len(windows) else None,
    )
