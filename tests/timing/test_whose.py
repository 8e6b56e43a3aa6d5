"""Whose a read is, and where it was taken."""

import pytest

from tests.timing.contests import mat, mats, runner, seconds
from timing.races import Chip, Definition, Override, Race, Read, Role, Ruling, Serving, Wave
from timing.scoring import Scoring
from timing.verdicts import Unknown

S, A, F = mats("SAF")
RACE = Race(1, "Race", checkpoints=(S, A, F), waves=(Wave(1, "All", 0),))
OTHER = Race(2, "Other", checkpoints=(mat("B"), mat("F")), waves=(Wave(2, "All", 0),))
SERVINGS = (
    Serving(1, S.id, session_row=1),
    Serving(1, A.id, session_row=2),
    Serving(1, F.id, session_row=3),
    Serving(2, ord("B"), session_row=4),
)


def scoring(*participants, servings=SERVINGS, rulings=()):
    return Scoring(Definition((RACE, OTHER), servings, participants, rulings))


def read(position, session, at, bib=None, chip=None, device=9):
    return Read(position, session, device, position, seconds(at), bib, chip)


def whose(event, *reads):
    event.take(reads)
    event.settle()
    return [
        judged and (judged.participant, str(judged.verdict))
        for judged in map(event.judged, [r.position for r in reads])
    ]


def chip(code, from_=None, to=None):
    return Chip(code, None if from_ is None else seconds(from_), None if to is None else seconds(to))


SEVEN = runner(7, chips=(chip("C7"),))
EIGHT = runner(8, chips=(chip("C8"),))
NOBODY = (None, "UNKNOWN_PARTICIPANT")


def test_the_bib_is_asked_first():
    assert whose(scoring(SEVEN, EIGHT), read(1, 1, 1, bib="7", chip="C8")) == [(7, "VALID")]


def test_then_the_chip():
    assert (
        whose(scoring(SEVEN, EIGHT), read(1, 1, 1, chip="C8"), read(2, 2, 9, "99", "C8"))
        == [(8, "VALID")] * 2
    )


def test_then_the_bib_field_as_a_chip():
    assert whose(scoring(SEVEN, EIGHT), read(1, 1, 1, bib="C8")) == [(8, "VALID")]


def test_leading_zeros_are_kept():
    assert whose(scoring(runner(1, bib="007")), read(1, 1, 1, "7"), read(2, 1, 1, "007")) == [
        NOBODY,
        (1, "VALID"),
    ]


def test_a_chip_is_its_holders_while_its_window_is_open():
    first = runner(7, chips=(chip("C", to=100),))
    second = runner(8, chips=(chip("C", from_=100),))
    reads = read(1, 1, 99.9, chip="C"), read(2, 1, 100, chip="C")
    assert whose(scoring(first, second), *reads) == [(7, "VALID"), (8, "VALID")]
    between = runner(7, chips=(chip("C", 50, 60),))
    assert whose(scoring(between), read(1, 1, 49, chip="C"), read(2, 1, 60, chip="C")) == [NOBODY, NOBODY]


def test_a_chip_that_two_carry_is_of_who_was_given_it_last():
    assert whose(
        scoring(runner(7, chips=(chip("C"),)), runner(8, chips=(chip("C", 0),))), read(1, 1, 9, chip="C")
    ) == [(8, "VALID")]


def test_a_read_of_nobody_is_kept_and_matched_when_its_participant_comes():
    event = scoring()
    reads = (
        read(1, 1, 1, "7"),
        read(2, 2, 2, chip="C7"),
        read(3, 3, 3, "9", "C7"),
        read(4, 1, 1, "5"),
        read(5, 1, 2, "5"),
    )
    assert whose(event, *reads) == [NOBODY] * 5
    assert event.unknown == [
        Unknown("5", None, 2), Unknown(None, "C7", 1), Unknown("7", None, 1), Unknown("9", "C7", 1)
    ]  # fmt: skip
    assert event.verdict_counts(1) == {"UNKNOWN_PARTICIPANT": 5}
    event.change([SEVEN])
    assert whose(event, *reads) == [(7, "VALID")] * 3 + [NOBODY] * 2
    assert event.unknown == [Unknown("5", None, 2)]


def test_a_new_bib_takes_reads_from_who_had_them_by_chip():
    event = scoring(SEVEN)
    reads = read(1, 1, 1, "9", "C7"), read(2, 2, 2, "7")
    assert whose(event, *reads) == [(7, "VALID")] * 2
    event.change([runner(9)])
    assert whose(event, *reads) == [(9, "VALID"), (7, "VALID")]
    event.change([runner(9, bib="10")])
    assert whose(event, *reads) == [(7, "VALID")] * 2


def test_two_may_swap_their_bibs():
    event = scoring(runner(1), runner(2))
    reads = read(1, 1, 1, "1"), read(2, 1, 2, "2")
    assert whose(event, *reads) == [(1, "VALID"), (2, "VALID")]
    event.change([runner(1, bib="2"), runner(2, bib="1")])
    assert whose(event, *reads) == [(2, "VALID"), (1, "VALID")]


def test_an_official_says_whose_a_read_is():
    event = scoring(SEVEN, EIGHT)
    event.change(rulings=[Ruling(1, Override.CONFIRMED, participant=8)])
    assert whose(event, read(1, 1, 1, "7"), read(2, 2, 2, "7")) == [(8, "CONFIRMED"), (7, "VALID")]
    event.change(rulings=[Ruling(2, Override.CONFIRMED, participant=10)])
    assert whose(event, read(2, 2, 2, "7")) == [(7, "CONFIRMED")]
    event.change([runner(10)])
    assert whose(event, read(2, 2, 2, "7")) == [(10, "CONFIRMED")]


def test_a_confirmed_read_needs_no_reader():
    event = scoring(
        SEVEN, rulings=[Ruling(1, Override.CONFIRMED, checkpoint=A.id, participant=7, reason="seen")]
    )
    assert whose(event, read(1, 77, 50)) == [(7, "CONFIRMED")]
    assert event.judged(1).checkpoint == A.id


def test_a_read_of_no_reader_of_the_event_is_not_of_it():
    event = scoring(SEVEN)
    assert whose(event, read(1, 77, 1, "7"), read(2, 77, 1, "99")) == [None, None]
    assert event.unknown == [] and event.verdict_counts(1) == {}


def test_a_read_where_only_other_races_pass_is_of_the_wrong_race():
    event = scoring(SEVEN, runner(8, race=None))
    assert whose(event, read(1, 4, 1, "7"), read(2, 4, 1, "8")) == [(7, "WRONG_RACE"), (8, "WRONG_RACE")]
    assert event.verdict_counts(1) == {"WRONG_RACE": 1} == event.verdict_counts(2)


def test_who_changes_the_race_takes_the_reads_along():
    event = scoring(SEVEN)
    assert whose(event, read(1, 1, 1, "7"), read(2, 4, 2, "7")) == [(7, "VALID"), (7, "WRONG_RACE")]
    event.change([runner(7, race=2)])
    assert whose(event, read(1, 1, 1, "7"), read(2, 4, 2, "7")) == [(7, "WRONG_RACE"), (7, "VALID")]
    assert [len(event.boards[race]) for race in (1, 2)] == [0, 1]
    event.change([runner(7, race=None)])
    event.settle()
    assert [len(event.boards[race]) for race in (1, 2)] == [0, 0]


WINDOWS = (
    Serving(1, S.id, device_row=9, to=seconds(100)),
    Serving(1, F.id, device_row=9, from_=seconds(100), to=seconds(200)),
    Serving(1, A.id, session_row=5),
    Serving(1, A.id, session_row=6, from_=seconds(50)),
)


@pytest.mark.parametrize(
    ("session", "at", "place"),
    [
        (1, 99, "S"),
        (1, 100, "F"),
        (1, 199, "F"),
        (1, 200, None),
        (5, 99, "A"),
        (6, 49, "S"),
        (6, 50, "A"),
        (6, 300, "A"),
    ],
)
def test_a_device_serves_for_a_time_and_its_session_before_it(session, at, place):
    event = scoring(SEVEN, servings=WINDOWS)
    whose(event, read(1, session, at, "7"))
    judged = event.judged(1)
    assert (judged and chr(judged.checkpoint)) == place


def test_a_reader_that_is_a_primary_somewhere_is_no_backup_elsewhere():
    both = (Serving(1, S.id, session_row=1), Serving(1, A.id, session_row=1, role=Role.BACKUP))
    event = scoring(SEVEN, servings=both)
    assert whose(event, read(1, 1, 1, "7"), read(2, 1, 50, "7")) == [(7, "BOUNCED"), (7, "VALID")]
    assert event.judged(2).checkpoint == S.id


def test_two_races_share_a_mat():
    shared = (Serving(1, F.id, session_row=3), Serving(2, F.id, session_row=3))
    event = scoring(SEVEN, runner(8, race=2), servings=shared)
    assert whose(event, read(1, 3, 9, "7"), read(2, 3, 9, "8"), read(3, 3, 9, "0")) == [
        (7, "VALID"),
        (8, "VALID"),
        NOBODY,
    ]
    assert [event.judged(position).race for position in (1, 2, 3)] == [1, 2, None]
    assert event.verdict_counts(2) == {"VALID": 1, "UNKNOWN_PARTICIPANT": 1}


def test_another_scoring_takes_over_every_read():
    """Also those of nobody, and those that were nowhere until now."""
    event = scoring(SEVEN)
    taken = [read(1, 77, 1, "7"), read(2, 1, 2, "7"), read(3, 77, 3, "8")]
    event.take(taken)
    assert sorted(event.reads()) == taken
    anew = Scoring(Definition((RACE,), (Serving(1, A.id, session_row=77),), (SEVEN,)))
    anew.take(event.reads())
    anew.settle()
    assert anew.judged(1).checkpoint == A.id and anew.judged(2) is None
    assert anew.judged(3).verdict == "UNKNOWN_PARTICIPANT" and list(anew.boards) == [1]
