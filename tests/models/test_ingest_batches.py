"""Whatever is sent, in whatever pieces: the answers, the rows and the counters tell the same story."""

import asyncio

import hypothesis.strategies as st
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings

from models import passings
from models.passings import Conflict
from tests import factories as make

NUMBERS = st.one_of(st.integers(0, 6), st.integers(0, 2**63 - 1))
TEXTS = st.none() | st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=5)
DEGREES = st.none() | st.floats(-180, 180)
ROWS = st.builds(
    make.Content,
    number=NUMBERS,
    at=st.integers(0, 3),
    timestamp_text=st.sampled_from("TU"),
    time_zone=TEXTS,
    bib=st.sampled_from("12") | TEXTS,
    chip=TEXTS,
    latitude=DEGREES,
    longitude=DEGREES,
    participant=TEXTS,
    status=TEXTS,
    gender=TEXTS,
)
# Which of the sessions, and what for it. Few numbers and contents, so that repeats and conflicts are common.
LIKELY = st.builds(make.content, st.integers(0, 8), at=st.integers(0, 1), bib=st.sampled_from("12"))
CALLS = st.lists(
    st.tuples(st.integers(0, 3), st.lists(LIKELY | ROWS, min_size=1, max_size=12)), min_size=1, max_size=12
)
ANY = settings(
    max_examples=12,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


async def three_accounts(database):
    """Four sessions: two of one account, on two devices."""
    one = await make.account(database)
    first = [await make.session(database, await make.device(database, one.id)) for _ in range(2)]
    return [*first, await make.session(database), await make.session(database)]


async def rows_of(database, session):
    async with database.reading() as transaction:
        return await passings.arrived(transaction, session.id, 0, limit=10_000)


async def conflicts_of(database, session):
    async with database.reading() as transaction:
        query = sa.select(sa.func.count()).select_from(Conflict).where(Conflict.session_row == session.id)
        return (await (await transaction.connection()).execute(query)).scalar_one()


async def check(database, session, submissions, answers):
    """Of one session: its submissions in the order in which they were committed."""
    rows = await rows_of(database, session)
    words = [
        make.outcome(answer, len(sent.passings)) for sent, answer in zip(submissions, answers, strict=True)
    ]
    told = [
        (passing, word, answer.position + place)
        for sent, answer, outcome in zip(submissions, answers, words, strict=True)
        for place, (passing, word) in enumerate(zip(sent.passings, outcome, strict=True))
    ]
    assert sum(answer.inserted for answer in answers) == len(rows)
    assert [answer.inserted for answer in answers] == [outcome.count("inserted") for outcome in words]

    first = {}
    for passing, word, _ in told:
        if passing.number not in first:
            first[passing.number] = passing
            assert word == "inserted"
        else:
            assert word == ("duplicate" if make.outcomes.same(first[passing.number], passing) else "conflict")
    assert {row.number: row[5:] for row in rows} == first, "the first one wins"
    assert [(row.number, row.position) for row in rows] == [
        (passing.number, position) for passing, word, position in told if word == "inserted"
    ], "positions are the order of commit"

    now = await make.stored(database, session.token, session.account_id)
    times = [row.at for row in rows]
    assert now.passing_count == len(rows)
    assert (now.first_passing_at, now.last_passing_at) == (min(times, default=None), max(times, default=None))
    assert now.last_position == max((row.position for row in rows), default=0)
    claims = {passing._replace(timestamp_text="") for passing, word, _ in told if word == "conflict"}
    assert now.conflict_count == await conflicts_of(database, session) == len(claims)


@ANY
@given(CALLS)
async def test_the_answers_the_rows_and_the_counters_agree_call_by_call(database, calls):
    sessions = await three_accounts(database)
    sent = [make.submission(sessions[place], *rows) for place, rows in calls]
    async with make.running(database) as ingest:
        answers = [await ingest.write(each) for each in sent]
    await check_all(database, sessions, sent, answers)


@ANY
@given(CALLS)
async def test_the_answers_the_rows_and_the_counters_agree_within_one_transaction(database, calls):
    sessions = await three_accounts(database)
    sent = [make.submission(sessions[place], *rows) for place, rows in calls]
    async with make.writing(database) as writer:
        answers = await writer.write(sent)
    await check_all(database, sessions, sent, answers)


@ANY
@given(CALLS)
async def test_the_answers_the_rows_and_the_counters_agree_with_everybody_at_once(database, calls):
    sessions = await three_accounts(database)
    sent = [make.submission(sessions[place], *rows) for place, rows in calls]
    async with make.running(database) as ingest:
        answers = await asyncio.gather(*map(ingest.write, sent))
    assert ingest.inserted + ingest.repeated == sum(len(each.passings) for each in sent)
    await check_all(database, sessions, sent, answers)


async def check_all(database, sessions, sent, answers):
    for session in sessions:
        own = [pair for pair in zip(sent, answers, strict=True) if pair[0].token == session.token]
        in_order = sorted(own, key=lambda pair: pair[1].position)
        await check(database, session, [each[0] for each in in_order], [each[1] for each in in_order])
    for account_id in {session.account_id for session in sessions}:
        places = sorted(
            (answer.position, answer.position + len(each.passings))
            for each, answer in zip(sent, answers, strict=True)
            if each.account_id == account_id
        )
        assert all(one[1] <= other[0] for one, other in zip(places, places[1:], strict=False)), (
            "no place twice"
        )
