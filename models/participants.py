"""Participants, their chips, and what officials ruled: tables and queries."""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy import BigInteger, Index, UniqueConstraint
from sqlmodel import Field, SQLModel, col, func, select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.keys import HIGHEST_ROW

SLICE = 500
"""Rows in one statement, so that others get their turn."""


class Participant(SQLModel, table=True):
    """A competitor. `category` is a group that was given; without one the race's rules decide.

    `birth_date` is a text in ISO 8601; it, `email` and `phone` are for keys of the account only.
    """

    __tablename__ = "participants"
    __table_args__ = (
        UniqueConstraint("event_id", "bib"),
        Index("participants_of_event", "event_id", "id"),
        Index("participants_of_race", "race_id"),
    )

    id: int = Field(default=None, primary_key=True)
    participant_id: str = Field(unique=True)
    event_id: int = Field(foreign_key="events.id")
    race_id: int | None = Field(default=None, foreign_key="races.id")
    wave_id: int | None = Field(default=None, foreign_key="waves.id")
    bib: str
    name: str
    last_name: str | None = None
    gender: str | None = None
    birth_date: str | None = None
    age: int | None = None
    category: str | None = None
    club: str | None = None
    team: str | None = None
    country: str | None = None
    city: str | None = None
    email: str | None = None
    phone: str | None = None
    status: str = "REGISTERED"
    created_at: int = Field(sa_type=BigInteger)


class Chip(SQLModel, table=True):
    """A chip of a participant from `from_at` (included) to `to_at` (excluded); null is open."""

    __tablename__ = "chips"
    __table_args__ = (Index("chips_by_code", "event_id", "code"),)

    id: int = Field(default=None, primary_key=True)
    event_id: int = Field(foreign_key="events.id")
    participant_row: int = Field(foreign_key="participants.id", index=True)
    code: str
    from_at: int | None = Field(default=None, sa_type=BigInteger)
    to_at: int | None = Field(default=None, sa_type=BigInteger)


class Ruling(SQLModel, table=True):
    """An official's word on the passing at `position` of the account's stream. The newest one holds."""

    __tablename__ = "rulings"
    __table_args__ = (Index("rulings_of_event", "event_id", "position"),)

    id: int = Field(default=None, primary_key=True)
    event_id: int = Field(foreign_key="events.id")
    position: int = Field(sa_type=BigInteger)
    override: str
    checkpoint_id: int | None = Field(default=None, foreign_key="checkpoints.id")
    participant_row: int | None = Field(default=None, foreign_key="participants.id")
    reason: str
    key_id: int | None = Field(default=None, foreign_key="api_keys.id")
    at: int = Field(sa_type=BigInteger)


class Adjustment(SQLModel, table=True):
    """A penalty (positive) or bonus (negative) of a participant, in microseconds. They add up."""

    __tablename__ = "adjustments"

    id: int = Field(default=None, primary_key=True)
    participant_row: int = Field(foreign_key="participants.id", index=True)
    amount: int = Field(sa_type=BigInteger)
    reason: str
    key_id: int | None = Field(default=None, foreign_key="api_keys.id")
    at: int = Field(sa_type=BigInteger)


async def add_all(session: AsyncSession, rows: Sequence[SQLModel]) -> None:
    session.add_all(rows)
    await session.flush()


async def enter(
    session: AsyncSession, event_id: int, rows: Sequence[dict[str, Any]]
) -> dict[str, Participant]:
    """Adds rows that have all columns but the id, in slices as there may be thousands; gives them by bib."""
    entered: dict[str, Participant] = {}
    for start in range(0, len(rows), SLICE):
        some = rows[start : start + SLICE]
        await (await session.connection()).execute(sa.insert(Participant), some)
        bibs = [row["bib"] for row in some]
        query = select(Participant).where(Participant.event_id == event_id, col(Participant.bib).in_(bibs))
        entered |= {participant.bib: participant for participant in (await session.exec(query)).all()}
    return entered


async def add_chips(session: AsyncSession, rows: Sequence[dict[str, Any]]) -> None:
    """Adds rows that have all columns but the id, in one go."""
    if rows:
        await (await session.connection()).execute(sa.insert(Chip), rows)


async def remove_all(session: AsyncSession, rows: Iterable[SQLModel]) -> None:
    for row in rows:
        await session.delete(row)
    await session.flush()


async def by_participant_id(session: AsyncSession, participant_id: str) -> Participant | None:
    """The participant of that name, of whatever event: the operation decides who may see it."""
    if not participant_id.isalnum():
        return None
    return (
        await session.exec(select(Participant).where(Participant.participant_id == participant_id))
    ).first()


async def by_ids(session: AsyncSession, ids: Iterable[int]) -> list[Participant]:
    """Participants of whatever events: the operation decides who may see them."""
    query = select(Participant).where(col(Participant.id).in_(ids))
    return list((await session.exec(query)).all())


async def by_bib(session: AsyncSession, event_id: int, bib: str) -> Participant | None:
    query = select(Participant).where(Participant.event_id == event_id, Participant.bib == bib)
    return (await session.exec(query)).first()


async def taken(session: AsyncSession, event_id: int, bibs: Iterable[str]) -> set[str]:
    """Those of the bibs that are in use in the event."""
    query = select(Participant.bib).where(Participant.event_id == event_id, col(Participant.bib).in_(bibs))
    return set((await session.exec(query)).all())


class Filter(NamedTuple):
    """Which participants of an event are meant; None means any. `search` looks into bib and names."""

    race_id: int | None = None
    search: str | None = None

    def wanted(self) -> list[sa.ColumnElement[bool]]:
        tests: list[sa.ColumnElement[bool]] = []
        if self.race_id is not None:
            tests.append(col(Participant.race_id) == min(self.race_id, HIGHEST_ROW))
        if self.search:
            names = func.coalesce(Participant.name, "") + " " + func.coalesce(Participant.last_name, "")
            has_it = names.icontains(self.search, autoescape=True)
            tests.append((col(Participant.bib) == self.search) | has_it)
        return tests


async def page(
    session: AsyncSession, event_id: int, *, offset: int = 0, limit: int
) -> tuple[list[Participant], int]:
    """Participants in the order they were added, and how many there are."""
    of_event = col(Participant.event_id) == event_id
    total = (await session.exec(select(func.count()).select_from(Participant).where(of_event))).one()
    query = select(Participant).where(of_event).order_by(col(Participant.id)).offset(offset).limit(limit)
    return list((await session.exec(query)).all()), total


async def pages(
    session: AsyncSession, event_ids: Sequence[int], which: Filter, *, after: int, first: int
) -> dict[int, tuple[list[Participant], int]]:
    """For each event a page of its participants and how many match: two statements for any number."""
    wanted = [col(Participant.event_id).in_(event_ids), *which.wanted()]
    numbered = func.row_number().over(partition_by=col(Participant.event_id), order_by=col(Participant.id))
    place = numbered.label("place")
    ranked = sa.select(col(Participant.id).label("id"), place).where(
        *wanted, col(Participant.id) > min(after, HIGHEST_ROW)
    )
    inner = ranked.subquery()
    query = select(Participant).join(inner, col(Participant.id) == inner.c.id).where(inner.c.place <= first)
    totals = sa.select(col(Participant.event_id), func.count()).where(*wanted)
    counted = await (await session.connection()).execute(totals.group_by(col(Participant.event_id)))
    count_of = {row[0]: row[1] for row in counted.all()}
    found: dict[int, tuple[list[Participant], int]] = {id: ([], count_of.get(id, 0)) for id in event_ids}
    for each in (await session.exec(query.order_by(col(Participant.id)))).all():
        found[each.event_id][0].append(each)
    return found


async def of_event(
    session: AsyncSession, event_id: int, ids: Iterable[int] | None = None
) -> list[sa.Row[Any]]:
    """All columns of all participants of the event, or of those rows, as plain rows: there may be many."""
    table = sa.inspect(Participant).local_table
    query = sa.select(table).where(table.c.event_id == event_id)
    if ids is not None:
        query = query.where(table.c.id.in_(ids))
    return list((await (await session.connection()).execute(query.order_by(table.c.id))).all())


async def chips_of_event(
    session: AsyncSession, event_id: int, participant_rows: Iterable[int] | None = None
) -> list[Chip]:
    """The chips of the event, or of these participants of it, oldest first."""
    query = select(Chip).where(Chip.event_id == event_id)
    if participant_rows is not None:
        query = query.where(col(Chip.participant_row).in_(participant_rows))
    return list((await session.exec(query.order_by(col(Chip.id)))).all())


async def chips_of(session: AsyncSession, participant_rows: Iterable[int]) -> list[Chip]:
    """The chips of these participants, of whatever events, oldest first."""
    query = select(Chip).where(col(Chip.participant_row).in_(participant_rows))
    return list((await session.exec(query.order_by(col(Chip.id)))).all())


async def adjustment_sums(
    session: AsyncSession, event_id: int, participant_rows: Iterable[int] | None = None
) -> dict[int, int]:
    """The sum of penalties and bonuses by participant's row; without any a participant is missing."""
    query = (
        sa.select(col(Adjustment.participant_row), func.sum(Adjustment.amount))
        .join(Participant, col(Participant.id) == col(Adjustment.participant_row))
        .where(col(Participant.event_id) == event_id)
        .group_by(col(Adjustment.participant_row))
    )
    if participant_rows is not None:
        query = query.where(col(Adjustment.participant_row).in_(participant_rows))
    return {row[0]: int(row[1]) for row in (await (await session.connection()).execute(query)).all()}


async def rulings(
    session: AsyncSession, event_id: int, positions: Iterable[int] | None = None
) -> list[Ruling]:
    """Rulings oldest first: of these positions, or all of the event."""
    query = select(Ruling).where(Ruling.event_id == event_id).order_by(col(Ruling.id))
    if positions is not None:
        query = query.where(col(Ruling.position).in_(positions))
    return list((await session.exec(query)).all())


async def ruling_events(session: AsyncSession, positions: Iterable[int]) -> set[int]:
    """The events in which there are rulings on passings at these positions, of whatever account."""
    query = select(Ruling.event_id).where(col(Ruling.position).in_(positions)).distinct()
    return set((await session.exec(query)).all())


async def adjustments(session: AsyncSession, participant_rows: Iterable[int]) -> list[Adjustment]:
    """Of these participants, oldest first."""
    query = select(Adjustment).where(col(Adjustment.participant_row).in_(participant_rows))
    return list((await session.exec(query.order_by(col(Adjustment.id)))).all())
