"""The engine, transactions and pragmas. Nothing else opens a session."""

import asyncio
import contextlib
import sqlite3
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.engine import Connection, make_url
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlmodel.ext.asyncio.session import AsyncSession as AsyncSession

T = TypeVar("T")

PATIENCE = "busy_timeout=10000"
"""Milliseconds for which a transaction waits for another process that writes."""
PRAGMAS = (
    "journal_mode=WAL",
    "synchronous=FULL",
    "foreign_keys=ON",
    PATIENCE,
    "cache_size=-65536",
)
"""For every SQLite connection. FULL: a commit is answered only when it is on the disk."""


class Database:
    """One database: many readers at a time; on SQLite one writer at a time, first come first served."""

    def __init__(self, url: str) -> None:
        self.url = make_url(url)
        self.sqlite = self.url.get_backend_name() == "sqlite"
        self._engine = engine(url)
        self._writes = writes(self._engine)
        self._writing = asyncio.Lock()
        self._reader = ThreadPoolExecutor(1, thread_name_prefix="reader")
        self._quick: sqlite3.Connection | None = None
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="writer")
        self._plain = _plain(self.url) if self.sqlite else None

    @property
    def dialect(self) -> sa.engine.Dialect:
        return self._engine.dialect

    @contextlib.asynccontextmanager
    async def reading(self) -> AsyncGenerator[AsyncSession, None]:
        """A session on one snapshot of the database; what it changes is thrown away."""
        async with AsyncSession(self._engine, expire_on_commit=False, autoflush=False) as session:
            yield session

    @contextlib.asynccontextmanager
    async def transaction(self) -> AsyncGenerator[AsyncSession, None]:
        """A session that commits at the end, or leaves nothing behind when the block raises."""
        async with self.writing(), AsyncSession(self._writes, expire_on_commit=False) as session:
            yield session
            await session.commit()

    async def transact(self, work: Callable[[Connection], T], *, brief: bool = False) -> T:
        """Runs the work in a transaction of its own, with no turn of the event loop between its statements:
        they cost a third of what they cost otherwise, and SQLite's one place is taken for as much less.

        On SQLite `brief` work, of less than a millisecond, is done in the event loop, all but the COMMIT: in
        a thread each of its statements would wait for the interpreter. Other work has a thread.
        """
        if self._plain is None:
            async with self._writes.begin() as connection:
                return await connection.run_sync(work)
        loop = asyncio.get_running_loop()
        async with self.writing():
            with self._plain.connect() as mine:
                if not (brief and _begins_at_once(mine)):
                    return await loop.run_in_executor(self._writer, _transact, mine, work)
                answer = work(mine)  # when it raises, what it did is taken back as the connection is left
                await loop.run_in_executor(self._writer, mine.commit)
                return answer

    @contextlib.asynccontextmanager
    async def writing(self) -> AsyncIterator[None]:
        """Holds SQLite's one place for a writer in this process;
        its own busy wait is not fair and starves."""
        if not self.sqlite:
            yield
            return
        async with self._writing:
            yield

    async def quick(self, read: Callable[[sqlite3.Connection], T]) -> T:
        """Reads an SQLite file through the driver alone, one read at a time, in a thread of its own."""
        return await asyncio.get_running_loop().run_in_executor(self._reader, self._read, read)

    def _read(self, read: Callable[[sqlite3.Connection], T]) -> T:
        if self._quick is None:
            self._quick = sqlite3.connect(self.url.database or "", isolation_level=None)
            for pragma in PRAGMAS:
                self._quick.execute(f"PRAGMA {pragma}")
        return read(self._quick)

    def _stop_reading(self) -> None:
        if self._quick is not None:
            self._quick.close()
            self._quick = None

    async def ping(self) -> None:
        """Raises when the database cannot be used."""
        async with self.reading() as session:
            await (await session.connection()).execute(sa.text("SELECT max(id) FROM accounts"))

    async def close(self) -> None:
        await asyncio.get_running_loop().run_in_executor(self._reader, self._stop_reading)
        self._reader.shutdown()
        if self._plain is not None:
            await asyncio.get_running_loop().run_in_executor(self._writer, self._plain.dispose)
        self._writer.shutdown()
        await self._engine.dispose()


def engine(url: str) -> AsyncEngine:
    """An engine whose transactions begin as this module says; with `writes=True` they may write on SQLite."""
    if make_url(url).get_backend_name() != "sqlite":
        return create_async_engine(
            url, pool_size=10, max_overflow=10, pool_pre_ping=True, isolation_level="REPEATABLE READ"
        )
    embedded = create_async_engine(url, pool_size=8, max_overflow=0)
    sa.event.listen(embedded.sync_engine, "connect", _configure)
    sa.event.listen(embedded.sync_engine, "begin", _begin)
    return embedded


def _plain(url: sa.URL) -> sa.Engine:
    """An engine that writes to an SQLite file without an event loop. It waits for no other process."""
    made = sa.create_engine(url.set(drivername="sqlite"), execution_options={"writes": True})
    sa.event.listen(made, "connect", _configure)
    sa.event.listen(made, "connect", lambda connection, _record: connection.execute("PRAGMA busy_timeout=0"))
    sa.event.listen(made, "begin", _begin)
    return made


def _begins_at_once(connection: Connection) -> bool:
    """False while another process writes."""
    try:
        connection.begin()
    except sa.exc.OperationalError:
        return False
    return True


def _transact(connection: Connection, work: Callable[[Connection], T]) -> T:
    """Waits as long as PRAGMAS say for another process that writes."""
    driver: Any = connection.connection.driver_connection
    driver.execute(f"PRAGMA {PATIENCE}")
    try:
        with connection.begin():
            driver.execute("PRAGMA busy_timeout=0")
            return work(connection)
    finally:
        driver.execute("PRAGMA busy_timeout=0")


def writes(to: AsyncEngine) -> AsyncEngine:
    """The engine for transactions that write; on PostgreSQL a statement sees what was committed before it."""
    options = {"writes": True} if to.dialect.name == "sqlite" else {"isolation_level": "READ COMMITTED"}
    return to.execution_options(**options)


def _configure(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # the driver's own BEGIN comes too late and is the wrong kind
    cursor = connection.cursor()
    for pragma in PRAGMAS:
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin(connection: Connection) -> None:
    # A deferred BEGIN that writes later fails with "database is locked" whatever the timeout.
    writes = connection.get_execution_options().get("writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
