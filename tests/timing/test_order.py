"""Whatever the order of arrival, the boards are those computed from scratch.

`PASSLINE_EXAMPLES=10000` tries so many events; by default a few.
"""

import os
from unittest.mock import patch

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.timing.stories import PEOPLE, Live, Story
from timing import tracks
from timing.leaderboards import Ranking, Which
from timing.scoring import Scoring

EXAMPLES = int(os.environ.get("PASSLINE_EXAMPLES", "150"))
MOST_READS = 40
VIEWS = (
    Which(), Which(Ranking.GENDER), Which(Ranking.CATEGORY), Which(Ranking.TEAM), Which(gender="F"),
    Which(club="X", gender="M"), Which(category="Old"), Which(Ranking.TEAM, gender="F"), Which(lap=1), Which(lap=2),
)  # fmt: skip


def look(scoring):
    """Everything that boards show, in a form that can be compared."""
    seen = {}
    for race, board in scoring.boards.items():
        ids = [point.id for point in board.course.checkpoints]
        for which in (
            *VIEWS,
            *(Which(checkpoint=id) for id in ids),
            Which(Ranking.GENDER, checkpoint=ids[-1]),
        ):
            try:
                view = board.view(which)
            except LookupError:
                continue  # there is no such lap
            ranks = [view.rank_of(id) for id in PEOPLE]
            seen[race, which] = (view.page(0, 99), len(view), ranks, view.counts())
        seen[race, "verdicts"] = scoring.verdict_counts(race)
    seen |= {position: scoring.judged(position) for position in range(1, MOST_READS + 1)}
    return seen | {"unknown": scoring.unknown}


def from_scratch(definition, reads):
    scoring = Scoring(definition)
    scoring.take(reads)
    scoring.settle()
    return scoring


@settings(max_examples=EXAMPLES, deadline=None)
@given(seed=st.integers(0, 2**64), reads=st.integers(1, MOST_READS))
def test_the_boards_are_those_computed_from_scratch(seed, reads):
    story = Story(seed, reads)
    live = Live(story, look)
    with patch.object(
        tracks, "STRIDE", seed % 4 + 1
    ):  # late reads go back to marks, which are far apart else
        live.play()
    scratch = from_scratch(live.definition(), sorted(story.reads, key=lambda read: read.at))
    found, wanted = look(live.scoring), look(scratch)
    assert {key: each for key, each in found.items() if each != wanted[key]} == {}
    assert found.keys() == wanted.keys()


@settings(max_examples=EXAMPLES, deadline=None)
@given(seed=st.integers(0, 2**64), reads=st.integers(1, MOST_READS))
def test_verdicts_and_their_counts_agree(seed, reads):
    """What each read is told, and what is counted without telling, come from two walks."""
    story = Story(seed, reads)
    live = Live(story, look)
    live.play()
    scoring = live.scoring
    judged = [each for read in story.reads if (each := scoring.judged(read.position))]
    for race, board in scoring.boards.items():
        told = {}
        for each in judged:
            if each.participant in board.lines:
                told[each.verdict] = told.get(each.verdict, 0) + 1
        counted = scoring.verdict_counts(race)
        assert all(counted.get(verdict, 0) >= number for verdict, number in told.items())
        splits = sum(len(each.splits) for each in board.view().page(0, 99))
        assert splits == counted.get("VALID", 0) + counted.get("CONFIRMED", 0)
        assert splits == sum(each.station is not None for each in judged if each.participant in board.lines)
