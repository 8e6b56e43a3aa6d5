"""Sessions: table and queries.
The counts in a row are kept by the writer, so that no page has to count passings."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy import BigInteger, Index
from sqlmodel import Field, SQLModel, col, func, select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.keys import Owner


class Session(SQLModel, table=True):
    """One timing operation of one device.
    `closed_at` is null while it is active; a closed one takes no passings."""

    __tablename__ = "sessions"
    __table_args__ = (
        Index("sessions_of_device", "device_row", "id"),
        Index(
            "one_active_session",
            "device_row",
            unique=True,
            sqlite_where=sa.text("closed_at IS NULL"),
            postgresql_where=sa.text("closed_at IS NULL"),
        ),
    )

    id: int = Field(default=None, primary_key=True)
    account_id: int = Field(foreign_key="accounts.id", index=True)
    device_row: int = Field(foreign_key="devices.id")
    token: str = Field(unique=True)
    alias: str | None = None
    created_at: int = Field(sa_type=BigInteger)
    closed_at: int | None = Field(default=None, sa_type=BigInteger)
    passing_count: int = Field(default=0, sa_type=BigInteger)
    conflict_count: int = Field(default=0, sa_type=BigInteger)
    first_passing_at: int | None = Field(default=None, sa_type=BigInteger)
    last_passing_at: int | None = Field(default=None, sa_type=BigInteger)
    last_received_at: int | None = Field(default=None, sa_type=BigInteger)
    last_position: int = Field(default=0, sa_type=BigInteger)


class Counts(NamedTuple):
    """What a device's sessions hold together."""

    sessions: int = 0
    passings: int = 0
    last_passing_at: int | None = None
    last_received_at: int | None = None


def _of_owner(owner: Owner) -> list[sa.ColumnElement[bool]]:
    tests = [col(Session.account_id) == owner.account_id]
    return tests if owner.device_row is None else [*tests, col(Session.device_row) == owner.device_row]


async def by_token(session: AsyncSession, owner: Owner, token: str) -> Session | None:
    if not token.isalnum():  # no name of ours, and maybe one that a database cannot even be asked for
        return None
    query = select(Session).where(Session.token == token, *_of_owner(owner))
    return (await session.exec(query)).first()


async def by_ids(session: AsyncSession, owner: Owner, ids: Iterable[int]) -> Sequence[Session]:
    query = select(Session).where(*_of_owner(owner), col(Session.id).in_(ids))
    return (await session.exec(query)).all()


async def add(session: AsyncSession, new: Session) -> Session:
    session.add(new)
    await session.flush()
    return new


async def close_active(session: AsyncSession, device_row: int, at: int) -> None:
    """Closes the device's active session, if there is one."""
    active = col(Session.device_row) == device_row, col(Session.closed_at).is_(None)
    await (await session.connection()).execute(sa.update(Session).where(*active).values(closed_at=at))


async def close(session: AsyncSession, session_row: int, at: int) -> None:
    """Closes the session unless it is closed already."""
    open_ = col(Session.id) == session_row, col(Session.closed_at).is_(None)
    await (await session.connection()).execute(sa.update(Session).where(*open_).values(closed_at=at))


async def of_device(session: AsyncSession, device_row: int) -> list[Session]:
    """Every session of the device, oldest first. They never overlap: opening one closes the one before."""
    query = select(Session).where(Session.device_row == device_row).order_by(col(Session.id))
    return list((await session.exec(query)).all())


async def pages(
    session: AsyncSession, device_rows: Sequence[int], *, after: int = 0, first: int
) -> dict[int, tuple[list[Session], int]]:
    """For each device a page of its sessions, oldest first,
    and how many it has in all: two statements for any number."""
    place = (
        func.row_number().over(partition_by=col(Session.device_row), order_by=col(Session.id)).label("place")
    )
    wanted = col(Session.device_row).in_(device_rows)
    ranked = sa.select(col(Session.id).label("id"), place).where(wanted, col(Session.id) > after).subquery()
    query = (
        select(Session).join(ranked, col(Session.id) == ranked.c.id).where(ranked.c.place <= first)
    ).order_by(col(Session.id))
    totals = await counts_by_device(session, device_rows)
    found: dict[int, tuple[list[Session], int]] = {
        row: ([], totals.get(row, Counts()).sessions) for row in device_rows
    }
    for each in (await session.exec(query)).all():
        found[each.device_row][0].append(each)
    return found


async def active_of(session: AsyncSession, device_rows: Iterable[int]) -> Sequence[Session]:
    query = select(Session).where(col(Session.device_row).in_(device_rows), col(Session.closed_at).is_(None))
    return (await session.exec(query)).all()


async def counts_by_device(session: AsyncSession, device_rows: Iterable[int]) -> dict[int, Counts]:
    """Counts by the device's row, summed over its sessions; a device without sessions is missing."""
    query = (
        sa.select(
            col(Session.device_row),
            func.count(),
            func.sum(Session.passing_count),
            func.max(Session.last_passing_at),
            func.max(Session.last_received_at),
        )
        .where(col(Session.device_row).in_(device_rows))
        .group_by(col(Session.device_row))
    )
    rows = (await (await session.connection()).execute(query)).all()
    return {row[0]: Counts(row[1], int(row[2]), row[3], row[4]) for row in rows}


async def next_with_passings(
    session: AsyncSession, device_row: int, *, after_session: int = 0, after_position: int = 0
) -> Session | None:
    """The oldest session of the device behind the given one that holds passings behind the given position."""
    query = (
        select(Session)
        .where(
            Session.device_row == device_row,
            col(Session.id) > after_session,
            col(Session.last_position) > after_position,
        )
        .order_by(col(Session.id))
    )
    return (await session.exec(query.limit(1))).first()


async def newest_counts(session: AsyncSession, device_rows: Iterable[int]) -> dict[int, int]:
    """How many passings the newest session of each device holds; a device without sessions is missing."""
    newest_rows = (
        sa.select(func.max(Session.id))
        .where(col(Session.device_row).in_(device_rows))
        .group_by(col(Session.device_row))
    )
    query = sa.select(col(Session.device_row), col(Session.passing_count)).where(
        col(Session.id).in_(newest_rows)
    )
    return {row[0]: row[1] for row in (await (await session.connection()).execute(query)).all()}


async def newest(session: AsyncSession, device_row: int) -> Session | None:
    query = select(Session).where(Session.device_row == device_row).order_by(col(Session.id).desc())
    return (await session.exec(query.limit(1))).first()


async def passing_total(
    session: AsyncSession, owner: Owner, *, session_row: int | None = None, device_row: int | None = None
) -> int:
    """How many passings the owner, the device or the session has, by the counts that the writer keeps."""
    query = select(func.coalesce(func.sum(Session.passing_count), 0)).where(*_of_owner(owner))
    if session_row is not None:
        query = query.where(Session.id == session_row)
    if device_row is not None:
        query = query.where(Session.device_row == device_row)
    return int((await session.exec(query)).one())
