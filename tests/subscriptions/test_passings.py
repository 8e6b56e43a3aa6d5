"""The feed of passings: first what was missed, then what comes; no gap, no repeat, in order."""

import asyncio

import pytest

from models.passings import Filter
from resolvers import callers, passings
from resolvers.context import STRANGER, Caller
from resolvers.errors import Invalid, NotAllowed, Unidentified
from subscriptions import hub as hubs
from subscriptions import passings as feeds
from subscriptions.passings import AT_ONCE
from tests.subscriptions.conftest import until


async def test_from_the_beginning_comes_everything_then_what_follows(machine, follow):
    token = await machine.session()
    await machine.record(token, 1, 2, 3)
    follower = follow(after=0)
    assert await follower.has(3) == [1, 2, 3]
    await machine.record(token, 5)
    await machine.record(token, 4)
    assert await follower.has(5) == [1, 2, 3, 5, 4]
    assert follower.positions == sorted(follower.positions)


async def test_after_a_position_comes_what_is_behind_it(machine, follow):
    token = await machine.session()
    await machine.record(token, *range(10))
    first = follow(after=0)
    await first.has(10)
    later = follow(after=first.positions[6])
    assert await later.has(3) == [7, 8, 9]
    await machine.record(token, 10)
    assert await later.has(4) == [7, 8, 9, 10]


async def test_without_a_position_nothing_old_comes(machine, follow):
    token = await machine.session()
    await machine.record(token, *range(100))
    follower = follow(after=None)
    number = 100
    while not follower.numbers:  # the feed may not have begun yet
        await machine.record(token, number)
        number += 1
        await asyncio.sleep(0.01)
    for _ in range(5):
        await machine.record(token, number)
        number += 1
    await until(lambda: follower.numbers[-1] == number - 1)
    assert follower.numbers == list(range(follower.numbers[0], number))
    assert follower.numbers[0] >= 100


async def test_a_position_of_the_future_is_refused(machine):
    """It can only come from another database: whoever has it would wait for what never comes in order."""
    await machine.record(await machine.session(), *range(5))
    with pytest.raises(Invalid) as refused:
        await anext(feeds.feed(machine.ctx, Filter(), 8))
    assert refused.value.field == "after"
    assert machine.hub.listeners == 0


async def test_more_than_is_read_at_once_comes_whole_and_in_parts(machine, follow):
    token = await machine.session()
    total = 3 * AT_ONCE + 7
    await machine.record(token, *range(total))
    follower = follow(after=0)
    assert await follower.has(total) == list(range(total))
    assert [len(batch) for batch in follower.batches] == [AT_ONCE] * 3 + [7]


async def test_exactly_as_much_as_is_read_at_once_comes_once(machine, follow):
    token = await machine.session()
    await machine.record(token, *range(AT_ONCE))
    follower = follow(after=0)
    await follower.has(AT_ONCE)
    await machine.record(token, AT_ONCE)
    assert await follower.has(AT_ONCE + 1) == list(range(AT_ONCE + 1))


async def test_a_device_is_followed_across_its_sessions_and_a_session_alone(machine, follow):
    device = await machine.device()
    first = await machine.session(device)
    by_device = follow(which=await passings.which(machine.ctx, device_id=device))
    by_first = follow(which=await passings.which(machine.ctx, session_token=first))
    everything = follow()
    await machine.record(first, 1, 2)
    second = await machine.session(device)
    by_second = follow(which=await passings.which(machine.ctx, session_token=second, device_id=device))
    await machine.record(second, 3)
    elsewhere = await machine.session()
    await machine.record(elsewhere, 9)
    await machine.record(second, 4)
    assert await everything.has(5) == [1, 2, 3, 9, 4]
    assert await by_device.has(4) == [1, 2, 3, 4]
    assert await by_second.has(2) == [3, 4]
    await asyncio.sleep(0.1)
    assert by_first.numbers == [1, 2]
    assert (len(by_device.numbers), len(by_second.numbers)) == (4, 2)


async def test_a_session_of_another_device_is_an_empty_feed(machine, follow):
    token, device = await machine.session(), await machine.device()
    which = await passings.which(machine.ctx, session_token=token, device_id=device)
    follower = follow(which=which)
    await machine.record(token, 1)
    await asyncio.sleep(0.2)
    assert follower.numbers == []


async def test_only_the_doorbell_brings_a_passing_when_nobody_looks_by_the_clock(machine, follow, deaf_clock):
    token = await machine.session()
    followers = [follow() for _ in range(3)]
    await until(lambda: machine.hub.listeners == 3)
    for number in range(20):
        await machine.record(token, number)
        for follower in followers:
            assert await follower.has(number + 1) == list(range(number + 1))


async def test_only_the_slow_look_brings_a_passing_when_nobody_rings(machine, follow, monkeypatch):
    monkeypatch.setattr(hubs, "SLOW_LOOK", 0.1)
    await machine.hub.close()
    token = await machine.session()
    follower = follow()
    await until(lambda: machine.hub.listeners == 1)
    await machine.record(token, 1)
    assert await follower.has(1) == [1]


async def test_a_slow_listener_gets_everything_and_holds_up_nobody(machine, follow):
    token = await machine.session()
    slow, quick = follow(), follow()
    await machine.record(token, 0)
    await asyncio.gather(slow.has(1), quick.has(1))
    slow.gate.clear()
    for start in range(1, 2001, 100):
        await machine.record(token, *range(start, start + 100))
    assert await quick.has(2001) == list(range(2001))
    assert len(slow.numbers) <= 1 + AT_ONCE, "it reads once more before it finds its gate shut"
    slow.gate.set()
    assert await slow.has(2001) == list(range(2001))
    assert len(slow.batches) < 30


async def test_many_followers_see_many_writers_each_once_in_one_order(machine, follow):
    tokens = [await machine.session() for _ in range(4)]
    followers = [follow() for _ in range(20)]

    async def write(place: int, token: str) -> None:
        for step in range(25):
            await machine.record(token, *(place * 1000 + step * 4 + n for n in range(4)))

    await asyncio.gather(*(write(place, token) for place, token in enumerate(tokens)))
    seen = [await follower.has(400) for follower in followers]
    assert sorted(seen[0]) == [place * 1000 + n for place in range(4) for n in range(100)]
    assert all(each == seen[0] for each in seen)
    assert all(follower.positions == sorted(set(follower.positions)) for follower in followers)


async def test_another_accounts_passings_are_not_heard(machine, follow):
    other = await machine.newcomer()
    mine, theirs = await machine.session(), await machine.session(ctx=other)
    follower, follower_of_other = follow(), follow(ctx=other)
    await machine.record(theirs, 1, ctx=other)
    await machine.record(mine, 2)
    assert await follower.has(1) == [2] and await follower_of_other.has(1) == [1]
    await asyncio.sleep(0.1)
    assert (follower.numbers, follower_of_other.numbers) == ([2], [1])


async def test_a_repeat_is_not_told_again(machine, follow):
    token = await machine.session()
    follower = follow()
    await machine.record(token, 1, 2)
    await machine.record(token, 1, 2)
    await machine.record(token, 2, 3)
    assert await follower.has(3) == [1, 2, 3]
    await asyncio.sleep(0.1)
    assert follower.numbers == [1, 2, 3]


async def test_a_revoked_key_ends_the_feed(machine, follow, monkeypatch):
    monkeypatch.setattr(hubs, "SLOW_LOOK", 0.1)
    token = await machine.session()
    follower = follow()
    await machine.record(token, 1)
    await follower.has(1)
    await machine.revoke(machine.ctx)
    with pytest.raises(Unidentified):
        async with asyncio.timeout(5):
            await asyncio.shield(follower.task)
    assert machine.hub.listeners == 0
    follower.task = asyncio.create_task(asyncio.sleep(0))


async def test_a_key_that_another_process_revoked_ends_the_feed_soon(machine, follow, monkeypatch):
    monkeypatch.setattr(hubs, "SLOW_LOOK", 0.1)
    follower = follow()
    await until(lambda: machine.hub.listeners == 1)
    ours, machine.callers = machine.callers, callers.Callers(machine.database, "", machine.ctx.clock)
    await machine.revoke(machine.ctx)
    machine.callers = ours
    with pytest.raises(Unidentified):
        async with asyncio.timeout(callers.SECONDS_TRUSTED + 3):
            await asyncio.shield(follower.task)
    follower.task = asyncio.create_task(asyncio.sleep(0))


@pytest.mark.parametrize(
    ("caller", "refused"),
    [(STRANGER, Unidentified), (Caller(1, 1, scopes=frozenset({"devices:read"})), NotAllowed)],
)
async def test_a_feed_needs_the_right_of_the_query_that_it_goes_on_with(machine, caller, refused):
    ctx = machine.context_of(caller)
    with pytest.raises(refused):
        await anext(feeds.feed(ctx, Filter(session_row=1), 0))
    assert machine.hub.listeners == 0


async def test_a_feed_that_is_left_leaves_nothing_behind(machine, follow):
    followers = [follow() for _ in range(10)]
    await until(lambda: machine.hub.listeners == 10)
    for follower in followers:
        await follower.stop()
    assert machine.hub.listeners == 0
