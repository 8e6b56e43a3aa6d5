"""The lines of a leaderboard, and the counts beside it."""

from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

from timing import results
from timing.courses import Course
from timing.races import Basis, Participant, Status
from timing.results import Result, Split, State

STATES = tuple(State)
ON_COURSE, FINISHED, NOT_STARTED = range(3)
_REGISTERED = Status.REGISTERED
NOWHERE = None, 0, 0
"""Checkpoint, lap and laps of who has not started."""


class Line(NamedTuple):
    """A participant with what a board knows of them: the category as resolved, and `kind`, the state's place
    among STATES."""

    participant: Participant
    category: str | None
    result: Result
    kind: int

    @property
    def state(self) -> State:
        return STATES[self.kind]

    @classmethod
    def of(cls, participant: Participant, category: str | None, result: Result) -> "Line":
        if participant.status is not _REGISTERED:
            return cls(participant, category, result, STATES.index(State(participant.status)))
        kind = FINISHED if result.finished else ON_COURSE if result.ats else NOT_STARTED
        return tuple.__new__(cls, (participant, category, result, kind))

    def time(self, station: int, basis: Basis) -> int | None:
        """The time that ranks: penalties and bonuses are in it."""
        taken = self.result.time(station, basis)
        return None if taken is None else taken + self.participant.adjustment


class Standing(NamedTuple):
    """One line as shown.

    `time` ranks, and has penalties and bonuses in it; `gun_time`, `net_time` and the splits are as
    measured, at the station that ranks. `station`, `lap`, `checkpoint` (by id) tell the furthest place
    reached, `laps` the completed ones. `gap`: behind the first of this board at the same station. A team
    has `team`, `members`, and no participant; `points` if its ranks are summed.
    """

    participant: Participant | None
    rank: int | None
    place: int
    time: int | None
    gun_time: int | None
    net_time: int | None
    net_is_gun: bool
    state: State
    station: int | None
    lap: int
    laps: int
    checkpoint: int | None
    splits: tuple[Split, ...]
    gap: int | None
    projection: int | None
    adjustment: int
    category: str | None
    team: str | None = None
    members: tuple["Standing", ...] = ()
    points: int | None = None

    @property
    def key(self) -> str:
        """Names the line, of a competitor or of a team, among those of its race."""
        return f"team:{self.team}" if self.participant is None else str(self.participant.id)


class Counts(NamedTuple):
    """`at`: how many have reached each checkpoint, by id."""

    entered: int
    not_started: int
    on_course: int
    finished: int
    dns: int
    dnf: int
    dsq: int
    at: dict[int, int]


class Tally:
    """Counts that are kept up, with the revision of the board that they are of."""

    def __init__(self, course: Course, revision: int) -> None:
        self.revision = revision
        self._course = course
        self._kinds = [0] * len(STATES)
        self._at = [0] * len(course.checkpoints)

    def count(self, lines: Iterable[Line]) -> None:
        """Many at once."""
        for (kind, visited), number in Counter((each[3], each[2][3]) for each in lines).items():
            self._kinds[kind] += number
            for here in range(len(self._at)):
                self._at[here] += number * (visited >> here & 1)

    def change(self, before: Line | None, after: Line | None) -> None:
        was = now = 0
        if before is not None:
            self._kinds[before[3]] -= 1
            was = before[2][3]
        if after is not None:
            self._kinds[after[3]] += 1
            now = after[2][3]
        changed = was ^ now
        while changed:
            here = changed.bit_length() - 1
            self._at[here] += 1 if now >> here & 1 else -1
            changed ^= 1 << here

    def counts(self) -> Counts:
        at = {point.id: count for point, count in zip(self._course.checkpoints, self._at, strict=True)}
        each = {state.value.lower(): count for state, count in zip(STATES, self._kinds, strict=True)}
        return Counts(entered=sum(self._kinds), at=at, **each)


def standing(
    course: Course, line: Line, station: int, basis: Basis, rank: int | None, place: int, leader: Line | None
) -> Standing:
    """The line as shown on a board that ranks it at `station`."""
    participant, category, result, kind = line
    last, adjustment = result.last, participant.adjustment
    times = gun_time, net_time = result.times(result.at(station))
    taken = times[basis is not Basis.GUN]
    own = None if taken is None else taken + adjustment
    first = None if leader is None else leader.time(station, basis)
    expected = results.projection(course, result, basis) if kind == ON_COURSE else None
    checkpoint, lap, laps = course.stops(last)[last] if last >= 0 else NOWHERE
    return Standing(
        participant,
        rank,
        place,
        own,
        gun_time,
        net_time,
        result.start is None,
        STATES[kind],
        last if last >= 0 else None,
        lap,
        laps,
        checkpoint,
        results.splits(course, result),
        None if own is None or first is None else own - first,
        None if expected is None else expected + adjustment,
        adjustment,
        category,
    )
