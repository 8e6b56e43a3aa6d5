"""A PostgreSQL that goes away and comes back: what is told, and that nothing has to be done afterwards."""

import asyncio

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import make_url

from models import ingest_postgres, postgres, tail
from models.batches import Failed
from models.database import Database, Unreachable
from models.keys import Owner
from models.passings import Filter
from models.reports import Reports, Submission
from models.telemetry import Content
from tests import factories as make
from tests.backends import execute
from tests.line import Line

pytestmark = pytest.mark.alone("postgresql", "a file does not go away")
ASK = sa.text("SELECT 1")


@pytest.fixture
def line(url):
    made = Line(url)
    yield made
    made.close()


@pytest.fixture
async def database(line, monkeypatch):
    monkeypatch.setattr(postgres, "CONNECT", 1.0)
    monkeypatch.setattr(postgres, "STATEMENT", 1.0)
    monkeypatch.setattr(ingest_postgres, "PATIENCE", 1.0)
    opened = Database(line.url, pool=4)
    yield opened
    await opened.close()


async def by_reading(database):
    async with database.reading() as session:
        await (await session.connection()).execute(ASK)


async def by_transaction(database):
    async with database.transaction() as session:
        await (await session.connection()).execute(ASK)


async def by_transact(database):
    await database.transact(lambda connection: connection.execute(ASK).all())


async def by_rows(database):
    await database.rows("SELECT 1")


async def by_tail(database):
    await tail.after(database, Owner(1), Filter(), 0, 10)


async def works(database, ask):
    try:
        await ask(database)
    except Unreachable:
        return False
    return True


WAYS = [by_reading, by_transaction, by_transact, by_rows, by_tail]


@pytest.mark.parametrize(
    ("how", "ask"), [*(("cut", way) for way in WAYS), ("hang", by_reading), ("hang", by_rows)]
)
async def test_it_is_told_soon_and_works_again_at_once(line, database, ask, how):
    await asyncio.gather(*(ask(database) for _ in range(4)))
    getattr(line, how)()
    async with asyncio.timeout(10):
        with pytest.raises(Unreachable):
            await ask(database)
    line.mend()
    await ask(database)
    await asyncio.gather(*(ask(database) for _ in range(8)))


@pytest.mark.parametrize("ask", WAYS)
async def test_connections_that_the_server_ended_meanwhile_are_not_noticed(url, database, ask):
    await asyncio.gather(*(ask(database) for _ in range(4)))
    left = len(await database.rows("SELECT pid FROM pg_stat_activity WHERE application_name = 'passline'"))
    assert left
    ended = "pg_terminate_backend(pid, 5000)"
    execute(url, f"SELECT {ended} FROM pg_stat_activity WHERE application_name = 'passline'")
    async with asyncio.timeout(10):
        while not await works(database, ask):  # but by who comes before it is heard of here
            await asyncio.sleep(0)
    await asyncio.gather(*(ask(database) for _ in range(4)))


async def test_a_question_under_way_when_the_server_ends_it(url, database):
    asking = asyncio.create_task(database.transact(lambda c: c.execute(sa.text("SELECT pg_sleep(60)"))))
    sleeping = "FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep%' AND application_name = 'passline'"
    async with asyncio.timeout(10):
        while not await database.rows(f"SELECT pg_terminate_backend(pid) {sleeping}"):
            await asyncio.sleep(0)
    with pytest.raises(Unreachable):
        await asking


@pytest.mark.parametrize("ask", WAYS)
async def test_a_database_that_lets_nobody_in_is_not_there_and_it_is_told_why(url, ask):
    closed = Database(make_url(url).set(database="nowhere").render_as_string(hide_password=False))
    with pytest.raises(Unreachable, match='database "nowhere" does not exist'):
        await ask(closed)
    await closed.close()


async def test_when_all_connections_are_in_use_it_is_told_after_a_while(database):
    async with database.reading() as one, database.reading() as two, database.reading() as three:
        for session in (one, two, three):
            await session.connection()
        with pytest.raises(Unreachable):
            await by_reading(database)
        await by_rows(database)  # hot reads have their own
    await by_reading(database)


@pytest.mark.parametrize(
    ("state", "lost"),
    [
        ("08006", True), ("25006", True), ("53100", True), ("53300", True), ("57014", True), ("57P01", True),
        ("57P03", True), ("22012", False), ("23505", False), ("40P01", False), ("42601", False),
    ],
)  # fmt: skip
async def test_it_is_not_there_or_does_not_like_the_statement(database, state, lost):
    raises = f"DO $$ BEGIN RAISE EXCEPTION 'no' USING ERRCODE = '{state}'; END $$"
    with pytest.raises(Exception) as one:
        await database.transact(lambda connection: connection.exec_driver_sql(raises))
    with pytest.raises(Exception) as other:
        await database.rows(raises)
    assert [isinstance(each.value, Unreachable) for each in (one, other)] == [lost, lost]


async def test_commits_are_on_the_disk_whatever_the_servers_default(url, database):
    [(default,)] = execute(url, "SHOW synchronous_commit")
    assert default == "off"
    async with database.transaction() as session:
        assert (
            await (await session.connection()).execute(sa.text("SHOW synchronous_commit"))
        ).scalar() == "on"
    connection = await postgres.connect(database.url)
    assert await connection.fetchval("SHOW synchronous_commit") == "on"
    await connection.close()


async def test_a_standby_is_no_database_to_write_to(url, line, database):
    session = await make.session(database)
    name = database.url.database
    execute(url, f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    try:
        async with make.running(Database(line.url)) as ingest:
            with pytest.raises(Failed):
                await ingest.write(make.submission(session, make.content(1)))
    finally:
        execute(
            url, "SET TRANSACTION READ WRITE", f"ALTER DATABASE {name} RESET default_transaction_read_only"
        )


@pytest.mark.parametrize("how", ["cut", "hang"])
async def test_all_who_wait_to_be_written_are_told_together(line, database, how, caplog):
    session = await make.session(database)
    async with make.running(database) as ingest:
        await ingest.write(make.submission(session, make.content(0)))
        getattr(line, how)()
        sent = [ingest.write(make.submission(session, make.content(n))) for n in range(1, 300)]
        async with asyncio.timeout(30):  # one after the other they would take 300 s
            answers = await asyncio.gather(*sent, return_exceptions=True)
        assert {type(answer) for answer in answers} == {Failed}
        assert ingest.waiting == 0
        line.mend()
        again = [ingest.write(make.submission(session, make.content(n))) for n in range(300)]
        written = await asyncio.gather(*again)
    assert make.outcome(written[0], 1) == ["duplicate"]
    assert (await make.stored(database, session.token, session.account_id)).passing_count == 300
    assert (
        len([r for r in caplog.records if "cannot be written: the database cannot be reached" in r.message])
        == 1
    )


@pytest.mark.parametrize("how", ["cut", "hang"])
async def test_a_commit_whose_answer_was_lost_is_not_acknowledged_and_found_when_sent_again(
    url, line, database, how
):
    session = await make.session(database)
    async with make.running(database) as ingest:
        await ingest.write(make.submission(session, make.content(0)))
        line.hang(answers_only=True)
        sent = asyncio.create_task(ingest.write(make.submission(session, *make.contents(1, 2))))
        async with asyncio.timeout(10):
            while execute(url, "SELECT count(*) FROM passings") != [(3,)]:
                await asyncio.sleep(0.005)
        if how == "cut":
            line.cut()
        with pytest.raises(Failed):
            await sent
        line.mend()
        again = await ingest.write(make.submission(session, *make.contents(1, 2, 3)))
    assert make.outcome(again, 3) == ["duplicate", "duplicate", "inserted"]
    now = await make.stored(database, session.token, session.account_id)
    assert (now.passing_count, now.last_position) == (4, again.position + 2)


async def test_reports_are_told_together_too(line, database):
    device = await make.device(database)
    reports = Reports(database, lambda touched: None, 1_000)
    reports.start()

    def sent(*minutes):
        owner, told = Owner(device.account_id), [Content(make.NOON + minute) for minute in minutes]
        return [reports.write(Submission(owner, device.device_id, make.NOON, [each])) for each in told]

    await asyncio.gather(*sent(0))
    line.cut()
    answers = await asyncio.gather(*sent(*range(1, 50)), return_exceptions=True)
    assert {type(each) for each in answers} == {Failed}
    line.mend()
    assert sum(each.inserted for each in await asyncio.gather(*sent(*range(50)))) == 49
    await reports.close()
