"""A race in one line: reads and what should become of them.

`S0 A60 A62=BOUNCED a61=BACKUP_UNUSED F100` are reads of bib 1 at checkpoints S, A, A, A and F, at 0, 60, 62, 61 and
100 seconds after the gun. A small letter is the backup reader's. Without a verdict VALID is expected. `F100+` was
confirmed by an official, `F100-` struck out. `2:F100` is bib 2.
"""

import random
import re
from dataclasses import dataclass, field, replace
from typing import Any

from timing.clocks import SECOND
from timing.leaderboards import EVERYBODY
from timing.races import (
    Checkpoint,
    Counts,
    Definition,
    Kind,
    Override,
    Participant,
    Race,
    Read,
    Role,
    Ruling,
    Serving,
    Wave,
)
from timing.scoring import Scoring
from timing.standings import Standing
from timing.views import Which

BACKUP = 100
"""The session of a backup reader is so far above the primary's."""
_TOKEN = re.compile(r"(?:(\w+):)?([A-Za-z])(-?[\d.]+)([+-]?)(?:=(\w+))?")


def seconds(number: float) -> int:
    return round(number * SECOND)


def mat(name: str, **more: Any) -> Checkpoint:
    """S is the start, F the finish; durations in seconds. The last read of a start counts."""
    kind = {"S": Kind.START, "F": Kind.FINISH}.get(name, Kind.INTERMEDIATE)
    counts = Counts(more.pop("counts", "LAST" if kind is Kind.START else "FIRST"))
    durations = {key: seconds(more.pop(key)) for key in ("bounce", "minimum", "cutoff") if key in more}
    return Checkpoint(ord(name), kind, name, counts=counts, **durations, **more)


def mats(names: str, **more: Any) -> tuple[Checkpoint, ...]:
    """All alike."""
    return tuple(mat(name, **more) for name in names)


@dataclass
class Contest:
    """A race with reads. `shared` are mats that serve several checkpoints: `{"M": "SF"}`."""

    checkpoints: tuple[Checkpoint, ...] = mats("SABF")
    gun: float | None = 0
    shared: dict[str, str] = field(default_factory=dict)
    participants: tuple[Participant, ...] = (Participant(1, 1, "1"),)
    race: dict[str, Any] = field(default_factory=dict)
    reads: list[Read] = field(default_factory=list)
    rulings: list[Ruling] = field(default_factory=list)
    tokens: list[str] = field(default_factory=list)
    expected: list[str] = field(default_factory=list)

    def definition(self) -> Definition:
        served = {point.name: [point.id] for point in self.checkpoints}
        served |= {name: [ord(each) for each in names] for name, names in self.shared.items()}
        servings = [
            Serving(1, checkpoint, session_row=ord(name) + more, role=role)
            for name, checkpoints in served.items()
            for checkpoint in checkpoints
            for role, more in ((Role.PRIMARY, 0), (Role.BACKUP, BACKUP))
        ]
        gun = None if self.gun is None else seconds(self.gun)
        race = Race(1, "Race", checkpoints=self.checkpoints, waves=(Wave(1, "All", gun),), **self.race)
        return Definition((race,), servings, self.participants, self.rulings)

    def add(self, line: str) -> "Contest":
        for token in line.split():
            bib, name, at, ruled, verdict = _TOKEN.fullmatch(token).groups()
            position = len(self.reads) + 1
            session = ord(name.upper()) + BACKUP * name.islower()
            self.reads.append(
                Read(position, session, session, position, seconds(float(at)), bib or "1", None)
            )
            if ruled:
                self.rulings.append(Ruling(position, Override.CONFIRMED if ruled == "+" else Override.VOIDED))
            default = {"+": "CONFIRMED", "-": "VOIDED", "": "VALID"}[ruled]
            self.tokens.append(token.partition("=")[0])
            self.expected.append(verdict or default)
        return self

    def scoring(self) -> Scoring:
        """Of the reads in some order."""
        scoring = Scoring(self.definition())
        scoring.take(random.Random(len(self.reads)).sample(self.reads, len(self.reads)))
        scoring.settle()
        return scoring

    def standing(self, participant: int = 1, which: Which = EVERYBODY) -> Standing:
        return self.scoring().boards[1].view(which).standing(participant)

    def splits(self, participant: int = 1) -> str:
        """What counts, as a line: `S0 A60 F100`; with laps `F100/2`."""
        laps = self.race.get("mode", "COURSE") != "COURSE"
        return " ".join(
            f"{chr(split.checkpoint)}{split.at / SECOND:g}" + (f"/{split.lap}" if laps else "")
            for split in self.standing(participant).splits
        )


def contest(line: str = "", *checkpoints: Checkpoint, **more: Any) -> Contest:
    """A contest of these checkpoints (S, A, B, F unless given), in which every read has the verdict it should
    have."""
    own = {key: more.pop(key) for key in ("gun", "shared", "participants") if key in more}
    made = Contest(**own, race=more)
    if checkpoints:
        made.checkpoints = checkpoints
    made.add(line)
    scoring = made.scoring()
    judged = [scoring.judged(read.position) for read in made.reads]
    found = " ".join(f"{token}={each.verdict}" for token, each in zip(made.tokens, judged, strict=True))
    wanted = " ".join(f"{token}={each}" for token, each in zip(made.tokens, made.expected, strict=True))
    assert found == wanted, found
    assert all(each.reason for each in judged)
    counted = {verdict: made.expected.count(verdict) for verdict in made.expected}
    assert scoring.verdict_counts(1) == counted
    return made


def runner(number: int, **more: Any) -> Participant:
    return replace(Participant(number, 1, str(number)), **more)
