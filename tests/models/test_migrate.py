"""The steps that bring a schema up to date, on both databases."""

import asyncio

import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy.engine import Connection
from sqlalchemy.ext.asyncio import create_async_engine
from sqlmodel import SQLModel

from models import database, migrate
from tests.backends import execute


async def inside(url, ask):
    engine = create_async_engine(url)
    async with engine.connect() as connection:
        answer = await connection.run_sync(ask)
    await engine.dispose()
    return answer


def differences(connection: Connection) -> list[object]:
    options = {"compare_type": True, "compare_server_default": True}
    return compare_metadata(MigrationContext.configure(connection, opts=options), SQLModel.metadata)


async def test_an_empty_database_is_not_current_and_is_after_the_upgrade(bare_url):
    assert not await migrate.current(bare_url)
    await migrate.upgrade(bare_url)
    assert await migrate.current(bare_url)


async def test_upgrading_twice_changes_nothing(bare_url):
    await migrate.upgrade(bare_url)
    before = await inside(bare_url, lambda connection: sa.inspect(connection).get_table_names())
    await migrate.upgrade(bare_url)
    assert await inside(bare_url, lambda connection: sa.inspect(connection).get_table_names()) == before
    assert await migrate.current(bare_url)


async def test_the_steps_lead_to_the_tables_that_the_models_describe(url):
    assert await inside(url, differences) == []


async def test_ten_servers_that_start_at_once_upgrade_once(bare_url):
    await asyncio.gather(*(migrate.upgrade(bare_url) for _ in range(10)))
    assert await migrate.current(bare_url)
    assert await inside(bare_url, differences) == []


async def test_an_upgrade_keeps_the_rows(url):
    engine = create_async_engine(url)
    async with engine.begin() as connection:
        await connection.execute(sa.text("INSERT INTO accounts (name, created_at) VALUES ('one', 1)"))
    await migrate.upgrade(url)
    async with engine.connect() as connection:
        assert (await connection.execute(sa.text("SELECT name, position FROM accounts"))).all() == [
            ("one", 0)
        ]
    await engine.dispose()


async def test_sessions_from_before_know_what_the_older_ones_hold(bare_url):
    await step(bare_url, "0003")
    execute(
        bare_url,
        "INSERT INTO accounts (id, name, created_at) VALUES (1, 'one', 1)",
        "INSERT INTO devices (id, account_id, device_id, serial_number, model, type, bound, created_at)"
        " VALUES (1, 1, 'D1', 'S1', 'M', 'T', true, 0), (2, 1, 'D2', 'S2', 'M', 'T', true, 0)",
        "INSERT INTO sessions (id, account_id, device_row, token, created_at, closed_at, passing_count,"
        " conflict_count, last_passing_at, last_received_at, last_position) VALUES (1, 1, 1, 'A', 0, 9, 5, 0, 70,"
        " 80, 5), (2, 1, 2, 'B', 0, 9, 7, 0, 90, 90, 12), (3, 1, 1, 'C', 0, 9, 0, 0, NULL, NULL, 0),"
        " (4, 1, 1, 'D', 0, NULL, 2, 0, 60, 95, 14)",
    )
    await migrate.upgrade(bare_url)
    before = "sessions_before, passings_before, last_passing_before, last_received_before"
    assert execute(bare_url, f"SELECT {before} FROM sessions ORDER BY id") == [
        (0, 0, None, None),
        (0, 0, None, None),
        (1, 5, 70, 80),
        (2, 5, 70, 80),
    ]


async def step(url, revision):
    engine = database.engine(url)
    async with database.writes(engine).begin() as connection:
        await connection.run_sync(lambda mine: command.upgrade(migrate._config(mine), revision))
    await engine.dispose()
