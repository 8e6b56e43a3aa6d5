"""A race's course as stations: the visits that are due, one after the other, numbered from 0.

START is station 0, if there is one; then each lap has its intermediates and the FINISH. A race run once is a
race of one lap, so a checkpoint at index c of the course is due at stations c, c + per_lap, c + 2 per_lap …
"""

from typing import Any, NamedTuple

from timing.races import Counts, Kind, Mode, Race, Wave

NEVER = -(1 << 62)
"""Before every instant."""
FOREVER = 1 << 62
"""After every instant, and more stations than anybody can visit."""


class Start(NamedTuple):
    """One wave's gun, and what follows from it. `opens` and `closes` bound the reads that may count."""

    gun: int | None
    opens: int
    closes: tuple[int, ...]
    ends: int


class Stop(NamedTuple):
    """A station as it is shown: its checkpoint by id, the lap it belongs to, how many laps are done there."""

    checkpoint: int
    lap: int
    laps: int


class Course:
    """What the walk and the boards ask of a race, worked out once. Durations in microseconds."""

    def __init__(self, race: Race) -> None:
        points = race.checkpoints
        self.race = race
        self.checkpoints = points
        self.index = {point.id: at for at, point in enumerate(points)}
        self.first = 1 if points and points[0].kind is Kind.START else 0
        """The index of the first checkpoint of a lap: 1 when there is a START."""
        self.per_lap = max(1, len(points) - self.first)
        self.laps = {Mode.COURSE: 1, Mode.LAPS: max(1, race.laps), Mode.TIMED: None}[race.mode]
        self.total = FOREVER if self.laps is None else self.first + self.laps * (len(points) - self.first)
        self.has_finish = bool(points) and points[-1].kind is Kind.FINISH
        self.finish = self.total - 1 if self.has_finish and self.laps else None
        """The last station of all; None in a timed race, and while the course has no FINISH yet."""
        self.bounces = tuple(point.bounce for point in points)
        self.lasts = tuple(point.counts is Counts.LAST for point in points)
        self.steps = tuple(FOREVER if self.once(at) else self.per_lap for at in range(len(points)))
        self.lap_minimum = sum(point.minimum for point in points[self.first :])
        self.minimums: list[int] = []
        """Per station, the sum of the minimum times of all stations up to it. Grows as far as people come."""
        self._stops: list[Stop] = []
        self.shown: dict[int, tuple[Any, Any]] = {}
        """Results, by their identity, with what is shown of them: see `timing.results.splits`."""
        self.grow(len(points))
        self.rules = self.bounces, self.minimums, self.total
        """What is asked at every read, in one hand."""
        self._starts = {wave.id: self._start(wave) for wave in race.waves}
        self._first_start = next(iter(self._starts.values()), self._start(None))

    def _start(self, wave: Wave | None) -> Start:
        gun = wave.gun if wave else None
        if gun is None:
            return Start(None, NEVER, (FOREVER,) * len(self.checkpoints), FOREVER)
        timed = self.race.mode is Mode.TIMED and self.race.duration is not None
        ends = gun + self.race.duration if timed and self.race.duration is not None else FOREVER
        cutoffs = [FOREVER if point.cutoff is None else gun + point.cutoff for point in self.checkpoints]
        return Start(gun, gun, tuple(min(ends, cutoff) for cutoff in cutoffs), ends)

    def start(self, wave: int | None) -> Start:
        """The start of a wave; of the first one when none is named, or one that is not of this race."""
        return self._first_start if wave is None else self._starts.get(wave, self._first_start)

    def grow(self, station: int) -> None:
        """Makes `minimums` reach at least to this station."""
        minimums, points = self.minimums, self.checkpoints
        while points and len(minimums) <= station:
            here = min(self.at(len(minimums)), len(points) - 1)
            minimums.append(points[here].minimum + (minimums[-1] if minimums else 0))

    def at(self, station: int) -> int:
        """The index of the checkpoint where a station is."""
        return station if station < self.first else self.first + (station - self.first) % self.per_lap

    def once(self, checkpoint: int) -> bool:
        """Is it visited only once?"""
        return self.laps == 1 or checkpoint < self.first

    def due(self, checkpoint: int, last: int) -> int:
        """The next station of a checkpoint (by index) after `last`; not below `total` when there is none."""
        if last < checkpoint:
            return checkpoint
        step = self.steps[checkpoint]
        return checkpoint + step * ((last - checkpoint) // step + 1)

    def least(self, last: int, station: int) -> int:
        """The least time from one station (-1: from the gun) to a later one."""
        if station >= len(self.minimums):
            self.grow(station)
        return self.minimums[station] - (self.minimums[last] if last >= 0 else 0)

    def lap(self, station: int) -> int:
        """The lap that a station belongs to, from 1; START belongs to the first."""
        return max(0, station - self.first) // self.per_lap + 1

    def laps_done(self, station: int) -> int:
        return max(0, station + 1 - self.first) // self.per_lap

    def stops(self, station: int) -> list[Stop]:
        """All up to this station, and perhaps more."""
        stops = self._stops
        while len(stops) <= station:
            here = len(stops)
            stops.append(Stop(self.checkpoints[self.at(here)].id, self.lap(here), self.laps_done(here)))
        return stops

    def station(self, checkpoint: int | None, lap: int | None) -> int:
        """Where a checkpoint (by id; None: FINISH) is due in a lap (None: the first). Raises LookupError."""
        index = len(self.checkpoints) - 1 if checkpoint is None else self.index[checkpoint]
        number = 1 if lap is None else lap
        most = 1 if self.once(index) else self.laps or number
        if not 1 <= number <= most or (checkpoint is None and not self.has_finish):
            raise LookupError(f"no lap {number} of checkpoint {checkpoint or 'FINISH'}")
        return index + (number - 1) * self.per_lap

    def distance(self, station: int) -> float | None:
        """Metres from the start to a station."""
        there = self.checkpoints[self.at(station)].distance
        lap = self.checkpoints[-1].distance
        before = self.lap(station) - 1
        if there is None or (before and lap is None):
            return None
        return there + before * (lap or 0.0)
