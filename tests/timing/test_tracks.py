"""A chip that lies beside a reader all day."""

from unittest.mock import patch

from tests.timing.contests import contest, mats, seconds
from timing.passings import Walk
from timing.races import Read

READS = 20_000


def test_a_late_read_is_judged_without_going_over_all_others_again():
    scoring = contest("S0 A50 F100", *mats("SAF", bounce=5)).scoring()
    lying = [Read(n, ord("F"), 1, n, seconds(100 + n), "1", None) for n in range(10, READS)]
    scoring.take(lying)
    scoring.settle()
    walked = []
    follow = Walk.follow
    with patch.object(Walk, "follow", lambda walk, reads: (walked.append(len(reads)), follow(walk, reads))):
        for n in range(50):
            late = seconds(100 + READS - n) - 7
            scoring.take([Read(READS + n, ord("F"), 1, READS + n, late, "1", None)])
            scoring.settle()
    assert sum(walked) < 50 * 1000
    assert scoring.verdict_counts(1) == {"VALID": 3, "BOUNCED": READS - 10 + 50}
    scoring.take([Read(3 * READS, ord("A"), 1, 3 * READS, seconds(40), "1", None)])
    scoring.settle()
    assert scoring.judged(3 * READS).verdict == "VALID" and scoring.judged(2).verdict == "BOUNCED"
