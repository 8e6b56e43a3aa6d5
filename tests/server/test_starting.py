"""The start of a server: whose schema is brought up to date, and what is told when it cannot be."""

import asyncio
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy.engine import make_url

from models import migrate
from models.migrate import Absent, NotReady
from server import app
from server.settings import Settings
from tests.backends import execute
from tests.conftest import Server

OLD = "UPDATE alembic_version SET version_num = '0001'"
AHEAD = "UPDATE alembic_version SET version_num = '9999'"


async def prepare(url, **settings):
    await app.prepare(Settings(_env_file=None, database_url=url, **settings))


async def refusal(url, **settings):
    with pytest.raises(NotReady) as refused:
        await prepare(url, **settings)
    assert "\n" not in str(refused.value)
    return str(refused.value)


async def test_a_server_brings_the_schema_up_to_date_unless_told_otherwise(bare_url):
    assert "is not there, this software needs" in (told := await refusal(bare_url, migrate=False))
    assert "passline migrate" in told
    await prepare(bare_url)
    assert await migrate.current(bare_url)
    await prepare(bare_url, migrate=False)


async def test_a_schema_that_is_newer_than_the_software_is_left_alone(bare_url):
    await migrate.upgrade(bare_url)
    execute(bare_url, OLD)
    assert "is of revision 0001, this software needs" in await refusal(bare_url, migrate=False)
    execute(bare_url, AHEAD)
    for migrates in (True, False):
        told = await refusal(bare_url, migrate=migrates)
        assert "is of revision 9999, this software is older" in told and "backup" in told
    assert execute(bare_url, "SELECT version_num FROM alembic_version") == [("9999",)]


@pytest.mark.alone("postgresql", "a file has one server")
def test_several_servers_may_start_at_once_on_an_empty_database(bare_url):
    servers = [Server(database_url=bare_url) for _ in range(3)]
    with ThreadPoolExecutor(len(servers)) as threads:
        started = [threads.submit(server.start) for server in servers]
        try:
            assert [each.result(30) for each in started] == servers
        finally:
            for server in servers:
                server.stop()


@pytest.mark.alone("postgresql", "a file is always there")
async def test_a_database_that_comes_later_is_waited_for(bare_url, tmp_path):
    later = tmp_path / "later"
    url = make_url(bare_url)
    place = url.query["host"]
    waiting = asyncio.create_task(
        prepare(url.set(query={"host": str(later)}).render_as_string(hide_password=False))
    )
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(asyncio.shield(waiting), 0.5)
    later.symlink_to(place)
    await asyncio.wait_for(waiting, 10)
    assert await migrate.current(bare_url)


@pytest.mark.alone("postgresql", "a file is always there")
async def test_one_that_does_not_come_or_takes_nobody_is_a_sentence(bare_url, monkeypatch):
    monkeypatch.setattr(app, "PATIENCE", 0.0)
    nowhere = "postgresql+asyncpg://postgres@127.0.0.1:1/x"
    with pytest.raises(Absent, match='the database "x" cannot be reached'):
        await prepare(nowhere)
    missing = make_url(bare_url).set(database="nothere").render_as_string(hide_password=False)
    assert 'the database "nothere" does not exist' in await refusal(missing)
    stranger = make_url(bare_url).set(username="stranger").render_as_string(hide_password=False)
    assert "does not let this user in" in await refusal(stranger)


@pytest.mark.alone("sqlite", "it is the same on both")
def test_a_server_that_may_not_start_says_why_and_ends_with_1(bare_url):
    asyncio.run(migrate.upgrade(bare_url))
    execute(bare_url, AHEAD)
    ended = subprocess.run(
        [sys.executable, "-m", "server.cli", "serve", "--port", "0"],
        env=os.environ | {"PASSLINE_DATABASE_URL": bare_url},
        cwd=os.getcwd(), capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert ended.returncode == 1 and "this software is older" in ended.stderr.splitlines()[-1]
    assert "Traceback" not in ended.stderr


@pytest.mark.alone("postgresql", "a file is brought up to date by every command")
def test_commands_do_not_migrate_what_several_servers_use(passline, bare_url):
    refused = passline("accounts", "create", "x", database_url=bare_url)
    assert refused.code == 1 and "run `passline migrate`" in refused.stderr
