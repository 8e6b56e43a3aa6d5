"""Opening, closing and looking at sessions."""

import pytest

from resolvers import devices, sessions
from resolvers.devices import NewDevice
from resolvers.errors import Invalid, NotFound, SessionNotActive


@pytest.fixture
async def device(ctx):
    return (await devices.bind(ctx, NewDevice(model="M", serial_number="S1"))).device


async def test_a_session_is_opened_under_a_name_nobody_can_guess(ctx, device, clock):
    session = await sessions.open(ctx, device.device_id, "5K")
    assert (session.alias, session.created_at, session.closed_at) == ("5K", clock(), None)
    assert len(session.token) == 64 and session.token.isalnum()
    assert (await sessions.of_token(ctx, session.token)).id == session.id
    assert (await sessions.active_of(ctx, device.device_id)).id == session.id


async def test_opening_one_closes_the_one_before(ctx, device, clock):
    first = await sessions.open(ctx, device.device_id)
    clock.move(10)
    second = await sessions.open(ctx, device.device_id)
    assert (await sessions.of_token(ctx, first.token)).closed_at == clock()
    assert [each.id for each in await sessions.of_device(ctx, device.device_id)] == [first.id, second.id]
    assert (await sessions.active_of_rows(ctx, [device.id]))[device.id].id == second.id


async def test_a_session_of_another_device_stays_open(ctx, device):
    other = (await devices.bind(ctx, NewDevice(model="M", serial_number="S2"))).device
    first = await sessions.open(ctx, device.device_id)
    await sessions.open(ctx, other.device_id)
    assert (await sessions.of_token(ctx, first.token)).closed_at is None


async def test_closing_twice_keeps_the_first_end_and_nothing_comes_in(ctx, device, record, clock):
    session = await sessions.open(ctx, device.device_id)
    assert (await sessions.close(ctx, session.token)).closed_at == clock()
    clock.move(10)
    assert (await sessions.close(ctx, session.token)).closed_at == clock() - 10_000_000
    with pytest.raises(SessionNotActive, match="Session not found or closed"):
        await record(ctx, session.token, 1)
    with pytest.raises(NotFound):
        await sessions.active_of(ctx, device.device_id)


async def test_a_device_without_sessions_has_none_to_show(ctx, device):
    for asked in (sessions.of_device, sessions.active_of):
        with pytest.raises(NotFound, match="Sessions not found"):
            await asked(ctx, device.device_id)
    assert await sessions.pages(ctx, [device.id], 0, 9) == {device.id: ([], 0)}


@pytest.mark.parametrize("alias", ["x" * 129, "a\0", 5])
async def test_a_session_with_an_alias_that_cannot_be_kept_is_not_opened(ctx, device, alias):
    with pytest.raises(Invalid, match="alias"):
        await sessions.open(ctx, device.device_id, alias)


async def test_missing_numbers_are_listed_lowest_first_and_counted(ctx, device, record):
    session = await sessions.open(ctx, device.device_id)
    ids = [session.id]
    assert (await sessions.missing_counts(ctx, ids), await sessions.missing_numbers(ctx, ids, 9)) == ({}, {})
    await record(ctx, session.token, 3, 5, 9, 1_000_000)
    assert (await sessions.missing_counts(ctx, [session.id]))[session.id] == 1_000_000 - 3 + 1 - 4
    assert (await sessions.missing_numbers(ctx, ids, 5))[session.id] == [4, 6, 7, 8, 10]
    await record(ctx, session.token, 4)
    assert (await sessions.missing_numbers(ctx, ids, 2))[session.id] == [6, 7]


async def test_missing_numbers_reach_from_zero_to_the_highest_number(ctx, device, record):
    session = await sessions.open(ctx, device.device_id)
    await record(ctx, session.token, 0, 2**63 - 1)
    assert (await sessions.missing_counts(ctx, [session.id]))[session.id] == 2**63 - 2
    assert (await sessions.missing_numbers(ctx, [session.id], 3))[session.id] == [1, 2, 3]


async def test_conflicts_are_shown_oldest_first(ctx, device, record):
    session = await sessions.open(ctx, device.device_id)
    await record(ctx, session.token, 1, 2)
    await record(ctx, session.token, 2, bib="x")
    await record(ctx, session.token, 1, bib="y")
    assert [row.number for row in (await sessions.conflicts(ctx, [session.id], 9))[session.id]] == [2, 1]
    assert [row.number for row in (await sessions.conflicts(ctx, [session.id], 1))[session.id]] == [2]
