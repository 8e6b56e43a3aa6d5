"""The two pairs of database and bus that every test which stores something runs on, one after the other: an
SQLite file with the bus in memory, and a real PostgreSQL with a real Valkey.

Each process of tests has servers of its own, started when they are first asked for.
"""

import asyncio
import itertools
import shutil
import threading
from collections.abc import Coroutine
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import asyncpg
import sqlalchemy as sa
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from models import migrate
from tests.servers import HASTY, Postgres, Valkey

T = TypeVar("T")

BACKENDS = ("sqlite", "postgresql")
RENEW = 200
"""Loans after which a database is made anew: nobody vacuums it."""
ALONE = """SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid()"""
TABLES = """SELECT tablename AS name FROM pg_tables
    WHERE schemaname = 'public' AND tablename <> 'alembic_version'"""
SEQUENCES = "SELECT sequencename AS name FROM pg_sequences WHERE schemaname = 'public'"


class _Apart:
    """An event loop in a thread of its own: synchronous and asynchronous tests alike may wait for it."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="apart", daemon=True)
        self._thread.start()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


apart = _Apart()


def execute(url: str, *statements: str) -> list[tuple[Any, ...]]:
    """Runs them in one transaction, past everything that guards the database; the rows of the last one."""

    async def run() -> list[tuple[Any, ...]]:
        engine = create_async_engine(url, poolclass=NullPool)
        try:
            async with engine.begin() as connection:
                for statement in statements:
                    done = await connection.execute(sa.text(statement))
                return [tuple(row) for row in done] if done.returns_rows else []
        finally:
            await engine.dispose()

    return apart.run(run())


def drop_table(url: str, table: str) -> None:
    """Also where others refer to it."""
    execute(url, f"DROP TABLE {table}" + ("" if url.startswith("sqlite") else " CASCADE"))


class Backends:
    """Makes databases. Those with the newest schema are copies of one that was brought up once."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._names = itertools.count(1)
        self._loans = 0
        self._emptying = ""
        self._connections: dict[str, asyncpg.Connection] = {}

    def make(self, backend: str) -> str:
        """The URL of a database with the newest schema and no row."""
        if backend == "sqlite":
            path = self._folder / f"made{next(self._names)}.db"
            shutil.copy(self._file, path)
            return f"sqlite+aiosqlite:///{path}"
        return apart.run(self._create(f"made{next(self._names)}", self._template))

    def lend(self, backend: str) -> str:
        """The same, to one test at a time: on PostgreSQL emptied, which takes a tenth of what making one takes."""
        if backend == "sqlite":
            return self.make(backend)
        if self._loans % RENEW == 0 or not apart.run(self._emptied("lent")):
            apart.run(self._run("DROP DATABASE IF EXISTS lent WITH (FORCE)"))
            apart.run(self._create("lent", self._template))
            apart.run(self._emptied("lent"))  # which sees all tables, before the first test drops one
        self._loans += 1
        return self.postgres.url("lent")

    def bare(self, backend: str) -> str:
        """The URL of a database with nothing in it."""
        if backend == "sqlite":
            return f"sqlite+aiosqlite:///{self._folder / f'bare{next(self._names)}.db'}"
        return apart.run(self._create(f"bare{next(self._names)}", "template0"))

    def drop(self, url: str) -> None:
        """Removes what was made, whoever has it open."""
        name = str(make_url(url).database)
        if url.startswith("sqlite"):
            for suffix in ("", "-wal", "-shm"):
                Path(name + suffix).unlink(missing_ok=True)
        elif name != "lent":
            apart.run(self._run(f"DROP DATABASE {name} WITH (FORCE)"))

    def bus(self, backend: str, number: int = 0) -> str:
        """The URL of a bus. On the same number others are heard."""
        return "memory://" if backend == "sqlite" else self._valkey.url(number)

    def close(self) -> None:
        for connection in self._connections.values():
            apart.run(connection.close())
        for name in ("postgres", "_valkey"):
            if (server := vars(self).get(name)) is not None:
                server.stop()

    @cached_property
    def postgres(self) -> Postgres:
        """Without it the test that asks fails."""
        return Postgres()

    @cached_property
    def _valkey(self) -> Valkey:
        return Valkey()

    @cached_property
    def _file(self) -> Path:
        path = self._folder / "template.db"
        apart.run(migrate.upgrade(f"sqlite+aiosqlite:///{path}"))
        return path

    @cached_property
    def _template(self) -> str:
        apart.run(self._run(*(f"ALTER SYSTEM SET {setting}" for setting in HASTY), "SELECT pg_reload_conf()"))
        apart.run(migrate.upgrade(apart.run(self._create("template", "template0"))))
        return "template"

    async def _create(self, name: str, template: str) -> str:
        await self._run(f"CREATE DATABASE {name} TEMPLATE {template}")
        return self.postgres.url(name)

    async def _run(self, *statements: str) -> None:
        for statement in statements:
            await (await self._connected("postgres")).execute(statement)

    async def _emptied(self, name: str) -> bool:
        """Removes every row and starts the ids anew; false when a test has changed the tables."""
        connection = await self._connected(name)
        if not self._emptying:
            tables = await connection.fetch(TABLES)
            deletes = [f"DELETE FROM {table['name']}" for table in tables]
            restarts = [
                f"ALTER SEQUENCE {each['name']} RESTART" for each in await connection.fetch(SEQUENCES)
            ]
            self._emptying = "; ".join([ALONE, "SET session_replication_role = replica", *deletes, *restarts])
        try:
            await connection.execute(self._emptying)
        except asyncpg.PostgresError:
            return False
        return True

    async def _connected(self, name: str) -> asyncpg.Connection:
        if name not in self._connections or self._connections[name].is_closed():
            self._connections[name] = await self.postgres.connect(name)
        return self._connections[name]
