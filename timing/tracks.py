"""The reads of one participant, and what they amount to."""

from collections import Counter
from collections.abc import Mapping
from itertools import islice
from operator import itemgetter, lt
from typing import NamedTuple

from timing import results
from timing.backups import Visit, fill
from timing.courses import NEVER, Course, Start
from timing.leaderboards import Leaderboard
from timing.passings import Doubts, Note, Verdict, Walk
from timing.races import Participant, Read, Ruling
from timing.results import Result
from timing.rulings import walk
from timing.servings import Servings

_in_time = itemgetter(4, 1, 3)
"""Reads go by time, session, number: never by position, which is the order of arrival."""
STRIDE = 200
"""Reads between two marks, from which a walk can begin again."""


class Mark(NamedTuple):
    """A walk as it was after so many reads, the last of them at `latest`."""

    walked: int
    latest: int
    walk: Walk


class Track:
    """The reads of one participant, or of names that nobody carries.

    The walk has gone over the first `_walked` of them, which are in order of time up to `_latest`. It goes
    on from there; if an earlier read arrives, from a mark before it, so that a chip which lies beside a
    reader all day stays cheap; if an official has ruled on any, from the beginning. `entered`: the
    participant as the board knows them.
    """

    __slots__ = (
        "participant", "reads", "ruled", "queued", "entered", "board",
        "_latest", "_walk", "_walked", "_marks", "_filling",
    )  # fmt: skip

    def __init__(self, participant: Participant | None) -> None:
        self.participant = participant
        self.reads: list[Read] = []
        self.ruled = False
        self.queued = participant is None  # nobody's reads are not judged
        self.entered: Participant | None = None
        self.board: Leaderboard | None = None
        self._filling: Doubts | None = None
        self.restart()

    def empty(self) -> list[Read]:
        """Gives up its reads."""
        reads, self.reads = self.reads, []
        self.ruled = False
        self.restart()
        return reads

    def restart(self) -> None:
        """What decides over the reads has changed."""
        self._latest = NEVER
        self._walk: Walk | None = None
        self._walked = 0
        self._marks: tuple[Mark, ...] = ()

    def judge(self, course: Course, servings: Servings, rulings: Mapping[int, Ruling]) -> Result:
        """The result, as all reads say."""
        if self.ruled:
            self.reads.sort(key=_in_time)
            way = self._walk = walk(course, self._start(course), servings, self.reads, rulings)
        else:
            way = self._go_on(course, servings)
        if not way.backups:
            return results.of_walk(way)
        self._filling = Doubts()
        return results.of_walk(way, fill(way, self._filling))

    def _go_on(self, course: Course, servings: Servings) -> Walk:
        fresh, way = self._fresh(), self._walk
        if way is None:
            way = self._walk = Walk(course, self._start(course), servings)
        elif fresh and fresh[0][4] <= self._latest:
            way = self._walk = self._back(fresh[0][4]) or Walk(course, self._start(course), servings)
            fresh = self._fresh()
        for start in range(0, len(fresh), STRIDE):
            part = fresh if len(fresh) <= STRIDE else fresh[start : start + STRIDE]
            way.follow(part)
            self._walked += len(part)
            self._latest = part[-1][4]
            if self._walked >= STRIDE * (len(self._marks) + 1) and way.backups is None:
                self._marks += (Mark(self._walked, self._latest, way.copy()),)
        return way

    def _fresh(self) -> list[Read]:
        """The reads that the walk has not gone over, in order of time."""
        fresh = self.reads[self._walked :]
        if len(fresh) > 1:
            ats = [read[4] for read in fresh]
            if not all(map(lt, ats, islice(ats, 1, None))):
                fresh.sort(key=_in_time)
                self.reads[self._walked :] = fresh
        return fresh

    def _back(self, at: int) -> Walk | None:
        """The walk as it was at the last mark before an instant; None if it is to begin anew."""
        while self._marks and self._marks[-1].latest >= at:
            self._marks = self._marks[:-1]
        self._walked = self._marks[-1].walked if self._marks else 0
        return self._marks[-1].walk.copy() if self._marks else None

    def _start(self, course: Course) -> Start:
        return course.start(self.participant.wave if self.participant else None)

    def counts(self, result: Result) -> Counter[Verdict]:
        """How many reads have which verdict, by the walk that led to this result."""
        counts: Counter[Verdict] = Counter()
        if self._walk is not None:
            confirmed = len(self._walk.confirmed)
            counts[Verdict.CONFIRMED] = confirmed
            counts[Verdict.VALID] = len(result.ats) - result.ats.count(None) - confirmed
            if self._walk.doubts is not None:
                counts.update(self._walk.doubts.counts)
            if self._walk.backups and self._filling is not None:
                counts.update(self._filling.counts)
        return +counts

    def report(self, course: Course, servings: Servings, rulings: Mapping[int, Ruling]) -> dict[int, Note]:
        """What is said of each read, by position: the same walk again, with somebody taking notes."""
        notes: dict[int, Note] = {}
        reads = sorted(self.reads, key=_in_time)
        way = walk(course, self._start(course), servings, reads, rulings if self.ruled else {}, notes)
        filled = fill(way, Doubts(notes)) if way.backups else None
        visits = [Visit(at, -1, read, False) for at, read in enumerate(way.reads) if read]
        for visit in visits if filled is None else filled:
            confirmed = visit.read.position in way.confirmed
            reason = "an official confirmed it" if confirmed else "it counts"
            if visit.backup:
                reason = "it counts: the primary readers missed this visit"
            verdict = Verdict.CONFIRMED if confirmed else Verdict.VALID
            notes[visit.read.position] = Note(verdict, reason, visit.station)
        return notes
