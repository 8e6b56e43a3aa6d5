"""The engine, transactions and pragmas. Nothing else opens a session."""

import asyncio
import contextlib
import itertools
import re
import sqlite3
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache, partial
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.engine import Connection, make_url
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlmodel.ext.asyncio.session import AsyncSession as AsyncSession

from models import postgres
from models.postgres import Unreachable as Unreachable

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
POOL = 16
"""Connections to PostgreSQL, as a rule."""


class Database:
    """One database: many readers at a time; on SQLite one writer at a time, first come first served.

    On PostgreSQL `pool` is how many connections it may have at a time, a quarter of them for hot reads. All
    of its methods raise Unreachable when it is not there; nothing has to be done when it is there again.
    """

    def __init__(self, url: str, pool: int = POOL) -> None:
        self.url = make_url(url)
        self.sqlite = self.url.get_backend_name() == "sqlite"
        self._engine = engine(url, pool - pool // 4, postgres.STATEMENT)
        self._direct = postgres.Direct(self.url, pool // 4)
        self._writes = writes(self._engine)
        self._writing = asyncio.Lock()
        self._reader = ThreadPoolExecutor(1, thread_name_prefix="reader")
        self._quick: sqlite3.Connection | None = None
        self._glancing: sqlite3.Connection | None = None
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="writer")
        self._plain = _plain(self.url) if self.sqlite else None

    @property
    def dialect(self) -> sa.engine.Dialect:
        return self._engine.dialect

    @contextlib.asynccontextmanager
    async def reading(self) -> AsyncGenerator[AsyncSession, None]:
        """A session on one snapshot of the database; what it changes is thrown away."""
        session = AsyncSession(self._engine, expire_on_commit=False, autoflush=False)
        async with self._reached(session):
            yield session

    @contextlib.asynccontextmanager
    async def transaction(self) -> AsyncGenerator[AsyncSession, None]:
        """A session that commits at the end, or leaves nothing behind when the block raises."""
        session = AsyncSession(self._writes, expire_on_commit=False)
        async with self.writing(), self._reached(session):
            yield session
            await session.commit()

    @contextlib.asynccontextmanager
    async def _reached(self, session: AsyncSession) -> AsyncIterator[None]:
        """Closes the session at the end; a connection on which nothing is heard any more is thrown away."""
        if self.sqlite:
            async with session:
                yield
            return
        with postgres.reached():
            async with session:
                try:
                    yield
                except Exception as error:
                    if postgres.is_spoilt(error):
                        await session.invalidate()
                    raise

    async def transact(self, work: Callable[[Connection], T], *, brief: bool = False) -> T:
        """Runs the work in a transaction of its own, with no turn of the event loop between its statements:
        they cost a third of what they cost otherwise, and SQLite's one place is taken for as much less.

        On SQLite `brief` work, of less than a millisecond, is done in the event loop, all but the COMMIT: in
        a thread each of its statements would wait for the interpreter. Other work has a thread.
        """
        if self._plain is None:
            async with self.transaction() as session:
                return await (await session.connection()).run_sync(work)
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

    @contextlib.asynccontextmanager
    async def direct(self) -> AsyncGenerator[Any, None]:
        """A connection of asyncpg's to PostgreSQL, for hot reads: each statement is one snapshot."""
        async with self._direct.connection() as connection:
            yield connection

    async def rows(self, statement: str, *values: Any) -> list[Any]:
        """What one statement finds, on one snapshot, through the driver alone; `?` stands for each value.

        On SQLite one is read at a time, in a thread of its own."""
        if self.sqlite:
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._reader, self._read, statement, values)
        async with self.direct() as connection:
            found: list[Any] = await connection.fetch(_counted(statement), *values)
            return found

    def _read(self, statement: str, values: tuple[Any, ...]) -> list[Any]:
        if self._quick is None:
            self._quick = sqlite3.connect(self.url.database or "", isolation_level=None)
            for pragma in PRAGMAS:
                self._quick.execute(f"PRAGMA {pragma}")
        return self._quick.execute(statement, values).fetchall()

    def glance(self, statement: str, *values: Any) -> list[Any] | None:
        """What a statement of a few microseconds finds, read in the event loop itself: a thread would take
        ten times as long. None: not without waiting, as always on PostgreSQL."""
        if not self.sqlite:
            return None
        try:
            if self._glancing is None:
                self._glancing = sqlite3.connect(self.url.database or "", timeout=0, isolation_level=None)
            return self._glancing.execute(statement, values).fetchall()
        except sqlite3.OperationalError:  # the file is held, or is not there yet: who waits is told which
            return None

    def _stop_reading(self) -> None:
        if self._quick is not None:
            self._quick.close()
            self._quick = None

    async def ping(self) -> None:
        """Raises when the database cannot be used."""
        await self.rows("SELECT max(id) FROM accounts")

    async def close(self) -> None:
        if self._glancing is not None:
            self._glancing.close()
            self._glancing = None
        await asyncio.get_running_loop().run_in_executor(self._reader, self._stop_reading)
        self._reader.shutdown()
        if self._plain is not None:
            await asyncio.get_running_loop().run_in_executor(self._writer, self._plain.dispose)
        self._writer.shutdown()
        self._direct.close()
        await self._engine.dispose()


def engine(url: str, pool: int = POOL, patience: float | None = None) -> AsyncEngine:
    """An engine whose transactions begin as this module says; with `writes=True` they may write on SQLite.
    `patience`: seconds for each statement on PostgreSQL."""
    if make_url(url).get_backend_name() != "sqlite":
        distant = create_async_engine(
            url,
            async_creator=partial(postgres.connect, make_url(url), patience=patience),
            pool_size=pool,
            max_overflow=0,
            pool_timeout=postgres.CONNECT,
            isolation_level="REPEATABLE READ",
        )
        sa.event.listen(distant.sync_engine, "checkout", _must_be_open)
        return distant
    # Thousands may come back at once, and each gets its turn: whoever reads is quick.
    embedded = create_async_engine(url, pool_size=8, max_overflow=0, pool_timeout=None)
    sa.event.listen(embedded.sync_engine, "connect", _configure)
    sa.event.listen(embedded.sync_engine, "begin", _begin)
    return embedded


def _must_be_open(connection: Any, _record: Any, _fairy: Any) -> None:
    """A connection whose end came while nobody used it is made anew; to see that costs no question."""
    if connection.driver_connection.is_closed():
        raise sa.exc.DisconnectionError


@lru_cache(1_000)
def _counted(statement: str) -> str:
    """PostgreSQL's driver wants its values counted: $1, $2, …"""
    numbers = itertools.count(1)
    return re.sub(r"\?", lambda _: f"${next(numbers)}", statement)


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
