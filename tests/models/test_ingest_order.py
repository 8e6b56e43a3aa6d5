"""Positions: the order of commit, for readers that resume by them while others write."""

import asyncio
from itertools import pairwise

import pytest

from models import passings
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
            found = await passings.after(session, Owner(account_id), Filter(), after, limit)
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
