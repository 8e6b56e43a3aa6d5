"""Which reads count: the walk along a course, rule by rule."""

import pytest

from tests.timing.contests import contest, mat, mats, seconds
from timing.races import Mode

S, A, B, F = mats("SABF", bounce=5, minimum=60)
S = mat("S", bounce=5)
LAST = mat("A", bounce=5, minimum=60, counts="LAST")

COURSE = {
    "a plain race counts everywhere": "S1 A100 B200 F300",
    "a missed mat is passed over": "S1 B200 F300",
    "the first read of a burst counts": "S1 A100 A102=BOUNCED A105=BOUNCED B200",
    "a burst is measured from the read that counts": "S1 A100 A104=BOUNCED A106=BOUNCED",
    "who comes back to a mat has counted there already": "S1 A100 A150=BOUNCED B200 A250=BOUNCED F300",
    "a read before the gun does not count": "S-3=BEFORE_START A100",
    "a read at the gun counts": "S0 A60",
    "the last read of a start counts": "S0=BOUNCED S1=BOUNCED S2",
    "who stands on the start mat starts at the end, however long": "S0=BOUNCED S100=BOUNCED S500 A600",
    "a start after another mat is none": "S0 A100 S101=BOUNCED",
    "a start that was missed cannot be made up for": "A100 S101=OUT_OF_ORDER F220",
    "the minimum time runs from the last read of the start": "S0=BOUNCED S50 A100=TOO_SOON A110=VALID",
    "the minimum time is reached exactly": "S0 A60 B120 F180",
    "a mat too soon is doubtful and the next read counts": "S0 A59=TOO_SOON A61",
    "minimum times of missed mats add up": "S0 F179=TOO_SOON F180",
    "without a start the minimum runs from the gun": "F239=VALID A59=TOO_SOON A70",
    "a doubtful read changes nothing behind it": "S0 F100=TOO_SOON A101 B161 F221",
    "an earlier mat after a later one is out of order": "S0 B200 A201=OUT_OF_ORDER F300",
    "struck out, the next read counts": "S0 A100- A101 B200",
    "struck out, the mat was missed": "S0 A100- B200",
    "a struck out read of a burst changes nothing": "S0 A100 A101-",
}  # fmt: skip


@pytest.mark.parametrize("line", COURSE.values(), ids=COURSE.keys())
def test_a_course(line):
    contest(line, S, A, B, F)


LAST_COUNTS = {
    "the last read of a burst counts": "S0 A100=BOUNCED A104=BOUNCED A108 B200",
    "a burst of last reads is a chain": "S0 A100=BOUNCED A104=BOUNCED A108 A114=BOUNCED",
    "no read moves what was left behind": "S0 A100 B160 A163=BOUNCED",
    "the minimum runs from the last read": "S0 A100=BOUNCED A104 B163=TOO_SOON B164",
}


@pytest.mark.parametrize("line", LAST_COUNTS.values(), ids=LAST_COUNTS.keys())
def test_a_mat_whose_last_read_counts(line):
    contest(line, S, LAST, mat("B", minimum=60, bounce=1), F)


def test_a_start_may_count_the_first_read():
    contest("S0 S1=BOUNCED S20=BOUNCED A100", mat("S", bounce=5, counts="FIRST"), A, F)


def test_without_bounce_a_second_read_at_the_same_moment_bounces():
    laps = contest("F10 F20", *mats("F"), mode=Mode.LAPS, laps=3)
    laps.add("F20")
    assert laps.splits() == "F10/1 F20/2"


def test_without_a_gun_there_is_nothing_before_the_start_and_no_minimum_to_the_first_mat():
    contest("S-100=BOUNCED S-3 A57", S, A, F, gun=None)
    contest("A-3 F57", S, A, F, gun=None)


def test_after_the_cut_off_nothing_counts():
    late = mat("A", cutoff=200, bounce=5)
    contest("S0 A200", S, late, F)
    contest("S0 A201=AFTER_CUTOFF F300", S, late, F)
    contest("S0 A199 A202=AFTER_CUTOFF", S, late, F)
    contest("S0 A201", S, late, F, gun=None)


def test_a_race_without_a_start_begins_at_the_first_mat():
    contest("A60 B120 F180", A, B, F)
    contest("A59=TOO_SOON B130", A, B, F)


OUT_AND_BACK = {
    "out and back": "S0 M100 B200 M300 F400",
    "a burst on the way out is not the way back": "S0 M100 M101=BOUNCED B200 M300 M304=BOUNCED F400",
    "too soon for the way back": "S0 M100 M150=TOO_SOON",
    "the mat of the turn was missed": "S0 M100 M220 F300",
    "the third time is once too often": "S0 M100 B200 M300 M350=BOUNCED",
}


@pytest.mark.parametrize("line", OUT_AND_BACK.values(), ids=OUT_AND_BACK.keys())
def test_a_mat_that_is_passed_out_and_back(line):
    contest(line, S, A, B, mat("C", bounce=5, minimum=60), F, shared={"M": "AC"})


def test_start_and_finish_on_one_mat():
    course = S, A, F
    contest("M0=BOUNCED M2=BOUNCED M9 A100 M200", *course, shared={"M": "SF"})
    # The way round without A takes 120 s at least: till then who is read still stands at the start.
    contest("M0=BOUNCED M119=BOUNCED M121 M242", *course, shared={"M": "SF"})


def test_of_several_checkpoints_the_closed_ones_are_not_due():
    course = S, mat("A", cutoff=100), mat("C"), F
    contest("S0 M101 F300", *course, shared={"M": "AC"})
    assert contest("S0 M101 F300", *course, shared={"M": "AC"}).splits() == "S0 C101 F300"


CONFIRMED = {
    "a confirmed read counts before the gun": "S-9+ A100",
    "a confirmed read counts too soon": "S0 A10+ B70",
    "the minimum time runs from a confirmed read": "S0 A10+ B69=TOO_SOON",
    "a confirmed read counts out of order": "S0 B200 A210+ F300",
    "the read that counted gives way to a confirmed one": "S0 A100=BOUNCED A150+ B210",
    "a confirmed read moves on for no other": "S0+ S1=BOUNCED S100=BOUNCED A120",
    "a later read does not count beside a confirmed one": "S0 A100+ A150=BOUNCED",
    "of two confirmed reads the checkpoint's rule decides": "S0 A100+ A150+=BOUNCED",
    "of two confirmed starts the last counts": "S0+=BOUNCED S50+ A120",
    "a mat before a confirmed later one is still reached in time": "S0 A100 F250+ B200",
}


@pytest.mark.parametrize("line", CONFIRMED.values(), ids=CONFIRMED.keys())
def test_an_official_confirms(line):
    contest(line, S, A, B, F)


def test_a_confirmed_read_counts_after_the_cut_off():
    contest("S0 A300+", S, mat("A", cutoff=200), F)


def test_what_the_verdicts_say():
    made = contest("S0 A59.5=TOO_SOON A100 A101.25=BOUNCED", S, A, F)
    scoring = made.scoring()
    assert scoring.judged(2).reason == "0.500 s sooner than the minimum time allows"
    assert scoring.judged(4).reason == "1.250 s from the read that counts"
    assert scoring.judged(3)[:] == (3, "VALID", "it counts", 1, ord("A"), 1, 1)
    assert scoring.judged(99) is None
    assert seconds(1) == 1_000_000
