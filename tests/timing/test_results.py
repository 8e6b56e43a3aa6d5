"""Times, states and what is expected."""

from dataclasses import replace

import pytest

from tests.timing.contests import contest, mat, runner, seconds
from timing.leaderboards import Which
from timing.races import Basis, Mode, Read, Status, Wave
from timing.results import State
from timing.scoring import Scoring

S, A, F = mat("S", distance=0), mat("A", distance=2000), mat("F", distance=10_000)
NET = {"overall_by": Basis.NET}


def times(line, **more):
    shown = contest(line, S, A, F, **more).standing()
    return tuple(
        None if each is None else each / 1_000_000 for each in (shown.time, shown.gun_time, shown.net_time)
    )


@pytest.mark.parametrize(
    ("line", "more", "shown"),
    [
        ("S10 F100", {}, (100, 100, 90)),
        ("S10 F100", NET, (90, 100, 90)),
        ("F100", NET, (100, 100, 100)),
        ("S10 F100", {"gun": None}, (None, None, 90)),
        ("S10 F100", {"gun": None} | NET, (90, None, 90)),
        ("F100", {"gun": None} | NET, (None, None, None)),
        ("S10", NET, (0, 10, 0)),
    ],
)
def test_gun_and_net_times(line, more, shown):
    assert times(line, **more) == shown


def test_without_an_own_start_the_standing_says_so():
    assert contest("F100", S, A, F).standing().net_is_gun
    assert not contest("S1 F100", S, A, F).standing().net_is_gun


def test_without_a_time_there_is_no_rank_until_the_gun_is_set():
    scoring = contest("S10 F100", S, A, F, gun=None).scoring()
    view = scoring.boards[1].view()
    assert (len(view), view.rank_of(1), view.standing(1).rank) == (1, None, None)
    scoring.regun(1, 1, seconds(5))
    scoring.settle()
    shown = scoring.boards[1].view().standing(1)
    assert (shown.rank, shown.gun_time, shown.net_time) == (1, seconds(95), seconds(90))
    scoring.regun(1, 1, seconds(20))
    scoring.settle()
    assert scoring.judged(1).verdict == "BEFORE_START"
    assert scoring.boards[1].view().standing(1).net_time == seconds(80)


def test_penalties_and_bonuses_are_in_the_ranking_time_alone():
    people = runner(1, adjustment=seconds(30)), runner(2, adjustment=-seconds(5))
    made = contest("1:S0 1:A50 1:F100 2:S0 2:A60 2:F110", S, A, F, participants=people)
    first, second = made.scoring().boards[1].view().page()
    assert (first.participant.id, first.time, first.gun_time, first.gap) == (2, seconds(105), seconds(110), 0)
    assert (second.time, second.gun_time, second.gap) == (seconds(130), seconds(100), seconds(25))
    assert [split.gun for split in second.splits] == [0, seconds(50), seconds(100)]


@pytest.mark.parametrize(
    ("line", "status", "state"),
    [
        ("", Status.REGISTERED, State.NOT_STARTED),
        ("S0", Status.REGISTERED, State.ON_COURSE),
        ("A0", Status.REGISTERED, State.ON_COURSE),
        ("S0 F100", Status.REGISTERED, State.FINISHED),
        ("S0 F100", Status.DSQ, State.DSQ),
        ("S0", Status.DNF, State.DNF),
        ("", Status.DNS, State.DNS),
    ],
)
def test_states(line, status, state):
    shown = contest(line, S, A, F, participants=(runner(1, status=status),)).standing()
    assert shown.state is state
    assert (shown.rank is not None) == (state in (State.ON_COURSE, State.FINISHED))


def test_the_furthest_place_is_told():
    shown = contest("S0 A50", S, A, F).standing()
    assert (shown.station, shown.checkpoint, shown.lap, shown.laps) == (1, A.id, 1, 0)
    shown = contest("", S, A, F).standing()
    assert (shown.station, shown.checkpoint, shown.lap, shown.laps) == (None, None, 0, 0)


def projected(line, *course, **more):
    shown = contest(line, *course, **more).standing().projection
    return None if shown is None else shown / 1_000_000


def test_the_finish_is_expected_by_the_pace_so_far():
    assert projected("S10 A410", S, A, F) == 2050
    assert projected("S10 A410", S, A, F, **NET) == 2000
    assert projected("A400", S, A, F, participants=(runner(1, adjustment=seconds(7)),)) == 2007
    assert projected("S10 A410", S, A, F, gun=None) is None


def test_nothing_is_expected_before_the_first_distance_or_after_the_finish():
    assert projected("S10", S, A, F) is None
    assert projected("S10 A410 F999", S, A, F) is None
    assert projected("S10 A410", S, mat("A"), F) is None
    assert projected("S10 A410", S, A, mat("F")) is None
    assert projected("S10 A410", S, A, F, participants=(runner(1, status=Status.DNF),)) is None


def test_the_finish_of_laps_is_expected_by_the_laps_so_far():
    assert projected("S0 A100 F500 A620", S, A, F, mode=Mode.LAPS, laps=3) == 620 * 30_000 / 12_000
    assert projected("S0 A100 F500", S, A, F, mode=Mode.TIMED, duration=seconds(900)) is None


def test_each_wave_has_its_own_gun():
    definition = contest(
        "", S, A, F, participants=(runner(1), runner(2, wave=2), runner(3, wave=99))
    ).definition()
    waves = Wave(1, "First", 0), Wave(2, "Second", seconds(90))
    scoring = Scoring(replace(definition, races=(replace(definition.races[0], waves=waves),)))
    scoring.take(Read(bib, ord("S"), 1, bib, seconds(100), str(bib), None) for bib in (1, 2, 3))
    scoring.settle()
    view = scoring.boards[1].view(Which(checkpoint=S.id))
    assert [(each.participant.id, each.time) for each in view.page()] == [
        (2, seconds(10)), (1, seconds(100)), (3, seconds(100))
    ]  # fmt: skip
