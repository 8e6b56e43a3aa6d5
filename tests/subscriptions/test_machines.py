"""Several machines on one database: what is done on one is heard on the others, with the bus at once and without
it by looking."""

import asyncio
import contextlib

import httpx
import pytest

from resolvers import callers, keys, leaderboards
from resolvers.errors import Unidentified
from subscriptions import fleets
from subscriptions import hub as hubs
from subscriptions import leaderboards as feeds
from tests.conftest import make_account, make_key_of
from tests.resolvers.day import Day
from tests.schema.machine import running
from tests.subscriptions.conftest import Follower, acquainted, until
from tests.subscriptions.fleet import Watcher as DeviceWatcher
from tests.subscriptions.fleet import heard
from tests.subscriptions.watching import Watcher
from timing.views import Which

pytestmark = pytest.mark.alone("postgresql", "an SQLite file has one serving process")


@pytest.fixture
async def two(url, bus):
    """Two machines, and the same caller's context on each."""
    async with running(url, bus.url) as one, running(url, bus.url) as other:
        other.ctx = other.context_of(one.ctx.caller)
        await until(lambda: one.hub.alive and other.hub.alive)
        await acquainted(one.hub, other.hub)
        yield one, other


@contextlib.asynccontextmanager
async def stopping(*followers):
    yield
    for each in followers:
        await each.stop()


async def test_passings_of_both_are_heard_on_both_in_the_same_order(two, deaf_clock):
    tokens = [await each.session() for each in two]
    followers = [Follower(each, 0) for each in two]
    async with stopping(*followers):
        for number in range(0, 40, 2):
            for place, machine in enumerate(two):
                await machine.record(tokens[place], number + place)
        heard = [await each.has(40) for each in followers]
    assert heard[0] == heard[1] and sorted(heard[0]) == list(range(40))


async def test_a_board_and_a_fleet_are_told_on_the_other_machine(two, deaf_clock, monkeypatch):
    monkeypatch.setattr(fleets, "SLOW_LOOK", 3600.0)
    one, other = two
    day = await Day(one.ctx).begin()
    await day.enter("1", "2")
    board = await leaderboards.of_race(other.ctx, day.race.id)
    watcher = Watcher(other.ctx, feeds.feed(other.ctx, board, Which(), 10))
    devices = DeviceWatcher(other.ctx, None, True)
    try:
        await until(lambda: watcher.updates and devices.told)
        count = len(devices.told)
        await day.see(2, 2000, "2")
        await watcher.shows("2", "1")
        name = await one.device()
        await until(lambda: name in devices.names)
        await heard(one, name, mode="START")
        await until(lambda: devices.names[count:].count(name) == 2)
    finally:
        watcher.task.cancel()
        await devices.stop()
        with contextlib.suppress(asyncio.CancelledError):
            await watcher.task


async def test_with_a_dead_bus_what_the_other_does_is_found_by_looking(two, bus, impatient, monkeypatch):
    monkeypatch.setattr(hubs, "LONE_LOOK", 0.2)
    one, other = two
    token = await one.session()
    follower, devices = Follower(other, 0), DeviceWatcher(other.ctx, None, False)
    async with stopping(follower, devices):
        bus.kill()
        await until(lambda: not (one.hub.alive or other.hub.alive))
        for number in range(5):
            await one.record(token, number)
            assert await follower.has(number + 1) == list(range(number + 1))
        name = await one.device()
        await until(lambda: name in devices.names)
        bus.start()
        await until(lambda: one.hub.alive and other.hub.alive)
        await one.record(token, 5)
        assert await follower.has(6) == list(range(6))
        assert not (follower.task.done() or devices.task.done())


async def test_the_bus_is_no_reason_to_look_more_often(two, monkeypatch):
    """The long patience is for a bus that is heard, the short one for a dead one."""
    assert two[0].hub.patience() == hubs.SLOW_LOOK
    await two[0].hub.close()
    two[0].hub._bus._lose()
    assert two[0].hub.patience() == hubs.LONE_LOOK


async def test_a_key_revoked_on_one_machine_is_refused_on_the_other(two):
    """The clock of the other stands still, so that nothing but the fact can make it ask again."""
    one, other = two
    standing = callers.Callers(other.database, "", lambda: 1_750_000_000_000_000)
    other.hub.on_keys = standing.forget_here
    row, key = await keys.create(one.ctx, keys.NewKey(access="READ"))
    assert (await standing.identify(key)).key_id == row.id
    await keys.revoke(one.ctx, row.id)
    async with asyncio.timeout(5):
        while standing.recognise(key) is not None:
            await asyncio.sleep(0.005)
    with pytest.raises(Unidentified):
        await standing.identify(key)


async def test_a_key_that_is_rotated_away_or_unbound_is_refused_on_the_other_too(two):
    one, other = two
    row, _ = await keys.create(one.ctx, keys.NewKey(access="READ"))
    told = []
    other.hub.on_keys = lambda: told.append(1)
    await keys.rotate(one.ctx, row.id, 0)
    await until(lambda: told)


async def test_what_a_revoked_key_follows_on_the_other_machine_ends(two, monkeypatch):
    one, other = two
    monkeypatch.setattr(hubs, "SLOW_LOOK", 0.2)
    row, key = await keys.create(one.ctx, keys.NewKey(access="READ"))
    ctx = other.context_of(await other.callers.identify(key))
    follower, devices = Follower(other, 0, ctx=ctx), DeviceWatcher(ctx, None, False)
    await until(lambda: other.hub.listeners)
    await keys.revoke(one.ctx, row.id)
    await until(lambda: follower.task.done() and devices.task.done())
    for task in (follower.task, devices.task):
        assert isinstance(task.exception(), Unidentified)


def test_a_server_refuses_at_once_what_was_revoked_at_another(make_server, bus, monkeypatch):
    """An answer about a key would be believed for an hour, so that only the fact can do it."""
    monkeypatch.setattr(callers, "TRUSTED", 3_600_000_000)
    one, other = make_server(broker_url=bus.url), make_server(broker_url=bus.url)
    account = make_account(one)
    boss, key = make_key_of(one, account), make_key_of(one, account)

    def status():
        return httpx.get(f"{other.url}/v0/devices", headers={"x-api-key": key}).status_code

    assert status() == 200
    query = "{viewer{apiKeys{id hint}}}"
    ask = {"headers": {"x-api-key": boss}}
    found = httpx.post(f"{one.url}/graphql", json={"query": query}, **ask).json()
    (id_,) = [each["id"] for each in found["data"]["viewer"]["apiKeys"] if key.endswith(each["hint"])]
    revoke = {"query": "mutation($id:ID!){revokeApiKey(id:$id){id}}", "variables": {"id": id_}}
    assert "errors" not in httpx.post(f"{one.url}/graphql", json=revoke, **ask).json()
    for _ in range(500):
        if status() == 403:
            return
    raise AssertionError("the other server still lets the key in")
