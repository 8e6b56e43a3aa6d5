"""Pages and buckets of telemetry, on both databases, beside the same in plain Python."""

from itertools import groupby

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, given, settings

from models import history
from models.history import QUANTITIES, Period
from models.keys import Owner
from models.reports import Reports, Submission
from models.telemetry import Content
from tests import factories as make

SECOND = 1_000_000


@pytest.fixture
async def account(database):
    return await make.account(database)


@pytest.fixture
def hand_in(database):
    async def send(device, *reports):
        writer = Reports(database, lambda states: None, 100_000)
        writer.start()
        await writer.write(Submission(Owner(device.account_id), device.device_id, 0, reports))
        await writer.close()

    return send


def at(seconds: int, **told) -> Content:
    return Content(seconds * SECOND, **told)


async def pages(database, account, devices, period=Period(), **how):  # noqa: B008  immutable
    async with database.reading() as session:
        found = await history.pages(session, Owner(account.id), [each.id for each in devices], period, **how)
    return {row: [each.reported_at // SECOND for each in reports] for row, reports in found.items()}


async def buckets(database, account, devices, width, period=Period(), **how):  # noqa: B008
    async with database.reading() as session:
        rows = [each.id for each in devices]
        return await history.buckets(session, Owner(account.id), rows, period, width * SECOND, **how)


async def test_each_device_has_a_page_of_its_own(database, account, hand_in):
    one, two, silent = [await make.device(database, account.id) for _ in range(3)]
    await hand_in(one, *map(at, (1, 2, 3, 4, 5)))
    await hand_in(two, *map(at, (3, 4)))
    both = one, two, silent
    assert await pages(database, account, both, limit=3) == {one.id: [1, 2, 3], two.id: [3, 4]}
    assert await pages(database, account, both, limit=3, from_end=True) == {one.id: [3, 4, 5], two.id: [3, 4]}
    period = Period(2 * SECOND, 4 * SECOND)
    assert await pages(database, account, both, period, limit=2) == {one.id: [2, 3], two.id: [3, 4]}
    assert await pages(database, account, both, period, limit=2, from_end=True) == {
        one.id: [3, 4],
        two.id: [3, 4],
    }
    assert await pages(database, account, [], limit=2) == {}


async def test_a_page_is_the_owners(database, account, hand_in):
    mine, beside = [await make.device(database, account.id) for _ in range(2)]
    foreign = await make.device(database)
    for device in (mine, beside, foreign):
        await hand_in(device, at(1))
    rows = [mine.id, beside.id, foreign.id]
    async with database.reading() as session:
        for owner, seen in (
            (Owner(account.id), {mine.id, beside.id}),
            (Owner(account.id, mine.id), {mine.id}),
        ):
            assert set(await history.pages(session, owner, rows, Period(), limit=9)) == seen
            assert set(await history.buckets(session, owner, rows, Period(), SECOND, limit=9)) == seen
            assert set(await history.counts(session, owner, rows, Period())) == seen


async def test_a_bucket_sums_up_what_was_told(database, account, hand_in):
    device = await make.device(database, account.id)
    await hand_in(
        device,
        at(60, battery_percentage=80.0, voltage=12.5, passings_pending=2**40),
        at(70, battery_percentage=None, passings_pending=1),
        at(119, battery_percentage=70.0, status="newest"),
        at(120, battery_percentage=60.0),
        at(300),
    )
    first, second, third = (await buckets(database, account, [device], 60, limit=9))[device.id]
    assert (first.from_, first.to, first.report_count) == (60 * SECOND, 120 * SECOND, 3)
    assert first.spreads["battery_percentage"] == (70.0, 80.0, 75.0, 70.0)
    assert first.spreads["voltage"] == (12.5, 12.5, 12.5, 12.5)
    assert first.spreads["passings_pending"] == (1, 2**40, (2**40 + 1) / 2, 1)
    assert first.spreads["temperature"] == (None, None, None, None)
    assert (first.newest.reported_at, first.newest.status) == (119 * SECOND, "newest")
    assert (second.report_count, second.spreads["battery_percentage"].last) == (1, 60.0)
    assert (third.from_, third.report_count) == (300 * SECOND, 1)


async def test_buckets_begin_at_multiples_of_their_width_also_before_1970(database, account, hand_in):
    device = await make.device(database, account.id)
    await hand_in(device, *map(at, (-61, -60, -1, 0, 59, 60)))
    found = (await buckets(database, account, [device], 60, limit=9))[device.id]
    assert [(each.from_ // SECOND, each.report_count) for each in found] == [
        (-120, 1),
        (-60, 2),
        (0, 2),
        (60, 1),
    ]


QUANTITY = st.none() | st.integers(-5, 5).map(float)
REPORTS = st.lists(
    st.builds(
        at,
        st.integers(-20, 40),
        battery_percentage=QUANTITY,
        signal_strength=QUANTITY,
        passings_pending=st.none() | st.integers(0, 9),
    ),
    min_size=1,
    max_size=20,
    unique_by=lambda each: each.reported_at,
)


def expected(reports, width):
    """Start, reports and spreads of each bucket."""

    def start(each):
        return each.reported_at // SECOND // width * width

    for begins, found in groupby(sorted(reports), start):
        inside = list(found)
        spreads = []
        for name in QUANTITIES:
            told = [value for each in inside if (value := getattr(each, name)) is not None]
            spreads.append((min(told), max(told), sum(told) / len(told), told[-1]) if told else (None,) * 4)
        yield begins, len(inside), spreads


@given(data=st.data(), width=st.integers(1, 25), limit=st.integers(1, 9), from_end=st.booleans())
@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
async def test_buckets_are_what_plain_python_makes_of_the_reports(
    database, account, hand_in, data, width, limit, from_end
):
    device, reports = await make.device(database, account.id), data.draw(REPORTS)
    low, high = sorted(data.draw(st.tuples(st.integers(-20, 40), st.integers(-20, 40))))
    await hand_in(device, *reports)
    inside = [each for each in reports if low * SECOND <= each.reported_at <= high * SECOND]
    period, every = Period(low * SECOND, high * SECOND), list(expected(inside, width))
    found = await buckets(database, account, [device], width, period, limit=limit, from_end=from_end)
    shown = every[-limit:] if from_end else every[:limit]
    told = [
        (each.from_ // SECOND, each.report_count, [each.spreads[name] for name in QUANTITIES])
        for each in found[device.id]
    ]
    assert told == [
        (begins, count, [pytest.approx(each) for each in spreads]) for begins, count, spreads in shown
    ]
    async with database.reading() as session:
        counts = await history.counts(session, Owner(account.id), [device.id], period, width * SECOND)
    assert counts.get(device.id, 0) == len(every)
