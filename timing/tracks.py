"""The reads of one participant, and what they amount to."""

from collections import Counter
from collections.abc import Mapping
from operator import itemgetter

from timing import results
from timing.backups import Visit, fill
from timing.courses import NEVER, Course, Start
from timing.passings import Doubts, Note, Verdict, Walk, walk
from timing.races import Participant, Read, Ruling
from timing.results import Result
from timing.servings import Servings

_in_time = itemgetter(4, 1, 3)
"""Reads go by time, session, number: never by position, which is the order of arrival."""


class Track:
    """The reads of one participant, or of names that nobody carries.

    The walk has gone over the first `_walked` of them. It goes on from there as long as reads arrive in
    order of time and no official has ruled on any; else it begins again. `latest`: the last instant of
    them; `late`: is one out of order? `race`: on whose board the participant is.
    """

    __slots__ = (
        "participant",
        "reads",
        "ruled",
        "queued",
        "race",
        "latest",
        "late",
        "_walk",
        "_walked",
        "_filling",
    )

    def __init__(self, participant: Participant | None) -> None:
        self.participant = participant
        self.reads: list[Read] = []
        self.ruled = False
        self.queued = participant is None  # nobody's reads are not judged
        self.race: int | None = None
        self.latest = NEVER
        self.late = False
        self._walk: Walk | None = None
        self._walked = 0
        self._filling: Doubts | None = None

    def empty(self) -> list[Read]:
        """Gives up its reads."""
        reads, self.reads = self.reads, []
        self.latest, self.late, self.ruled = NEVER, False, False
        self.restart()
        return reads

    def restart(self) -> None:
        """What decides over the reads has changed."""
        self._walk, self._walked = None, 0

    def judge(self, course: Course, servings: Servings, rulings: Mapping[int, Ruling]) -> Result:
        """The result, as all reads say."""
        way = self._walk
        if way is None or self.late or self.ruled:
            if self.late:
                self.reads.sort(key=_in_time)
                self.late = False
            way = self._walk = walk(course, self._start(course), servings, self.reads, self._ruled(rulings))
        elif self._walked < len(self.reads):
            way.follow(self.reads[self._walked :])
        self._walked = len(self.reads)
        if not way.backups:
            return results.of_walk(way)
        self._filling = Doubts()
        return results.of_walk(way, fill(way, self._filling))

    def _start(self, course: Course) -> Start:
        return course.start(self.participant.wave if self.participant else None)

    def _ruled(self, rulings: Mapping[int, Ruling]) -> Mapping[int, Ruling]:
        return rulings if self.ruled else {}

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
        way = walk(course, self._start(course), servings, reads, self._ruled(rulings), notes)
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
