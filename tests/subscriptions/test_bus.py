"""The hub over real buses: several processes, and a bus that dies, hangs and comes back."""

import asyncio
import gc
import time

import pytest
import redis

from models.outcomes import Commit
from subscriptions import bus as line
from subscriptions import hub as hubs
from tests.subscriptions.conftest import acquainted, until


async def started(make_hub, bus, count):
    made = [make_hub(bus.url) for _ in range(count)]
    await asyncio.gather(*(each.start() for each in made))
    assert all(each.alive for each in made)
    return made


def told(caplog):
    """What was logged here, and not by servers in other threads, whose bus may be lost as well."""
    return [each for each in caplog.records if each.threadName == "MainThread"]


async def test_each_process_hears_the_others(bus, make_hub, deaf_clock):
    one, other = await started(make_hub, bus, 2)
    with one.listen(("account", 1)) as mine, other.listen(("account", 1)) as theirs:
        one.announce(Commit({1: 5}, {}, {}))
        await until(lambda: mine.position == theirs.position == 5)
        other.announce(Commit({1: 6}, {}, {}))
        await until(lambda: mine.position == theirs.position == 6)
        assert one.heard == other.heard == one.sent == other.sent == 1


async def test_many_listeners_that_come_at_once_all_hear(bus, make_hub, deaf_clock):
    hub, teller = make_hub(bus.url), make_hub(bus.url)
    starting = asyncio.gather(hub.start(), teller.start())

    async def listen(topic):
        with hub.listen(topic) as doorbell:
            await until(lambda: doorbell.position == 9)

    listeners = [asyncio.create_task(listen(("account", row % 5))) for row in range(200)]
    await starting
    teller.announce(Commit(dict.fromkeys(range(5), 9), {}, {}))
    await asyncio.gather(*listeners)


async def test_a_thousand_facts_of_several_processes_at_once_all_arrive(bus, make_hub, deaf_clock):
    """Each names a device of its own. PostgreSQL fails what is published at the same time on one connection."""
    reader, *tellers = await started(make_hub, bus, 4)
    await acquainted(reader, *tellers)
    with reader.touches() as inbox:
        inbox.take()
        for turn in range(1_000):
            tellers[turn % 3].touched({turn: 1})
            if turn % 7 == 0:
                await asyncio.sleep(0)
        await until(lambda: len(inbox.devices) == 1_000)
        assert not inbox.everything and all(each.rebuilds == 0 for each in (reader, *tellers))


async def test_a_fact_of_20_000_devices_arrives_whole(bus, make_hub, deaf_clock):
    """PostgreSQL takes 7,999 bytes at a time."""
    teller, reader = await started(make_hub, bus, 2)
    await acquainted(teller, reader)
    devices = {2**31 - row: 2**31 - 1 for row in range(20_000)}
    with reader.touches() as inbox:
        inbox.take()
        teller.touched(devices)
        await until(lambda: len(inbox.devices) == len(devices))
        assert inbox.take() == (devices, False)
    assert teller.alive and teller.rebuilds == 0


async def test_a_bus_that_is_killed_is_noticed_and_found_again_and_everybody_rereads(
    bus, make_hub, deaf_clock, impatient
):
    """Only the rings when it is lost and when it is found can pass: nobody says anything."""
    (hub,) = await started(make_hub, bus, 1)
    await acquainted(hub)
    with hub.listen(("account", 1)) as doorbell, hub.listen(("session", 2)) as other, hub.touches() as inbox:
        inbox.take()
        for found in (False, True):
            waiting = [asyncio.create_task(each.wait()) for each in (doorbell, other)]
            await asyncio.sleep(0.01)
            (bus.start if found else bus.kill)()
            await until(lambda found=found: hub.alive is found)
            async with asyncio.timeout(5):
                await asyncio.gather(*waiting)
            assert inbox.take() == ({}, True)
    assert hub.rebuilds == 1


async def test_what_is_committed_here_rings_here_with_a_dead_bus(bus, make_hub, deaf_clock, impatient):
    (hub,) = await started(make_hub, bus, 1)
    bus.kill()
    await until(lambda: not hub.alive)
    with hub.listen(("account", 1)) as doorbell, hub.listen(("event", 3)) as event:
        hub.announce(Commit({1: 5}, {}, {}))
        hub.changed(3, 7)
        assert (doorbell.position, event.position) == (5, 7)


async def test_what_one_could_not_say_makes_the_others_look_for_themselves(
    bus, make_hub, deaf_clock, impatient
):
    """The other never loses the bus, so that only what it is told can pass."""
    teller, reader = await started(make_hub, bus, 2)
    await acquainted(teller, reader)
    await teller.close()
    teller._bus.alive = False
    teller.announce(Commit({1: 5}, {}, {}))
    with reader.listen(("account", 1)) as doorbell, reader.touches() as inbox:
        inbox.take()
        waiting = asyncio.create_task(doorbell.wait())
        await asyncio.sleep(0.05)
        assert not waiting.done()
        await teller.start()
        async with asyncio.timeout(5):
            await waiting
        assert inbox.take() == ({}, True) and reader.rebuilds == 0


async def test_a_bus_that_hangs_is_noticed_by_its_silence(bus, make_hub, deaf_clock, impatient):
    """No connection breaks: the server is only stopped. Heartbeats that stay away are the sign."""
    (hub,) = await started(make_hub, bus, 1)
    bus.hang()
    stopped = time.monotonic()
    await until(lambda: not hub.alive)
    assert time.monotonic() - stopped < line.SILENCE + 1
    bus.go_on()
    await until(lambda: hub.alive)
    await acquainted(hub)
    with hub.listen(("account", 1)) as doorbell:
        hub.announce(Commit({1: 5}, {}, {}))
        await until(lambda: doorbell.position == 5)


async def test_the_start_waits_for_a_bus_that_is_not_there_only_so_long(bus, make_hub, impatient):
    bus.kill()
    hub = make_hub(bus.url)
    started = time.monotonic()
    await hub.start()
    assert not hub.alive and time.monotonic() - started < line.SILENCE + 1
    bus.start()
    await until(lambda: hub.alive)


@pytest.mark.parametrize("bus", ["listen-notify"], indirect=True)
async def test_connections_that_are_ended_are_made_anew(bus, make_hub, impatient):
    hubs = await started(make_hub, bus, 2)
    await bus.end_connections()
    await until(lambda: all(each.rebuilds == 1 and each.alive for each in hubs))


@pytest.mark.parametrize("pause", [0.0, 0.01, 0.2])
async def test_a_hub_can_be_closed_while_its_bus_dies(bus, make_hub, pause):
    """What the bus says on its way out must not keep the server from stopping."""
    (hub,) = await started(make_hub, bus, 1)
    bus.hang()
    closing = asyncio.create_task(hub.close())
    await asyncio.sleep(pause)
    bus.go_on()
    bus.kill()
    async with asyncio.timeout(5):
        await closing


async def test_a_hub_can_be_closed_after_its_bus_was_killed(bus, make_hub):
    (hub,) = await started(make_hub, bus, 1)
    bus.kill()
    async with asyncio.timeout(5):
        await hub.close()


async def test_a_hub_can_be_closed_while_its_bus_hangs(bus, make_hub):
    (hub,) = await started(make_hub, bus, 1)
    bus.hang()
    async with asyncio.timeout(5):
        await hub.close()


async def test_nothing_is_left_behind_by_attempts_to_find_a_dead_bus(
    bus, make_hub, impatient, monkeypatch, caplog
):
    monkeypatch.setattr(line, "RETRY", 0.01)
    (hub,) = await started(make_hub, bus, 1)
    bus.kill()
    await until(lambda: not hub.alive)
    await asyncio.sleep(0.3)
    before = len(asyncio.all_tasks())
    await asyncio.sleep(0.5)
    assert len(asyncio.all_tasks()) <= before + 3
    bus.start()
    await until(lambda: hub.alive)
    gc.collect()
    await asyncio.sleep(0)
    assert [each.getMessage() for each in told(caplog)] == ["the bus is lost", "the bus is found again"]


async def test_redis_databases_are_buses_of_their_own(bus_servers, make_hub, deaf_clock):
    server = bus_servers("valkey")
    server.start()
    one, other, third = (make_hub(f"{server.url}/{number}") for number in (1, 2, 1))
    await asyncio.gather(*(each.start() for each in (one, other, third)))
    await acquainted(one, third)
    one.announce(Commit({1: 5}, {}, {}))
    await until(lambda: third.heard == 1)
    assert other.heard == 0 and set(other._numbers) == {other.origin}


async def test_a_message_of_another_version_makes_everybody_look(bus, make_hub, deaf_clock):
    teller, reader = await started(make_hub, bus, 2)
    await acquainted(teller, reader)
    with reader.touches() as inbox:
        inbox.take()
        teller._say = lambda: ['{"facts": "of the future"}']
        teller._bus._say = teller._say
        teller._bus.ring()
        await until(lambda: inbox.everything)
    assert reader.alive and reader.rebuilds == 0


def test_parts_of_a_fact_fit_into_a_message_and_are_the_whole():
    widest = {2**63 - row: 2**63 - 1 for row in range(1_000)}
    fact = hubs.Fact(*({**widest} for _ in range(5)), keys=True)
    whole = hubs.Fact()
    for part in fact.parts():
        message = hubs.Message("f" * 16, 2**63, part)
        assert len(hubs.msgspec.json.encode(message)) < 8_000
        whole.merge(part)
    assert whole == fact


async def test_the_log_tells_what_is_wrong_but_no_password(bus_servers, make_hub, impatient, caplog):
    server = bus_servers("valkey")
    server.start()
    hub = make_hub(server.url.replace("//", "//:s3cr%2Fet@"))
    with redis.Redis.from_url(server.url) as operator:
        operator.config_set("requirepass", "another")
        try:
            await hub.start()
            await until(lambda: caplog.records)
        finally:
            operator.execute_command("AUTH", "another")
            operator.config_set("requirepass", "")
    (record,) = [each for each in told(caplog) if each.name == line.__name__]
    assert "password" in record.error and "s3cr" not in record.error
