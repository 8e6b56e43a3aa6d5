"""Measures taken in turn, A B C A B C …, so that a noisy machine disturbs all of them alike."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from statistics import median, quantiles

from bench.load import Run


@dataclass
class Samples:
    """One measure's rounds."""

    rates: list[float] = field(default_factory=list)
    waits: list[float] = field(default_factory=list)
    busy: list[float] = field(default_factory=list)
    served: list[float] = field(default_factory=list)

    @property
    def rate(self) -> float:
        return median(self.rates)

    @property
    def span(self) -> str:
        return f"{min(self.rates):,.0f}–{max(self.rates):,.0f}"

    @property
    def cost(self) -> float:
        """Seconds of the server's processor for one unit; 0 when nobody measured it."""
        return median(self.served) if self.served else 0.0

    def add(self, taken: Run | float, units: int) -> None:
        """A run of requests worth so many units each, or a rate measured some other way."""
        if isinstance(taken, Run):
            self.rates.append(taken.rate * units)
            self.waits += taken.waits
            self.busy.append(taken.busy)
            self.served.append(taken.served / (len(taken.waits) * units))
        else:
            self.rates.append(taken)


Measure = Callable[[int], Run | float]
Measures = Mapping[str, tuple[Measure, int]]
"""By name: how to measure at a given size, and how many units each request of it is worth."""


def in_turn(measures: Measures, size: int, rounds: int) -> dict[str, Samples]:
    """Each measure once per round, after one short round that does not count."""
    samples = {name: Samples() for name in measures}
    for measure, _ in measures.values():
        measure(max(64, size // 10))
    for _ in range(rounds):
        for name, (measure, units) in measures.items():
            samples[name].add(measure(size), units)
    return samples


def percentiles(seconds: list[float]) -> tuple[float, float]:
    """The median and the 99th percentile, in milliseconds."""
    cuts = quantiles(seconds, n=100)
    return cuts[49] * 1000, cuts[98] * 1000
