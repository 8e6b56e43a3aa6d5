"""Every way to ask for passings."""

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from models import numbers as numbered
from models import passings as rows
from models import streams, tail
from models.keys import Owner
from models.passings import Filter
from tests import factories as make

END = 1_000
ANY = settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


class Race:
    """Two sessions of one device, one of another device, and a stranger's. Nothing is in order."""

    def __init__(self, database):
        self.database = database

    async def begin(self):
        self.device = await make.device(self.database)
        self.account_id = self.device.account_id
        self.owner = Owner(self.account_id)
        self.one = await make.session(self.database, self.device, closed_at=None)
        async with make.running(self.database) as ingest:
            await self.send(ingest, self.one, (30, 1), (10, 5), (20, 3), (12, 4), (40, 2))
            async with self.database.transaction() as session:
                await make.sessions.close(session, self.one.id, 1)
            self.two = await make.session(self.database, self.device)
            self.far = await make.session(self.database, await make.device(self.database, self.account_id))
            self.strange = await make.session(self.database)
            await self.send(ingest, self.two, (1, 3), (2, 9))
            await self.send(ingest, self.far, (10, 3), (11, 7))
            await self.send(ingest, self.strange, (10, 3))
            await self.send(ingest, self.two, (3, 0))
        return self

    async def send(self, ingest, session, *numbers_and_times):
        passings = [
            make.content(number, at=at, bib=str(number % 3), chip=f"C{at % 2}")
            for number, at in numbers_and_times
        ]
        await ingest.write(make.submission(session, *passings))

    async def ask(self, query, *values, **more):
        async with self.database.reading() as session:
            return await query(session, *values, **more)


@pytest.fixture
async def race(database):
    return await Race(database).begin()


def numbers(found):
    return [row.number for row in found]


async def test_by_number_both_ends_are_included(race):
    assert numbers(await race.ask(rows.numbered, race.one.id, limit=9)) == [10, 12, 20, 30, 40]
    assert numbers(await race.ask(rows.numbered, race.one.id, first=12, last=30, limit=9)) == [12, 20, 30]
    assert numbers(await race.ask(rows.numbered, race.one.id, first=41, limit=9)) == []
    assert numbers(await race.ask(rows.numbered, race.one.id, between=(2, 3), limit=9)) == [20, 40]
    assert numbers(await race.ask(rows.numbered, race.one.id, offset=1, limit=2)) == [12, 20]


async def test_by_arrival_behind_a_position(race):
    assert numbers(await race.ask(rows.arrived, race.one.id, 0, limit=9)) == [30, 10, 20, 12, 40]
    assert numbers(await race.ask(rows.arrived, race.one.id, 2, limit=2)) == [20, 12]
    assert numbers(await race.ask(rows.arrived, race.one.id, 0, between=(4, None), limit=9)) == [10, 12]
    assert numbers(await race.ask(rows.arrived, race.one.id, 0, offset=3, limit=9)) == [12, 40]


async def test_by_time_across_the_sessions_of_a_device_and_by_arrival_within_an_instant(race):
    ask = rows.timed
    assert numbers(await race.ask(ask, race.device.id, limit=99)) == [3, 30, 40, 20, 1, 12, 10, 2]
    assert numbers(await race.ask(ask, race.device.id, between=(2, 4), limit=99)) == [40, 20, 1, 12]
    assert numbers(await race.ask(ask, race.device.id, between=(4, None), limit=1)) == [12]
    assert numbers(await race.ask(ask, race.device.id, offset=6, limit=99)) == [10, 2]


FILTERS = [
    (lambda race: Filter(), [30, 10, 20, 12, 40, 1, 2, 10, 11, 3]),
    (lambda race: Filter(session_row=race.one.id), [30, 10, 20, 12, 40]),
    (lambda race: Filter(device_row=race.device.id), [30, 10, 20, 12, 40, 1, 2, 3]),
    (lambda race: Filter(session_row=race.two.id, device_row=race.device.id), [1, 2, 3]),
    (lambda race: Filter(session_row=race.far.id, device_row=race.device.id), []),
    (lambda race: Filter(bib="0"), [30, 12, 3]),
    (lambda race: Filter(chip="C0"), [12, 40, 3]),
    (lambda race: Filter(bib="0", chip="C0"), [12, 3]),
    (lambda race: Filter(from_number=12), [30, 20, 12, 40]),
    (lambda race: Filter(to_number=10), [10, 1, 2, 10, 3]),
    (lambda race: Filter(from_number=10, to_number=12), [10, 12, 10, 11]),
    (lambda race: Filter(from_=3), [10, 20, 12, 1, 2, 10, 11]),
    (lambda race: Filter(to=0), [3]),
    (lambda race: Filter(from_=3, to=3), [20, 1, 10]),
    (lambda race: Filter(session_row=race.one.id, from_=2, to=4, from_number=20, bib="1"), [40]),
]


@pytest.mark.parametrize("place", range(len(FILTERS)))
async def test_a_filter_means_the_same_forwards_backwards_and_counted(race, place):
    make_filter, wanted = FILTERS[place]
    which = make_filter(race)
    assert numbers(await race.ask(streams.after, race.owner, which, 0, 99)) == wanted
    assert numbers(await race.ask(streams.before, race.owner, which, END, 99)) == wanted
    assert await race.ask(streams.count, race.owner, which) == len(wanted)
    assert numbers(await race.ask(streams.after, race.owner, which, 0, 2)) == wanted[:2]
    assert numbers(await race.ask(streams.before, race.owner, which, END, 2)) == wanted[-2:]


async def test_pages_by_position_meet_without_a_gap_or_a_repeat(race):
    forwards, position = [], 0
    while page := await race.ask(streams.after, race.owner, Filter(), position, 3):
        forwards += page
        position = page[-1].position
    backwards, position = [], END
    while page := await race.ask(streams.before, race.owner, Filter(), position, 3):
        backwards = page + backwards
        position = page[0].position
    assert forwards == backwards and len(forwards) == 10


async def test_the_owner_of_one_device_reaches_its_passings_alone(race):
    one = race.owner._replace(device_row=race.far.device_row)
    for which, wanted in (
        (Filter(), [10, 11]),
        (Filter(session_row=race.far.id), [10, 11]),
        (Filter(bib="1"), [10]),
        (Filter(session_row=race.one.id), []),
        (Filter(device_row=race.device.id), []),
    ):
        assert numbers(await race.ask(streams.after, one, which, 0, 99)) == wanted
        assert numbers(await race.ask(streams.before, one, which, END, 99)) == wanted
        assert await race.ask(streams.count, one, which) == len(wanted)
        assert numbers((await tail.after(race.database, one, which, 0, 99))[0]) == wanted
    positions = [row.position for row in await race.ask(streams.after, race.owner, Filter(), 0, 99)]
    found = [await race.ask(rows.by_position, one, position) for position in positions]
    assert [row.number for row in found if row is not None] == [10, 11]


async def test_one_passing_by_its_position_only_for_its_account(race):
    found = await race.ask(rows.by_position, race.owner, 2)
    assert (found.number, found.position) == (10, 2)
    assert await race.ask(rows.by_position, Owner(race.strange.account_id), 2) is None


async def test_passings_by_their_numbers(race):
    found = await race.ask(rows.by_numbers, race.one.id, [10, 40, 41])
    assert sorted(numbers(found)) == [10, 40]
    assert await race.ask(rows.by_numbers, race.one.id, []) == []


async def test_the_earliest_place_of_a_higher_number(race):
    assert await race.ask(rows.first_position_above, race.one.id, 10) == 1
    assert await race.ask(rows.first_position_above, race.one.id, 30) == 5
    assert await race.ask(rows.first_position_above, race.one.id, 40) is None


async def test_what_is_missing_lies_between_the_lowest_and_the_highest(race):
    ids = [race.one.id, race.two.id, race.far.id]
    found = await race.ask(numbered.gaps, ids, 99)
    assert found[race.one.id] == [(11, 11), (13, 19), (21, 29), (31, 39)] and race.two.id not in found
    assert (await race.ask(numbered.gaps, ids, 2))[race.one.id] == [(11, 11), (13, 19)]
    spans = await race.ask(numbered.spans, ids)
    assert (spans[race.one.id], spans[race.far.id]) == ((10, 40), (10, 11))


async def test_an_empty_session_has_neither_span_nor_gaps(database):
    session = await make.session(database)
    async with database.reading() as transaction:
        assert await numbered.spans(transaction, [session.id]) == {}
        assert await numbered.gaps(transaction, [session.id], 9) == {}


@ANY
@example({2**63 - 1})
@given(st.sets(st.integers(0, 40) | st.integers(2**63 - 9, 2**63 - 1), min_size=1, max_size=30))
async def test_the_gaps_and_the_numbers_together_leave_nothing_out(database, given_numbers):
    session = await make.session(database)
    async with make.running(database) as ingest:
        await ingest.write(make.submission(session, *(make.content(n, at=0) for n in given_numbers)))
    async with database.reading() as transaction:
        gaps = (await numbered.gaps(transaction, [session.id], 99)).get(session.id, [])
        low, high = (await numbered.spans(transaction, [session.id]))[session.id]
    covered = sorted([*((n, n) for n in given_numbers), *gaps])
    assert (covered[0][0], covered[-1][1]) == (low, high) == (min(given_numbers), max(given_numbers))
    assert all(one[1] + 1 == other[0] for one, other in zip(covered, covered[1:], strict=False))


async def test_reading_throws_away_what_it_changes_and_a_failed_transaction_leaves_nothing(database):
    session = await make.session(database)
    async with database.reading() as transaction:
        await make.sessions.close(transaction, session.id, 1)
    with pytest.raises(RuntimeError):
        async with database.transaction() as transaction:
            await make.sessions.close(transaction, session.id, 1)
            raise RuntimeError
    assert (await make.stored(database, session.token, session.account_id)).closed_at is None
    await database.ping()


async def test_a_reader_keeps_its_view_while_others_write(race):
    async with race.database.reading() as session:
        before = await streams.count(session, race.owner, Filter())
        async with make.running(race.database) as ingest:
            await race.send(ingest, race.two, (77, 7))
        assert await streams.count(session, race.owner, Filter()) == before
    assert await race.ask(streams.count, race.owner, Filter()) == before + 1
