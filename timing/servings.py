"""Where a read was taken: the checkpoints that its session, or else its device, serves at that moment."""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from timing.courses import Course
from timing.races import Read, Role, Serving


class Spot(NamedTuple):
    """The checkpoints of one race (by index, along the course) where a read may be. A source that serves
    one of them as primary is no backup for the others."""

    candidates: tuple[int, ...]
    primary: bool


Spots = Mapping[int, Spot]
"""By race."""


class _Source:
    """A session with its device: what they serve between one change and the next."""

    def __init__(self, own: list[Serving], of_device: list[Serving], courses: Mapping[int, Course]) -> None:
        edges = {edge for each in (*own, *of_device) for edge in (each.from_, each.to) if edge is not None}
        self.edges = sorted(edges)
        moments = [self.edges[0] - 1 if self.edges else 0, *self.edges]
        self.spots = [_spots(_open(own, at) or _open(of_device, at), courses) for at in moments]


class Servings:
    """Who serves what, and when."""

    def __init__(self, servings: Iterable[Serving], courses: Mapping[int, Course]) -> None:
        self._courses = courses
        self._of_session: dict[int | None, list[Serving]] = defaultdict(list)
        self._of_device: dict[int | None, list[Serving]] = defaultdict(list)
        for each in servings:
            if each.session_row is not None:
                self._of_session[each.session_row].append(each)
            else:
                self._of_device[each.device_row].append(each)
        self._sources: dict[tuple[int, int], _Source] = {}
        self.settled: dict[int, dict[int, Spot]] = {race: {} for race in courses}
        """By race and session: the spots that no window bounds, so that no read need be looked up twice.
        A session is of one device."""

    def spots(self, read: Read) -> Spots:
        """Where the read may be, by race; empty when nothing of this event is served there."""
        source = self._source(read)
        return source.spots[bisect_right(source.edges, read.at)]

    def spot(self, read: Read, race: int) -> Spot | None:
        """Where the read may be in one race."""
        source = self._source(read)
        spot = source.spots[bisect_right(source.edges, read.at)].get(race)
        if spot is not None and not source.edges:
            self.settled[race][read.session_row] = spot
        return spot

    def _source(self, read: Read) -> _Source:
        key = (read.session_row, read.device_row)
        source = self._sources.get(key)
        if source is None:
            own, of_device = self._of_session.get(key[0], []), self._of_device.get(key[1], [])
            source = self._sources[key] = _Source(own, of_device, self._courses)
        return source


def _open(servings: list[Serving], at: int) -> list[Serving]:
    return [
        each
        for each in servings
        if (each.from_ is None or each.from_ <= at) and (each.to is None or at < each.to)
    ]


def _spots(servings: list[Serving], courses: Mapping[int, Course]) -> dict[int, Spot]:
    found: dict[int, dict[Role, set[int]]] = {}
    for each in servings:
        course = courses.get(each.race)
        if course is not None and each.checkpoint in course.index:
            roles = found.setdefault(each.race, {Role.PRIMARY: set(), Role.BACKUP: set()})
            roles[each.role].add(course.index[each.checkpoint])
    return {
        race: Spot(tuple(sorted(roles[Role.PRIMARY] or roles[Role.BACKUP])), bool(roles[Role.PRIMARY]))
        for race, roles in found.items()
    }
