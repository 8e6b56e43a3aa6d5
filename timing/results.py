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

    def gun_time(self, station: int) -> int | None:
        at = self.at(station)
        return None if at is None or self.gun is None else at - self.gun

    def net_time(self, station: int) -> int | None:
        """From the participant's own start, else from the gun."""
        at = self.at(station)
        since = self.gun if self.start is None else self.start
        return None if at is None or since is None else at - since

    def time(self, station: int, basis: Basis) -> int | None:
        return self.gun_time(station) if basis is Basis.GUN else self.net_time(station)


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
    points = course.checkpoints
    return tuple(
        Split(
            points[course.at(station)].id,
            course.lap(station),
            at,
            result.gun_time(station),
            result.net_time(station),
        )
        for station, at in enumerate(result.ats)
        if at is not None
    )


def projection(course: Course, result: Result, basis: Basis) -> int | None:
    """The expected finish by the pace so far: known between the first distance and the finish."""
    if course.finish is None or result.last < 0 or result.finished:
        return None
    there, whole = course.distance(result.last), course.distance(course.finish)
    taken = result.time(result.last, basis)
    if taken is None or not there or not whole:
        return None
    return round(taken * whole / there)
