"""Made-up events with everything that can happen to them, small and dense: reads meet, bounce, tie and compete."""

import random
from dataclasses import dataclass, field, replace
from typing import Any

from timing.races import (
    Basis,
    Category,
    Checkpoint,
    Chip,
    Counts,
    Definition,
    Kind,
    Mode,
    Override,
    Participant,
    Race,
    Read,
    Role,
    Ruling,
    Serving,
    Status,
    Wave,
)
from timing.scoring import Scoring

SESSIONS = range(1, 7)
"""Each of a device of the same number; the last one serves nothing."""
PEOPLE = range(1, 6)
MOST = 60
"""Microseconds from the gun to the last read."""


class Story:
    """An event and what happens to it, made by chance from a seed."""

    def __init__(self, seed: int, reads: int) -> None:
        self.chance = random.Random(seed)
        self.races = (self.race(1), self.race(2))
        people = self.chance.sample(PEOPLE, self.chance.randint(2, 5))
        self.definition = Definition(self.races, self.servings(), [self.participant(id) for id in people])
        self.reads = [self.read(position) for position in range(1, reads + 1)]

    def rarely(self, value: Any, default: Any = None, times: int = 4) -> Any:
        return value if self.chance.randrange(times) == 0 else default

    def course(self, race: int) -> tuple[Checkpoint, ...]:
        """Ids of race 1 are 10…, of race 2 20…"""
        chance = self.chance
        kinds = (
            [Kind.START] * chance.randint(0, 1) + [Kind.INTERMEDIATE] * chance.randint(0, 2) + [Kind.FINISH]
        )
        if len(kinds) > 1 and chance.random() < 0.05:
            kinds.pop()  # a course that is not finished yet
        loose = chance.random() < 0.5
        return tuple(
            Checkpoint(
                id=race * 10 + at,
                kind=kind,
                name=str(at),
                distance=at * 1000.0,
                bounce=chance.randint(0, 3),
                minimum=0 if loose else chance.randint(0, 6),
                cutoff=self.rarely(chance.randint(20, MOST)),
                counts=chance.choice(list(Counts)),
            )
            for at, kind in enumerate(kinds)
        )

    def race(self, id: int) -> Race:
        chance, bases = self.chance, list(Basis)
        return Race(
            id=id,
            name=str(id),
            mode=chance.choice(list(Mode)),
            laps=chance.randint(1, 3),
            duration=self.rarely(chance.randint(20, MOST)),
            checkpoints=self.course(id),
            waves=tuple(Wave(id * 10 + at, str(at), self.gun()) for at in range(chance.randint(0, 2))),
            categories=(Category("Old", None, 40), Category("Women", "F")),
            overall_by=chance.choice(bases),
            gender_by=chance.choice(bases),
            category_by=chance.choice(bases),
            team_size=chance.randint(1, 2),
            team_by_rank=chance.random() < 0.5,
        )

    def gun(self) -> int | None:
        return self.chance.choice([None, 0, 0, 0, 3, 9])

    def servings(self) -> list[Serving]:
        """Mostly every checkpoint of the first race by a device of its own."""
        plain = [
            Serving(race.id, point.id, device_row=1 + at % 4)
            for race in self.races
            for at, point in enumerate(race.checkpoints)
            if race.id == 1 or self.chance.random() < 0.5
        ]
        return plain + [self.serving() for _ in range(self.chance.randint(0, 4))]

    def serving(self) -> Serving:
        chance = self.chance
        race = chance.choice(self.races)
        source = {chance.choice(["device_row", "session_row"]): chance.choice(SESSIONS[:-1])}
        bounds = {key: self.rarely(chance.randint(0, MOST), times=3) for key in ("from_", "to")}
        role = chance.choice([Role.PRIMARY, Role.BACKUP, Role.BACKUP])
        return Serving(race.id, chance.choice(race.checkpoints).id, role=role, **source, **bounds)

    def participant(self, id: int) -> Participant:
        chance = self.chance
        return Participant(
            id=id,
            race=chance.choice([1, 1, 1, 1, 1, 1, 2, None]),
            bib=self.rarely(chance.choice(["C2", f"0{id}"]), str(id), 6),
            gender=chance.choice(["F", "M", None]),
            age=chance.choice([38, 39, 40, None]),
            category=self.rarely("Old"),
            club=chance.choice(["X", "Y"]),
            team=chance.choice([None, "T", "U"]),
            status=self.rarely(chance.choice(list(Status)), Status.REGISTERED),
            wave=chance.choice([None, 10, 11, 20]),
            adjustment=self.rarely(chance.choice([-3, 5]), 0),
            chips=tuple(self.chip() for _ in range(chance.randint(0, 2))),
        )

    def chip(self) -> Chip:
        ends = [self.rarely(self.chance.randint(0, MOST)) for _ in range(2)]
        return Chip(self.chance.choice(["C1", "C2", "C3", "3"]), *ends)

    def read(self, position: int) -> Read:
        """Numbers are in no order of positions, so that neither can stand in for the other."""
        chance = self.chance
        session = chance.choice([*SESSIONS, 1, 2, 3])
        bib = chance.choice(["1", "1", "1", "2", "2", "2", "3", "C1", None])
        chip = chance.choice([None, None, None, "C1", "C2", "9", ""])
        return Read(position, session, session, position * 7 % 101, chance.randint(0, MOST), bib, chip)

    def ruling(self) -> Ruling:
        chance = self.chance
        place = self.rarely(chance.choice([10, 11, 12, 20, 99]), times=3)
        whose = self.rarely(chance.choice(PEOPLE), times=3)
        return Ruling(chance.randint(1, len(self.reads)), chance.choice(list(Override)), place, whose)


@dataclass
class Live:
    """A scoring to which things happen, and how the event is defined after them."""

    story: Story
    look: Any
    scoring: Scoring = field(init=False)
    people: dict[int, Participant] = field(init=False)
    rulings: dict[int, Ruling] = field(default_factory=dict)
    guns: dict[int, int | None] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.servings = self.story.definition.servings
        self.people = {each.id: each for each in self.story.definition.participants}
        self.scoring = Scoring(self.story.definition)

    def definition(self) -> Definition:
        races = tuple(
            replace(
                race, waves=tuple(replace(wave, gun=self.guns.get(wave.id, wave.gun)) for wave in race.waves)
            )
            for race in self.story.races
        )
        return Definition(races, self.servings, list(self.people.values()), list(self.rulings.values()))

    def play(self) -> None:
        """All reads in some order, some of them twice, in batches; in between, changes."""
        chance = self.story.chance
        told = self.story.reads + chance.choices(self.story.reads, k=len(self.story.reads) // 5)
        chance.shuffle(told)
        happenings = [
            self.enter,
            self.rule,
            self.gun,
            self.serve,
            self.settle,
            self.settle,
            self.see,
            self.see,
        ]
        while told:
            size = chance.choice([1, 1, 1, 3, 10])
            self.scoring.take(told[:size])
            told = told[size:]
            if chance.random() < 0.5:
                chance.choice(happenings)()
        for _ in range(chance.randint(0, 3)):
            chance.choice(happenings)()
        self.scoring.settle()

    def enter(self) -> None:
        ids = self.story.chance.sample(PEOPLE, self.story.chance.randint(1, 2))
        changed = [self.story.participant(id) for id in ids]
        self.people |= {each.id: each for each in changed}
        self.scoring.change(participants=changed)

    def rule(self) -> None:
        ruling = self.story.ruling()
        self.rulings[ruling.position] = ruling
        self.scoring.change(rulings=[ruling])

    def gun(self) -> None:
        if waves := [(race.id, wave.id) for race in self.story.races for wave in race.waves]:
            race, wave = self.story.chance.choice(waves)
            self.guns[wave] = self.story.gun()
            self.scoring.regun(race, wave, self.guns[wave])

    def serve(self) -> None:
        if self.story.chance.random() < 0.3:
            self.servings = self.story.servings()
            former, self.scoring = self.scoring, Scoring(self.definition())
            self.scoring.take(former.reads())

    def settle(self) -> None:
        self.scoring.settle(self.story.chance.choice([1, 2, None]))

    def see(self) -> None:
        """Makes views, which are to be kept up from now on."""
        self.scoring.settle(self.story.chance.choice([1, None]))
        self.look(self.scoring)
