"""Keys that nobody believes yet: those who show them at the same time are looked up together."""

import asyncio
import secrets

import pytest

from models.database import Database
from resolvers import callers, keys
from resolvers.callers import AT_ONCE, Callers
from resolvers.errors import TooMany, Unidentified
from resolvers.keys import NewKey
from resolvers.limits import Limits, Places, Rate
from server.addresses import Addresses
from server.auth import Door

HERE, THERE = "192.0.2.1", "192.0.2.2"


class Watched(Database):
    """Counts how often it is read, answers when it is told to, and fails when it is told to."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.reads = 0
        self.broken = False
        self.go = asyncio.Event()
        self.go.set()

    async def rows(self, statement, *values):
        self.reads += 1
        await self.go.wait()
        if self.broken:
            raise OSError("the disk is gone")
        return await super().rows(statement, *values)


@pytest.fixture
async def watched(url):
    opened = Watched(url)
    yield opened
    await opened.close()


@pytest.fixture
def house(watched, clock):
    return Callers(watched, "secret", clock)


def wrong():
    return "ror-" + secrets.token_hex(10)


async def new_keys(ctx, count):
    return [(await keys.create(ctx, NewKey(access="READ")))[1] for _ in range(count)]


async def waiting_for(condition):
    async with asyncio.timeout(5):
        while not condition():
            await asyncio.sleep(0)


async def test_a_thousand_at_once_are_few_questions(house, watched, ctx):
    good = await new_keys(ctx, 5)
    shown = [*(wrong() for _ in range(2 * AT_ONCE)), *good, *good]
    found = await asyncio.gather(*map(house.identify, shown), return_exceptions=True)
    assert [str(each) for each in found[: 2 * AT_ONCE]] == ["unknown api key"] * 2 * AT_ONCE
    assert {each.account_id for each in found[2 * AT_ONCE :]} == {ctx.caller.account_id}
    assert watched.reads == 3


async def test_one_who_comes_during_a_flood_waits_for_two_questions_at_most(house, watched, ctx):
    (good,) = await new_keys(ctx, 1)
    watched.go.clear()
    flood = [asyncio.create_task(house.identify(wrong())) for _ in range(100)]
    await waiting_for(lambda: watched.reads)
    late = asyncio.create_task(house.identify(good))
    await asyncio.sleep(0)
    watched.go.set()
    assert (await late).account_id == ctx.caller.account_id
    assert watched.reads == 2
    await asyncio.gather(*flood, return_exceptions=True)


async def test_a_question_that_fails_fails_for_those_who_asked_and_no_others(house, watched, ctx):
    good, other = await new_keys(ctx, 2)
    watched.broken = True
    found = await asyncio.gather(*(house.identify(good) for _ in range(3)), return_exceptions=True)
    assert {type(each) for each in found} == {OSError}
    watched.broken = False
    assert (await house.identify(good)).account_id == ctx.caller.account_id
    assert (await house.identify(other)).account_id == ctx.caller.account_id


async def test_one_who_leaves_takes_nobody_along(house, watched, ctx):
    (good,) = await new_keys(ctx, 1)
    watched.go.clear()
    leaves, stays = (asyncio.create_task(house.identify(good)) for _ in range(2))
    await waiting_for(lambda: watched.reads)
    leaves.cancel()
    watched.go.set()
    assert (await stays).account_id == ctx.caller.account_id


async def test_wrong_keys_do_not_displace_good_ones(house, watched, ctx, monkeypatch):
    monkeypatch.setattr(callers, "MOST_CACHED", 10)
    (good,) = await new_keys(ctx, 1)
    await house.identify(good)
    await asyncio.gather(*(house.identify(wrong()) for _ in range(100)), return_exceptions=True)
    assert house.recognise(good) is not None
    assert len(house._wrong) <= 10


async def test_a_wrong_key_that_is_shown_again_is_known_to_be_wrong(house, watched, clock):
    shown = wrong()
    for _ in range(5):
        with pytest.raises(Unidentified):
            await house.identify(shown)
    assert watched.reads == 1 and house.recognise(shown) is None
    clock.move(2)
    with pytest.raises(Unidentified):
        await house.identify(shown)
    assert watched.reads == 2


async def test_who_goes_on_sending_is_looked_up_again_without_waiting(house, watched, ctx, clock):
    (good,) = await new_keys(ctx, 1)
    caller = await house.identify(good)
    for _ in range(10):
        clock.move(0.7)
        assert house.recognise(good) == caller
        await waiting_for(lambda: not house._asked)
    assert watched.reads == 11
    clock.move(0.4)
    assert house.recognise(good) == caller
    assert watched.reads == 11 and not house._asked, "it was looked up just now"
    (row,) = [row for row in await keys.page(ctx) if row.id == caller.key_id]
    await keys.revoke(ctx, row.id)
    clock.move(0.5)
    house.recognise(good)
    await waiting_for(lambda: not house._asked)
    assert house.recognise(good) is None, "what was found out does not wait for the second to be over"


async def test_so_many_of_an_address_wait_and_others_come_again(office, house, watched, ctx):
    (good,) = await new_keys(ctx, 1)
    none = Rate(0, 1)
    limits = Limits(lambda: 0.0, most=9, key=none, address=none, stranger=none, bad_key=none)
    nobody = office.context(ctx.caller)
    nobody.callers = house
    door = Door(nobody, None, None, None, limits, Addresses())  # type: ignore[arg-type]
    door.waiting = Places(2)
    watched.go.clear()
    flood = [asyncio.create_task(door.identify(wrong(), HERE)) for _ in range(2)]
    await waiting_for(lambda: watched.reads)
    with pytest.raises(TooMany):
        await door.identify(good, HERE)
    elsewhere = asyncio.create_task(door.identify(good, THERE))
    await asyncio.sleep(0)
    watched.go.set()
    assert (await elsewhere).account_id == ctx.caller.account_id
    await asyncio.gather(*flood, return_exceptions=True)
    assert door.waiting.total == 0


async def test_all_listeners_of_a_key_are_looked_up_together(ctx, watched, house, clock):
    (key,) = await new_keys(ctx, 1)
    caller = await house.identify(key)
    reads = watched.reads
    for seconds, expected in ((0, 1), (0, 1), (2, 2)):
        clock.move(seconds)
        await asyncio.gather(*(house.still(caller) for _ in range(200)))
        assert watched.reads == reads + expected
    clock.move(2)
    watched.broken = True
    failed = await asyncio.gather(*(house.still(caller) for _ in range(5)), return_exceptions=True)
    assert {type(each) for each in failed} == {OSError}
    watched.broken = False
    await house.still(caller)
