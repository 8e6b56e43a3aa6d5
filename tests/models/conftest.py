"""Real databases, a SQLite file and then a PostgreSQL server, both brought up by the migrations."""

import atexit
import functools
import itertools
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from models import migrate
from models.database import Database
from tests.models.postgres import Postgres

BACKENDS = ("sqlite", "postgresql")
_names = itertools.count(1)


@functools.cache
def postgres() -> Postgres:
    """The server, started when the first test asks for it; without one that test fails."""
    server = Postgres()
    atexit.register(server.stop)
    return server


@functools.cache
def _migrated() -> dict[str, Path | str]:
    """For each kind of database one that holds the newest schema, by its file or name."""
    return {}


async def _sqlite(folder: Path, made: pytest.TempPathFactory) -> str:
    if "sqlite" not in _migrated():
        template = made.mktemp("template") / "passline.db"
        await migrate.upgrade(f"sqlite+aiosqlite:///{template}")
        _migrated()["sqlite"] = template
    path = folder / "passline.db"
    shutil.copy(_migrated()["sqlite"], path)
    return f"sqlite+aiosqlite:///{path}"


async def _postgresql() -> str:
    if "postgresql" not in _migrated():
        # Whether the machine survives a loss of power is not what these tests ask.
        await postgres().run(
            "ALTER SYSTEM SET fsync = off", "SELECT pg_reload_conf()", "CREATE DATABASE tests"
        )
        await migrate.upgrade(postgres().url("tests"))
        _migrated()["postgresql"] = "tests"
    await postgres().empty("tests")
    return postgres().url("tests")


@pytest.fixture(params=BACKENDS)
async def url(
    request: pytest.FixtureRequest, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> str:
    """Of a database with the newest schema and no row."""
    return await (_sqlite(tmp_path, tmp_path_factory) if request.param == "sqlite" else _postgresql())


@pytest.fixture(params=BACKENDS)
async def bare_url(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[str]:
    """Of a database with nothing in it."""
    if request.param == "sqlite":
        yield f"sqlite+aiosqlite:///{tmp_path / 'bare.db'}"
        return
    name = f"bare{next(_names)}"
    await postgres().run(f"CREATE DATABASE {name}")
    yield postgres().url(name)
    await postgres().run(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
async def database(url: str) -> AsyncIterator[Database]:
    opened = Database(url)
    yield opened
    await opened.close()


@pytest.fixture
async def sqlite_database(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Database]:
    """For what does not differ from one database to another."""
    opened = Database(await _sqlite(tmp_path, tmp_path_factory))
    yield opened
    await opened.close()
