"""A made-up 10 km race with the statistics of real ones.

Waves; a start mat that passes about a person per second and metre of road; about five reads of a chip when
people shuffle over the start, one or two at speed; one crossing in 500 missed; times that are log-normal,
with a long slow tail; and a few who never arrive.
"""

import random
from collections.abc import Iterator

from replay import people, races

COURSE = {"start": 0.0, "2.5k": 2.5, "5k": 5.0, "7.5k": 7.5, "finish": 10.0}
WAVE_NAMES = ("Red", "Yellow", "Green")
BETWEEN_WAVES = 300.0  # seconds
FLOW = 12.0  # people per second over the start mat
MEDIAN = 3480.0  # seconds for the course
SPREAD = 0.2  # of the logarithm of the time
MISSED = 0.002  # of crossings
DROPPED_OUT = 0.015  # of the starters
STRAGGLERS = 0.02  # walk, or stop on the way


def race(runners: int, seed: int = 1) -> races.Race:
    """The readings of all mats for so many starters; the same for the same seed."""
    chance = random.Random(seed)
    readings: dict[str, list[races.Reading]] = {name: [] for name in COURSE}
    field = sorted((time_needed(chance), chance.random() < 0.42) for _ in range(runners))
    chance_of_people = random.Random(f"{seed} people")
    entrants = []
    for place, (needed, female) in enumerate(field):
        bib = str(place + 1)
        wave = WAVE_NAMES[place // size(runners)]
        entrants.append({"bib": bib, "wave": wave} | people.person(chance_of_people, female))
        for name, crossed in crossings(place, runners, needed, chance):
            if chance.random() >= MISSED:
                readings[name] += (races.Reading(at, bib) for at in reads(name, crossed, chance))
    mats = [races.Mat(name, sorted(found)) for name, found in readings.items() if found]
    waves = [races.Wave(name, place * BETWEEN_WAVES) for place, name in enumerate(WAVE_NAMES)]
    return races.Race("10 km", mats, entrants, tuple(waves), metres=COURSE["finish"] * 1000)


def size(runners: int) -> int:
    """Of a wave."""
    return -(-runners // len(WAVE_NAMES))


def time_needed(chance: random.Random) -> float:
    needed = MEDIAN * chance.lognormvariate(0, SPREAD)
    return max(1620.0, needed * chance.uniform(1.3, 1.8) if chance.random() < STRAGGLERS else needed)


def crossings(place: int, runners: int, needed: float, chance: random.Random) -> Iterator[tuple[str, float]]:
    """When a starter is on which mat. The fast start first, in their wave, as the mat lets people through."""
    wave, queued = divmod(place, size(runners))
    at = wave * BETWEEN_WAVES + queued / FLOW + chance.uniform(0, 4)
    fading = chance.gauss(0.04, 0.04)
    given_up = chance.uniform(0.5, 10) if chance.random() < DROPPED_OUT else 10.0
    for name, distance in COURSE.items():
        if distance > given_up:
            return
        share = distance / 10
        yield name, at + needed * share * (1 - fading * (1 - share))


def reads(name: str, crossed: float, chance: random.Random) -> Iterator[float]:
    """When the chip is read during one crossing, to the millisecond; the first time is the crossing's."""
    standing = name == "start"
    at = crossed
    while True:
        yield round(at, 3)
        if chance.random() > (0.8 if standing else 0.35):
            return
        at += chance.uniform(0.1, 1.2 if standing else 0.4)
