"""The reckoning: what the race holds against what the server acknowledged and stored."""

import dataclasses
from typing import NamedTuple

from replay import calls


class Line(NamedTuple):
    """A device in the report: what the file holds against what the server says."""

    name: str
    session: str
    readings: int
    tally: calls.Tally
    stored: int
    seconds: float

    def complaints(self) -> list[str]:
        """Sentences on each count that is not the file's; none when all is well."""
        tally, wrong = self.tally, []
        if self.stored != self.readings:
            wrong.append(
                f"{self.name}: the session holds {self.stored:,} passings, the file {self.readings:,}."
            )
        if not self.readings - tally.unanswered <= tally.inserted <= self.readings:
            wrong.append(
                f"{self.name}: {tally.inserted:,} acknowledged as inserted, the file has {self.readings:,}."
            )
        if tally.inserted + tally.duplicates != tally.sent:
            wrong.append(f"{self.name}: inserted and duplicates do not add up to the {tally.sent:,} sent.")
        return wrong


class Board(NamedTuple):
    """How many a leaderboard has finish, and how many the file."""

    name: str
    finishers: int
    shown: int

    def complaints(self) -> list[str]:
        if self.shown == self.finishers:
            return []
        return [f"{self.name}: the board has {self.shown:,} finishers, the file {self.finishers:,}."]


class Report(NamedTuple):
    """The whole race: a line per device, in the order of the course, and a board per race of the event."""

    lines: list[Line]
    seconds: float
    boards: list[Board] = []

    @property
    def readings(self) -> int:
        return sum(line.readings for line in self.lines)

    @property
    def total(self) -> Line:
        tallies = [dataclasses.astuple(line.tally) for line in self.lines]
        tally = calls.Tally(*(sum(counts) for counts in zip(*tallies, strict=True)))
        return Line("total", "", self.readings, tally, sum(line.stored for line in self.lines), self.seconds)

    def complaints(self) -> list[str]:
        """Sentences on each count that is not the file's; none when all is stored once and on the boards."""
        of_lines = [complaint for line in self.lines for complaint in line.complaints()]
        return of_lines + [complaint for board in self.boards for complaint in board.complaints()]
