"""The hub over a real Valkey: several processes, and a bus that dies and comes back."""

import asyncio
import signal
import time

import pytest

from models.outcomes import Commit
from subscriptions import hub as hubs
from subscriptions.passings import AT_ONCE
from tests.schema.machine import running
from tests.subscriptions.conftest import Follower, until


async def test_each_process_hears_the_others(valkey, make_hub, deaf_clock):
    one, other = make_hub(valkey.connection_url), make_hub(valkey.connection_url)
    await asyncio.gather(one.start(), other.start())
    assert one.alive and other.alive
    with one.listen(("account", 1)) as mine, other.listen(("account", 1)) as theirs:
        one.announce(Commit({1: 5}, {}, {}))
        await until(lambda: mine.position == theirs.position == 5)
        other.announce(Commit({1: 6}, {}, {}))
        await until(lambda: mine.position == theirs.position == 6)


async def test_many_listeners_that_come_at_once_all_hear(valkey, make_hub, deaf_clock):
    hub = make_hub(valkey.connection_url)
    starting = asyncio.create_task(hub.start())

    async def listen(topic):
        with hub.listen(topic) as doorbell:
            await until(lambda: doorbell.position == 9)

    listeners = [asyncio.create_task(listen(("account", row % 5))) for row in range(200)]
    await starting
    hub.announce(Commit(dict.fromkeys(range(5), 9), {}, {}))
    await asyncio.gather(*listeners)


async def test_a_bus_that_is_killed_is_noticed_and_built_anew_and_everybody_rereads(
    valkey, make_hub, deaf_clock, impatient
):
    """Only the ring after the rebuild can pass: what was announced while the bus was dead is lost on
    purpose."""
    hub = make_hub(valkey.connection_url)
    await hub.start()
    assert hub.alive
    with hub.listen(("account", 1)) as doorbell, hub.listen(("session", 2)) as other:
        await asyncio.sleep(0.05)
        valkey.terminate()
        killed = time.monotonic()
        await until(lambda: not hub.alive)
        assert time.monotonic() - killed < hubs.SILENCE + 1
        valkey.start()
        waiting = [asyncio.create_task(each.wait()) for each in (doorbell, other)]
        await until(lambda: hub.alive)
        async with asyncio.timeout(5):
            await asyncio.gather(*waiting)
        assert hub.rebuilds >= 1
        hub.announce(Commit({1: 5}, {}, {}))
        await until(lambda: doorbell.position == 5)


async def test_a_bus_that_hangs_is_noticed_by_its_silence(valkey, make_hub, deaf_clock, impatient):
    """No connection breaks: the server is only stopped. Heartbeats that stay away are the sign."""
    hub = make_hub(valkey.connection_url)
    await hub.start()
    valkey._process.send_signal(signal.SIGSTOP)
    try:
        stopped = time.monotonic()
        await until(lambda: not hub.alive)
        assert time.monotonic() - stopped < hubs.SILENCE + 1
    finally:
        valkey._process.send_signal(signal.SIGCONT)
    await until(lambda: hub.alive)
    with hub.listen(("account", 1)) as doorbell:
        hub.announce(Commit({1: 5}, {}, {}))
        await until(lambda: doorbell.position == 5)


async def test_the_start_waits_for_a_bus_that_is_not_there_only_so_long(valkey, make_hub, impatient):
    url = valkey.connection_url
    valkey.terminate()
    hub = make_hub(url)
    started = time.monotonic()
    await hub.start()
    assert not hub.alive and time.monotonic() - started < hubs.SILENCE + 1
    valkey.start()
    await until(lambda: hub.alive)


async def test_readers_lose_nothing_while_the_bus_dies_and_comes_back(
    valkey, tmp_path, impatient, monkeypatch
):
    monkeypatch.setattr(hubs, "SLOW_LOOK", 0.2)
    async with running(tmp_path / "x.db", valkey.connection_url) as machine:
        token = await machine.session()
        follower = Follower(machine, 0)
        recorded = 0
        for step in ("alive", "dead", "alive again"):
            if step == "dead":
                valkey.terminate()
            if step == "alive again":
                valkey.start()
            for _ in range(20):
                await machine.record(token, *range(recorded, recorded + 5))
                recorded += 5
                await asyncio.sleep(0.005)
            assert await follower.has(recorded) == list(range(recorded)), step
        assert len(follower.numbers) == recorded
        await follower.stop()


async def test_with_a_dead_bus_only_the_slow_look_brings_passings(valkey, tmp_path, impatient, monkeypatch):
    monkeypatch.setattr(hubs, "SLOW_LOOK", 0.1)
    async with running(tmp_path / "x.db", valkey.connection_url) as machine:
        valkey.terminate()
        await until(lambda: not machine.hub.alive)
        token = await machine.session()
        follower = Follower(machine, 0)
        await machine.record(token, *range(AT_ONCE + 100))
        assert await follower.has(AT_ONCE + 100) == list(range(AT_ONCE + 100))
        assert not machine.hub.alive
        await follower.stop()


@pytest.mark.usefixtures("deaf_clock")
async def test_a_reader_in_another_process_is_rung_through_the_bus(valkey, tmp_path):
    """Two machines on one file, as two processes would be: only the bus connects them."""
    async with (
        running(tmp_path / "x.db", valkey.connection_url) as writer,
        running(tmp_path / "x.db", valkey.connection_url) as reader,
    ):
        token = await writer.session()
        follower = Follower(reader, 0, ctx=reader.context_of(writer.ctx.caller))
        for number in range(10):
            await writer.record(token, number)
            assert await follower.has(number + 1) == list(range(number + 1))
        await follower.stop()


@pytest.mark.parametrize("pause", [0.0, 0.01, 0.2])
async def test_a_hub_can_be_closed_while_its_bus_dies(valkey, make_hub, pause):
    """What the bus says on its way out must not keep the server from stopping."""
    hub = make_hub(valkey.connection_url)
    await hub.start()
    valkey._process.send_signal(signal.SIGSTOP)
    closing = asyncio.create_task(hub.close())
    await asyncio.sleep(pause)
    valkey.terminate()
    async with asyncio.timeout(5):
        await closing


async def test_a_hub_can_be_closed_after_its_bus_was_killed(valkey, make_hub):
    hub = make_hub(valkey.connection_url)
    await hub.start()
    valkey.terminate()
    async with asyncio.timeout(5):
        await hub.close()
