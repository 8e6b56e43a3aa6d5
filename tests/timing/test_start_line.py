"""A crowd that stands on the start mat: very many reads, one start each, the last one."""

import random

from tests.timing.contests import mat, seconds
from timing.passings import Verdict
from timing.races import Definition, Participant, Race, Read, Serving, Wave
from timing.scoring import Scoring

RUNNERS, TIMES = 300, 83
"""1.5 million reads of 18,000 people are 83 for each; `bench/boards.py --start-line` has them all."""


def test_the_last_of_very_many_start_reads_counts():
    chance = random.Random(1)
    reads = []
    for bib in range(1, RUNNERS + 1):
        for _ in range(TIMES):
            number = len(reads) + 1
            reads.append(Read(number, 1, 1, number, seconds(chance.uniform(0, 1800)), str(bib), None))
    chance.shuffle(reads)
    race = Race(1, "Race", checkpoints=(mat("S"), mat("F", minimum=600)), waves=(Wave(1, "All", 0),))
    people = [Participant(bib, 1, str(bib)) for bib in range(1, RUNNERS + 1)]
    scoring = Scoring(Definition((race,), (Serving(1, ord("S"), session_row=1),), people))
    for at in range(0, len(reads), 1000):
        scoring.take(reads[at : at + 1000])
        scoring.settle()
    last = {}
    for read in reads:
        last[int(read.bib)] = max(read.at, last.get(int(read.bib), 0))
    lines = scoring.boards[1].view().page(0, RUNNERS)
    assert {each.participant.id: each.splits[0].at for each in lines} == last
    assert [each.time for each in lines] == sorted(last.values())
    bounced = RUNNERS * (TIMES - 1)
    assert scoring.verdict_counts(1) == {Verdict.VALID: RUNNERS, Verdict.BOUNCED: bounced}
