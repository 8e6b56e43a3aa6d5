"""Passings and conflicts: tables and queries. Rows are written by `models.ingest` alone and never change."""

import operator
from collections.abc import Iterable
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy import BigInteger, Index, Integer, PrimaryKeyConstraint, UniqueConstraint
from sqlmodel import Field, SQLModel, func
from sqlmodel.ext.asyncio.session import AsyncSession

from models.keys import Owner


class Passing(SQLModel, table=True):
    """One detection, as the device told it. `position` is its place in the account's stream, in order of
    commit.

    Kept without SQLite's hidden row number: position is the order of the file, so that inserting appends.
    """

    __tablename__ = "passings"
    __table_args__ = (
        PrimaryKeyConstraint("account_id", "position"),
        UniqueConstraint("session_row", "number"),
        Index("passings_of_session", "session_row", "position"),
        Index("passings_of_device", "device_row", "at", "position"),
        {"sqlite_with_rowid": False},
    )

    # No foreign keys: the writer has just read these rows in its transaction, and nothing ever deletes them.
    account_id: int
    position: int = Field(sa_type=BigInteger)
    session_row: int
    device_row: int
    received_at: int = Field(sa_type=BigInteger)
    number: int = Field(sa_type=BigInteger)
    at: int = Field(sa_type=BigInteger)
    timestamp_text: str
    time_zone: str | None = None
    bib: str | None = None
    chip: str | None = None
    latitude: float | None = None
    longitude: float | None = None
    participant: str | None = None
    status: str | None = None
    gender: str | None = None


class Conflict(SQLModel, table=True):
    """What a device sent under a number that was taken by other content.
    The first one stays; this is kept beside it."""

    __tablename__ = "conflicts"
    __table_args__ = (
        UniqueConstraint("session_row", "number", "digest"),
        Index("conflicts_of_session", "session_row", "id"),
    )

    # 64 bits: on PostgreSQL each try takes a number, also one that finds the same conflict there.
    id: int = Field(default=None, primary_key=True, sa_type=BigInteger().with_variant(Integer, "sqlite"))
    session_row: int = Field(foreign_key="sessions.id")
    number: int = Field(sa_type=BigInteger)
    digest: str
    received_at: int = Field(sa_type=BigInteger)
    claimed: str


class Row(NamedTuple):
    """A stored passing. Cheaper to read than a `Passing` object by a factor of ten;
    same names, same order."""

    account_id: int
    position: int
    session_row: int
    device_row: int
    received_at: int
    number: int
    at: int
    timestamp_text: str
    time_zone: str | None
    bib: str | None
    chip: str | None
    latitude: float | None
    longitude: float | None
    participant: str | None
    status: str | None
    gender: str | None


class Content(NamedTuple):
    """What a device says of one passing: the columns from `number` on, in their order."""

    number: int
    at: int
    timestamp_text: str
    time_zone: str | None = None
    bib: str | None = None
    chip: str | None = None
    latitude: float | None = None
    longitude: float | None = None
    participant: str | None = None
    status: str | None = None
    gender: str | None = None


TABLE: sa.Table = Passing.__table__  # type: ignore[attr-defined]
COLUMNS = Row._fields

_C = TABLE.c
_ROW = sa.select(*(_C[name] for name in COLUMNS))


async def _rows(session: AsyncSession, query: sa.Select[Any]) -> list[Row]:
    found = await (await session.connection()).execute(query)
    return list(map(Row._make, found.all()))


async def by_numbers(session: AsyncSession, session_row: int, numbers: Iterable[int]) -> list[Row]:
    return await _rows(session, _ROW.where(_C.session_row == session_row, _C.number.in_(numbers)))


async def by_position(session: AsyncSession, owner: Owner, position: int) -> Row | None:
    rows = await _rows(session, _ROW.where(_C.account_id == owner.account_id, _C.position == position))
    return rows[0] if rows and owner.device_row in (None, rows[0].device_row) else None


async def numbered(
    session: AsyncSession,
    session_row: int,
    *,
    first: int | None = None,
    last: int | None = None,
    between: tuple[int | None, int | None] = (None, None),
    offset: int = 0,
    limit: int,
) -> list[Row]:
    """Passings of a session in the order of their numbers, from `first` to `last`, both included."""
    query = _between(_ROW.where(_C.session_row == session_row), between)
    if first is not None:
        query = query.where(_C.number >= first)
    if last is not None:
        query = query.where(_C.number <= last)
    return await _rows(session, query.order_by(_C.number).offset(offset).limit(limit))


async def arrived(
    session: AsyncSession,
    session_row: int,
    after: int,
    *,
    between: tuple[int | None, int | None] = (None, None),
    offset: int = 0,
    limit: int,
) -> list[Row]:
    """Passings of a session behind a position, in the order of their arrival."""
    query = _between(_ROW.where(_C.session_row == session_row, _C.position > after), between)
    return await _rows(session, query.order_by(_C.position).offset(offset).limit(limit))


async def timed(
    session: AsyncSession,
    device_row: int,
    *,
    between: tuple[int | None, int | None] = (None, None),
    offset: int = 0,
    limit: int,
) -> list[Row]:
    """Passings of a device across its sessions, in the order of their times."""
    query = _between(_ROW.where(_C.device_row == device_row), between)
    return await _rows(session, query.order_by(_C.at, _C.position).offset(offset).limit(limit))


def _between(query: sa.Select[Any], between: tuple[int | None, int | None]) -> sa.Select[Any]:
    earliest, latest = between
    if earliest is not None:
        query = query.where(_C.at >= earliest)
    if latest is not None:
        query = query.where(_C.at <= latest)
    return query


Condition = tuple[str, str, Any]
Columns = sa.ColumnCollection[str, Any]
COMPARISONS = {"=": operator.eq, ">=": operator.ge, "<=": operator.le}


class Window(NamedTuple):
    """What a device or session (one is set) detected from an instant to another (excluded); None is open."""

    device_row: int | None
    session_row: int | None
    from_: int | None
    to: int | None


class Filter(NamedTuple):
    """Which passings of an account are meant; None means any. `served`: those of one of these windows."""

    session_row: int | None = None
    device_row: int | None = None
    bib: str | None = None
    chip: str | None = None
    from_number: int | None = None
    to_number: int | None = None
    from_: int | None = None
    to: int | None = None
    served: tuple[Window, ...] | None = None

    def conditions(self, owner: Owner) -> list[Condition]:
        """Column, comparison and value of each test.

        Of account and session one, never both: it decides which index gives the order.
        """
        session = self.session_row
        place = ("account_id", owner.account_id) if session is None else ("session_row", session)
        tests: list[Condition] = [
            ("device_row", "=", owner.device_row),
            ("device_row", "=", self.device_row),
            ("bib", "=", self.bib),
            ("chip", "=", self.chip),
            ("number", ">=", self.from_number),
            ("number", "<=", self.to_number),
            ("at", ">=", self.from_),
            ("at", "<=", self.to),
        ]
        return [(place[0], "=", place[1]), *(test for test in tests if test[2] is not None)]

    @property
    def whole(self) -> bool:
        """Whether it wants everything of a session, a device or the owner."""
        return self._replace(session_row=None, device_row=None) == Filter()

    @property
    def by_session(self) -> bool:
        """Whether sessions tell that they hold nothing of it: by their device, or by the times in them."""
        return self._replace(bib=None, chip=None, from_number=None, to_number=None) != Filter()

    def device_of(self, owner: Owner) -> int | None:
        """The device whose passings are wanted, if it is one."""
        return owner.device_row if self.device_row is None else self.device_row

    def wanted(self, owner: Owner, of: Columns = _C) -> list[sa.ColumnElement[bool]]:
        """The tests of a row, of the table or of a part of it."""
        tests = [COMPARISONS[how](of[column], value) for column, how, value in self.conditions(owner)]
        if self.served is None:
            return tests
        return [*tests, sa.or_(sa.false(), *(_within(window, of) for window in self.served))]


def _within(window: Window, of: Columns) -> sa.ColumnElement[bool]:
    tests = [
        (of.device_row, operator.eq, window.device_row),
        (of.session_row, operator.eq, window.session_row),
        (of.at, operator.ge, window.from_),
        (of.at, operator.lt, window.to),
    ]
    return sa.and_(*(how(column, value) for column, how, value in tests if value is not None))


async def first_position_above(session: AsyncSession, session_row: int, number: int) -> int | None:
    """The place of the earliest passing of the session that has a higher number; None without one."""
    query = sa.select(func.min(_C.position)).where(_C.session_row == session_row, _C.number > number)
    position: int | None = (await (await session.connection()).execute(query)).scalar()
    return position
