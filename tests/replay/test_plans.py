"""What is going to be sent: every passing, the repeats asked for, and the backlog when the device is back."""

import collections
import datetime
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replay import plans, races

START = datetime.datetime(2014, 4, 21, 10, tzinfo=datetime.UTC)


def mat(count: int, gap: float = 1.0) -> races.Mat:
    return races.Mat("5k", [races.Reading(900 + at * gap, str(at)) for at in range(count)])


def numbers(posts: list[plans.Post]) -> list[int]:
    return [passing.num_passing for post in posts for passing in post.passings]


@given(
    count=st.integers(1, 400),
    batch=st.integers(1, 120),
    singles=st.floats(0, 1),
    repeats=st.floats(0, 1),
    hold=st.sampled_from([0.0, 7.0, math.inf]),
    seed=st.integers(0, 9),
    away=st.booleans(),
    back=st.sampled_from([5000.0, plans.NEVER]),
)
def test_every_passing_is_sent_and_exactly_the_repeats_once_more(
    count, batch, singles, repeats, hold, seed, away, back
):
    habits = plans.Habits(batch, singles, repeats, hold)
    absence = plans.Absence(950, 1100, back) if away else None
    posts = plans.plan(mat(count), START, habits, seed, absence)
    sent = numbers(posts)
    assert set(sent) == set(range(1, count + 1))
    assert len(sent) == count + round(repeats * count)
    assert all(1 <= len(post.passings) <= batch for post in posts)
    assert [post.due for post in posts] == sorted(post.due for post in posts)


def test_no_passing_is_sent_before_it_happened():
    posts = plans.plan(mat(500), START, plans.Habits(hold=5, repeats=0.3), 1, plans.Absence(1000, 1200, 1300))
    assert all(899 + passing.num_passing <= post.due for post in posts for passing in post.passings)


def test_a_batch_waits_no_longer_than_it_may():
    posts = plans.plan(mat(500), START, plans.Habits(hold=5, singles=0), 1)
    assert {len(post.passings) for post in posts} == {6, 2}


def test_an_offline_device_sends_late_what_it_detected_meanwhile():
    posts = plans.plan(mat(500), START, plans.Habits(repeats=0.2), 1, plans.Absence(1000, 1200, 1300))
    first = {}
    for post in posts:
        for passing in post.passings:
            first.setdefault(passing.num_passing, post.due)
    late = [number for number in first if 1000 <= 899 + number < 1200]
    assert len(late) == 200
    assert all(first[number] == 1300 for number in late)


def test_at_full_speed_the_backlog_comes_last():
    posts = plans.plan(mat(500), START, plans.Habits(repeats=0.2), 1, plans.Absence(1000, 1200, plans.NEVER))
    held = [post for post in posts if post.due == plans.NEVER]
    assert posts[-len(held) :] == held
    assert set(numbers(held)) >= set(range(101, 301))


def test_singles_have_the_share_asked_for():
    posts = plans.plan(mat(20_000), START, plans.Habits(singles=0.1), 1)
    alone = sum(len(post.passings) == 1 for post in posts)
    assert alone / 20_000 == pytest.approx(0.1, rel=0.2)


def test_repeats_come_as_whole_batches_and_alone():
    posts = plans.plan(mat(20_000), START, plans.Habits(singles=0, repeats=0.2), 1)
    alike = collections.Counter(tuple(passing.num_passing for passing in post.passings) for post in posts)
    assert sum(len(post) for post, times in alike.items() if times == 2 and len(post) > 1) == 3200
    assert sum(len(post) == 1 for post in alike.elements()) == 800


def test_the_same_seed_gives_the_same_plan():
    habits = plans.Habits(repeats=0.2)
    assert plans.plan(mat(999), START, habits, 3) == plans.plan(mat(999), START, habits, 3)
    assert plans.plan(mat(999), START, habits, 3) != plans.plan(mat(999), START, habits, 4)


def test_a_timestamp_is_the_start_plus_the_split_in_milliseconds():
    [passing] = plans.passings(races.Mat("5k", [races.Reading(909.1234, "019")]), START)
    assert passing == plans.Passing("2014-04-21T10:15:09.123Z", 1, "019")
