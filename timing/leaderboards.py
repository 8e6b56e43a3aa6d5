"""The boards of one race: who stands where, under which ranking, for whom, at which checkpoint.

A board is made when it is first asked for, then kept up line by line.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import product, zip_longest
from operator import attrgetter

from timing.categories import category_of
from timing.courses import Course
from timing.races import Participant
from timing.results import Result
from timing.standings import FINISHED, Counts, Line, Tally
from timing.teams import TeamView
from timing.views import Filter, Ranking, View, Which

ALWAYS, MOST_VIEWS, MOST_LINES = 64, 1_000, 64 * 30_000
"""So many views are kept, and more of them while there are not too many lines on all together; those used
least give way."""
FEW_FIELDS = 8
"""Up to so many are looked through, of more those are looked up whose filter a line passes."""
EVERYBODY = Which()
TEAM = Ranking.TEAM


class Field:
    """The competitors who pass one filter: their counts, and the views of them."""

    def __init__(self, course: Course, passing: Filter, lines: Iterable[Line], revision: int) -> None:
        self.passing = passing
        self.tally = Tally(course, revision)
        self.views: list[View] = []
        self._everybody = passing == Filter()
        self._moving: list[View] = []
        self._fixed: defaultdict[int, list[View]] = defaultdict(list)
        """By the station that ranks everybody on them."""
        self.tally.count(lines if self._everybody else filter(passing.passes, lines))

    def add(self, view: View) -> None:
        self.views.append(view)
        (self._moving if view.fixed is None else self._fixed[view.fixed]).append(view)

    def remove(self, view: View) -> None:
        self.views.remove(view)
        (self._moving if view.fixed is None else self._fixed[view.fixed]).remove(view)

    def put(self, who: int, before: Line | None, after: Line | None, revision: int) -> None:
        if not self._everybody:
            before = before if before is not None and self.passing.passes(before) else None
            after = after if after is not None and self.passing.passes(after) else None
            if before is None and after is None:
                return
        self.tally.revision = revision
        self.tally.change(before, after)
        if before is None or after is None or not _alike(before, after):
            for view in self.views:
                view.put(who, before, after)
            return
        for view in self._moving:
            view.put(who, before, after)
        if self._fixed:
            for station in _changed(before.result.ats, after.result.ats):
                for view in self._fixed.get(station, ()):
                    view.put(who, before, after)


def _changed(was: Sequence[int | None], now: Sequence[int | None]) -> Iterable[int]:
    """The stations that were visited at other times; mostly one that is new."""
    if now[: len(was)] == was:
        return range(len(was), len(now))
    return [station for station, (old, new) in enumerate(zip_longest(was, now)) if old != new]


def _alike(before: Line, after: Line) -> bool:
    """Where both visited a station at the same time, are they ranked alike there?"""
    was, now = before.result, after.result
    return (
        before.participant is after.participant
        and was.start == now.start
        and was.gun == now.gun
        and (before.kind == after.kind or (before.kind <= FINISHED and after.kind <= FINISHED))
    )


def _passed(line: Line) -> frozenset[Filter]:
    who = line.participant
    return _filters(who.gender, line.category, who.club)


@lru_cache(maxsize=4096)
def _filters(*traits: str | None) -> frozenset[Filter]:
    """All that somebody with these passes."""
    return frozenset(Filter(*each) for each in product(*((None, trait) for trait in traits)))


class Leaderboard:
    """One race. `revision` grows with every change. A view that was not used for long is let go and made
    anew when asked for again: so ask each time, rather than keep one."""

    def __init__(self, course: Course, revision: int = 0) -> None:
        self.course = course
        self.revision = revision
        self.lines: dict[int, Line] = {}
        """By participant."""
        self._fields: dict[Filter, Field] = {}
        self._views: dict[Which, View] = {}
        self._uses = 0
        self._teams: dict[Which, TeamView] = {}

    @property
    def viewed(self) -> bool:
        """Is there any view to be kept up?"""
        return bool(self._views)

    def __len__(self) -> int:
        return len(self.lines)

    def put(self, participant: Participant, result: Result) -> bool:
        """A participant's result as it is now. Did anything change?"""
        who = participant.id
        before = self.lines.get(who)
        if before is not None and before.participant is participant:
            if before.result == result:
                return False
            category = before.category
        else:
            category = category_of(self.course.race, participant)
        after = Line.of(participant, category, result)
        if after == before:
            return False
        self.lines[who] = after
        self.revision += 1
        for field in self._concerned(after, before):
            field.put(who, before, after, self.revision)
        return True

    def drop(self, participant: int) -> bool:
        """Somebody is not of this race any more. Was anybody?"""
        before = self.lines.pop(participant, None)
        if before is None:
            return False
        self.revision += 1
        for field in self._concerned(before, None):
            field.put(participant, before, None, self.revision)
        return True

    def keeps(self, which: Which) -> bool:
        """Is this view kept up already? To make it takes a look at everybody."""
        return which in self._views or which in self._teams

    def view(self, which: Which = EVERYBODY) -> View | TeamView:
        """Raises LookupError when the race has no such checkpoint or lap."""
        if which.ranking is not TEAM:
            return self._individuals(which)
        view = self._teams.get(which)
        if view is None:
            members = which._replace(ranking=Ranking.OVERALL)
            if len(self._teams) >= MOST_VIEWS:
                self._teams.pop(next(iter(self._teams)))
            view = self._teams[which] = TeamView(which, self.course, lambda: self._individuals(members))
        return view

    def _individuals(self, which: Which) -> View:
        view = self._views.get(which)
        if view is None:
            self._make_room()
            view = self._views[which] = self._make(which)
        self._uses += 1
        view.used = self._uses
        return view

    def _make_room(self) -> None:
        """For one view more."""
        kept = self._views
        while len(kept) >= ALWAYS and (len(kept) >= MOST_VIEWS or sum(map(len, kept.values())) >= MOST_LINES):
            self._forget(min(kept.values(), key=attrgetter("used")))

    def _make(self, which: Which) -> View:
        field = self._field(Filter.of(which))
        view = View(which, self.course, self.lines, field.tally)
        field.add(view)
        return view

    def _concerned(self, line: Line, former: Line | None) -> Iterable[Field]:
        """Those whose filter one of the two passes, and perhaps others."""
        fields = self._fields
        if len(fields) <= FEW_FIELDS:
            return fields.values()
        filters = _passed(line) if former is None else _passed(line) | _passed(former)
        return [fields[each] for each in filters if each in fields]

    def _field(self, passing: Filter) -> Field:
        field = self._fields.get(passing)
        if field is None:
            field = self._fields[passing] = Field(self.course, passing, self.lines.values(), self.revision)
        return field

    def _forget(self, view: View) -> None:
        del self._views[view.which]
        field = self._fields[Filter.of(view.which)]
        field.remove(view)
        if not field.views:
            del self._fields[field.passing]

    def counts(self) -> Counts:
        """Of everybody."""
        return self._field(Filter()).tally.counts()

    def copy(self) -> "Leaderboard":
        """The board as it stands, for another thread; a line never changes, so the two share them."""
        copy = Leaderboard(self.course, self.revision)
        copy.lines.update(self.lines)
        return copy

    def forget_views(self) -> None:
        """Before more changes than it takes to make the views anew."""
        self._views.clear()
        self._teams.clear()
        self._fields.clear()
