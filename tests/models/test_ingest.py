"""What becomes of passings: inserted, a duplicate, or in conflict with the one stored first."""

import asyncio

import pytest

from models import numbers, outcomes, passings, sessions
from tests import factories as make


async def rows_of(database, session):
    async with database.reading() as transaction:
        return await passings.numbered(transaction, session.id, limit=10_000)


async def conflicts_of(database, session):
    async with database.reading() as transaction:
        return (await numbers.conflicts(transaction, [session.id], 100)).get(session.id, [])


@pytest.fixture
async def session(database):
    return await make.session(database)


async def test_what_is_new_is_inserted_with_everything_the_device_said(database, session):
    said = make.content(
        2**63 - 1, at=-1, timestamp_text="1969-12-31 23:59:59,999999", time_zone="UTC", bib="007",
        chip="É\n\"\\'", latitude=-43.123456789, longitude=180.0, participant="ツ", status="", gender="🏁",
    )  # fmt: skip
    async with make.running(database) as ingest:
        written = await ingest.write(make.submission(session, said, received_at=5))
    assert make.outcome(written, 1) == ["inserted"]
    [row] = await rows_of(database, session)
    assert row == (session.account_id, written.position, session.id, session.device_row, 5, *said)


async def test_who_acts_for_one_device_sends_nothing_for_another(database, session):
    sibling = await make.session(database, await make.device(database, session.account_id))
    mine, theirs = make.submission(session, make.content(1)), make.submission(sibling, make.content(2))
    only = {"device_row": session.device_row}
    async with make.running(database) as ingest:
        sent = [mine._replace(**only), theirs._replace(**only), theirs]
        refused = [await each is None for each in [asyncio.ensure_future(ingest.write(one)) for one in sent]]
    assert refused == [False, True, False], "all in one batch"
    assert [row.number for row in await rows_of(database, sibling)] == [2]


async def test_sent_again_it_is_a_duplicate(database, session):
    said = make.content(
        1, latitude=48.12345678901234, longitude=-0.1, chip="É\n\"\\'", gender="🏁", time_zone="CET"
    )
    async with make.running(database) as ingest:
        await ingest.write(make.submission(session, said))
        again = await ingest.write(make.submission(session, said))
    assert make.outcome(again, 1) == ["duplicate"]
    assert len(await rows_of(database, session)) == 1


@pytest.mark.parametrize(
    "other",
    [
        {"at": 1}, {"bib": "2"}, {"bib": None}, {"chip": "C"}, {"time_zone": "CET"}, {"latitude": 1.0},
        {"longitude": 0.000001}, {"participant": "P"}, {"status": "S"}, {"gender": "M"},
    ],
    ids=str,
)  # fmt: skip
async def test_other_content_under_a_number_is_a_conflict_and_the_first_one_stays(database, session, other):
    first = make.content(1, at=0, bib="1")
    second = make.content(1, **({"at": 0, "bib": "1"} | other))
    async with make.running(database) as ingest:
        await ingest.write(make.submission(session, first))
        written = await ingest.write(make.submission(session, second))
    assert make.outcome(written, 1) == ["conflict"]
    assert [row[5:] for row in await rows_of(database, session)] == [first]
    assert [row.number for row in await conflicts_of(database, session)] == [1]


async def test_another_spelling_of_the_same_instant_is_a_duplicate(database, session):
    async with make.running(database) as ingest:
        await ingest.write(make.submission(session, make.content(1, timestamp_text="2026-06-01T12:00:01Z")))
        again = make.content(1, timestamp_text="2026-06-01T14:00:01+02:00")
        assert make.outcome(await ingest.write(make.submission(session, again)), 1) == ["duplicate"]


@pytest.mark.parametrize("odd", [123456789.12345678, -1.2345678901234567e300, 1e16 + 2, 5e-324])
async def test_numbers_that_are_no_coordinates_are_duplicates_of_themselves_too(database, session, odd):
    said = make.content(1, latitude=odd, longitude=odd)
    async with make.running(database) as ingest:
        await ingest.write(make.submission(session, said))
        again = await ingest.write(make.submission(session, said))
    assert make.outcome(again, 1) == ["duplicate"]
    assert (await rows_of(database, session))[0].latitude == odd


async def test_within_one_call_the_first_one_wins(database, session):
    rows = [make.content(1), make.content(2), make.content(1), make.content(2, bib="other"), make.content(3)]
    async with make.running(database) as ingest:
        written = await ingest.write(make.submission(session, *rows))
    assert make.outcome(written, 5) == ["inserted", "inserted", "duplicate", "conflict", "inserted"]
    assert [row[5:] for row in await rows_of(database, session)] == [rows[0], rows[1], rows[4]]


async def test_within_one_transaction_the_first_submission_wins(database, session):
    batch = [
        make.submission(session, make.content(1), make.content(2)),
        make.submission(session, make.content(2), make.content(1, bib="other"), make.content(3)),
        make.submission(session, make.content(3, bib="third"), make.content(1)),
    ]
    async with make.writing(database) as writer:
        written = await writer.write(batch)
    assert make.outcome(written[0], 2) == ["inserted", "inserted"]
    assert make.outcome(written[1], 3) == ["duplicate", "conflict", "inserted"]
    assert make.outcome(written[2], 2) == ["conflict", "duplicate"]
    assert [row.bib for row in await rows_of(database, session)] == ["1", "2", "3"]


async def test_the_same_number_in_another_session_is_another_passing(database, session):
    other = await make.session(database)
    async with make.running(database) as ingest:
        answers = await asyncio.gather(
            ingest.write(make.submission(session, make.content(1))),
            ingest.write(make.submission(other, make.content(1, bib="other"))),
        )
    assert [make.outcome(answer, 1) for answer in answers] == [["inserted"], ["inserted"]]


async def test_a_conflict_is_kept_once_however_often_it_is_claimed(database, session):
    async with make.running(database) as ingest:
        await ingest.write(make.submission(session, make.content(1)))
        for received_at in (10, 20):
            for bib in ("x", "y"):
                claim = make.content(1, bib=bib)
                await ingest.write(make.submission(session, claim, claim, received_at=received_at))
    found = await conflicts_of(database, session)
    assert [(row.number, row.received_at) for row in found] == [(1, 10), (1, 10)]
    assert ['"bib":"x"' in found[0].claimed, '"bib":"y"' in found[1].claimed] == [True, True]
    assert (await make.stored(database, session.token, session.account_id)).conflict_count == 2


async def test_the_session_knows_what_it_holds(database, session):
    async with make.running(database) as ingest:
        await ingest.write(
            make.submission(session, make.content(5, at=50), make.content(6, at=40), received_at=1)
        )
        await ingest.write(make.submission(session, make.content(7, at=60), received_at=2))
        last = await ingest.write(make.submission(session, make.content(5, at=50), received_at=3))
    now = await make.stored(database, session.token, session.account_id)
    assert (now.passing_count, now.conflict_count) == (3, 0)
    assert (now.first_passing_at, now.last_passing_at, now.last_received_at) == (40, 60, 3)
    assert now.last_position == (await rows_of(database, session))[-1].position < last.position


@pytest.mark.parametrize("which", ["closed", "unknown", "foreign"])
async def test_only_an_active_session_of_the_account_takes_passings(database, session, which):
    refused = make.submission(session, make.content(2))
    if which == "closed":
        async with database.transaction() as transaction:
            await sessions.close(transaction, session.id, 1)
    elif which == "unknown":
        refused = refused._replace(token="UNKNOWN")
    else:
        refused = refused._replace(account_id=(await make.account(database)).id)
    other = await make.session(database)
    async with make.writing(database) as writer:
        written = await writer.write([refused, make.submission(other, make.content(1)), refused])
        alone = await writer.write([refused])
    assert [written[0], written[2], *alone] == [None, None, None]
    assert make.outcome(written[1], 1) == ["inserted"]
    assert await rows_of(database, session) == []


async def test_a_refused_submission_takes_no_position(database, session):
    lost = make.submission(session, make.content(9))._replace(token="UNKNOWN")
    first = make.submission(session, make.content(1))
    second = make.submission(session, make.content(2))
    async with make.writing(database) as writer:
        written = await writer.write([lost, first, lost, second])
    assert [each and each.position for each in written] == [None, 1, None, 2]


@pytest.mark.parametrize("size", [1, 3, 4, 63, 64, 1023, 1024, 1025, 5000])
async def test_any_number_of_rows_goes_in_and_comes_out(database, session, size):
    rows = make.contents(*range(size))
    async with make.running(database) as ingest:
        written = await ingest.write(make.submission(session, *rows))
        again = await ingest.write(make.submission(session, *rows, make.content(size)))
    assert make.outcome(written, size) == ["inserted"] * size
    assert make.outcome(again, size + 1) == ["duplicate"] * size + ["inserted"]
    assert [row[5:] for row in await rows_of(database, session)] == [*rows, make.content(size)]


def test_coordinates_are_the_same_when_they_differ_by_less_than_can_be_measured():
    one = make.content(1, latitude=48.0, longitude=2.0)
    assert outcomes.same(one, one._replace(latitude=48.0 + 1e-10))
    assert not outcomes.same(one, one._replace(latitude=48.0 + 1e-8))
    assert not outcomes.same(one, one._replace(longitude=None))
