"""Old telemetry: what is left of it, and that a late report is thinned as well."""

from functools import partial

import pytest

from models import history, telemetry, thinning
from models.history import Period
from models.keys import Owner
from models.reports import Reports, Submission
from models.telemetry import Content
from tests import factories as make

SECOND = 1_000_000
SPAN = 60 * SECOND


def at(seconds: int) -> Content:
    return Content(seconds * SECOND)


@pytest.fixture
async def reports(database):
    writer = Reports(database, lambda states: None, 100_000)
    writer.start()
    yield writer
    await writer.close()


@pytest.fixture
def hand_in(reports):
    async def send(device, *seconds):
        owner = Owner(device.account_id)
        await reports.write(Submission(owner, device.device_id, 0, [at(each) for each in seconds]))

    return send


async def left(database, device):
    async with database.reading() as session:
        rows = await history.timed(session, device.id, Period(), limit=100_000)
    return [row.reported_at // SECOND for row in rows][::-1]


async def thin(database, horizon):
    """How many transactions it takes."""
    count = 0
    while await database.transact(partial(thinning.thin, horizon * SECOND, SPAN)):
        count += 1
        assert count < 1000, "it does not end"
    return count


async def test_of_each_span_the_last_report_stays(database, hand_in):
    device, other = [await make.device(database) for _ in range(2)]
    await hand_in(device, 0, 10, 59, 60, 61, 130, 240, 250, 299)
    await hand_in(other, 5, 6)
    await thin(database, 240)
    assert await left(database, device) == [59, 61, 130, 240, 250, 299]
    assert await left(database, other) == [6]


async def test_the_newest_report_of_a_device_stays_however_old(database, hand_in):
    device = await make.device(database)
    await hand_in(device, 1, 2)
    await thin(database, 6_000_000)
    assert await left(database, device) == [2]
    async with database.reading() as session:
        assert (await telemetry.health_of(session, [device.id]))[device.id].report.reported_at == 2 * SECOND


async def test_what_is_thinned_is_not_looked_at_again_but_for_a_late_report(database, hand_in):
    device = await make.device(database)
    await hand_in(device, *range(0, 600, 10))
    assert await thin(database, 300) == 1
    assert await thin(database, 300) == 0
    await hand_in(device, 125, 185, 301)
    assert await thin(database, 300) == 1
    assert await left(database, device) == [50, 110, 170, 230, 290, 300, 301, *range(310, 600, 10)]


async def test_many_devices_and_many_reports_take_many_small_transactions(database, hand_in):
    devices = [await make.device(database) for _ in range(thinning.DEVICES + 1)]
    for device in devices[1:]:
        await hand_in(device, 1, 2)
    long = 4 * thinning.REPORTS_EACH
    await hand_in(devices[0], *range(long))
    assert await thin(database, long) >= 4
    assert await left(database, devices[0]) == [*range(59, long, 60)] + ([long - 1] if long % 60 else [])
    for device in devices[1:]:
        assert await left(database, device) == [2]


async def test_more_reports_in_one_span_than_are_looked_at_at_once(database, reports):
    device = await make.device(database)
    close = [Content(number * SECOND // 100) for number in range(3 * thinning.REPORTS_EACH)]
    await reports.write(Submission(Owner(device.account_id), device.device_id, 0, close))
    await thin(database, 60)
    assert await left(database, device) == [close[-1].reported_at // SECOND]
