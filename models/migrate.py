"""Brings a database's schema up to date, and tells whether it is."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import NamedTuple

import asyncpg
import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy.engine import Connection
from sqlalchemy.ext.asyncio import AsyncEngine

from models import (  # noqa: F401  every table must be known before it is compared
    alarms,
    audits,
    bindings,
    database,
    devices,
    documents,
    events,
    keys,
    participants,
    passings,
    races,
    sessions,
    shares,
    telemetry,
)

LOCK = 0x706173736C696E65
"""PostgreSQL's advisory lock while the steps run: "passline" in hexadecimal.
One server migrates, others wait."""
AGAIN = 0.2
"""Seconds between two tries to reach a database."""


class NotReady(RuntimeError):
    """The database is not there, or its schema is not that of this software. The sentence says what to do."""


class Absent(NotReady):
    """The database cannot be reached now; it may come."""


class State(NamedTuple):
    """The revision of a database's schema, and the one that this software is for. `known`: whether this
    software has the database's revision among its own."""

    revision: str | None
    wanted: str
    known: bool

    @property
    def current(self) -> bool:
        return self.revision == self.wanted


def _config(connection: Connection | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["connection"] = connection
    return config


def _state(connection: Connection) -> State:
    scripts = ScriptDirectory.from_config(_config())
    revision = None
    if sa.inspect(connection).has_table("alembic_version"):  # asked without alembic, which logs each look
        revision = connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar()
    known = {None, *(script.revision for script in scripts.walk_revisions())}
    return State(revision, scripts.get_current_head() or "", revision in known)


def _upgrade(connection: Connection) -> None:
    if connection.dialect.name == "postgresql":
        connection.execute(sa.text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": LOCK})
    state = _state(connection)
    _must_not_be_newer(state)
    if not state.current:
        command.upgrade(_config(connection), "head")


async def upgrade(url: str) -> None:
    """Runs the steps that are missing, in one transaction. Raises NotReady for a schema that is newer than
    this software, and for a database that cannot be reached."""
    async with _reached(url) as engine, database.writes(engine).begin() as connection:
        await connection.run_sync(_upgrade)


async def current(url: str) -> bool:
    """Whether the schema is the newest one."""
    return (await _state_of(url)).current


async def must_be_current(url: str) -> None:
    """Raises NotReady unless the schema is the one that this software is for."""
    state = await _state_of(url)
    _must_not_be_newer(state)
    if not state.current:
        has = f"is of revision {state.revision}" if state.revision else "is not there"
        raise NotReady(
            f"the database's schema {has}, this software needs {state.wanted}: run `passline migrate`"
        )


async def prepare(url: str, *, migrates: bool, patience: float) -> None:
    """Brings the schema up to date, or with `migrates` false raises NotReady unless it is. A database that is
    not there yet is waited for, for so many seconds."""
    deadline = time.monotonic() + patience
    while True:
        try:
            return await (upgrade(url) if migrates else must_be_current(url))
        except Absent:
            if time.monotonic() > deadline:
                raise
        await asyncio.sleep(AGAIN)


async def _state_of(url: str) -> State:
    async with _reached(url) as engine, engine.connect() as connection:
        return await connection.run_sync(_state)


def _must_not_be_newer(state: State) -> None:
    if not state.known:
        raise NotReady(
            f"the database's schema is of revision {state.revision}, this software is older and knows only up"
            f" to {state.wanted}: run the newer software, or restore a backup from before it was migrated"
        )


@contextlib.asynccontextmanager
async def _reached(url: str) -> AsyncIterator[AsyncEngine]:
    """An engine for a while. What keeps it from the database is told in a sentence."""
    engine = database.engine(url)
    name = engine.url.database
    try:
        yield engine
    except (OSError, database.Unreachable, sa.exc.DBAPIError) as error:
        raise _told(error, name) from error
    finally:
        await engine.dispose()


def _told(error: Exception, name: str | None) -> Exception:
    """What keeps us from the database, in a sentence; the error itself if it is another."""
    cause: BaseException = error
    while cause.__cause__ is not None:
        cause = cause.__cause__
    if isinstance(cause, asyncpg.InvalidCatalogNameError):
        return NotReady(f'the database "{name}" does not exist: create it, for example with `createdb`')
    if isinstance(cause, asyncpg.InvalidAuthorizationSpecificationError):
        return NotReady(f"the database does not let this user in: {cause}")
    if isinstance(error, OSError | database.Unreachable):
        return Absent(f'the database "{name}" cannot be reached: {cause}')
    return error
