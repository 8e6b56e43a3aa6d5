"""How long those who follow wait: from the 201 at the device to the frame that tells of it or of what came
after it."""

import time
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

KINDS = ("passings, same server", "passings, other server", "leaderboard", "devices")


class Wait(NamedTuple):
    """`seconds` None: never heard."""

    kind: str
    since: float
    seconds: float | None


@dataclass
class Ear:
    """Who follows passings of the account, or of one device's session, at one of two servers."""

    server: int
    device: int | None
    heard: dict[int, float] = field(default_factory=dict)
    repeated: int = 0

    def hear(self, number: int) -> None:
        self.repeated += number in self.heard
        self.heard[number] = time.perf_counter()


@dataclass
class Gauge:
    """Who follows something that only grows: how much it was when."""

    values: list[float] = field(default_factory=list)
    times: list[float] = field(default_factory=list)

    def show(self, value: float) -> None:
        if not self.values or value > self.values[-1]:
            self.values.append(value)
            self.times.append(time.perf_counter())

    def since(self, kind: str, acknowledged: list[tuple[float, float]]) -> Iterator[Wait]:
        """For each value and when it was acknowledged."""
        for value, at in acknowledged:
            place = bisect_left(self.values, value)
            seen = self.times[place] if place < len(self.times) else None
            yield Wait(kind, at, None if seen is None else max(0.0, seen - at))


@dataclass
class Notes:
    """What was acknowledged and what was heard, by the clock of this process."""

    passings: dict[int, tuple[float, int]] = field(default_factory=dict)
    """By number: when, and at which device; its server is the device's place modulo two."""
    finishes: list[tuple[float, float]] = field(default_factory=list)
    reports: dict[str, list[tuple[float, float]]] = field(default_factory=dict)
    """By device: levels of its battery, and when."""
    ears: list[Ear] = field(default_factory=list)
    boards: list[Gauge] = field(default_factory=list)
    fleets: list[dict[str, Gauge]] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    """What devices were answered that was no 201."""
    broken: list[str] = field(default_factory=list)
    """What those who follow were told that was no news."""

    def waits(self) -> Iterator[Wait]:
        for ear in self.ears:
            for number, (at, device) in self.passings.items():
                if ear.device in (None, device):
                    heard = ear.heard.get(number)
                    kind = KINDS[ear.server != device % 2]
                    yield Wait(kind, at, None if heard is None else max(0.0, heard - at))
        for board in self.boards:
            yield from board.since(KINDS[2], self.finishes)
        for fleet in self.fleets:
            for name, levels in self.reports.items():
                yield from fleet[name].since(KINDS[3], levels)

    @property
    def waiting(self) -> int:
        return sum(wait.seconds is None for wait in self.waits())
