"""The watch over missing numbers: what is lost rings, what is in flight does not."""

import pytest

from tests.resolvers.field import watched


@pytest.fixture
async def field(office, record):
    async with watched(office, record) as made:
        yield made


@pytest.fixture
async def each_field(office, record):
    """On SQLite, and then on PostgreSQL."""
    async with watched(office, record) as made:
        yield made


async def test_missing_numbers_ring_after_a_while(each_field):
    field, device = each_field, await each_field.device()
    token = await field.session(device)
    await field.send(token, 1, 2, 5)
    await field.look(device)
    for _ in range(30):
        assert await field.open(device) == {}
        field.clock.move(1)
        await field.look()
    (alarm,) = await field.history(device)
    assert (alarm.kind, alarm.detail) == ("MISSING_NUMBERS", "missing numbers: 2, passings: 3")
    await field.send(token, 3, 4)
    field.clock.move(5)
    await field.look(device)
    assert await field.open(device) == {}


async def test_numbers_in_flight_are_not_missing(field):
    """Ten a second, each pair the wrong way round and half a second apart: at every look some number is missing."""
    device = await field.device()
    token = await field.session(device)
    for second in range(90):
        first = second * 2 + 2
        await field.send(token, first + 1, first - 2 if second else 1)
        field.clock.move(1)
        await field.look(device)
    assert await field.history(device) == []


async def test_a_hole_in_a_running_session_is_found_beside_those_in_flight(field):
    device = await field.device()
    token = await field.session(device)
    for second in range(45):
        await field.send(token, *{second + 2, second + 1} - {10, 20})
        field.clock.move(1)
        await field.look(device)
    (alarm,) = await field.history(device)
    assert (alarm.kind, alarm.ended_at) == ("MISSING_NUMBERS", None)
    await field.send(token, 10, 20)
    for _ in range(20):
        field.clock.move(1)
        await field.look(device)
    assert await field.open(device) == {}


async def test_a_device_that_does_not_count_on_by_one_has_no_missing_numbers(field):
    device = await field.device()
    token = await field.session(device)
    await field.send(token, 1_000, 2_000, 3_000)
    field.clock.move(60)
    await field.watch.look(None)
    assert await field.history(device) == []


async def test_only_the_newest_session_counts(field):
    device = await field.device()
    await field.send(await field.session(device), 1, 9)
    field.clock.move(60)
    await field.look(device)
    assert await field.open(device) == {"MISSING_NUMBERS": "WARNING"}
    token = await field.session(device)
    await field.look(device)
    assert await field.open(device) == {}
    await field.send(token, 1, 3)
    await field.look(device)
    assert await field.open(device) == {}


async def test_what_was_known_of_the_session_before_does_not_count(field):
    """The first numbers of a new session would be old beside the highest one of the session before."""
    device = await field.device()
    token = await field.session(device)
    for number in range(1, 40):
        await field.send(token, number)
        await field.look(device)
        field.clock.move(1)
    await field.send(await field.session(device), 1, 2, 3, 4, 6, 7, 8)
    for _ in range(15):
        await field.look(device)
        field.clock.move(1)
    assert await field.history(device) == []


async def test_two_watches_agree_about_missing_numbers(field):
    """Whichever looks a little later does not end what the other began."""
    device = await field.device()
    token = await field.session(device)
    other = field.another_watch()
    for second in range(60):
        await field.send(token, *{second + 2, second + 1} - {10})
        await field.look(device)
        field.clock.move(0.5)
        if second > 3:
            await other.look([device.id])
        field.clock.move(0.5)
    assert len(await field.history(device)) == 1
