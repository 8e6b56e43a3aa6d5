"""Backup readers fill what the primary readers missed, and displace nothing."""

import pytest

from tests.timing.contests import contest, mat, mats
from timing.scoring import Scoring

A, B, F = mats("ABF", bounce=5, minimum=60)
S = mat("S", bounce=5)

FILLS = {
    "where the primary has a read the backup is not used": ("S0 s0.1=BACKUP_UNUSED A100 a99=BACKUP_UNUSED", "S0 A100"),
    "however early or late the backup is": ("S0 a60=BACKUP_UNUSED A100 a190=BACKUP_UNUSED", "S0 A100"),
    "a missed mat is filled": ("S0 a100 B200", "S0 A100 B200"),
    "two missed mats are filled": ("S0 a100 b200 F300", "S0 A100 B200 F300"),
    "the finish is filled": ("S0 A100 f300", "S0 A100 F300"),
    "backups alone make a race": ("s0 a100 b200 f300", "S0 A100 B200 F300"),
    "the first backup of a burst counts": ("S0 a100 a101=BOUNCED a150=BOUNCED B200", "S0 A100 B200"),
    "the last backup of a start counts": ("s0=BOUNCED s1=BOUNCED s30 A100", "S30 A100"),
    "a start leaves enough time for what follows": ("s0=BOUNCED s30 s41=BOUNCED A100", "S30 A100"),
    "a backup too soon": ("S0 a59=TOO_SOON a61 B200", "S0 A61 B200"),
    "a backup that leaves too little time for the next": ("S0 a150=OUT_OF_ORDER B200", "S0 B200"),
    "a backup after a later mat": ("S0 B200 a210=OUT_OF_ORDER", "S0 B200"),
    "a stray backup takes no place from a fitting one": ("S0 b150 a160=OUT_OF_ORDER F300", "S0 B150 F300"),
    "before the gun": ("s-1=BEFORE_START s0", "S0"),
    "struck out, the backup stands in": ("S0 A100- a101", "S0 A101"),
    "a struck out backup stands in for nobody": ("S0 a100- B200", "S0 B200"),
    "a confirmed backup counts where the primary has a read": ("S0 A100=BOUNCED a101+", "S0 A101"),
    "beside a confirmed backup no other is used": ("S0 a100+ a101=BACKUP_UNUSED", "S0 A100"),
}  # fmt: skip


@pytest.mark.parametrize(("line", "splits"), FILLS.values(), ids=FILLS.keys())
def test_backups_on_a_course(line, splits):
    assert contest(line, S, A, B, F).splits() == splits


def test_a_backup_whose_last_read_counts():
    last = mat("A", bounce=5, minimum=60, counts="LAST")
    assert contest("S0 a100=BOUNCED a104 a110=BOUNCED B200", S, last, B, F).splits() == "S0 A104 B200"
    assert contest("S0 a100 a104=BOUNCED B161", S, last, B, F).splits() == "S0 A100 B161"


def test_a_backup_after_the_cut_off():
    contest("S0 a101=AFTER_CUTOFF F200", S, mat("A", cutoff=100), F)


def test_a_backup_of_a_mat_passed_out_and_back():
    course = S, A, B, mat("C", bounce=5, minimum=60), F
    shared = {"M": "AC"}
    assert contest("S0 M100 m101=BACKUP_UNUSED B200 m300 F400", *course, shared=shared).splits() == (
        "S0 A100 B200 C300 F400"
    )
    assert contest(
        "S0 m100 m101=BOUNCED B200 M300 m299=BACKUP_UNUSED F400", *course, shared=shared
    ).splits() == ("S0 A100 B200 C300 F400")


def test_a_primary_that_comes_later_takes_its_place_again():
    made = contest("S0 a100 B200", S, A, B, F)
    made.add("A104")
    assert made.splits() == "S0 A104 B200"
    scoring = Scoring(made.definition())
    scoring.take(made.reads[:3])
    scoring.settle()
    scoring.take(made.reads[3:])
    scoring.settle()
    assert scoring.judged(2).verdict == "BACKUP_UNUSED"
    assert scoring.verdict_counts(1) == {"VALID": 3, "BACKUP_UNUSED": 1}
