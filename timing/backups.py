"""Reads of backup readers fill what the primary readers missed, and never displace what those have.

In order of time, each goes between the visits counted before and after it, if the minimum times on both sides
allow; on a course of laps those behind it may prove to be of a later lap.
"""

from typing import NamedTuple

from timing.courses import Course
from timing.passings import Doubts, Verdict, Walk
from timing.races import Read


class Visit(NamedTuple):
    station: int
    here: int
    read: Read
    backup: bool


class Filling:
    """The visits of one walk, with those that only a backup saw."""

    def __init__(self, walk: Walk, doubts: Doubts) -> None:
        self._course: Course = walk.course
        self._start = walk.start
        self._doubts = doubts
        at = walk.course.at
        self.visits = [
            Visit(station, at(station), read, False) for station, read in enumerate(walk.reads) if read
        ]
        self._primaries = {visit.here for visit in self.visits}
        for read, candidates in walk.backups or ():
            self._judge(read, candidates)

    def _judge(self, read: Read, candidates: tuple[int, ...]) -> None:
        add, at, start = self._doubts.add, read.at, self._start
        if at < start.opens:
            return add(read, Verdict.BEFORE_START, "{} before the gun", start.opens - at)
        due = [here for here in candidates if at <= start.closes[here]]
        if not due:
            late = at - max(start.closes[here] for here in candidates)
            return add(read, Verdict.AFTER_CUTOFF, "{} after the cut-off", late)
        open_ = [here for here in due if not self._has_primary(here)]
        if not open_ or any(self._beside_primary(here, at) for here in candidates):
            return add(read, Verdict.BACKUP_UNUSED, "the primary reader has this visit")
        before = sum(visit.read.at <= at for visit in self.visits)
        if self._in_burst(read, due, before):
            return
        if any(self._insert(read, here, before) for here in self._by_station(open_, before)):
            return
        if before and self._moves(read, before - 1, due):
            return
        self._refuse(read, open_, before)

    def _has_primary(self, here: int) -> bool:
        """Visited once, and seen by a primary reader, however early or late."""
        return here in self._primaries and self._course.once(here)

    def _beside_primary(self, here: int, at: int) -> bool:
        """Nobody is at a checkpoint twice within its bounce time, or within the least time of a lap."""
        bounce = self._course.bounces[here]
        least = 0 if self._course.once(here) else self._course.lap_minimum
        return any(
            visit.here == here and not visit.backup and (apart <= bounce or apart < least)
            for visit in self.visits
            for apart in (abs(visit.read.at - at),)
        )

    def _in_burst(self, read: Read, due: list[int], before: int) -> bool:
        """Of the burst of a visit that a backup gave?"""
        for index in range(before - 1, -1, -1):
            visit = self.visits[index]
            if visit.here in due and visit.backup:
                apart = read.at - visit.read.at
                if apart > self._course.bounces[visit.here]:
                    return False
                if index != before - 1 or not self._moves(read, index, due):
                    self._doubts.add(read, Verdict.BOUNCED, "{} from the read that counts", apart)
                return True
        return False

    def _moves(self, read: Read, index: int, due: list[int]) -> bool:
        """The last of a burst counts instead, while it leaves enough time to the next visit; at the start
        for as long as nothing else was visited."""
        former = self.visits[index]
        bounce = self._course.bounces[former.here]
        apart = read.at - former.read.at
        start = former.here < self._course.first
        if not former.backup or former.here not in due or not self._course.lasts[former.here]:
            return False
        if (apart > bounce and not start) or self._shift(former.station, read.at, index + 1) != 0:
            return False
        self.visits[index] = former._replace(read=read)
        self._doubts.add(former.read, Verdict.BOUNCED, "{} before the last of its burst", apart)
        return True

    def _by_station(self, open_: list[int], before: int) -> list[int]:
        last = self.visits[before - 1].station if before else -1
        return sorted(open_, key=lambda here: self._course.due(here, last))

    def _insert(self, read: Read, here: int, before: int) -> bool:
        course = self._course
        last, last_at = self._last(before)
        station = course.due(here, last)
        if station >= course.total or read.at - last_at < course.least(last, station):
            return False
        shift = self._shift(station, read.at, before)
        if shift is None:
            return False
        if shift:
            self.visits[before:] = [v._replace(station=v.station + shift) for v in self.visits[before:]]
        self.visits.insert(before, Visit(station, here, read, True))
        return True

    def _shift(self, station: int, at: int, behind: int) -> int | None:
        """By how many stations a visit moves those behind it; None if it cannot stand before them."""
        if behind >= len(self.visits):
            return 0
        course, following, furthest = self._course, self.visits[behind], self.visits[-1].station
        due = course.due(following.here, station)
        shift = due - following.station
        if due >= course.total or shift < 0 or furthest + shift >= course.total:
            return None
        return shift if following.read.at - at >= course.least(station, due) else None

    def _last(self, before: int) -> tuple[int, int]:
        if not before:
            return -1, self._start.opens
        return self.visits[before - 1].station, self.visits[before - 1].read.at

    def _refuse(self, read: Read, open_: list[int], before: int) -> None:
        course = self._course
        last, last_at = self._last(before)
        station = min(course.due(here, last) for here in open_)
        if station < course.total and read.at - last_at < course.least(last, station):
            short = course.least(last, station) - (read.at - last_at)
            self._doubts.add(read, Verdict.TOO_SOON, "{} sooner than the minimum time allows", short)
        elif any(visit.here in open_ for visit in self.visits):
            self._doubts.add(read, Verdict.BOUNCED, "already counted here, and not due again")
        else:
            self._doubts.add(read, Verdict.OUT_OF_ORDER, "does not fit between the visits that count")


def fill(walk: Walk, doubts: Doubts) -> list[Visit] | None:
    """The visits with what backups add; None when they add nothing."""
    if not walk.backups:
        return None
    visits = Filling(walk, doubts).visits
    return visits if any(visit.backup for visit in visits) else None
