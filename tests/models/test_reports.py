"""The writer of telemetry: what is kept, what it makes of a device's state, whoever else writes beside it."""

import asyncio

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, given, settings

from models import devices, history, telemetry
from models.batches import Full
from models.history import Period
from models.keys import Owner
from models.reports import Reports, Submission
from models.telemetry import Content
from tests import factories as make

MINUTE = 60_000_000


def report(minute: int, **told) -> Content:
    return Content(make.NOON + minute * MINUTE, **told)


def sent(device, *reports, received_at=make.NOON, **more) -> Submission:
    fields = {"owner": Owner(device.account_id), "device_id": device.device_id} | more
    return Submission(fields["owner"], fields["device_id"], received_at, reports)


async def health(database, device):
    async with database.reading() as session:
        return (await telemetry.health_of(session, [device.id])).get(device.id)


async def stored(database, device):
    async with database.reading() as session:
        return await history.timed(session, device.id, Period(), limit=10_000)


@pytest.fixture
def touched():
    return []


@pytest.fixture
async def reports(database, touched):
    writer = Reports(database, touched.append, 10_000)
    writer.start()
    yield writer
    await writer.close()


@pytest.fixture
async def device(database):
    return await make.device(database)


async def test_everything_that_was_told_is_kept(database, reports, device):
    whole = report(
        0,
        status="timing",
        mode="START",
        battery_percentage=87.5,
        charging=False,
        voltage=12.1,
        temperature=-3.5,
        latitude=41.3879,
        longitude=2.16992,
        altitude=12.0,
        connectivity="CELLULAR",
        signal_strength=-71.0,
        reader_connected=True,
        antennas=4,
        firmware="2.4.1",
        passings_pending=2**40,
        clock_source="GPS",
        configuration='{"power":30}',
        extra="{}",
    )
    written = await reports.write(sent(device, whole, received_at=make.NOON + 5))
    assert (written.inserted, written.stale, written.duplicates) == (1, frozenset(), frozenset())
    (row,) = await stored(database, device)
    assert row == (device.id, whole.reported_at, make.NOON + 5, False, *whole[1:])
    assert (await health(database, device)).report == row


async def test_the_newest_report_is_the_state_and_the_mode_is_the_last_that_was_told(
    database, reports, device
):
    await reports.write(sent(device, report(1, mode="START", passings_pending=3), report(0, mode="IDLE")))
    await reports.write(sent(device, report(2, passings_pending=9), received_at=make.NOON + 9))
    state, newest = await health(database, device)
    assert (state.reported_at, state.received_at) == (make.NOON + 2 * MINUTE, make.NOON + 9)
    assert (state.mode, newest.mode) == ("START", None)
    assert (state.pending_before, newest.passings_pending) == (3, 9)


async def test_a_stale_report_is_kept_and_changes_nothing_but_the_sign_of_life(database, reports, device):
    await reports.write(sent(device, report(5, mode="START", battery_percentage=50.0)))
    before = await health(database, device)
    late = sent(device, report(3, mode="IDLE"), report(6), report(4), received_at=make.NOON + 9)
    written = await reports.write(late._replace(reports=(late.reports[0], late.reports[2])))
    assert (written.inserted, written.stale) == (2, {0, 1})
    after = await health(database, device)
    assert after.report == before.report
    kept = {"received_at": make.NOON + 9, "thinned_until": before.state.thinned_until}
    assert after.state == before.state._replace(**kept)
    assert [row.stale for row in await stored(database, device)] == [False, True, True]


async def test_stale_is_what_is_older_than_what_was_stored_before_the_call(database, reports, device):
    """What a device buffered while it was offline comes in any order, and none of it is late."""
    written = await reports.write(sent(device, *map(report, (5, 1, 3))))
    assert written.stale == frozenset()
    written = await reports.write(sent(device, *map(report, (4, 6, 2, 7))))
    assert written.stale == {0, 2}


async def test_the_first_report_of_an_instant_wins(database, reports, device):
    twice = sent(device, report(1, status="first"), report(1, status="second"), report(2))
    assert (await reports.write(twice)).duplicates == {1}
    again = await reports.write(sent(device, report(1, status="third"), report(2), report(0)))
    assert (again.inserted, again.duplicates, again.stale) == (1, {0, 1}, {2})
    assert [row.status for row in await stored(database, device)] == [None, "first", None]


async def test_calls_of_one_transaction_count_one_after_another(database, reports, device, touched):
    other = await make.device(database)
    answers = await asyncio.gather(
        reports.write(sent(device, report(3, mode="START"))),
        reports.write(sent(other, report(1))),
        reports.write(sent(device, report(2, mode="IDLE"), report(4, mode="TEST"))),
        reports.write(sent(device, report(3), report(2), report(1))),
    )
    assert reports.commits == 1
    assert [(each.inserted, set(each.stale), set(each.duplicates)) for each in answers] == [
        (1, set(), set()),
        (1, set(), set()),
        (2, {0}, set()),
        (1, {2}, {0, 1}),
    ]
    assert (await health(database, device)).state.mode == "TEST"
    assert touched == [{device.id: device.account_id, other.id: other.account_id}]


@pytest.mark.parametrize("whose", ["nobody", "another account", "another device", "unbound"])
async def test_who_may_not_report_is_told_so_and_nobody_beside(database, reports, device, touched, whose):
    other = await make.device(database, device.account_id, bound=whose != "unbound")
    wrong = {
        "nobody": sent(device, report(1), device_id="F" * 64),
        "another account": sent(other, report(1), owner=Owner(other.account_id + 1)),
        "another device": sent(other, report(1), owner=Owner(other.account_id, device.id)),
        "unbound": sent(other, report(1)),
    }[whose]
    refused, good = await asyncio.gather(
        reports.write(wrong),
        reports.write(sent(device, report(1), owner=Owner(device.account_id, device.id))),
    )
    assert refused is None and good.inserted == 1
    assert await stored(database, other) == [] and touched == [{device.id: device.account_id}]


async def test_a_repeated_report_is_a_sign_of_life(database, reports, device, touched):
    await reports.write(sent(device, report(1)))
    await reports.write(sent(device, report(1), received_at=make.NOON + 7))
    assert (await health(database, device)).state.received_at == make.NOON + 7
    assert len(touched) == 2


async def test_a_late_report_is_thinned_again(database, reports, device):
    await reports.write(sent(device, report(50)))
    async with database.transaction() as session:
        change = telemetry.STATES.update().values(thinned_until=make.NOON + 40 * MINUTE)
        await (await session.connection()).execute(change)
    await reports.write(sent(device, report(45)))
    assert (await health(database, device)).state.thinned_until == make.NOON + 40 * MINUTE
    await reports.write(sent(device, report(30), report(20), report(51)))
    assert (await health(database, device)).state.thinned_until == make.NOON + 20 * MINUTE


async def test_a_full_queue_refuses_and_closing_writes_what_waits(database, device):
    writer = Reports(database, lambda states: None, 3)
    waiting = [asyncio.create_task(writer.write(sent(device, report(n)))) for n in range(3)]
    await asyncio.sleep(0)
    with pytest.raises(Full):
        await writer.write(sent(device, report(9)))
    writer.start()
    await writer.close()
    assert [task.result().inserted for task in waiting] == [1, 1, 1]
    with pytest.raises(Full):
        await writer.write(sent(device, report(9)))


def naive(calls):
    """Newest instant, mode, pending before and of the newest, after calls one after another."""
    seen, newest, mode, pendings, outcomes = set(), None, None, [], []
    for call in calls:
        before, words = newest, ["duplicate"] * len(call)
        fresh = []
        for place, each in enumerate(call):
            if each.reported_at not in seen:
                seen.add(each.reported_at)
                late = before is not None and each.reported_at < before
                words[place] = "stale" if late else "inserted"
                fresh += [] if late else [each]
        for each in sorted(fresh, key=lambda each: each.reported_at):
            newest, mode = each.reported_at, each.mode or mode
            pendings.append(each.passings_pending)
        outcomes.append(words)
    return newest, mode, ([None, *pendings])[-2:], outcomes


LIKELY = st.builds(
    report,
    st.integers(-3, 6),
    mode=st.sampled_from([None, "IDLE", "START"]),
    passings_pending=st.none() | st.integers(0, 5),
)
CALLS = st.lists(st.lists(LIKELY, min_size=1, max_size=6), min_size=1, max_size=6)


@given(data=st.data())
@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
async def test_whatever_comes_in_whatever_transactions_is_as_if_one_after_another(database, reports, data):
    device, calls = await make.device(database), data.draw(CALLS)
    cut = data.draw(st.integers(0, len(calls)))
    answers = []
    for part in (calls[:cut], calls[cut:]):
        answers += await asyncio.gather(*(reports.write(sent(device, *call)) for call in part))
    newest, mode, pendings, outcomes = naive(calls)
    told = [
        [
            "duplicate" if place in each.duplicates else "stale" if place in each.stale else "inserted"
            for place in range(len(call))
        ]
        for call, each in zip(calls, answers, strict=True)
    ]
    assert told == outcomes
    state, row = await health(database, device)
    assert (row.reported_at, state.mode) == (newest, mode)
    assert [state.pending_before, row.passings_pending] == pendings


async def test_servers_that_write_beside_each_other_agree_on_the_newest(database, device):
    writers = [Reports(database, lambda states: None, 10_000) for _ in range(3)]
    for writer in writers:
        writer.start()
    calls = [[report(minute), report(minute + 200)] for minute in range(60)]
    answers = await asyncio.gather(
        *(writers[n % 3].write(sent(device, *call)) for n, call in enumerate(calls * 2))
    )
    for writer in writers:
        await writer.close()
    assert sum(each.inserted for each in answers) == len(await stored(database, device)) == 120
    state, row = await health(database, device)
    assert (state.reported_at, row.reported_at) == (make.NOON + 259 * MINUTE,) * 2


async def test_reports_and_an_unbinding_take_turns(database, reports, device):
    """Either a report is stored before the device is unbound, or it is refused."""
    owner = Owner(device.account_id)
    sending = [asyncio.create_task(reports.write(sent(device, report(n)))) for n in range(30)]
    await asyncio.sleep(0)
    async with database.transaction() as session:
        bound = await devices.by_device_id(session, owner, device.device_id, lock=True)
        bound.bound = False
        await devices.add(session, bound)
    before = len(await stored(database, device))
    answers = await asyncio.gather(*sending, reports.write(sent(device, report(99))))
    assert answers[-1] is None
    assert sum(each is not None for each in answers) == before == len(await stored(database, device))
