"""Teams: the best so many of each, by the sum of their times or of their ranks."""

from bisect import bisect_left
from collections.abc import Callable, Iterator
from typing import NamedTuple

from timing.courses import Course
from timing.races import Mode
from timing.results import State
from timing.standings import Counts, Standing
from timing.views import View, Which


class Finisher(NamedTuple):
    participant: int
    rank: int
    laps: int
    time: int


class Team(NamedTuple):
    """`scoring`: the best members so far. `order` ranks complete teams; None: too few finishers."""

    name: str
    scoring: tuple[Finisher, ...]
    order: tuple[int, int] | None


class TeamView:
    """Teams of those who pass a filter, worked out when asked for, from the standings of these."""

    def __init__(self, which: Which, course: Course, individuals: Callable[[], View]) -> None:
        self.which = which
        self._race = course.race
        self._course = course
        self._individuals = individuals
        self._worked_out = -1
        self._teams: list[Team] = []
        self._complete: list[tuple[int, int]] = []
        self._places: dict[str, int] = {}

    @property
    def version(self) -> int:
        return self._individuals().version

    def __len__(self) -> int:
        return len(self._settled()._teams)

    def page(self, offset: int = 0, limit: int = 50) -> list[Standing]:
        teams = self._settled()._teams[offset : offset + limit]
        return [self._show(team, place) for place, team in enumerate(teams, offset + 1)]

    def names(self) -> Iterator[str]:
        """All teams, in the order of their lines."""
        return (team.name for team in self._settled()._teams)

    def rank_of(self, participant: int) -> int | None:
        """The rank of a participant's team."""
        place = self._place(participant)
        return None if place is None else self._rank(self._teams[place])

    def standing(self, participant: int) -> Standing | None:
        """The line of a participant's team."""
        place = self._place(participant)
        return None if place is None else self._show(self._teams[place], place + 1)

    def counts(self) -> Counts:
        """Of participants."""
        return self._individuals().counts()

    def _place(self, participant: int) -> int | None:
        line = self._settled()._individuals().line(participant)
        return None if line is None else self._places.get(line.participant.team or "")

    def _settled(self) -> "TeamView":
        view = self._individuals()
        if view.version != self._worked_out:
            self._worked_out = view.version
            self._teams = self._work_out(view)
            self._complete = [team.order for team in self._teams if team.order is not None]
            self._places = {team.name: place for place, team in enumerate(self._teams)}
        return self

    def _work_out(self, view: View) -> list[Team]:
        scoring: dict[str, list[Finisher]] = {name: [] for name in view.teams()}
        for line, rank, station, time in view.ranked():
            team = scoring.get(line.participant.team or "")
            if team is None or len(team) >= self._race.team_size:
                continue
            laps = self._course.laps_done(station)
            there = self.which.checkpoint is not None or self.which.lap is not None
            if there or line.state is State.FINISHED or (laps and self._race.mode is Mode.TIMED):
                team.append(Finisher(line.participant.id, rank, laps, time))
        teams = [Team(name, tuple(best), self._order(best)) for name, best in scoring.items()]
        return sorted(teams, key=_listing)

    def _order(self, best: list[Finisher]) -> tuple[int, int] | None:
        """Most laps together, then least time together; or the least sum of ranks."""
        if len(best) < self._race.team_size:
            return None
        if self._race.team_by_rank:
            return 0, sum(each.rank for each in best)
        return -sum(each.laps for each in best), sum(each.time for each in best)

    def _rank(self, team: Team) -> int | None:
        return None if team.order is None else bisect_left(self._complete, team.order) + 1

    def _show(self, team: Team, place: int) -> Standing:
        view = self._individuals()
        members = [view.standing(each.participant) for each in team.scoring]
        by_time = team.order is not None and not self._race.team_by_rank
        time, leader = (team.order, self._complete[0]) if team.order else (None, None)
        return Standing(
            participant=None,
            rank=self._rank(team),
            place=place,
            time=time[1] if by_time and time else None,
            gun_time=None,
            net_time=None,
            net_is_gun=False,
            state=State.FINISHED if team.order else State.ON_COURSE,
            station=None,
            lap=0,
            laps=sum(each.laps for each in team.scoring),
            checkpoint=None,
            splits=(),
            gap=time[1] - leader[1] if by_time and time and leader and time[0] == leader[0] else None,
            projection=None,
            adjustment=0,
            category=None,
            team=team.name,
            members=tuple(each for each in members if each is not None),
            points=time[1] if time and not by_time else None,
        )


def _listing(team: Team) -> tuple[bool, tuple[int, int], int, str]:
    """Complete teams in their order, then the others with most finishers first."""
    return team.order is None, team.order or (0, 0), -len(team.scoring), team.name
