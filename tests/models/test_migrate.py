"""The steps that bring a schema up to date, on both databases."""

import asyncio

import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy.engine import Connection
from sqlalchemy.ext.asyncio import create_async_engine
from sqlmodel import SQLModel

from models import migrate


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
