"""Copies a whole database into an empty one, of the same kind or the other, and compares them.

One moment of the source is copied, however long that takes, and either all of it or nothing: the target is
read again and compared before it is committed.
"""

import contextlib
import hashlib
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import asyncpg
import msgspec
import sqlalchemy as sa
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import SQLModel

from models import database, migrate, shares

TABLES = [table for table in SQLModel.metadata.sorted_tables if table not in shares.SHARED]
"""In an order in which each row finds what it refers to. `models.migrate` knows them all."""
SLICE = 5_000
"""Rows that are read, and written, at a time."""
MARKS = (
    "SELECT sum(position * 1.0) FROM accounts",  # a sum of whole numbers may be too large for SQLite
    "SELECT sum(revision * 1.0) FROM events",
    "SELECT max(id) FROM audit_entries",
    "SELECT max(received_at) FROM device_states",
    "SELECT max(id) FROM sessions",
    "SELECT max(id) FROM documents",
)
"""They differ once somebody has recorded, reported or changed something."""
UNHURRIED = "SET LOCAL idle_in_transaction_session_timeout = 0"
"""While one database is worked on, the other waits in its transaction."""
Progress = Callable[[str, int, int], None]
"""Is told a table, how many of its rows are done, and how many there are."""


class NotCopied(RuntimeError):
    """The copy cannot be made. The sentence says why; the target is as it was."""


class Sum(NamedTuple):
    """What is in a table: how many rows, and a hash of all that stands in them."""

    rows: int
    digest: str


class Compared(NamedTuple):
    """A table in both databases."""

    table: str
    source: Sum
    target: Sum

    @property
    def same(self) -> bool:
        return self.source == self.target


class Copied(NamedTuple):
    """What was copied. `overtaken`: the source was written to meanwhile, and that is not in the copy."""

    tables: list[Compared]
    overtaken: bool


class _Summing:
    """Adds up what is in a table, slice by slice."""

    def __init__(self) -> None:
        self._rows = 0
        self._hash = hashlib.blake2b(digest_size=8)

    def take(self, rows: Sequence[tuple[Any, ...]]) -> None:
        self._rows += len(rows)
        self._hash.update(msgspec.msgpack.encode(rows))

    @property
    def sum(self) -> Sum:
        return Sum(self._rows, self._hash.hexdigest())


async def copy(source: str, target: str, progress: Progress) -> Copied:
    """Brings the target's schema up to date, and fills it. Raises NotCopied and migrate.NotReady with the
    target's rows as they were: a target that holds anything is refused."""
    await _must_be_two(source, target)
    await migrate.upgrade(target)
    async with _snapshot(source) as reading, _filling(target) as writing:
        marks = await _marks(reading)
        read = [await _copied(table, reading, writing, progress) for table in TABLES]
        if writing.dialect.name == "postgresql":
            await _set_sequences(writing)
        tables = [
            Compared(table.name, sum, await _sum(table, writing))
            for table, sum in zip(TABLES, read, strict=True)
        ]
        if differ := [each.table for each in tables if not each.same]:
            raise NotCopied(f"the copy differs from the source in {', '.join(differ)}; nothing was copied")
    await _analyse(target)
    async with _snapshot(source) as reading:
        return Copied(tables, overtaken=await _marks(reading) != marks)


async def compare(source: str, target: str, progress: Progress) -> list[Compared]:
    """Each table of one database beside that of the other, as they are now. Both are only read."""
    await _must_be_two(source, target)
    await migrate.must_be_current(target)
    found = []
    async with _snapshot(source) as one, _snapshot(target) as other:
        for table in TABLES:
            total = await _count(table, one)
            progress(table.name, 0, total)
            found.append(Compared(table.name, await _sum(table, one), await _sum(table, other)))
            progress(table.name, total, total)
    return found


async def _must_be_two(source: str, target: str) -> None:
    """Raises NotCopied, and migrate.NotReady unless the source can be read by this software."""
    if make_url(source) == make_url(target):
        raise NotCopied("source and target are the same database")
    file = make_url(source).database if make_url(source).get_backend_name() == "sqlite" else None
    if file is not None and not Path(file).exists():
        raise NotCopied(f"there is no file {file}")
    await migrate.must_be_current(source)


@contextlib.asynccontextmanager
async def _snapshot(url: str) -> AsyncIterator[AsyncConnection]:
    """One moment of the database, which cannot be changed through it."""
    engine = database.engine(url)
    try:
        async with engine.connect() as connection:
            if connection.dialect.name == "sqlite":
                await connection.exec_driver_sql("PRAGMA query_only=ON")
            else:
                await connection.exec_driver_sql("SET TRANSACTION READ ONLY")
                await connection.exec_driver_sql(UNHURRIED)
            yield connection
    finally:
        await engine.dispose()


@contextlib.asynccontextmanager
async def _filling(url: str) -> AsyncIterator[AsyncConnection]:
    """A transaction in an empty database, in which nobody else writes meanwhile."""
    engine = database.engine(url)
    try:
        async with database.writes(engine).begin() as connection:
            if connection.dialect.name == "postgresql":
                await connection.exec_driver_sql(UNHURRIED)
                names = ", ".join(table.name for table in TABLES)
                await connection.exec_driver_sql(f"LOCK TABLE {names} IN EXCLUSIVE MODE")
            for table in TABLES:
                if (await connection.execute(sa.select(*table.primary_key).limit(1))).first():
                    raise NotCopied(f"the target is not empty: there are rows in {table.name}")
            yield connection
    finally:
        await engine.dispose()


async def _copied(
    table: sa.Table, reading: AsyncConnection, writing: AsyncConnection, progress: Progress
) -> Sum:
    read, done, total = _Summing(), 0, await _count(table, reading)
    progress(table.name, 0, total)
    try:
        async for rows in _slices(table, reading):
            read.take(rows)
            await _write(table, rows, writing)
            done += len(rows)
            progress(table.name, done, total)
    except (sa.exc.DBAPIError, asyncpg.PostgresError, ValueError, OverflowError, TypeError) as error:
        cause = getattr(error, "orig", error)
        raise NotCopied(f"a row of {table.name} cannot be kept in the target: {cause}") from error
    return read.sum


async def _write(table: sa.Table, rows: Sequence[tuple[Any, ...]], connection: AsyncConnection) -> None:
    names = [column.name for column in table.columns]
    if connection.dialect.name == "postgresql":
        driver = (await connection.get_raw_connection()).driver_connection
        assert driver is not None
        await driver.copy_records_to_table(table.name, records=rows, columns=names)
    else:
        columns, places = ", ".join(f'"{name}"' for name in names), ", ".join("?" * len(names))
        await connection.exec_driver_sql(f"INSERT INTO {table.name} ({columns}) VALUES ({places})", rows)


async def _slices(table: sa.Table, connection: AsyncConnection) -> AsyncIterator[list[tuple[Any, ...]]]:
    """All rows, by their key."""
    key = list(table.primary_key)
    places = [list(table.columns).index(column) for column in key]
    query = sa.select(*map(_exactly, table.columns)).order_by(*key).limit(SLICE)
    last: tuple[Any, ...] | None = None
    while True:
        behind = query if last is None else query.where(sa.tuple_(*key) > sa.tuple_(*last))
        rows = [tuple(row) for row in (await connection.execute(behind)).all()]
        if rows:
            last = tuple(rows[-1][place] for place in places)
            yield rows
        if len(rows) < SLICE:
            return


def _exactly(column: sa.Column[Any]) -> sa.ColumnElement[Any]:
    """SQLite knows no -0.0."""
    return (column + sa.literal(0.0)).label(column.name) if isinstance(column.type, sa.Float) else column


async def _sum(table: sa.Table, connection: AsyncConnection) -> Sum:
    found = _Summing()
    async for rows in _slices(table, connection):
        found.take(rows)
    return found.sum


async def _count(table: sa.Table, connection: AsyncConnection) -> int:
    return (await connection.execute(sa.select(sa.func.count()).select_from(table))).scalar_one()


async def _marks(connection: AsyncConnection) -> list[object]:
    return [(await connection.exec_driver_sql(statement)).scalar() for statement in MARKS]


async def _set_sequences(connection: AsyncConnection) -> None:
    """The next rows get numbers behind those that were copied."""
    for table in TABLES:
        if "id" in table.columns:
            await connection.exec_driver_sql(
                f"SELECT setval(pg_get_serial_sequence('{table.name}', 'id'), max(id)) FROM {table.name}"
                " HAVING max(id) IS NOT NULL"
            )


async def _analyse(url: str) -> None:
    """What the database knows of its tables is from when they were empty."""
    engine = database.engine(url)
    try:
        async with database.writes(engine).begin() as connection:
            await connection.exec_driver_sql("ANALYZE")
    finally:
        await engine.dispose()
