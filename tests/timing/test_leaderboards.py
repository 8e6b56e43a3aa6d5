"""Ranks, filters, pages, gaps and counts."""

import pytest

from tests.timing.contests import contest, mats, runner, seconds
from timing.leaderboards import ALWAYS, FEW_FIELDS, MOST_VIEWS, Ranking, Which
from timing.races import Basis, Category, Definition, Mode, Race, Read, Serving, Status, Wave
from timing.scoring import Scoring
from timing.standings import Counts

S, A, F = mats("SAF")


def people(*genders, **more):
    return tuple(runner(number, gender=gender, **more) for number, gender in enumerate(genders, 1))


def board(line, *participants, course=(S, A, F), **more):
    return contest(line, *course, participants=participants, **more).scoring().boards[1]


def ranks(view):
    return [(each.participant.id, each.rank) for each in view.page()]


def test_the_furthest_is_first_then_the_fastest_there():
    made = board("1:S0 1:A50 2:S1 2:A60 2:F100 3:S2 3:A49 4:S9", *people(*"MMMM"))
    assert ranks(made.view()) == [(2, 1), (3, 2), (1, 3), (4, 4)]
    assert ranks(made.view(Which(checkpoint=A.id))) == [(3, 1), (1, 2), (2, 3)]
    assert ranks(made.view(Which(checkpoint=S.id))) == [(1, 1), (2, 2), (3, 3), (4, 4)]


def test_equal_times_share_a_rank():
    made = board("1:F50 2:F60 3:F60 4:F60.000001 5:F70", *people(*"MMMMM"))
    assert ranks(made.view()) == [(1, 1), (2, 2), (3, 2), (4, 4), (5, 5)]
    assert [each.place for each in made.view().page()] == [1, 2, 3, 4, 5]


def test_dns_dnf_and_dsq_stand_below_unranked():
    statuses = [Status.DNS, Status.DSQ, Status.DNF, Status.REGISTERED, Status.REGISTERED]
    field = [runner(number, status=status) for number, status in enumerate(statuses, 1)]
    made = board("2:F10 3:A20 4:F50", *field)
    assert ranks(made.view()) == [(4, 1), (5, None), (3, None), (2, None), (1, None)]
    assert ranks(made.view(Which(checkpoint=A.id))) == [(3, None)]


def test_a_filter_ranks_among_those_who_pass_it():
    field = [
        runner(1, gender="M", club="X"),
        runner(2, gender="F", club="X"),
        runner(3, gender="F", club="Y"),
    ]
    made = board("1:F10 2:F20 3:F30", *field)
    assert ranks(made.view(Which(gender="F"))) == [(2, 1), (3, 2)]
    assert ranks(made.view(Which(club="X"))) == [(1, 1), (2, 2)]
    assert ranks(made.view(Which(gender="F", club="Y"))) == [(3, 1)]
    assert made.view(Which(gender="F")).standing(1) is None
    assert made.view(Which(gender="F")).rank_of(1) is None
    assert [each.gap for each in made.view(Which(gender="F")).page()] == [0, seconds(10)]


def test_ranks_by_gender_and_category_are_within_each_ones_own():
    rules = Category("Old", None, 40), Category("Young", None, None, 39)
    field = [
        runner(n, gender=g, age=a)
        for n, (g, a) in enumerate([("M", 50), ("F", 20), ("M", 20), ("F", 60), (None, 20)], 1)
    ]
    made = board("1:F10 2:F20 3:F30 4:F40 5:F50", *field, categories=rules)
    by_gender, by_category = made.view(Which(Ranking.GENDER)), made.view(Which(Ranking.CATEGORY))
    assert ranks(by_gender) == [(1, 1), (2, 1), (3, 2), (4, 2), (5, None)]
    assert ranks(by_category) == [(1, 1), (2, 1), (3, 2), (4, 2), (5, 3)]
    assert [each.gap for each in by_gender.page()] == [0, 0, seconds(20), seconds(20), None]
    assert ranks(made.view(Which(Ranking.CATEGORY, category="Old"))) == [(1, 1), (4, 2)]
    assert [each.category for each in by_category.page()] == ["Old", "Young", "Young", "Old", "Young"]


def test_each_ranking_has_its_own_basis():
    made = board("1:S0 1:F100 2:S30 2:F101", *people("F", "F"), gender_by=Basis.NET)
    assert ranks(made.view()) == [(1, 1), (2, 2)]
    assert ranks(made.view(Which(Ranking.GENDER))) == [(2, 1), (1, 2)]
    assert ranks(made.view(Which(gender="F"))) == [(1, 1), (2, 2)]


def test_a_gap_is_to_the_first_at_the_same_place():
    made = board("1:A50 1:F90 2:A60 3:F95 4:S1", *people(*"MMMM"), course=(S, A, F))
    assert [(each.participant.id, each.gap) for each in made.view().page()] == [
        (1, 0), (3, seconds(5)), (2, seconds(10)), (4, None)
    ]  # fmt: skip


def test_pages():
    made = board(" ".join(f"{n}:F{n}" for n in range(1, 8)), *people(*"MMMMMMM"))
    view = made.view()
    assert [each.place for each in view.page(2, 3)] == [3, 4, 5]
    assert len(view.page(5, 50)) == 2 and view.page(7, 10) == [] and len(view) == 7
    assert view.page(3, 1)[0] == view.standing(4)


def test_counts_are_of_those_who_pass_the_filter():
    statuses = {4: Status.DNS, 5: Status.DNF, 6: Status.DSQ}
    field = [runner(n, gender="FM"[n % 2], status=statuses.get(n, Status.REGISTERED)) for n in range(1, 8)]
    made = board("1:S0 1:A5 1:F9 2:S1 3:S2 3:A9 5:S1 6:F9", *field)
    everybody = Counts(7, 1, 2, 1, 1, 1, 1, {S.id: 4, A.id: 2, F.id: 2})
    assert made.counts() == made.view().counts() == made.view(Which(checkpoint=F.id)).counts() == everybody
    assert made.view(Which(gender="F")).counts() == Counts(3, 0, 1, 0, 1, 0, 1, {S.id: 1, A.id: 0, F.id: 1})


def test_a_view_tells_when_something_changed_for_it():
    made = contest("", S, A, F, participants=people(*"FMF"))
    scoring = made.scoring()
    views = [Which(), Which(gender="F"), Which(gender="M")]
    board = scoring.boards[1]
    versions = [board.view(which).version for which in views]

    def changed(line):
        nonlocal versions
        have = len(made.reads)
        made.add(line)
        scoring.take(made.reads[have:])
        scoring.settle()
        former, versions = versions, [board.view(which).version for which in views]
        return [now > before for now, before in zip(versions, former, strict=True)]

    assert changed("2:S0") == [True, False, True]
    assert changed("1:S0 1:A9") == [True, True, False]
    assert changed("1:A10") == [False, False, False]  # bounced
    scoring.take(made.reads)
    assert scoring.settle() == 0 and board.revision == versions[0]


def test_views_not_used_for_long_are_made_anew():
    scoring = contest("1:F9 2:F8", S, A, F, participants=people("F", "M")).scoring()
    board = scoring.boards[1]
    kept = board.view(Which(club="0"))
    for number in range(MOST_VIEWS):
        board.view(Which(club=str(number)))
    assert board.view(Which(club="0")) is kept
    board.view(Which(club="one more"))
    assert board.view(Which(club="0")) is kept
    for number in range(MOST_VIEWS):
        board.view(Which(club=f"other {number}"))
    assert board.view(Which(club="0")) is not kept
    assert ranks(board.view()) == [(2, 1), (1, 2)]


def test_fewer_views_are_kept_of_a_large_race(monkeypatch):
    monkeypatch.setattr("timing.leaderboards.MOST_LINES", 2)
    scoring = contest("1:F9 2:F8", S, A, F, participants=people("F", "M")).scoring()
    board = scoring.boards[1]
    kept = board.view()
    for number in range(ALWAYS - 1):
        board.view(Which(club=str(number)))
    assert board.view() is kept
    for number in range(ALWAYS):
        board.view(Which(club=f"other {number}"))
    assert board.view() is not kept


def test_many_views_are_kept_up_like_few():
    reads, clubs = "1:S0 1:F9 2:S1 2:F8 3:A4", [None, "X", "Y", "Z"]
    entered = [runner(1, club="X"), runner(2, gender="M", club="Y"), runner(3, gender="M")]
    made = contest(reads, S, A, F, participants=tuple(entered))
    scoring = made.scoring()
    views = [Which(gender=gender, club=club) for gender in (None, "F", "M") for club in clubs]
    assert len(views) > FEW_FIELDS
    former = [scoring.boards[1].view(which) for which in views]
    moved = runner(2, gender="F", club="Z")
    scoring.change([moved])
    have = len(made.reads)
    made.add("3:F9")
    scoring.take(made.reads[have:])
    scoring.settle()
    fresh = contest(f"{reads} 3:F9", S, A, F, participants=(entered[0], moved, entered[2])).scoring()
    for which, view in zip(views, former, strict=True):
        assert scoring.boards[1].view(which) is view
        assert list(view.page()) == list(fresh.boards[1].view(which).page()), which
        assert view.counts() == fresh.boards[1].view(which).counts(), which


def test_who_leaves_a_race_leaves_its_boards():
    scoring = contest("1:F9 2:F8", S, A, F, participants=people("F", "M")).scoring()
    board = scoring.boards[1]
    board.view()
    scoring.change([runner(2, gender="M", race=None)])
    scoring.settle()
    assert ranks(board.view()) == [(1, 1)] and board.counts().entered == 1
    assert not board.drop(2)


@pytest.mark.parametrize(
    "change", [{"gender": "F"}, {"club": "Z"}, {"name": "New"}, {"adjustment": 5}, {"status": Status.DSQ}]
)
def test_a_changed_participant_changes_every_view_alike(change):
    made = contest("1:S0 1:F9 2:S1 2:F8 3:A4", S, A, F, participants=people(*"FMF"))
    scoring, fresh = made.scoring(), contest("1:S0 1:F9 2:S1 2:F8 3:A4", S, A, F, participants=(
        runner(1, gender="F"), runner(2, **({"gender": "M"} | change)), runner(3, gender="F")))  # fmt: skip
    views = [
        Which(), Which(Ranking.GENDER), Which(gender="F"), Which(gender="M"), Which(club="Z"),
        Which(Ranking.CATEGORY), Which(checkpoint=F.id), Which(Ranking.GENDER, checkpoint=S.id),
    ]  # fmt: skip
    board = scoring.boards[1]
    for which in views:
        board.view(which)
    scoring.change([runner(2, **({"gender": "M"} | change))])
    scoring.settle()
    other = fresh.scoring().boards[1]
    for which in views:
        assert board.view(which).page() == other.view(which).page(), which
        assert board.view(which).counts() == other.view(which).counts()


@pytest.mark.parametrize("mode", Mode)
@pytest.mark.parametrize("names", ["", "S", "A", "SA"])
def test_a_race_whose_course_is_not_finished_has_a_board(names, mode):
    course = mats(names)
    servings = [Serving(1, point.id, session_row=point.id) for point in course]
    race = Race(1, "Draft", mode=mode, laps=2, checkpoints=course, waves=(Wave(1, "All", 0),))
    draft = Scoring(Definition((race,), servings, (runner(1),)))
    draft.take(Read(n, ord(name), 1, n, seconds(n), "1", None) for n, name in enumerate(names * 3, 1))
    draft.settle()
    board = draft.boards[1]
    assert ranks(board.view()) == [(1, 1 if names else None)]
    assert board.counts().finished == 0 and board.counts().entered == 1
    assert board.view().standing(1).projection is None
    assert sum(draft.verdict_counts(1).values()) == len(names * 3)
    with pytest.raises(LookupError):
        board.view(Which(lap=1))
