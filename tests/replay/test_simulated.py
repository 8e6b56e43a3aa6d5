"""The simulated race looks like a real one."""

import collections
import statistics

import pytest

from replay import simulated


@pytest.fixture(scope="module")
def race():
    return simulated.race(3000)


def crossings(mat):
    """The first reading of each bib."""
    found = {}
    for reading in mat.readings:
        found.setdefault(reading.bib, reading.at)
    return found


def test_the_same_seed_gives_the_same_race():
    assert simulated.race(50, seed=2) == simulated.race(50, seed=2)
    assert simulated.race(50, seed=2) != simulated.race(50, seed=3)


def test_readings_are_in_order_of_time(race):
    assert all(mat.readings == sorted(mat.readings) for mat in race.mats)


def test_a_chip_is_read_many_times_at_the_start_and_few_times_later(race):
    start, *others = (len(mat.readings) / len(crossings(mat)) for mat in race.mats)
    assert 4 < start < 6
    assert all(1.3 < reads < 1.8 for reads in others)


def test_people_start_in_waves(race):
    started = sorted(crossings(race.mats[0]).values())
    gaps = [later - earlier for earlier, later in zip(started, started[1:], strict=False)]
    assert sum(gap > 100 for gap in gaps) == len(simulated.WAVE_NAMES) - 1


def test_the_start_mat_has_bursts(race):
    minutes = collections.Counter(int(at // 60) for at in crossings(race.mats[0]).values())
    assert max(minutes.values()) > 10 * 60


def test_paces_are_spread_with_a_long_slow_tail(race):
    start, finish = crossings(race.mats[0]), crossings(race.mats[-1])
    needed = sorted(finish[bib] - start[bib] for bib in finish if bib in start)
    middle = statistics.median(needed)
    assert 3200 < middle < 3800
    assert needed[-1] - middle > 1.5 * (middle - needed[0])


def test_some_reads_are_missed_and_a_few_never_arrive(race):
    seen = [len(crossings(mat)) for mat in race.mats]
    assert 2960 < seen[0] < 3000
    assert 2900 < seen[-1] < 2980


def test_everybody_moves_forward(race):
    passed = [crossings(mat) for mat in race.mats]
    for earlier, later in zip(passed, passed[1:], strict=False):
        assert all(later[bib] > earlier[bib] for bib in later if bib in earlier)
