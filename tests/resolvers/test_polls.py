"""The polling cursor of scoring programs: nothing skipped, nothing twice."""

import pytest

from resolvers import devices, passings, polls, sessions
from resolvers.devices import NewDevice
from resolvers.errors import NotFound


@pytest.fixture
async def device(ctx):
    return (await devices.bind(ctx, NewDevice(model="M", serial_number="S1"))).device


@pytest.fixture
def ask(ctx, device):
    async def poll(**asked):
        answer = await polls.poll(ctx, device.device_id, **asked)
        return answer, [row.number for row in answer.passings]

    return poll


@pytest.fixture
async def three(ctx, device, record):
    """Sessions of the device: one with three passings, an empty one, one with two that start anew."""
    made = []
    for numbers in ((10, 30, 20), (), (1, 2)):
        made.append(await sessions.open(ctx, device.device_id))
        if numbers:
            await record(ctx, made[-1].token, *numbers)
    return made


async def test_a_device_without_a_session_has_nothing(ask):
    answer, numbers = await ask()
    assert (answer.session, answer.resumed_from, numbers, answer.cursor) == (None, 0, [], 0)
    answer, numbers = await ask(cursor=0)
    assert (answer.session, numbers, answer.cursor) == (None, [], 0)


async def test_without_a_session_it_is_the_newest(ask, three):
    answer, numbers = await ask()
    assert (answer.session.id, answer.resumed_from, numbers) == (three[2].id, 0, [1, 2])


async def test_behind_a_number_it_goes_on_in_the_same_session(ask, three):
    answer, numbers = await ask(token=three[0].token, last=10)
    assert (answer.session.id, answer.resumed_from, numbers) == (three[0].id, 10, [20, 30])


async def test_an_exhausted_session_jumps_over_an_empty_one_to_the_beginning_of_the_next(ask, three):
    answer, numbers = await ask(token=three[0].token, last=30)
    assert (answer.session.id, answer.resumed_from, numbers) == (three[2].id, 0, [1, 2])


async def test_the_newest_session_stays_when_it_is_exhausted(ask, three):
    answer, numbers = await ask(token=three[2].token, last=2)
    assert (answer.session.id, answer.resumed_from, numbers) == (three[2].id, 2, [])


@pytest.mark.parametrize("last", [-1, 0, 2**63 - 2])
async def test_any_number_can_be_asked_behind(ask, three, last):
    _, numbers = await ask(token=three[2].token, last=last)
    assert numbers == ([1, 2] if last < 1 else [])


async def test_a_late_passing_with_a_lower_number_reaches_those_who_use_the_cursor(ctx, ask, three, record):
    answer, _ = await ask(token=three[2].token, last=1)
    await record(ctx, three[2].token, 0)
    later, numbers = await ask(cursor=answer.cursor)
    assert numbers == [0]
    assert (await ask(token=three[2].token, last=2))[1] == [], "not those who ask by number"
    assert (await ask(cursor=later.cursor))[1] == []


async def test_the_cursor_walks_through_every_session_and_misses_nothing(
    ctx, ask, three, record, monkeypatch
):
    monkeypatch.setattr(polls, "MOST", 2)
    seen, cursor = [], 0
    for _ in range(20):
        answer, numbers = await ask(cursor=cursor)
        assert len(numbers) <= 2
        seen += [(answer.session.id, number) for number in numbers]
        if cursor == answer.cursor:
            break
        cursor = answer.cursor
    assert seen == [
        (three[0].id, 10),
        (three[0].id, 30),
        (three[0].id, 20),
        (three[2].id, 1),
        (three[2].id, 2),
    ]
    await record(ctx, three[2].token, 7)
    assert (await ask(cursor=cursor))[1] == [7]


async def test_a_page_by_number_gives_a_cursor_behind_which_all_that_it_left_out_lies(
    ask, three, monkeypatch
):
    monkeypatch.setattr(polls, "MOST", 2)
    answer, numbers = await ask(token=three[0].token)
    assert numbers == [10, 20]
    _, rest = await ask(cursor=answer.cursor)
    assert 30 in rest


async def test_a_time_span_narrows_what_is_given(ctx, ask, device, record):
    session = await sessions.open(ctx, device.device_id)
    await record(ctx, session.token, 1)
    await record(ctx, session.token, 2, timestamp="2026-06-01T13:00:00Z")
    at = (await passings.of_numbers(ctx, session.id, [2]))[2].at
    assert (await ask(between=(at, None)))[1] == [2]
    assert (await ask(between=(None, at - 1)))[1] == [1]
    assert (await ask(cursor=0, between=(at, at)))[1] == [2]
    assert (await ask(between=(at + 1, None)))[1] == []


async def test_pages_of_a_poll_by_number(ask, three, monkeypatch):
    monkeypatch.setattr(polls, "MOST", 2)
    assert (await ask(token=three[0].token, page=2))[1] == [30]
    assert (await ask(token=three[0].token, page=3))[1] == [], "a page behind the end does not jump"


async def test_only_a_session_of_this_device_can_be_asked_for(ctx, ask, device):
    far = (await devices.bind(ctx, NewDevice(model="M", serial_number="S2"))).device
    session = await sessions.open(ctx, far.device_id)
    for token in (session.token, "F" * 64, ""):
        with pytest.raises(NotFound, match="Session not found"):
            await ask(token=token)
    with pytest.raises(NotFound, match="Device not found"):
        await polls.poll(ctx, "F" * 64)
