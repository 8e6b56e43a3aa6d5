"""Servers on one PostgreSQL: limits that hold for all of them together, and whose turn it is."""

import asyncio

import pytest

from models import shares as rows
from resolvers.context import Caller
from resolvers.errors import TooMany
from resolvers.limits import Limits, Places, Rate
from resolvers.shares import FORGET_EVERY, SMALL, Shares
from tests.backends import execute

pytestmark = pytest.mark.alone("postgresql", "a file has one server")

MINE, HERE = Caller(1, 1), "192.0.2.1"
SLOW = Rate(0.01, 40)
"""What is spent does not come back while a test runs."""


class Peer:
    """A server, as far as it shares anything. Its clock has nothing to do with the others'."""

    def __init__(self, database, url, now, most=100, **rates) -> None:
        self.now, self.url = now, url
        usual = dict.fromkeys(("key", "address", "stranger", "bad_key"), SLOW) | rates
        self.limits = Limits(lambda: self.now, most=most, shared=True, **usual)
        self.places = {"sockets_of_key": Places(32), "sockets_of_address": Places(32)}
        self.shares = Shares(database, lambda: self.now, self.limits, self.places, interval=1.0)

    def spend(self, cost, caller=MINE, address=HERE):
        self.limits.meter(caller, address).spend(cost)

    def left(self, caller=MINE, address=HERE):
        return self.limits.meter(caller, address).allowance().left


@pytest.fixture
def peers(database, url):
    return [Peer(database, url, now) for now in (5.0, 1e6, 3e9)]


async def exchange(*peers):
    for peer in peers:
        await peer.shares.exchange()


async def test_what_is_spent_on_one_server_is_missing_on_the_others(peers):
    one, other, third = peers
    one.spend(30)
    other.spend(5)
    await exchange(one, other, one, third)
    assert [peer.left() for peer in peers] == [pytest.approx(5, abs=0.5)] * 3
    for peer in peers:
        with pytest.raises(TooMany):
            peer.spend(10)


async def test_nothing_is_counted_twice(peers):
    one, other, _ = peers
    one.spend(10)
    for _ in range(5):
        await exchange(one, other)
    other.spend(10)
    for _ in range(5):
        await exchange(one, other)
    assert [one.left(), other.left()] == [pytest.approx(20, abs=0.5)] * 2


async def test_what_was_spent_too_much_by_all_together_has_to_flow_in(peers):
    for peer in peers:
        peer.spend(40)
    await exchange(*peers, *peers)
    for peer in peers:
        with pytest.raises(TooMany) as refused:
            peer.spend(1)
        assert 8000 < refused.value.retry_after < 8200, "80 points of debt, and the one"


async def test_strangers_and_wrong_keys_of_an_address_are_counted_together(peers):
    one, other, _ = peers
    for _ in range(40):
        one.limits.bad_key(HERE)
    one.spend(40, Caller(), HERE)
    await exchange(one, other)
    for refused in (lambda: other.limits.bad_key(HERE), lambda: other.spend(1, Caller(), HERE)):
        with pytest.raises(TooMany):
            refused()
    other.limits.bad_key("192.0.2.2")
    other.spend(40)


async def test_buckets_fill_again_by_the_clock_of_the_database(peers, url):
    one, other, _ = peers
    one.spend(40)
    await exchange(one)
    execute(url, "UPDATE shared_buckets SET full_at = full_at - interval '2000 s'")
    await exchange(other)
    assert other.left() == pytest.approx(20, abs=0.5)
    other.now += 2000
    assert other.left() == 40


async def test_who_spends_little_is_not_told(peers, url):
    one, other, _ = peers
    little = SLOW.per_second * SMALL
    one.spend(little * 0.9)
    await exchange(one, other)
    assert other.left() == 40 and execute(url, "SELECT count(*) FROM shared_buckets") == [(0,)]
    one.spend(little * 1.1)
    await exchange(one, other)
    assert execute(url, "SELECT count(*) FROM shared_buckets") == [(2,)], "of the key and of the address"


async def test_a_server_that_cannot_tell_goes_on_by_itself(peers, url):
    one, other, _ = peers
    execute(url, "ALTER TABLE shared_buckets RENAME TO hidden")
    one.spend(30)
    with pytest.raises(Exception, match="shared_buckets"):
        await one.shares.exchange()
    assert one.left() == pytest.approx(10)
    execute(url, "ALTER TABLE hidden RENAME TO shared_buckets")
    one.spend(5)
    await exchange(one, other)
    assert (one.left(), other.left()) == (pytest.approx(5, abs=0.5), pytest.approx(35, abs=0.5))


async def test_places_are_counted_on_all_servers(peers):
    one, other, third = peers
    for peer in (one, other):
        for _ in range(15):
            assert peer.places["sockets_of_key"].take(7)
    assert one.places["sockets_of_address"].take(HERE)
    await exchange(*peers, *peers)
    assert [third.places["sockets_of_key"].take(7) for _ in range(3)] == [True, True, False]
    assert third.places["sockets_of_key"].take(8)
    assert third.places["sockets_of_address"].elsewhere == {}, "one of 32 is no news"
    for _ in range(15):
        one.places["sockets_of_key"].leave(7)
    await exchange(one, third)
    assert third.places["sockets_of_key"].take(7)


async def test_a_server_that_is_gone_has_no_places(peers, url):
    one, other, third = peers
    for peer in (one, other):
        for _ in range(16):
            peer.places["sockets_of_key"].take(7)
    await exchange(one, other)
    await one.shares.leave()
    assert execute(url, "SELECT sum(count) FROM shared_places") == [(16,)]
    await exchange(third)
    assert third.places["sockets_of_key"].elsewhere == {7: 16}
    execute(url, f"UPDATE shared_places SET seen_at = seen_at - interval '{rows.FORGOTTEN + 1} s'")
    await exchange(third)
    assert third.places["sockets_of_key"].elsewhere == {}


async def test_it_is_the_turn_of_one_server_until_it_leaves(peers):
    one, other, third = peers
    for _ in range(3):
        await exchange(*peers)
        assert [peer.shares.has_turn() for peer in peers] == [True, False, False]
    await one.shares.leave()
    assert not one.shares.has_turn()
    await exchange(other, one, third)
    assert [peer.shares.has_turn() for peer in peers] == [False, True, False]


@pytest.mark.parametrize("until", ["until - interval '5 s'", "until + interval '1 day'"])
async def test_a_server_that_died_or_stands_still_loses_its_turn_also_when_the_clock_is_set(
    peers, url, until
):
    one, other, _ = peers
    await exchange(one, other)
    one.now += rows.LEASE
    assert not one.shares.has_turn(), "it knows by its own clock"
    execute(url, f"UPDATE shared_turns SET until = {until}")
    await exchange(other, one)
    assert (one.shares.has_turn(), other.shares.has_turn()) == (False, True)


async def test_what_says_nothing_any_more_is_removed(database, url):
    one = Peer(database, url, 5.0, key=Rate(1000, 100), address=Rate(1000, 100))
    one.spend(100, address="192.0.2.1")
    await exchange(one)
    execute(url, "UPDATE shared_buckets SET full_at = full_at - interval '1 s'")
    for _ in range(FORGET_EVERY):
        await exchange(one)
    assert execute(url, "SELECT count(*) FROM shared_buckets") == [(0,)]


async def test_many_servers_that_tell_the_same_names_at_once_do_not_wait_for_each_other(database, url):
    crowd = [Peer(database, url, 5.0, most=1000) for _ in range(8)]
    for number, peer in enumerate(crowd):
        for name in range(200)[:: 1 if number % 2 else -1]:
            peer.spend(2, Caller(1, name + 1), str(name))
    await asyncio.gather(*(peer.shares.exchange() for peer in crowd))
    await exchange(*crowd)
    assert {round(peer.left(Caller(1, 1), "0")) for peer in crowd} == {24}
    assert sum(peer.shares.has_turn() for peer in crowd) == 1


@pytest.mark.alone("sqlite", "a file has one server")
async def test_with_a_file_it_is_always_the_only_servers_turn(database, url):
    assert Peer(database, url, 5.0).shares.has_turn()
