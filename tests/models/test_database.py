"""Transactions whose statements follow each other without the event loop."""

import asyncio
import sqlite3

import pytest
import sqlalchemy as sa

from models.keys import Account
from tests import factories as make


def insert(connection: sa.Connection) -> int:
    connection.execute(sa.insert(Account).values(name="one", created_at=make.NOON))
    return connection.execute(sa.select(sa.func.count()).select_from(Account)).scalar_one()


async def count(database) -> int:
    async with database.reading() as session:
        query = sa.select(sa.func.count()).select_from(Account)
        return (await (await session.connection()).execute(query)).scalar_one()


@pytest.fixture(params=[False, True], ids=["long", "brief"])
def brief(request):
    return request.param


async def test_it_commits_and_gives_what_the_work_gives(database, brief):
    assert await database.transact(insert, brief=brief) == 1
    assert await count(database) == 1


async def test_it_leaves_nothing_behind_when_the_work_raises(database, brief):
    def fail(connection):
        insert(connection)
        raise RuntimeError("changed my mind")

    with pytest.raises(RuntimeError, match="changed my mind"):
        await database.transact(fail, brief=brief)
    assert await count(database) == 0
    assert await database.transact(insert, brief=brief) == 1


async def test_many_at_once_take_turns_with_other_transactions(database, brief):
    async def by_session():
        await make.account(database)

    await asyncio.gather(
        *(database.transact(insert, brief=brief) if n % 2 else by_session() for n in range(20))
    )
    assert await count(database) == 20


@pytest.mark.alone("sqlite", "it has one place for a writer")
async def test_another_process_that_writes_is_waited_for_and_nobody_here_with_it(database, brief):
    other = sqlite3.connect(str(database.url.database), isolation_level=None)
    await database.transact(insert, brief=brief)
    for expected in (2, 3):
        other.execute("BEGIN IMMEDIATE")
        waiting = asyncio.create_task(database.transact(insert, brief=brief))
        for _ in range(20):
            assert await count(database) == expected - 1
        assert not waiting.done()
        other.execute("COMMIT")
        assert await waiting == expected
    other.close()
