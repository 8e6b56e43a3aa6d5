"""Sessions: table and queries.
The counts in a row are kept by the writer, and each row knows what those before it hold, so that no page has
to count passings or to add up sessions."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy import BigInteger, Index
from sqlmodel import Field, SQLModel, col, func, select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.database import Database
from models.devices import Device
from models.devices import of_owner as devices_of
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
    sessions_before: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    """How many sessions of the device are older, and below what they hold together. They were closed when
    this one was opened, so it never changes."""
    passings_before: int = Field(default=0, sa_type=BigInteger, sa_column_kwargs={"server_default": "0"})
    last_passing_before: int | None = Field(default=None, sa_type=BigInteger)
    last_received_before: int | None = Field(default=None, sa_type=BigInteger)


class Counts(NamedTuple):
    """What a device's sessions hold together."""

    sessions: int = 0
    passings: int = 0
    last_passing_at: int | None = None
    last_received_at: int | None = None


_ROW = "SELECT id FROM sessions WHERE token = ? AND account_id = ?"
_ROW_ON_DEVICE = f"{_ROW} AND device_row = ?"


def _of_owner(owner: Owner) -> list[sa.ColumnElement[bool]]:
    tests = [col(Session.account_id) == owner.account_id]
    return tests if owner.device_row is None else [*tests, col(Session.device_row) == owner.device_row]


async def by_token(session: AsyncSession, owner: Owner, token: str) -> Session | None:
    if not token.isalnum():  # no name of ours, and maybe one that a database cannot even be asked for
        return None
    query = select(Session).where(Session.token == token, *_of_owner(owner))
    return (await session.exec(query)).first()


async def row_of(database: Database, owner: Owner, token: str) -> int | None:
    """The row of a session, through the driver alone."""
    if not token.isalnum():
        return None
    values: list[str | int] = [token, owner.account_id]
    if owner.device_row is not None:
        values.append(owner.device_row)
    statement = _ROW if owner.device_row is None else _ROW_ON_DEVICE
    found = database.glance(statement, *values)
    if found is None:
        found = await database.rows(statement, *values)
    return int(found[0][0]) if found else None


async def by_ids(session: AsyncSession, owner: Owner, ids: Iterable[int]) -> Sequence[Session]:
    query = select(Session).where(*_of_owner(owner), col(Session.id).in_(ids))
    return (await session.exec(query)).all()


async def add(session: AsyncSession, new: Session) -> Session:
    """The device's other sessions are to be closed before, and the device held."""
    before = (
        func.count(),
        func.coalesce(func.sum(Session.passing_count), 0),
        func.max(Session.last_passing_at),
        func.max(Session.last_received_at),
    )
    older = (await session.exec(select(*before).where(Session.device_row == new.device_row))).one()
    new.sessions_before, new.passings_before = older[0], int(older[1])
    new.last_passing_before, new.last_received_before = older[2], older[3]
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


def _newest(of: Sequence[sa.ColumnElement[bool]]) -> sa.Select[tuple[int | None]]:
    """The row of the newest session of each of these devices, by one look into the index for each."""
    mine = sa.select(func.max(Session.id)).where(col(Session.device_row) == col(Device.id))
    return sa.select(mine.correlate(Device).scalar_subquery()).where(*of)


async def counts_by_device(session: AsyncSession, device_rows: Iterable[int]) -> dict[int, Counts]:
    """Counts by the device's row, over all its sessions; a device without sessions is missing."""
    found = await _ends(session, [col(Device.id).in_(device_rows)])
    return {row.device_row: _counts(row) for row in found}


async def _ends(session: AsyncSession, of: Sequence[sa.ColumnElement[bool]]) -> Sequence[Session]:
    return (await session.exec(select(Session).where(col(Session.id).in_(_newest(of))))).all()


def _counts(newest: Session) -> Counts:
    return Counts(
        newest.sessions_before + 1,
        newest.passings_before + newest.passing_count,
        _latest(newest.last_passing_before, newest.last_passing_at),
        _latest(newest.last_received_before, newest.last_received_at),
    )


def _latest(*instants: int | None) -> int | None:
    return max((at for at in instants if at is not None), default=None)


async def next_with_passings(
    session: AsyncSession, device_row: int, *, after_session: int = 0, after_position: int = 0
) -> Session | None:
    """The oldest session of the device behind the given one that holds passings behind the given position."""
    if after_position:
        after_session = max(after_session, await last_ended(session, device_row, after_position))
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


async def last_ended(session: AsyncSession, device_row: int | None, position: int) -> int:
    """The newest session of the device whose last passing is at a position or before it; 0 without one.
    Looked for from the newest on, as who follows a device is near the end."""
    ended = col(Session.last_position).between(1, position)
    query = select(Session.id).where(col(Session.device_row) == device_row, ended)
    return (await session.exec(query.order_by(col(Session.id).desc()).limit(1))).first() or 0


async def newest_counts(session: AsyncSession, device_rows: Iterable[int]) -> dict[int, int]:
    """How many passings the newest session of each device holds; a device without sessions is missing."""
    found = await _ends(session, [col(Device.id).in_(device_rows)])
    return {row.device_row: row.passing_count for row in found}


async def newest(session: AsyncSession, device_row: int) -> Session | None:
    query = select(Session).where(Session.device_row == device_row).order_by(col(Session.id).desc())
    return (await session.exec(query.limit(1))).first()


async def passing_total(
    session: AsyncSession, owner: Owner, *, session_row: int | None = None, device_row: int | None = None
) -> int:
    """How many passings the owner, the device or the session has, by the counts that the writer keeps."""
    if session_row is not None:
        tests = [*_of_owner(owner), col(Session.id) == session_row]
        if device_row is not None:
            tests.append(col(Session.device_row) == device_row)
        return (await session.exec(select(Session.passing_count).where(*tests))).first() or 0
    tests = devices_of(owner) if device_row is None else [*devices_of(owner), col(Device.id) == device_row]
    held = func.sum(Session.passings_before + Session.passing_count)
    query = select(func.coalesce(held, 0)).where(col(Session.id).in_(_newest(tests)))
    return int((await session.exec(query)).one())
