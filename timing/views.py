"""One view of a race's results, kept in order."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from enum import StrEnum
from functools import partial
from operator import attrgetter
from typing import NamedTuple

from sortedcontainers import SortedList

from timing.courses import Course
from timing.races import Basis, Participant
from timing.results import Result
from timing.standings import FINISHED, Counts, Line, Standing, Tally, standing

MOST_MADE = 1_500
"""Standings of a view that are kept as they were made last: of what is followed only little changes."""


class Ranking(StrEnum):
    OVERALL = "OVERALL"
    GENDER = "GENDER"
    CATEGORY = "CATEGORY"
    TEAM = "TEAM"

    __hash__ = str.__hash__  # that of enumerations is ten times slower, and views are looked up all the time


class Which(NamedTuple):
    """Which board.

    `gender`, `category` and `club` let pass only those who have them; the rank is the place among these.
    Without such a filter, ranks by GENDER and CATEGORY are those within each one's own. `checkpoint` (by
    id) and `lap`: as they passed there, in that lap (no lap: the last time). `lap` alone: at the end of the
    lap.
    """

    ranking: Ranking = Ranking.OVERALL
    gender: str | None = None
    category: str | None = None
    club: str | None = None
    checkpoint: int | None = None
    lap: int | None = None


class Filter(NamedTuple):
    gender: str | None = None
    category: str | None = None
    club: str | None = None

    @classmethod
    def of(cls, which: Which) -> "Filter":
        return cls(which.gender, which.category, which.club)

    def passes(self, line: Line) -> bool:
        participant = line.participant
        return (
            (self.gender is None or self.gender == participant.gender)
            and (self.category is None or self.category == line.category)
            and (self.club is None or self.club == participant.club)
        )


# A line's key is one number, because whole numbers compare fast. From the top: its group, how many stations
# are still to go, the time, the participant's id. The ranked are group 0, those without a time 1, then as
# STATES are.
_STATIONS, _TIMES, _IDS = 32, 62, 40
_FURTHEST = (1 << _STATIONS) - 2
_NO_TIME = 1 << _TIMES - 1
_UNRANKED = 1 << _STATIONS + _TIMES + _IDS
_STATION, _TIME, _ID = (1 << _STATIONS) - 1, (1 << _TIMES) - 1, (1 << _IDS) - 1
_NO_ID = ~_ID


_Made = tuple[int, int | None, int, Line, Line | None, Standing]
"""What a standing comes of, key, rank, place, line and leader, and the standing."""


class View:
    """The lines that pass one filter, in the order of one ranking: the ranked, those without a time, those
    who have not started, DNF, DSQ, DNS. At a checkpoint, only who has passed it."""

    def __init__(self, which: Which, course: Course, lines: Mapping[int, Line], tally: Tally) -> None:
        race = course.race
        bases = {Ranking.GENDER: race.gender_by, Ranking.CATEGORY: race.category_by}
        self.which = which
        self.used = 0
        """The later, the higher."""
        self.basis = bases.get(which.ranking, race.overall_by)
        self.fixed, self._station = _station(which, course)
        """`fixed`: the station that ranks everybody, where it is one."""
        self._by_gun = self.basis is Basis.GUN
        self._course = course
        self._lines = lines
        self._tally = tally
        self._group = _group(which)
        passes = Filter.of(which).passes
        keys = {line.participant.id: self._key(line) for line in lines.values() if passes(line)}
        self._keys = {who: key for who, key in keys.items() if key is not None}
        self._order = SortedList(self._keys.values())
        self._groups: dict[str | None, SortedList[int]] = {}
        self._made: dict[int, _Made] = {}  # what was shown last
        if self._group is not None:
            grouped = defaultdict(list)
            for who, key in self._keys.items():
                grouped[self._group(lines[who])].append(key)
            self._groups = {name: SortedList(members) for name, members in grouped.items()}

    @property
    def version(self) -> int:
        """Grows when anything here changed: a line, the order, the counts."""
        return self._tally.revision

    def __len__(self) -> int:
        return len(self._order)

    def put(self, who: int, before: Line | None, after: Line | None) -> None:
        """A participant of those who pass came, changed or went."""
        old = self._keys.get(who)
        new = None if after is None else self._key(after)
        if old != new:
            if old is not None:
                self._order.remove(old)
            if new is None:
                self._keys.pop(who, None)
            else:
                self._order.add(new)
                self._keys[who] = new
        if self._group is not None:
            if old is not None and before is not None:
                self._groups[self._group(before)].remove(old)
            if new is not None and after is not None:
                self._groups.setdefault(self._group(after), SortedList()).add(new)

    def page(self, offset: int = 0, limit: int = 50) -> list[Standing]:
        """The lines from `offset` on."""
        keys = self._order.islice(offset, offset + limit)
        return [self._show(key, place) for place, key in enumerate(keys, offset + 1)]

    def participants(self) -> Iterator[Participant]:
        """Everybody on this board, in the order of its lines."""
        lines = self._lines
        return (lines[key & _ID].participant for key in self._order)

    def standing(self, participant: int) -> Standing | None:
        key = self._keys.get(participant)
        return None if key is None else self._show(key, self._order.bisect_left(key) + 1)

    def rank_of(self, participant: int) -> int | None:
        """Equal times share a rank; who has no time, or a status, has none."""
        key = self._keys.get(participant)
        if key is None or key >= _UNRANKED:
            return None
        ranked = self._order if self._group is None else self._ranked(key)
        return None if ranked is None else ranked.bisect_left(key & _NO_ID) + 1

    def line(self, participant: int) -> Line | None:
        """None for those who are not on this board."""
        return self._lines[participant] if participant in self._keys else None

    def ranked(self) -> Iterator[tuple[Line, int, int, int]]:
        """Everybody who has a rank, in order: the line, the rank, the station and the time that rank it."""
        former, rank = -1, 0
        for place, key in enumerate(self._order, 1):
            if key >= _UNRANKED:
                return
            if key & _NO_ID != former:
                former, rank = key & _NO_ID, place
            station = _FURTHEST - (key >> _TIMES + _IDS & _STATION)
            yield self._lines[key & _ID], rank, station, (key >> _IDS & _TIME) - _NO_TIME

    def teams(self) -> set[str]:
        """All that have a member on this board."""
        return {team for who in self._keys if (team := self._lines[who].participant.team)}

    def counts(self) -> Counts:
        """Of all who pass the filter, wherever they are."""
        return self._tally.counts()

    def _ranked(self, key: int) -> SortedList[int] | None:
        """Among whom the rank of a line is taken; None when it is of no group."""
        if not self._group:
            return self._order
        group = self._group(self._lines[key & _ID])
        return None if group is None else self._groups[group]

    def _show(self, key: int, place: int) -> Standing:
        line = self._lines[key & _ID]
        ranked = self._ranked(key) if key < _UNRANKED else None
        rank = leader = None
        if ranked is not None:
            rank = ranked.bisect_left(key & _NO_ID) + 1
            leader = self._lines[ranked[0] & _ID]
        station = _FURTHEST - (key >> _TIMES + _IDS & _STATION)
        known = self._made.get(key & _ID)
        if known is not None and known[:3] == (key, rank, place) and known[3] is line and known[4] is leader:
            return known[5]
        made = standing(self._course, line, station, self.basis, rank, place, leader)
        if len(self._made) >= MOST_MADE:
            self._made.clear()
        self._made[key & _ID] = key, rank, place, line, leader, made
        return made

    def _key(self, line: Line) -> int | None:
        participant, _, result, kind = line
        station = self._station(result)
        if station is None:
            return None
        ats, _, _, _, gun, start, _ = result
        zero = gun if self._by_gun or start is None else start
        if station < 0 or zero is None or (at := ats[station]) is None:
            ahead, taken = (max(kind, 1) << _STATIONS) + _FURTHEST - station, _NO_TIME
        else:
            ahead = _FURTHEST - station
            if kind > FINISHED:
                ahead += kind << _STATIONS
            taken = at - zero + participant.adjustment + _NO_TIME
        return (((ahead << _TIMES) + taken) << _IDS) + participant.id


def _station(which: Which, course: Course) -> tuple[int | None, Callable[[Result], int | None]]:
    """Where a result is ranked: None when it is not on this board. Raises LookupError for a place that is
    not."""
    if which.checkpoint is None and which.lap is None:
        return None, attrgetter("ranked")
    fixed = course.station(which.checkpoint, which.lap)
    here, step = course.at(fixed), course.per_lap
    if which.lap is not None or course.once(here):
        return fixed, partial(_if_visited, fixed)

    def latest(result: Result) -> int | None:
        back = range(result.last - (result.last - here) % step, -1, -step)
        return next((station for station in back if result.at(station) is not None), None)

    return None, latest


def _if_visited(station: int, result: Result) -> int | None:
    ats = result[0]
    return station if station < len(ats) and ats[station] is not None else None


def _group(which: Which) -> Callable[[Line], str | None] | None:
    if which.ranking is Ranking.GENDER and which.gender is None:
        return lambda line: line.participant.gender
    if which.ranking is Ranking.CATEGORY and which.category is None:
        return lambda line: line.category
    return None
