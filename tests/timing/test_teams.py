"""Teams."""

from tests.timing.contests import contest, mats, runner, seconds
from timing.leaderboards import Ranking, Which
from timing.races import Mode, Status

S, A, F = mats("SAF")
TEAMS = Which(Ranking.TEAM)


def board(line, teams, statuses=(), **more):
    people = tuple(
        runner(
            number,
            team=None if team == "-" else team,
            gender="MF"[number % 2],
            status=dict(statuses).get(number, Status.REGISTERED),
        )
        for number, team in enumerate(teams, 1)
    )
    return contest(line, S, A, F, participants=people, **more).scoring().boards[1]


def shown(view):
    return [(each.rank, each.team, [who.participant.id for who in each.members]) for each in view.page()]


def finish(*times):
    return " ".join(f"{number}:F{time}" for number, time in enumerate(times, 1) if time)


def test_the_sum_of_the_times_of_the_best():
    made = board(finish(10, 20, 30, 12, 14, 16), "XXXYYY", team_size=2)
    assert shown(made.view(TEAMS)) == [(1, "Y", [4, 5]), (2, "X", [1, 2])]
    first, second = made.view(TEAMS).page()
    assert (first.time, first.gap, second.time, second.gap) == (seconds(26), 0, seconds(30), seconds(4))
    assert first.points is None and first.participant is None and first.key == "team:Y"


def test_the_sum_of_ranks():
    made = board(finish(10, 11, 90, 12, 13, 14), "XYXYXY", team_size=3, team_by_rank=True)
    assert [(each.team, each.points, each.time) for each in made.view(TEAMS).page()] == [
        ("Y", 10, None),
        ("X", 11, None),
    ]


def test_equal_sums_share_a_rank():
    made = board(finish(10, 11, 12, 11, 30, 31), "XYYXZZ", team_size=2)
    assert [(rank, team) for rank, team, _ in shown(made.view(TEAMS))] == [(1, "X"), (2, "Y"), (3, "Z")]
    made = board(finish(10, 11, 12, 13, 30, 31), "XYYXZZ", team_size=2)
    assert [(rank, team) for rank, team, _ in shown(made.view(TEAMS))] == [(1, "X"), (1, "Y"), (3, "Z")]


def test_too_few_finishers_are_unranked():
    made = board("1:F10 2:F20 3:F30 4:F5 5:A1 6:F6", "XXYYZ-", {4: Status.DSQ}.items(), team_size=2)
    assert shown(made.view(TEAMS)) == [(1, "X", [1, 2]), (None, "Y", [3]), (None, "Z", [])]
    view = made.view(TEAMS)
    assert (len(view), view.rank_of(2), view.rank_of(3), view.rank_of(6), view.standing(6)) == (
        3,
        1,
        None,
        None,
        None,
    )
    assert view.standing(1).team == "X" and view.page(1, 1)[0].team == "Y"
    assert view.counts() == made.counts()


def test_teams_of_those_who_pass_a_filter():
    made = board(finish(10, 20, 30, 40), "XXXX", team_size=2)
    assert shown(made.view(TEAMS._replace(gender="F"))) == [(1, "X", [1, 3])]
    assert shown(made.view(TEAMS._replace(gender="M"))) == [(1, "X", [2, 4])]


def test_teams_at_a_checkpoint():
    made = board("1:A5 2:A6 3:A1 4:A2 1:F10 2:F11", "XXYY", team_size=2)
    assert shown(made.view(TEAMS)) == [(1, "X", [1, 2]), (None, "Y", [])]
    assert shown(made.view(TEAMS._replace(checkpoint=A.id))) == [(1, "Y", [3, 4]), (2, "X", [1, 2])]


def test_teams_follow_what_happens():
    made = contest(
        "1:F10 2:F20",
        S,
        A,
        F,
        participants=tuple(runner(n, team="XXYY"[n - 1]) for n in (1, 2, 3, 4)),
        team_size=2,
    )
    scoring = made.scoring()
    view, version = scoring.boards[1].view(TEAMS), scoring.boards[1].view(TEAMS).version
    assert shown(view) == [(1, "X", [1, 2]), (None, "Y", [])]
    made.add("3:F1 4:F2")
    scoring.take(made.reads)
    scoring.settle()
    assert shown(scoring.boards[1].view(TEAMS)) == [(1, "Y", [3, 4]), (2, "X", [1, 2])]
    assert scoring.boards[1].view(TEAMS).version > version


def test_teams_of_a_timed_race_are_ranked_by_laps_then_time():
    line = "1:F10 1:F20 2:F11 3:F5 4:F6"
    made = board(line, "XXYY", team_size=2, mode=Mode.TIMED, duration=seconds(60))
    assert [(rank, team) for rank, team, _ in shown(made.view(TEAMS))] == [(1, "X"), (2, "Y")]
    assert made.view(TEAMS).page()[0].laps == 3
