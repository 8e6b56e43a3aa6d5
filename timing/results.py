"""What a participant has achieved: the visits that count, and the times they give."""

from collections.abc import Sequence
from enum import StrEnum
from typing import NamedTuple

from timing.backups import Visit
from timing.courses import Course
from timing.passings import Walk
from timing.races import Basis

_new = tuple.__new__
"""Half the cost of a named tuple's own, which matters at every passing."""


MOST_SHOWN = 4_000
"""Results whose splits are kept."""


class State(StrEnum):
    """How far a participant is, in the order of a board that is not live any more."""

    ON_COURSE = "ON_COURSE"
    FINISHED = "FINISHED"
    NOT_STARTED = "NOT_STARTED"
    DNF = "DNF"
    DSQ = "DSQ"
    DNS = "DNS"


class Split(NamedTuple):
    """One visit that counts; `checkpoint` by id."""

    checkpoint: int
    lap: int
    at: int
    gun: int | None
    net: int | None


class Result(NamedTuple):
    """`ats`: when each station was visited, None where it was missed; `last`: the furthest (-1: none);
    `ranked`: the one that ranks the latest progress; `visited`: a bit for each checkpoint reached."""

    ats: tuple[int | None, ...]
    last: int
    ranked: int
    visited: int
    gun: int | None
    start: int | None
    finished: bool

    def at(self, station: int) -> int | None:
        return self.ats[station] if 0 <= station < len(self.ats) else None

    def times(self, at: int | None) -> tuple[int | None, int | None]:
        """From the gun until then, and from the participant's own start, else from the gun."""
        gun, start = self.gun, self.start
        if at is None or (gun is None and start is None):
            return None, None
        of_gun = None if gun is None else at - gun
        return of_gun, of_gun if start is None else at - start

    def time(self, station: int, basis: Basis) -> int | None:
        return self.times(self.at(station))[basis is not Basis.GUN]


def of_walk(walk: Walk, filled: Sequence[Visit] | None = None) -> Result:
    """The result of a walk, or of its visits after backups filled them."""
    course = walk.course
    if filled is None:
        ats, visited = tuple(walk.ats), walk.visited
    else:
        places = {visit.station: visit.read.at for visit in filled}
        ats = tuple(places.get(station) for station in range(max(places, default=-1) + 1))
        visited = sum({1 << visit.here for visit in filled})
    last = len(ats) - 1
    start = ats[0] if course.first and ats else None
    if course.laps is None:
        ranked, finished = _last_lap(course, ats), walk.over
    else:
        ranked, finished = last, last == course.finish
    return _new(Result, (ats, last, ranked, visited, walk.start.gun, start, finished))


def _last_lap(course: Course, ats: Sequence[int | None]) -> int:
    """In a timed race the last completed lap ranks; before the first one, progress."""
    finish = len(course.checkpoints) - 1
    for station in range(len(ats) - 1, -1, -1):
        if ats[station] is not None and course.at(station) == finish:
            return station
    return len(ats) - 1


def splits(course: Course, result: Result) -> tuple[Split, ...]:
    """Kept for a while: the same lines are shown again and again, and most have not changed."""
    known: tuple[Result, tuple[Split, ...]] | None = course.shown.get(id(result))
    if known is not None and known[0] is result:
        return known[1]
    found = [
        _new(Split, (stop[0], stop[1], at, *result.times(at)))
        for stop, at in zip(course.stops(result.last), result.ats, strict=False)
        if at is not None
    ]
    if len(course.shown) >= MOST_SHOWN:
        course.shown.clear()
    known = course.shown[id(result)] = result, tuple(found)
    return known[1]


def projection(course: Course, result: Result, basis: Basis) -> int | None:
    """The expected finish by the pace so far: known between the first distance and the finish."""
    if course.finish is None or result.last < 0 or result.finished:
        return None
    there, whole = course.distance(result.last), course.distance(course.finish)
    taken = result.time(result.last, basis)
    if taken is None or not there or not whole:
        return None
    return round(taken * whole / there)
