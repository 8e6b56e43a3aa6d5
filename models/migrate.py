"""Brings a database's schema up to date, and tells whether it is."""

from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.engine import Connection

from models import (  # noqa: F401  every table must be known before it is compared
    alarms,
    audits,
    bindings,
    database,
    devices,
    events,
    keys,
    participants,
    passings,
    races,
    sessions,
    telemetry,
)

LOCK = 0x706173736C696E65
"""PostgreSQL's advisory lock while the steps run: "passline" in hexadecimal.
One server migrates, others wait."""


def _config(connection: Connection | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["connection"] = connection
    return config


def _upgrade(connection: Connection) -> None:
    if connection.dialect.name == "postgresql":
        connection.execute(sa.text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": LOCK})
    command.upgrade(_config(connection), "head")


def _current(connection: Connection) -> bool:
    newest = ScriptDirectory.from_config(_config()).get_current_head()
    return MigrationContext.configure(connection).get_current_revision() == newest


async def upgrade(url: str) -> None:
    """Runs the steps that are missing, in one transaction."""
    engine = database.engine(url)
    try:
        async with database.writes(engine).begin() as connection:
            await connection.run_sync(_upgrade)
    finally:
        await engine.dispose()


async def current(url: str) -> bool:
    """Whether the schema is the newest one."""
    engine = database.engine(url)
    try:
        async with engine.connect() as connection:
            return await connection.run_sync(_current)
    finally:
        await engine.dispose()
