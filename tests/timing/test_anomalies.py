"""What an official should look at."""

import pytest

from tests.timing.contests import Contest, contest, mat, mats, runner, seconds
from timing.anomalies import anomalies
from timing.races import Chip, Read, Status

S, A, B, F = mats("SABF", bounce=5, minimum=10)
S = mat("S", bounce=5)


def found(made: Contest):
    return anomalies(made.scoring(), 1)


def kinds(line, **more):
    return [each.kind for each in found(contest(line, S, A, B, F, **more))]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("S0 A50 A51=BOUNCED B100 F150", []),
        ("A50 B100 F150", ["NO_START"]),
        ("S0 A50 F150", ["MISSED_MATS"]),
        ("S0 A50", []),
        ("S0 A5=TOO_SOON A50", ["TOO_SOON"]),
        ("S0 B50 A60=OUT_OF_ORDER", ["MISSED_MATS", "OUT_OF_ORDER"]),
        ("S0 A50 a50.5=BACKUP_UNUSED", []),
        ("S0 A50 a70=BACKUP_UNUSED", ["BACKUP_DISAGREES"]),
        ("S0 A50 a49=BACKUP_UNUSED a70=BACKUP_UNUSED", []),
        ("S0 A50- A51", []),
    ],
)
def test_what_is_found(line, expected):
    assert kinds(line) == expected


def test_sentences_name_who_where_and_how_much():
    made = contest("S0 A50 a70=BACKUP_UNUSED F150", S, A, B, F, participants=(runner(1, name="Ann"),))
    missed, disagrees = found(made)
    assert missed.sentence == "1 Ann was not read at B."
    assert missed.positions == (2, 4)
    assert disagrees.sentence == "1 Ann has a backup's read 20.0 s from the primary's at A."
    assert (disagrees.positions, disagrees.participant) == ((2, 3), 1)


def test_laps_are_named():
    made = contest("S0 A50 F150 F300", S, A, F, mode="LAPS", laps=2)
    assert [each.sentence for each in found(made)] == ["1 was not read at A of lap 2."]


@pytest.mark.parametrize(
    ("status", "line", "expected"),
    [
        (Status.DNS, "S0", ["SEEN_AFTER_ALL"]),
        (Status.DNS, "", []),
        (Status.DNF, "S0 A50", []),
        (Status.DNF, "S0 A50 B100 F150", ["SEEN_AFTER_ALL"]),
        (Status.DSQ, "S0 A50 B100 F150", []),
    ],
)
def test_seen_after_all(status, line, expected):
    assert kinds(line, participants=(runner(1, status=status),)) == expected


def test_a_finish_without_a_time():
    assert kinds("A50 B100 F150", gun=None) == ["NO_START", "NO_TIME"]


def test_too_fast_a_leg():
    people = tuple(runner(number) for number in range(1, 13))
    fair = " ".join(
        f"{bib}:S0 {bib}:A{100 + bib} {bib}:B{200 + bib} {bib}:F{300 + bib}" for bib in range(1, 12)
    )
    made = contest(f"{fair} 12:S0 12:A200 12:B250 12:F500", S, A, B, F, participants=people)
    fast = found(made)
    assert [(each.kind, each.participant) for each in fast] == [("TOO_FAST", 12)]
    assert fast[0].sentence.startswith("12 went from A to B in 50.0 s")


def test_a_chip_that_is_read_for_another():
    people = (
        runner(1),
        runner(2, chips=(Chip("C"),)),
        runner(3, chips=(Chip("D"),)),
        runner(4, chips=(Chip("D"),)),
    )
    made = Contest((S, A, F), participants=people)
    made.reads = [
        Read(1, ord("S"), 1, 1, 0, "1", "C"),
        Read(2, ord("S"), 1, 2, seconds(1), None, "D"),
        Read(3, ord("S"), 1, 3, seconds(1), "2", "C"),
    ]
    assert [(each.kind, each.participant, each.sentence) for each in found(made)] == [
        ("ONE_CHIP_TWO_BIBS", 1, "Chip C was read for 1 and is carried by 2."),
        ("ONE_CHIP_TWO_BIBS", 3, "Chip D was read for 3 and is carried by 4."),
    ]


def test_names_that_nobody_carries():
    made = Contest((S, A, F))
    made.reads = [
        Read(1, ord("S"), 1, 1, 0, "9", "C"),
        Read(2, ord("A"), 1, 2, 9, "9", "C"),
        Read(3, 1, 1, 3, 9, "8", None),
    ]
    assert [(each.kind, each.positions, each.sentence) for each in found(made)] == [
        ("UNKNOWN_PARTICIPANT", (1, 2), "Read 2 times and carried by nobody: bib 9 with chip C.")
    ]
