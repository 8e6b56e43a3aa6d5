"""Followed devices: each change once, silence by the clock, one reading for all."""

import asyncio
from dataclasses import replace

import pytest

from resolvers import callers, devices, sessions
from resolvers.errors import Invalid, NotAllowed, NotFound, Unidentified
from subscriptions import fleets, hub
from tests.subscriptions.conftest import until
from tests.subscriptions.fleet import Watcher, alarmed, heard, row_of, touch

ALMOST = 149.6
"""Seconds after which a device is connected for a moment yet."""


@pytest.fixture
async def watch(machine):
    watchers = []

    async def start(*names, ctx=None, snapshot=False):
        """Returns when the fleet was read: what changes from now on is told."""
        before = following()
        watchers.append(Watcher(ctx or machine.ctx, list(names) or None, snapshot))
        await until(lambda: watchers[-1].task.done() or following() > before)
        await asyncio.sleep(0.01)
        return watchers[-1]

    def following():
        return sum(
            len(each.listeners._doorbells) for each in machine.fleets._fleets.values() if each._ready.is_set()
        )

    yield start
    for each in watchers:
        await each.stop()


@pytest.fixture
def no_slow_look(monkeypatch):
    """Nobody looks by the clock at what may have been lost: only rings and the timer of silence wake a fleet."""
    monkeypatch.setattr(fleets, "SLOW_LOOK", 3600.0)


async def nothing_more(watcher) -> None:
    """Several readings later there is still no more than before."""
    count = len(watcher.told)
    await asyncio.sleep(0.2)
    assert len(watcher.told) == count and not watcher.task.done()


async def test_a_report_is_told_once_with_all_that_is_known(machine, watch, no_slow_look):
    name = await machine.device()
    watcher = await watch()
    assert watcher.told == []
    await heard(machine, name, mode="START", battery_percentage=80.0)
    await watcher.has(1)
    (told,) = watcher.told
    assert told.sight.device.device_id == name and watcher.connected == [True]
    assert told.sight.health.state.mode == "START" and told.sight.health.report.battery_percentage == 80
    touch(machine, told.sight.device.id)
    await nothing_more(watcher)


async def test_a_device_that_falls_silent_is_told_by_the_clock_alone(machine, watch, no_slow_look):
    """Nothing is recorded, rung or asked after the beginning: only the timer can tell."""
    silent, other = await machine.device(), await machine.device()
    await heard(machine, silent, ALMOST)
    await heard(machine, other)
    watcher = await watch()
    await watcher.has(1)
    assert watcher.names == [silent] and watcher.connected == [False]
    assert watcher.told[0].at >= watcher.told[0].until
    await nothing_more(watcher)


async def test_passings_put_silence_off_and_are_no_news_of_a_connected_device(machine, watch, no_slow_look):
    name = await machine.device()
    token = await machine.session(name)
    await heard(machine, name, ALMOST)
    watcher = await watch()
    for number in range(3):
        await machine.record(token, number)
    await asyncio.sleep(150 - ALMOST + 0.2)
    assert watcher.told == []


async def test_passings_of_a_silent_device_connect_it(machine, watch, no_slow_look):
    name = await machine.device()
    token = await machine.session(name)
    await heard(machine, name, 200)
    watcher = await watch()
    await machine.record(token, 1)
    await watcher.has(1)
    assert watcher.connected == [True] and watcher.told[0].sight.counts.passings == 1
    await machine.record(token, 2)
    await nothing_more(watcher)


async def test_binding_and_sessions_and_alarms_are_told(machine, watch, no_slow_look):
    name = await machine.device()
    watcher = await watch()
    token = await machine.session(name)
    await watcher.has(1)
    assert watcher.told[-1].sight.active.token == token
    await sessions.close(machine.ctx, token)
    await watcher.has(2)
    assert watcher.told[-1].sight.active is None
    await alarmed(machine, name, "BATTERY")
    await watcher.has(3)
    assert [alarm.kind for alarm in watcher.told[-1].sight.alarms] == ["BATTERY"]
    await devices.unbind(machine.ctx, name)
    await watcher.has(4)
    assert watcher.told[-1].sight.device.bound is False
    new = await machine.device()
    await watcher.has(5)
    assert watcher.names[-1] == new


async def test_what_is_no_change_is_not_told(machine, watch, no_slow_look):
    """A report that is stale or repeated is a sign of life and nothing more."""
    name = await machine.device()
    await heard(machine, name, 10, told=False)
    watcher = await watch()
    for _ in range(3):
        touch(machine, await row_of(machine, name))
        await asyncio.sleep(0.06)
    assert watcher.told == []


async def test_some_devices_can_be_followed_alone(machine, watch, no_slow_look):
    one, other = await machine.device(), await machine.device()
    watcher = await watch(one)
    await heard(machine, other)
    await heard(machine, one)
    await watcher.has(1)
    await machine.device()
    await nothing_more(watcher)
    assert watcher.names == [one]


async def test_a_name_that_is_nobodys_or_anothers_is_not_found_and_told(machine, watch):
    mine, theirs = await machine.device(), await machine.device(await machine.newcomer())
    for name in ("F" * 64, theirs, "'", "ß\0"):
        watcher = await watch(mine, name)
        with pytest.raises(NotFound) as caught:
            await watcher.task
        assert name == caught.value.name
    watcher = Watcher(machine.ctx, [], False)
    with pytest.raises(Invalid):
        await watcher.task


async def test_another_account_hears_nothing(machine, watch, no_slow_look):
    name, other = await machine.device(), await machine.newcomer()
    mine, theirs = await watch(), await watch(ctx=other)
    await heard(machine, name)
    await mine.has(1)
    await nothing_more(theirs)
    assert theirs.told == [] and (await watch(ctx=other, snapshot=True)).told == []


async def test_who_may_not_read_devices_hears_nothing(machine, watch):
    blind = replace(machine.ctx.caller, scopes=frozenset({"passings:read"}))
    watcher = await watch(ctx=machine.context_of(blind))
    with pytest.raises(NotAllowed):
        await watcher.task
    with pytest.raises(Unidentified):
        await (await watch(ctx=machine.context_of(callers.context.STRANGER))).task


async def test_a_key_of_one_device_hears_of_that_one(machine, watch, no_slow_look):
    one, other = await machine.device(), await machine.device()
    ctx = machine.context_of(replace(machine.ctx.caller, device_row=await row_of(machine, one)))
    watcher = await watch(ctx=ctx, snapshot=True)
    await watcher.has(1)
    await heard(machine, other)
    await heard(machine, one)
    await watcher.has(2)
    await nothing_more(watcher)
    assert watcher.names == [one, one]
    named = await watch(other, ctx=ctx)
    with pytest.raises(NotFound):
        await named.task


async def test_a_snapshot_comes_first_if_it_is_asked_for(machine, watch, no_slow_look):
    names = [await machine.device() for _ in range(3)]
    watcher = await watch(snapshot=True)
    await watcher.has(3)
    assert watcher.names == names
    await heard(machine, names[1])
    await watcher.has(4)
    assert (await watch(snapshot=True)).names == [names[0], names[2], names[1]]


async def test_who_reads_slowly_gets_each_device_once_as_it_is_by_then(machine, watch, no_slow_look):
    one, other = await machine.device(), await machine.device()
    slow, quick = await watch(), await watch()
    slow.gate.clear()
    for turn in range(4):
        await heard(machine, one, battery_percentage=float(turn))
        await quick.has(turn + 1)
    await slow.has(1)
    await heard(machine, other)
    await quick.has(5)
    slow.gate.set()
    await slow.has(3)
    assert slow.names == [one, one, other]
    assert slow.told[1].sight.health.report.battery_percentage == 3
    await nothing_more(slow)


async def test_a_lost_fact_is_found_by_the_slow_look(machine, watch, monkeypatch):
    monkeypatch.setattr(fleets, "SLOW_LOOK", 0.1)
    name = await machine.device()
    watcher = await watch()
    await heard(machine, name, told=False)
    await watcher.has(1)


async def test_while_the_bus_is_not_heard_a_fleet_is_read_more_often(
    machine, watch, no_slow_look, monkeypatch
):
    monkeypatch.setattr(fleets, "LONE_LOOK", 0.05)
    name = await machine.device()
    watcher = await watch()
    await heard(machine, name, told=False)
    await nothing_more(watcher)
    await machine.hub.close()
    await watcher.has(1)
    await heard(machine, name, told=False, mode="START")
    await watcher.has(2)


async def test_a_bus_that_was_lost_has_everything_read_anew(machine, watch, no_slow_look):
    name = await machine.device()
    watcher = await watch()
    await nothing_more(watcher)
    await heard(machine, name, told=False)
    await nothing_more(watcher)
    machine.hub._ring_all()
    await watcher.has(1)


async def test_a_reading_that_fails_loses_nothing(machine, watch, no_slow_look, caplog):
    name = await machine.device()
    watcher = await watch()
    read, machine.fleets.read = machine.fleets.read, None
    await heard(machine, name)
    await until(lambda: "a fleet could not be read" in caplog.text)
    assert watcher.told == []
    machine.fleets.read = read
    await watcher.has(1)


async def test_a_revoked_key_hears_no_more(machine, watch, monkeypatch):
    monkeypatch.setattr(hub, "SLOW_LOOK", 0.1)
    watcher = await watch()
    await machine.revoke(machine.ctx)
    with pytest.raises(Unidentified):
        await watcher.task


async def test_all_followers_of_an_account_share_one_reading_and_the_last_one_ends_it(machine, watch):
    watchers = [await watch() for _ in range(20)]
    (fleet,) = machine.fleets._fleets.values()
    await machine.device()
    for watcher in watchers:
        await watcher.has(1)
        assert watcher.told[0] is watchers[0].told[0]
        assert not fleet._task.done()
        await watcher.stop()
    await until(fleet._task.done)
    assert not machine.fleets._fleets and not machine.hub._touches


async def test_a_reading_is_the_same_few_statements_for_any_number_of_devices(machine):
    told = []
    for count in (1, 60):
        for _ in range(count):
            await machine.device()

        async def read():
            async for _ in machine.fleets.read(machine.ctx.caller.account, None):
                pass

        told.append(await machine.counted(read()))
    assert told[0] == told[1] <= 6
