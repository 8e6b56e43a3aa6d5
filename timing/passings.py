"""Which reads of a participant count, and what is said of the others.

A participant's reads are walked in order of time, so the order in which they arrived cannot matter. The
walk can be continued when later reads arrive. A doubtful read changes nothing for those behind it.
"""

from collections.abc import Iterable, Mapping
from copy import copy
from enum import StrEnum
from typing import NamedTuple

from timing.courses import NEVER, Course, Start
from timing.races import Read
from timing.servings import Servings, Spot


class Verdict(StrEnum):
    VALID = "VALID"
    BOUNCED = "BOUNCED"
    BEFORE_START = "BEFORE_START"
    TOO_SOON = "TOO_SOON"
    OUT_OF_ORDER = "OUT_OF_ORDER"
    AFTER_CUTOFF = "AFTER_CUTOFF"
    BACKUP_UNUSED = "BACKUP_UNUSED"
    WRONG_RACE = "WRONG_RACE"
    UNKNOWN_PARTICIPANT = "UNKNOWN_PARTICIPANT"
    VOIDED = "VOIDED"
    CONFIRMED = "CONFIRMED"

    __hash__ = str.__hash__  # that of enumerations is slow, and verdicts are counted by the million


class Note(NamedTuple):
    verdict: Verdict
    reason: str
    station: int | None = None


class Doubts:
    """How many reads do not count and why; with `notes`, what is said of each, by position."""

    __slots__ = ("counts", "notes")

    def __init__(self, notes: dict[int, Note] | None = None) -> None:
        self.counts: dict[Verdict, int] = {}
        self.notes = notes

    def add(self, read: Read, verdict: Verdict, reason: str, apart: int = 0) -> None:
        """`apart`: microseconds, shown where the reason has braces."""
        self.counts[verdict] = self.counts.get(verdict, 0) + 1
        if self.notes is not None:
            shown = reason.replace("{}", f"{apart / 1_000_000:.3f} s")
            self.notes[read.position] = Note(verdict, shown)


_NO_PINS: Mapping[int, Read] = {}


class Walk:
    """One participant's way along the course.

    `ats` and `reads` tell by station when it was visited and by which read; None where it was missed.
    `last` is the furthest one (-1: none), from which the next minimum time runs. `visited` has a bit for
    each checkpoint that was reached.
    """

    __slots__ = (
        "course", "start", "where", "spots", "ats", "reads", "last", "last_at", "passed",
        "visited", "doubts", "pinned", "confirmed", "backups", "over",
    )  # fmt: skip

    def __init__(
        self, course: Course, start: Start, where: Servings, notes: dict[int, Note] | None = None
    ) -> None:
        self.course = course
        self.start = start
        self.where = where
        self.spots = where.settled[course.race.id]
        self.ats: list[int | None] = []
        self.reads: list[Read | None] = []
        self.last = -1
        self.last_at = start.opens
        self.passed = 0
        self.visited = 0
        self.doubts = None if notes is None else Doubts(notes)
        self.pinned: Mapping[int, Read] = _NO_PINS
        self.confirmed: frozenset[int] = frozenset()
        self.backups: list[tuple[Read, tuple[int, ...]]] | None = None
        self.over = False

    def copy(self) -> "Walk":
        """One that goes its own way from here."""
        twin = copy(self)
        twin.ats, twin.reads = self.ats.copy(), self.reads.copy()
        twin.backups = None if self.backups is None else self.backups.copy()
        if self.doubts is not None:
            twin.doubts = Doubts()
            twin.doubts.counts = self.doubts.counts.copy()
        return twin

    def follow(self, reads: Iterable[Read]) -> None:
        """Goes on with later reads."""
        course, pinned, spots = self.course, self.pinned, self.spots
        bounces, minimums, total = course.rules
        _, opens, closes, _ = self.start
        for read in reads:
            spot = spots.get(read[1]) or self._find(read)
            if spot is None:
                continue
            candidates, primary = spot
            if not primary:
                self.backups = self.backups or []
                self.backups.append((read, candidates))
                continue
            # The plain case, written out because nearly every passing of a race takes this way.
            at, here, last = read[4], candidates[0], self.last
            if len(candidates) == 1 and opens <= at <= closes[here]:
                station = here
                if last >= here and at - self._latest(here) > bounces[here]:
                    station = course.due(here, last)
                if last < station < total and station not in pinned:
                    if station >= len(minimums):
                        course.grow(station)
                    passed = minimums[station]
                    if at - self.last_at >= passed - self.passed:
                        if station > len(self.ats):
                            self._miss(station)
                        self.ats.append(at)
                        self.reads.append(read)
                        self.visited |= 1 << here
                        self.last, self.last_at, self.passed = station, at, passed
                        continue
            self._consider(read, candidates)

    def doubt(self, read: Read, verdict: Verdict, reason: str, apart: int = 0) -> None:
        if self.doubts is None:
            self.doubts = Doubts()
        self.doubts.add(read, verdict, reason, apart)

    def _find(self, read: Read) -> Spot | None:
        spot = self.where.spot(read, self.course.race.id)
        if spot is None and self.where.spots(read):
            self.doubt(read, Verdict.WRONG_RACE, "read where the participant's race does not pass")
        return spot

    def _latest(self, here: int) -> int:
        """When a checkpoint was visited last; of a confirmed only visit, when it is."""
        if here in self.pinned:
            return self.pinned[here].at
        for station in reversed(range(here, len(self.ats), self.course.steps[here])):
            if (at := self.ats[station]) is not None:
                return at
        return NEVER

    def _miss(self, station: int) -> None:
        """All stations up to this one that were not visited."""
        missed = [None] * (station - len(self.ats))
        self.ats += missed
        self.reads += missed

    def _reach(self, read: Read, station: int, here: int) -> None:
        self._miss(station)
        self.ats.append(read.at)
        self.reads.append(read)
        self.visited |= 1 << here
        self.last, self.last_at, self.passed = station, read.at, self.course.minimums[station]

    def _consider(self, read: Read, candidates: tuple[int, ...]) -> None:
        """A read that does not plainly count."""
        at, start = read.at, self.start
        if at < start.opens:
            return self.doubt(read, Verdict.BEFORE_START, "{} before the gun", start.opens - at)
        due = [here for here in candidates if at <= start.closes[here]]
        if not due:
            self.over = at > start.ends
            late = at - max(start.closes[here] for here in candidates)
            return self.doubt(read, Verdict.AFTER_CUTOFF, "{} after the cut-off", late)
        nearest = min(candidates, key=lambda here: abs(at - self._latest(here)))
        apart = at - self._latest(nearest)
        if abs(apart) <= self.course.bounces[nearest]:
            if apart >= 0 and self._moves(nearest):
                return self._move(read)
            return self.doubt(read, Verdict.BOUNCED, "{} from the read that counts", abs(apart))
        self._visit(read, due)

    def _visit(self, read: Read, due: list[int]) -> None:
        course, last, at = self.course, self.last, read.at
        stations = sorted(
            station
            for here in due
            if (station := course.due(here, last)) < course.total and station not in self.pinned
        )
        short = course.least(last, stations[0]) - (at - self.last_at) if stations else 0
        if stations and short <= 0:
            return self._reach(read, stations[0], course.at(stations[0]))
        if course.first and due[0] == 0 and last == 0 and self._moves(0):
            return self._move(read)  # who stands on the start mat has not started
        if stations:
            self.doubt(read, Verdict.TOO_SOON, "{} sooner than the minimum time allows", short)
        elif any(here in self.pinned for here in due):
            self.doubt(read, Verdict.BOUNCED, "another read was confirmed here")
        elif any(self._latest(here) != NEVER for here in due):
            self.doubt(read, Verdict.BOUNCED, "already counted here, and not due again")
        else:
            self.doubt(read, Verdict.OUT_OF_ORDER, "after a later checkpoint had counted")

    def _moves(self, here: int) -> bool:
        """Does a later read of this burst count instead? Not once another checkpoint was reached."""
        if not self.course.lasts[here] or self.last < 0 or self.course.at(self.last) != here:
            return False
        former = self.reads[self.last]
        return former is not None and former.position not in self.confirmed

    def _move(self, read: Read) -> None:
        former = self.reads[self.last]
        if former is not None:
            early = read.at - former.at
            self.doubt(former, Verdict.BOUNCED, "{} before the last of its burst", early)
        self.reads[self.last] = read
        self.ats[self.last] = self.last_at = read.at

    def foresee(self, pins: Iterable[tuple[Read, int]]) -> None:
        """Confirmed reads of checkpoints that are visited once, in order of time: their places are taken
        from the beginning. Of two, the checkpoint's rule decides."""
        pinned: dict[int, Read] = {}
        for read, here in pins:
            if self.course.once(here) and (here not in pinned or self.course.lasts[here]):
                pinned[here] = read
        self.pinned = pinned

    def pin(self, read: Read, here: int) -> None:
        """A confirmed read counts past all rules; another one that counted there gives way."""
        course = self.course
        if course.once(here):
            if self.pinned[here] is not read:
                return self.doubt(read, Verdict.BOUNCED, "another read was confirmed here")
            station = here
        else:
            station = course.due(here, self.last)
            if station >= course.total:
                station = here + course.per_lap * ((course.laps or 1) - 1)
        self._miss(station + 1)
        former = self.reads[station]
        if former is not None:
            if former.position in self.confirmed and not course.lasts[here]:
                return self.doubt(read, Verdict.BOUNCED, "another read was confirmed here")
            self.confirmed -= {former.position}
            self.doubt(former, Verdict.BOUNCED, "another read was confirmed here")
        self.ats[station], self.reads[station] = read.at, read
        self.confirmed |= {read.position}
        self.visited |= 1 << here
        if station >= self.last:
            course.grow(station)
            self.last, self.last_at, self.passed = station, read.at, course.minimums[station]
