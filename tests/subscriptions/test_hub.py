"""The hub: facts reach those who listen, and nobody keeps more of them than one."""

import asyncio
import contextlib

import pytest

from models.outcomes import Commit
from subscriptions import hub as hubs
from tests.subscriptions.conftest import until

NEVER = 0.15
"""Seconds without a ring after which we believe that none comes."""


async def rung(doorbell, seconds: float = 5.0) -> int:
    async with asyncio.timeout(seconds):
        await doorbell.wait()
    return doorbell.position


async def silent(doorbell) -> bool:
    try:
        await rung(doorbell, NEVER)
    except TimeoutError:
        return True
    return False


@pytest.fixture
async def hub(make_hub, deaf_clock):
    made = make_hub()
    await made.start()
    return made


async def test_a_fact_reaches_each_topic_that_it_names_and_no_other(hub):
    with (
        hub.listen(("account", 1)) as account,
        hub.listen(("session", 2)) as session,
        hub.listen(("device", 3)) as device,
        hub.listen(("account", 9)) as another,
        hub.listen(("session", 1)) as same_row,
    ):
        hub.announce(Commit({1: 10}, {2: 11}, {3: 12}))
        assert [await rung(each) for each in (account, session, device)] == [10, 11, 12]
        assert await silent(another) and await silent(same_row)


@pytest.mark.parametrize(
    "message",
    [
        "nonsense",
        '["o",1,[{}],' + "[" * 100_000 + "]" * 100_000 + "]",
        '["\ud800",1,[{}]]',
        f'["{"o" * 17}",1,[{{}}]]',
        '["o",1,[{"row":1}]]',
    ],
    ids=["no JSON", "deep", "half a character", "long name", "no row"],
)
async def test_what_a_stranger_says_is_no_reason_to_hear_nothing_any_more(hub, message):
    with hub.listen(("account", 1)) as doorbell:
        hub._hear(message)
        await rung(doorbell)
    assert set(hub._numbers) == {hub.origin}


async def test_a_doorbell_merges_what_it_is_rung_for(hub):
    with hub.listen(("account", 1)) as doorbell:
        for position in range(1, 1001):
            doorbell.ring(position)
        assert await rung(doorbell) == 1000
        assert await silent(doorbell)


async def test_a_late_fact_does_not_turn_the_position_back(hub):
    with hub.listen(("account", 1)) as doorbell:
        doorbell.ring(5)
        doorbell.ring(3)
        assert await rung(doorbell) == 5


async def test_a_ring_between_two_waits_is_not_lost(hub):
    with hub.listen(("account", 1)) as doorbell:
        doorbell.ring(1)
        await rung(doorbell)
        doorbell.ring(2)
        assert await rung(doorbell) == 2


async def test_what_is_committed_here_rings_here_before_the_next_turn_of_the_loop(hub):
    with hub.listen(("account", 1)) as account, hub.listen(("event", 2)) as event, hub.touches() as inbox:
        inbox.take()
        hub.announce(Commit({1: 10}, {}, {3: 10}))
        hub.changed(2, 5)
        hub.touched({4: 1})
        assert (account.position, event.position) == (10, 5)
        assert inbox.take() == ({3: None, 4: 1}, False)


async def test_facts_that_are_not_sent_yet_are_merged_not_queued(make_hub, bus_servers):
    server = bus_servers("valkey")
    server.start()
    hub, other = make_hub(server.url), make_hub(server.url)
    await asyncio.gather(hub.start(), other.start())
    for position in range(1, 10_001):
        hub.announce(Commit({1: position}, {1: position}, {1: position}))
    hub.announce(Commit({2: 5}, {}, {}))
    hub.forgot()
    assert hub._unsent == hubs.Fact({1: 10_000, 2: 5}, {1: 10_000}, {1: 10_000}, keys=True)
    assert hub.merged == 10_001
    await until(lambda: other.heard == 1)
    assert hub.sent == 1


async def test_alone_nothing_but_heartbeats_goes_over_the_bus(hub):
    hub.announce(Commit({1: 5}, {}, {}))
    assert hub._unsent == hubs.Fact() and hub.sent == 0


async def test_facts_that_nobody_could_hear_are_not_kept(make_hub, impatient):
    hub = make_hub("redis://127.0.0.1:1")
    for position in range(100):
        hub.announce(Commit({position: 1}, {}, {}))
    assert hub._unsent == hubs.Fact()


async def test_all_listeners_of_a_topic_hear_it(hub):
    with contextlib.ExitStack() as stack:
        doorbells = [stack.enter_context(hub.listen(("account", 1))) for _ in range(500)]
        assert hub.listeners == 500
        hub.announce(Commit({1: 7}, {}, {}))
        assert await asyncio.gather(*map(rung, doorbells)) == [7] * 500
    assert hub.listeners == 0 and not hub._doorbells


async def test_listening_ends_with_an_error_too(hub):
    with pytest.raises(ZeroDivisionError), hub.listen(("account", 1)):
        raise ZeroDivisionError
    assert hub.listeners == 0


async def test_heartbeats_keep_the_bus_alive_without_any_fact(make_hub, impatient):
    hub = make_hub()
    await hub.start()
    assert hub.alive
    for _ in range(20):
        await asyncio.sleep(0.06)
        assert hub.alive and hub.rebuilds == 0


async def test_without_a_ring_a_listener_looks_for_itself_by_and_by(make_hub, monkeypatch):
    """Only the slow look can pass: the hub was never started, nobody rings."""
    monkeypatch.setattr(hubs, "LONE_LOOK", 0.05)
    with make_hub().listen(("account", 1)) as doorbell:
        assert await rung(doorbell) == 0


async def test_a_hub_that_was_never_started_may_be_closed_and_closed_again(make_hub):
    hub = make_hub()
    await hub.close()
    await hub.start()
    await hub.close()
    await hub.close()


async def test_a_listener_that_is_cancelled_just_as_it_is_rung_ends(hub):
    """A cancellation that is lost in that moment would leave a task, and its socket, for ever."""

    async def listen() -> None:
        with hub.listen(("account", 1)) as doorbell:
            while True:
                await doorbell.wait()

    listener = asyncio.create_task(listen())
    await until(lambda: hub.listeners == 1)
    for doorbell in hub._doorbells["account", 1]:
        doorbell.ring(1)
    await asyncio.sleep(0)
    listener.cancel()
    done, _ = await asyncio.wait([listener], timeout=1)
    listener.cancel()
    assert done and hub.listeners == 0
