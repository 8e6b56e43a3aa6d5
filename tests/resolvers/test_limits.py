"""Points and places: how much may be used up, and by whom."""

import pytest

from resolvers.context import FREE, STRANGER, Allowance, Caller
from resolvers.errors import TooMany
from resolvers.limits import Limits, Places, Rate

MINE, OTHER = Caller(1, 1), Caller(1, 2)
HERE, THERE = "192.0.2.1", "192.0.2.2"
NO_LIMIT = Rate(0, 1)


class Seconds:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def seconds():
    return Seconds()


@pytest.fixture
def limits(seconds):
    def make(most=100, **rates):
        usual = {
            "key": Rate(10, 50),
            "address": Rate(20, 100),
            "stranger": Rate(1, 5),
            "bad_key": Rate(1, 3),
        }
        return Limits(seconds, most=most, **usual | rates)

    return make


def refusal(meter, cost=1):
    with pytest.raises(TooMany) as refused:
        meter.spend(cost)
    return refused.value.retry_after


def spendable(meter, cost=1, most=1000):
    """How often so much can be spent at once."""
    for count in range(most):
        try:
            meter.spend(cost)
        except TooMany:
            return count
    return most


def test_a_bucket_is_full_at_first_and_fills_again(limits, seconds):
    meter = limits().meter(MINE, HERE)
    assert spendable(meter) == 50
    seconds.now += 1.05
    assert spendable(meter) == 10
    seconds.now += 3600
    assert spendable(meter) == 50


def test_a_refusal_says_when_to_come_again_and_then_it_is_let_in(limits, seconds):
    meter = limits().meter(MINE, HERE)
    meter.spend(50)
    assert refusal(meter, 25) == 3
    seconds.now += 2.4
    assert refusal(meter, 25) == 1
    seconds.now += 0.2
    meter.spend(25)


def test_nothing_is_spent_where_something_is_lacking(limits):
    both = limits(key=Rate(10, 1000), address=Rate(10, 60))
    meter = both.meter(MINE, HERE)
    meter.spend(50)
    for _ in range(100):
        refusal(meter, 20)
    assert meter.allowance().left == 950, "the key's, though it is the address's bucket that was empty"
    meter.spend(10)


def test_what_costs_more_than_there_can_ever_be_is_let_in_by_a_full_bucket(limits, seconds):
    meter = limits().meter(MINE, HERE)
    meter.spend(1_000_000)
    assert refusal(meter) == 1
    seconds.now += 4.9
    assert refusal(meter, 1_000_000) == 1
    seconds.now += 0.2
    meter.spend(1_000_000)


def test_a_debt_has_to_flow_in_first(limits, seconds):
    meter = limits().meter(MINE, HERE)
    meter.charge(150)
    assert meter.allowance().left == 0
    assert refusal(meter, 1) == 11
    seconds.now += 10.2
    assert spendable(meter) == 2


def test_callers_do_not_pay_for_each_other(limits):
    house = limits()
    house.meter(MINE, HERE).spend(50)
    refusal(house.meter(MINE, THERE))
    assert spendable(house.meter(OTHER, HERE)) == 50, "which empties what the address has"
    refusal(house.meter(Caller(1, 3), HERE))
    assert spendable(house.meter(Caller(1, 3), THERE)) == 50


def test_one_who_is_refused_takes_nothing_from_others_at_the_address(limits):
    house = limits()
    greedy, honest = house.meter(MINE, HERE), house.meter(OTHER, HERE)
    assert spendable(greedy) == 50
    for _ in range(1000):
        refusal(greedy)
    assert spendable(honest) == 50


def test_strangers_share_what_their_address_has_and_take_nothing_from_keys(limits):
    house = limits()
    assert spendable(house.meter(STRANGER, HERE)) == 5
    refusal(house.meter(Caller(refusal="unknown api key"), HERE))
    assert spendable(house.meter(STRANGER, THERE)) == 5
    assert spendable(house.meter(MINE, HERE)) == 50


def test_wrong_keys_are_counted_by_address(limits, seconds):
    house = limits()
    for _ in range(3):
        house.bad_key(HERE)
    with pytest.raises(TooMany):
        house.bad_key(HERE)
    house.bad_key(THERE)
    assert spendable(house.meter(MINE, HERE)) == 50
    seconds.now += 1
    house.bad_key(HERE)


def test_a_rate_of_nothing_is_no_limit(limits):
    house = limits(key=NO_LIMIT, address=NO_LIMIT, stranger=NO_LIMIT, bad_key=NO_LIMIT)
    assert house.meter(MINE, HERE) is house.meter(STRANGER, HERE) is FREE
    for _ in range(1000):
        house.bad_key(HERE)
    assert limits(key=NO_LIMIT).meter(MINE, HERE).allowance() == Allowance(20, 100, 100)


def test_memory_is_bounded_and_who_is_forgotten_starts_afresh(limits):
    house = limits(most=10)
    house.meter(MINE, HERE).spend(50)
    for number in range(2, 12):
        house.meter(Caller(1, number), HERE).spend(1)
    for number in range(1000):
        house.meter(STRANGER, str(number)).spend(1)
        house.bad_key(str(number))
    assert house.kept == {"key": 10, "address": 1, "stranger": 10, "bad_key": 10}
    house.meter(MINE, THERE).spend(50)


def test_who_was_seen_last_is_not_forgotten(limits):
    house = limits(most=10)
    house.meter(MINE, HERE).spend(50)
    for number in range(1000):
        house.meter(Caller(2, 100 + number), str(number)).spend(1)
        refusal(house.meter(MINE, THERE))


def test_what_was_refused_is_counted_by_kind(limits):
    house = limits()
    for _ in range(55):
        try:
            house.meter(MINE, HERE).spend(1)
            house.meter(STRANGER, HERE).spend(1)
        except TooMany:
            pass
    assert house.refused == {"key": 5, "address": 0, "stranger": 45, "bad_key": 0}


def test_the_free_meter_takes_everything():
    FREE.spend(1e12)
    FREE.charge(1e12)
    assert FREE.allowance() is None


def test_places_are_given_back():
    places = Places(2, in_all=3)
    assert [places.take(name) for name in "aaabb"] == [True, True, False, True, False]
    assert (places.total, places.refused) == (3, 2)
    places.leave("a")
    assert places.take("b") and not places.take("a")
    for name in "abb":
        places.leave(name)
    assert places.total == 0 and not places._taken
