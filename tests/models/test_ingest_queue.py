"""The queue before the writer: its size, its end, callers that go away, and what no database takes."""

import asyncio
import logging

import pytest

from models import passings
from models.batches import MOST_ROWS, Failed, Full
from models.database import Unreachable
from models.ingest import Ingest
from tests import factories as make

POISON = 2**63
"""Higher than any whole number that a database keeps."""


class Held:
    """The database's own writer, which waits to be let go; the sizes of its batches are `batches`."""

    def __init__(self, database):
        self._writer = make.app.writer(database)
        self.batches = []
        self.go = asyncio.Event()

    async def write(self, submissions):
        self.batches.append(len(submissions))
        await self.go.wait()
        return await self._writer.write(submissions)

    async def close(self):
        await self._writer.close()


async def numbers_of(database, session):
    async with database.reading() as transaction:
        return [row.number for row in await passings.arrived(transaction, session.id, 0, limit=100_000)]


async def until(condition):
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.001)


@pytest.fixture
async def session(database):
    return await make.session(database)


@pytest.fixture
def held(database):
    return Held(database)


async def test_a_burst_while_a_commit_runs_is_the_next_commit(database, session, held):
    async with make.running(database, writer=held) as ingest:
        sent = [asyncio.create_task(ingest.write(make.submission(session, make.content(0))))]
        await until(lambda: held.batches)
        sent += [
            asyncio.create_task(ingest.write(make.submission(session, make.content(n)))) for n in range(1, 50)
        ]
        await until(lambda: ingest.waiting == 50)
        held.go.set()
        await asyncio.gather(*sent)
    assert held.batches == [1, 49]
    assert ingest.commits == 2
    assert await numbers_of(database, session) == list(range(50))


async def test_a_transaction_has_a_size_and_one_submission_always_fits(database, session, held):
    sizes = [MOST_ROWS // 2, MOST_ROWS // 2, 1, MOST_ROWS + 1, 1]
    starts = [sum(sizes[:place]) for place in range(len(sizes))]
    held.go.set()
    async with make.running(database, writer=held) as ingest:
        await asyncio.gather(
            *(
                ingest.write(make.submission(session, *make.contents(*range(start, start + size))))
                for start, size in zip(starts, sizes, strict=True)
            )
        )
    assert held.batches == [2, 1, 1, 1]
    assert len(await numbers_of(database, session)) == sum(sizes)


async def test_a_full_queue_refuses_and_has_room_again_after_the_commit(database, session, held):
    async with make.running(database, writer=held, most_waiting=3) as ingest:
        first = asyncio.create_task(ingest.write(make.submission(session, *make.contents(1, 2))))
        await until(lambda: held.batches)
        second = asyncio.create_task(ingest.write(make.submission(session, *make.contents(3))))
        await until(lambda: ingest.waiting == 3)
        with pytest.raises(Full):
            await ingest.write(make.submission(session, *make.contents(4)))
        held.go.set()
        await asyncio.gather(first, second)
        await until(lambda: ingest.waiting == 0)
        await ingest.write(make.submission(session, *make.contents(5, 6, 7)))
    assert await numbers_of(database, session) == [1, 2, 3, 5, 6, 7]


async def test_closing_writes_and_answers_what_waits_and_refuses_what_comes(database, session, held):
    ingest = Ingest(database, held, lambda commit: None, 1_000)
    ingest.start()
    sent = [asyncio.create_task(ingest.write(make.submission(session, make.content(n)))) for n in range(20)]
    await until(lambda: ingest.waiting == 20)
    closing = asyncio.create_task(ingest.close())
    await asyncio.sleep(0)
    with pytest.raises(Full):
        await ingest.write(make.submission(session, make.content(99)))
    held.go.set()
    await closing
    assert [make.outcome(answer.result(), 1) for answer in sent] == [["inserted"]] * 20
    assert await numbers_of(database, session) == list(range(20))


async def test_closing_before_anything_came_ends(database):
    async with asyncio.timeout(5):
        async with make.running(database):
            pass


async def test_a_caller_that_goes_away_does_no_harm_to_those_beside_it(database, session, held):
    async with make.running(database, writer=held) as ingest:
        sent = [
            asyncio.create_task(ingest.write(make.submission(session, make.content(n)))) for n in range(10)
        ]
        await until(lambda: held.batches)
        for gone in sent[::2]:
            gone.cancel()
        held.go.set()
        answers = await asyncio.gather(*sent, return_exceptions=True)
        await ingest.write(make.submission(session, make.content(10)))
    assert [isinstance(answer, asyncio.CancelledError) for answer in answers] == [True, False] * 5
    assert all(make.outcome(answer, 1) == ["inserted"] for answer in answers[1::2])
    assert await numbers_of(database, session) == list(range(11)), "stored all the same"


@pytest.mark.parametrize("poison", [make.content(POISON), make.content(52, timestamp_text=None)])
async def test_what_the_database_cannot_take_fails_alone(database, session, held, caplog, poison):
    good = [make.submission(session, make.content(n)) for n in range(4)]
    bad = make.submission(session, make.content(50), poison, make.content(51))
    held.go.set()
    async with make.running(database, writer=held) as ingest:
        sent = [*good[:2], bad, *good[2:]]
        with caplog.at_level(logging.ERROR, "models.ingest"):
            answers = await asyncio.gather(*map(ingest.write, sent), return_exceptions=True)
        assert isinstance(answers[2], Failed)
        assert [make.outcome(answers[place], 1) for place in (0, 1, 3, 4)] == [["inserted"]] * 4
        assert [record.message for record in caplog.records] == ["passings could not be written"]
        assert await numbers_of(database, session) == [0, 1, 2, 3], "nothing of the one that failed"
        await ingest.write(make.submission(session, make.content(4)))
    now = await make.stored(database, session.token, session.account_id)
    assert (now.passing_count, ingest.inserted, ingest.waiting) == (5, 5, 0)


async def test_a_failed_submission_whose_caller_went_away_stops_nobody(database, session, held, caplog):
    async with make.running(database, writer=held) as ingest:
        bad = asyncio.create_task(ingest.write(make.submission(session, make.content(POISON))))
        await until(lambda: held.batches)
        bad.cancel()
        held.go.set()
        await asyncio.gather(bad, return_exceptions=True)
        answer = await ingest.write(make.submission(session, make.content(1)))
    assert make.outcome(answer, 1) == ["inserted"]


async def test_a_commit_is_announced_after_it_can_be_read(database, session):
    told = []
    other = await make.session(database)
    async with make.running(database, committed=told.append) as ingest:
        await ingest.write(make.submission(session, *make.contents(1, 2)))
        assert told == [make.Commit({session.account_id: 2}, {session.id: 2}, {session.device_row: 2})]
        await ingest.write(make.submission(session, *make.contents(1, 2)))
        await ingest.write(make.submission(session, make.content(1))._replace(token="UNKNOWN"))
        assert len(told) == 1, "nothing new, nothing told"
        await asyncio.gather(
            ingest.write(make.submission(session, make.content(3))),
            ingest.write(make.submission(other, make.content(1))),
        )
    accounts = [commit.accounts for commit in told[1:]]
    assert {account: at for told_of in accounts for account, at in told_of.items()} == {
        session.account_id: 5,
        other.account_id: 1,
    }


async def test_when_it_is_announced_the_rows_are_there(database, session):
    seen = []

    def look(commit):
        seen.append(asyncio.create_task(numbers_of(database, session)))

    async with make.running(database, committed=look) as ingest:
        await ingest.write(make.submission(session, *make.contents(1, 2)))
    assert await seen[0] == [1, 2]


async def test_a_failing_announcement_undoes_nothing(database, session, caplog):
    def fail(commit):
        raise RuntimeError("nobody hears")

    async with make.running(database, committed=fail) as ingest:
        for number in (1, 2):
            answer = await ingest.write(make.submission(session, make.content(number)))
            assert make.outcome(answer, 1) == ["inserted"]
    assert await numbers_of(database, session) == [1, 2]
    assert [record.message for record in caplog.records] == ["a commit could not be announced"] * 2


async def test_a_submission_of_nothing_is_answered(database, session):
    async with make.running(database) as ingest:
        written = await ingest.write(make.submission(session))
    assert make.outcome(written, 0) == []


class Falls:
    """Does not take a batch, and is away at the second of those who then try alone."""

    def __init__(self):
        self.calls = 0

    async def write(self, submissions):
        self.calls += 1
        raise Unreachable if self.calls == 3 else RuntimeError("no")

    async def close(self): ...


async def test_a_database_that_goes_away_while_submissions_are_tried_alone_is_not_asked_for_each(
    database, session
):
    writer = Falls()
    async with make.running(database, writer=writer) as ingest:
        sent = [ingest.write(make.submission(session, make.content(n))) for n in range(50)]
        answers = await asyncio.gather(*sent, return_exceptions=True)
    assert {type(answer) for answer in answers} == {Failed}
    assert writer.calls == 3
    assert ingest.waiting == 0
