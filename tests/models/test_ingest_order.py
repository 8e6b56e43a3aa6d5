"""Positions: the order of commit, for readers that resume by them while others write."""

import asyncio
import contextlib
from itertools import pairwise

import pytest

from models import keys, postgres, sessions, streams
from models.database import Database
from models.ingest import Ingest
from models.keys import Owner
from models.passings import Filter
from tests import factories as make

WRITERS, CALLS = 8, 40


async def follow(database: Database, account_id: int, writing: asyncio.Future, limit: int) -> list:
    """What a reader sees that asks again and again for what is behind the last that it saw."""
    seen: list = []
    while True:
        over = writing.done()
        async with database.reading() as session:
            after = seen[-1].position if seen else 0
            found = await streams.after(session, Owner(account_id), Filter(), after, limit)
        seen += found
        if over and not found:
            return seen


async def send(ingest: Ingest, session, place: int) -> None:
    """Calls of one to seven passings, each with a repeat of the one before."""
    number = place * 1_000_000
    for call in range(CALLS):
        rows = make.contents(*range(number, number + 1 + (call + place) % 7))
        number = rows[-1].number
        assert await ingest.write(make.submission(session, *rows)) is not None


def expected(places) -> set[tuple[int, int]]:
    """Session and number of every row that `send` stores."""
    return {
        (session.id, number)
        for place, session in places
        for number in range(
            place * 1_000_000, place * 1_000_000 + sum((call + place) % 7 for call in range(CALLS)) + 1
        )
    }


@pytest.mark.parametrize("limit", [5, 1_000])
async def test_a_reader_that_resumes_by_position_sees_every_row_once_and_in_order(database, limit):
    owner = await make.account(database)
    places = [
        (place, await make.session(database, await make.device(database, owner.id)))
        for place in range(WRITERS)
    ]
    async with make.running(database) as ingest:
        writing = asyncio.gather(*(send(ingest, session, place) for place, session in places))
        readers = [asyncio.create_task(follow(database, owner.id, writing, limit)) for _ in range(2)]
        await writing
        for reader in readers:
            check(await reader, expected(places))


async def test_two_servers_on_one_postgresql_keep_the_order_for_every_reader(database):
    if database.sqlite:
        assert database.url.database  # a file has one server; its writers are the eight above
        return
    owner = await make.account(database)
    stranger = await make.account(database)
    places = [
        (place, await make.session(database, await make.device(database, (owner, stranger)[place % 2].id)))
        for place in range(WRITERS)
    ]
    async with make.running(database) as one, make.running(database) as other:
        writing = asyncio.gather(
            *(send((one, other)[place // 2 % 2], session, place) for place, session in places),
            # Both servers write to the same session too, as a device does that is sent from one to the other.
            *(send((other, one)[place // 2 % 2], session, place) for place, session in places[:4]),
        )
        readers = [
            asyncio.create_task(follow(database, account.id, writing, 1_000)) for account in (owner, stranger)
        ]
        await writing
        check(await readers[0], expected(places[::2]))
        check(await readers[1], expected(places[1::2]))


def check(seen, wanted):
    assert all(one.position < other.position for one, other in pairwise(seen))
    assert len(seen) == len(wanted)
    assert {(row.session_row, row.number) for row in seen} == wanted


async def test_a_caller_that_sends_one_after_the_other_gets_rising_positions(database):
    session = await make.session(database)
    async with make.running(database) as ingest:
        positions = []
        for number in range(20):
            positions.append((await ingest.write(make.submission(session, make.content(number)))).position)
    assert positions == sorted(set(positions))


async def test_those_who_come_first_are_written_first(database):
    session = await make.session(database)
    async with make.running(database) as ingest:
        answers = await asyncio.gather(
            *(ingest.write(make.submission(session, make.content(number))) for number in range(300))
        )
    assert [answer.position for answer in answers] == list(range(1, 301))


async def test_positions_go_on_after_a_restart(database):
    session = await make.session(database)
    async with make.running(database) as ingest:
        await ingest.write(make.submission(session, *make.contents(1, 2, 3)))
    async with make.running(database) as ingest:
        answer = await ingest.write(make.submission(session, *make.contents(4)))
    assert answer.position == 4


HOLD = """
    CREATE FUNCTION hold() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN PERFORM pg_sleep(random() * 0.01); RETURN NULL; END $$;
    CREATE TABLE scratch (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY);
    CREATE CONSTRAINT TRIGGER held AFTER INSERT ON scratch DEFERRABLE INITIALLY DEFERRED
        FOR EACH ROW EXECUTE FUNCTION hold();
    CREATE CONSTRAINT TRIGGER held AFTER INSERT ON passings DEFERRABLE INITIALLY DEFERRED
        FOR EACH ROW EXECUTE FUNCTION hold();
"""
RELEASE = "DROP FUNCTION hold() CASCADE; DROP TABLE scratch"


@pytest.fixture
async def held(database):
    """On PostgreSQL every transaction that inserts waits between its last statement and its commit, some
    longer than others."""
    async with database.direct() as connection:
        await connection.execute(HOLD)
    yield
    async with database.direct() as connection:
        await connection.execute(RELEASE)


async def by_ids(database: Database, writing: asyncio.Future) -> set[int]:
    """What a reader sees that resumes behind the highest number that it saw."""
    seen: set[int] = set()
    while True:
        over = writing.done()
        found = await database.rows("SELECT id FROM scratch WHERE id > ?", max(seen, default=0))
        seen.update(row[0] for row in found)
        if over and not found:
            return seen


@pytest.mark.alone("postgresql", "a file has one writer at a time")
async def test_numbers_are_drawn_in_another_order_than_commits_come_and_positions_are_not(
    database, url, held
):
    async def draw() -> None:
        for _ in range(10):
            connection = await postgres.connect(database.url)
            await connection.execute("INSERT INTO scratch DEFAULT VALUES")
            await connection.close()

    drawing = asyncio.gather(*(draw() for _ in range(WRITERS)))
    seen = await by_ids(database, drawing)
    missed = WRITERS * 10 - len(seen)
    assert missed > 0, "else nothing is out of order here, and what follows proves nothing"

    owner = await make.account(database)
    places = [await make.session(database, await make.device(database, owner.id)) for _ in range(WRITERS)]
    async with contextlib.AsyncExitStack() as stack:
        writers = [await stack.enter_async_context(make.writing(database)) for _ in places]

        async def write(writer, session) -> None:
            for number in range(10):
                await writer.write([make.submission(session, make.content(number))])

        writing = asyncio.gather(*map(write, writers, places))
        seen = await follow(database, owner.id, writing, 1_000)
    check(seen, {(session.id, number) for session in places for number in range(10)})


WAITING = """SELECT 1 FROM pg_stat_activity
    WHERE datname = current_database() AND wait_event_type = 'Lock'"""


@pytest.mark.alone("postgresql", "a file has one writer at a time")
async def test_a_session_that_is_closed_while_a_batch_waits_takes_nothing_and_others_go_on(database):
    owner = await make.account(database)
    closed, open_ = [await make.session(database, await make.device(database, owner.id)) for _ in range(2)]
    batch = [make.submission(closed, make.content(1)), make.submission(open_, *make.contents(1, 2))]
    async with make.writing(database) as writer:
        async with database.transaction() as transaction:
            await keys.lock_account(transaction, owner.id)
            writing = asyncio.create_task(writer.write(batch))
            async with asyncio.timeout(10):
                while not await database.rows(WAITING):
                    await asyncio.sleep(0)
            async with database.transaction() as closing:
                await sessions.close(closing, closed.id, make.NOON)
        refused, written = await writing
    assert refused is None
    assert (written.inserted, written.position) == (2, 1), "and no position is lost"
    async with database.reading() as session:
        assert await keys.position(session, owner.id) == 2
