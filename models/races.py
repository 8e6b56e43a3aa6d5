"""Races, their waves, categories, checkpoints and who serves these: tables and queries.

That names and places within a race are unique is judged by the operation, which holds the event: a constraint
would forbid that two checkpoints change places.
"""

from collections.abc import Iterable, Sequence
from typing import TypeVar

from sqlalchemy import BigInteger, UniqueConstraint
from sqlmodel import Field, SQLModel, col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.events import Event
from models.keys import HIGHEST_ROW

Row = TypeVar("Row", bound=SQLModel)


class Race(SQLModel, table=True):
    """One distance or category of an event, with its own course and ranking. `duration` in microseconds."""

    __tablename__ = "races"
    __table_args__ = (UniqueConstraint("event_id", "name"),)

    id: int = Field(default=None, primary_key=True)
    event_id: int = Field(foreign_key="events.id")
    name: str
    mode: str = "COURSE"
    laps: int = 1
    duration: int | None = Field(default=None, sa_type=BigInteger)
    overall_by: str = "GUN"
    gender_by: str = "GUN"
    category_by: str = "GUN"
    team_size: int = 3
    team_by_rank: bool = False


class Wave(SQLModel, table=True):
    """A start group of a race. `gun_at` is null until it has started."""

    __tablename__ = "waves"

    id: int = Field(default=None, primary_key=True)
    race_id: int = Field(foreign_key="races.id", index=True)
    name: str
    gun_at: int | None = Field(default=None, sa_type=BigInteger)


class Category(SQLModel, table=True):
    """A category by rule: a gender and ages, both ends included; null is any. `place` orders the rules."""

    __tablename__ = "categories"

    id: int = Field(default=None, primary_key=True)
    race_id: int = Field(foreign_key="races.id", index=True)
    place: int
    name: str
    gender: str | None = None
    youngest: int | None = None
    oldest: int | None = None


class Checkpoint(SQLModel, table=True):
    """A place on the course of a race; `place` is its order. Distance in metres, durations in µs."""

    __tablename__ = "checkpoints"

    id: int = Field(default=None, primary_key=True)
    race_id: int = Field(foreign_key="races.id", index=True)
    place: int
    kind: str
    name: str
    distance: float | None = None
    bounce: int = Field(default=0, sa_type=BigInteger)
    minimum: int = Field(default=0, sa_type=BigInteger)
    cutoff: int | None = Field(default=None, sa_type=BigInteger)
    counts: str = "FIRST"


class Serving(SQLModel, table=True):
    """A device or a session serves a checkpoint from `from_at` (included) to `to_at` (excluded)."""

    __tablename__ = "servings"

    id: int = Field(default=None, primary_key=True)
    event_id: int = Field(foreign_key="events.id", index=True)
    checkpoint_id: int = Field(foreign_key="checkpoints.id", index=True)
    device_row: int | None = Field(default=None, foreign_key="devices.id", index=True)
    session_row: int | None = Field(default=None, foreign_key="sessions.id", index=True)
    from_at: int | None = Field(default=None, sa_type=BigInteger)
    to_at: int | None = Field(default=None, sa_type=BigInteger)
    role: str = "PRIMARY"


async def add(session: AsyncSession, row: Row) -> Row:
    session.add(row)
    await session.flush()
    return row


async def by_id(session: AsyncSession, race_id: int) -> Race | None:
    return await _by_id(session, Race, race_id)


async def by_ids(session: AsyncSession, race_ids: Iterable[int]) -> list[Race]:
    return list((await session.exec(select(Race).where(col(Race.id).in_(race_ids)))).all())


async def event_of(session: AsyncSession, race_id: int) -> Event | None:
    """The event that the race belongs to."""
    query = select(Event).join(Race, col(Race.event_id) == col(Event.id)).where(Race.id == race_id)
    return (await session.exec(query)).first()


async def of_events(session: AsyncSession, event_ids: Iterable[int]) -> list[Race]:
    """The races of these events, oldest first."""
    query = select(Race).where(col(Race.event_id).in_(event_ids)).order_by(col(Race.id))
    return list((await session.exec(query)).all())


async def waves(session: AsyncSession, race_ids: Sequence[int]) -> list[Wave]:
    """The waves of these races, oldest first."""
    query = select(Wave).where(col(Wave.race_id).in_(race_ids)).order_by(col(Wave.id))
    return list((await session.exec(query)).all())


async def categories(session: AsyncSession, race_ids: Sequence[int]) -> list[Category]:
    """The rules of these races in their order."""
    query = select(Category).where(col(Category.race_id).in_(race_ids))
    return list((await session.exec(query.order_by(col(Category.race_id), col(Category.place)))).all())


async def checkpoints(session: AsyncSession, race_ids: Sequence[int]) -> list[Checkpoint]:
    """The checkpoints of these races in the order of their courses."""
    query = select(Checkpoint).where(col(Checkpoint.race_id).in_(race_ids))
    return list((await session.exec(query.order_by(col(Checkpoint.race_id), col(Checkpoint.place)))).all())


async def wave(session: AsyncSession, wave_id: int) -> Wave | None:
    return await _by_id(session, Wave, wave_id)


async def category(session: AsyncSession, category_id: int) -> Category | None:
    return await _by_id(session, Category, category_id)


async def checkpoints_by_ids(session: AsyncSession, ids: Iterable[int]) -> list[Checkpoint]:
    return list((await session.exec(select(Checkpoint).where(col(Checkpoint.id).in_(ids)))).all())


async def checkpoint(session: AsyncSession, checkpoint_id: int) -> Checkpoint | None:
    return await _by_id(session, Checkpoint, checkpoint_id)


async def owned_checkpoints(
    session: AsyncSession, account_id: int, ids: Iterable[int], only: int | None = None
) -> list[int]:
    """Those of the checkpoints that belong to events of the account; `only`: to this one event of it."""
    query = (
        select(Checkpoint.id)
        .join(Race, col(Race.id) == col(Checkpoint.race_id))
        .join(Event, col(Event.id) == col(Race.event_id))
        .where(Event.account_id == account_id, col(Checkpoint.id).in_(ids))
    )
    if only is not None:
        query = query.where(Event.id == only)
    return list((await session.exec(query)).all())


async def servings(session: AsyncSession, event_id: int) -> list[Serving]:
    query = select(Serving).where(Serving.event_id == event_id).order_by(col(Serving.id))
    return list((await session.exec(query)).all())


async def servings_of(session: AsyncSession, checkpoint_ids: Iterable[int]) -> list[Serving]:
    """Who serves these checkpoints, oldest first."""
    query = select(Serving).where(col(Serving.checkpoint_id).in_(checkpoint_ids))
    return list((await session.exec(query.order_by(col(Serving.id)))).all())


async def serving(session: AsyncSession, serving_id: int) -> Serving | None:
    return await _by_id(session, Serving, serving_id)


async def remove(session: AsyncSession, row: SQLModel) -> None:
    await session.delete(row)
    await session.flush()


async def serving_events(
    session: AsyncSession, device_rows: Iterable[int], session_rows: Iterable[int]
) -> list[int]:
    """The events that passings of these devices and sessions may belong to."""
    wanted = col(Serving.device_row).in_(device_rows) | col(Serving.session_row).in_(session_rows)
    query = select(Serving.event_id).where(wanted).distinct()
    return list((await session.exec(query)).all())


async def _by_id(session: AsyncSession, table: type[Row], row: int) -> Row | None:
    """None also for a number that no row can have and that a database cannot even be asked for."""
    return await session.get(table, row) if 0 < row <= HIGHEST_ROW else None
