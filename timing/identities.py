"""Whose a read is: its bib first, then its chip at that time, then its bib field read as a chip."""

from collections import defaultdict

from timing.courses import FOREVER, NEVER
from timing.races import Participant


class Identities:
    """Who carries which bib and which chip.

    A bib that two carry (none should) is of the one with the least id. A chip that two carry at a time is
    of the one who was given it last.
    """

    def __init__(self) -> None:
        self._bibs: dict[str, tuple[int, ...]] = {}
        self._chips: dict[str, set[tuple[int, int, int]]] = defaultdict(set)

    def enter(self, participant: Participant) -> None:
        self._bibs[participant.bib] = (*self._bibs.get(participant.bib, ()), participant.id)
        for code, window in _windows(participant):
            self._chips[code].add(window)

    def leave(self, participant: Participant) -> None:
        others = tuple(each for each in self._bibs[participant.bib] if each != participant.id)
        self._bibs[participant.bib] = others
        for code, window in _windows(participant):
            self._chips[code].discard(window)

    def whose(self, bib: str | None, chip: str | None, at: int) -> int | None:
        """The participant's id."""
        if bib and (carriers := self._bibs.get(bib)):
            return min(carriers)
        return self._chipped(chip, at) or self._chipped(bib, at)

    def holders(self, chip: str, at: int) -> list[int]:
        """Everybody who carries a chip at a time."""
        return sorted(who for from_, to, who in self._chips.get(chip, ()) if from_ <= at < to)

    def lasting(self, bib: str | None, chip: str | None) -> bool:
        """Are these identifiers the same participant's (or nobody's) at all times?"""
        if bib and self._bibs.get(bib):
            return True
        windows = [*self._chips.get(chip or "", ()), *self._chips.get(bib or "", ())]
        return all(from_ == NEVER and to == FOREVER for from_, to, _ in windows)

    def _chipped(self, code: str | None, at: int) -> int | None:
        windows = [each for each in self._chips.get(code or "", ()) if each[0] <= at < each[1]]
        return max(windows, key=lambda each: (each[0], -each[2]))[2] if windows else None


def _windows(participant: Participant) -> list[tuple[str, tuple[int, int, int]]]:
    return [
        (
            chip.code,
            (
                NEVER if chip.from_ is None else chip.from_,
                FOREVER if chip.to is None else chip.to,
                participant.id,
            ),
        )
        for chip in participant.chips
    ]


def identifiers(participant: Participant) -> set[str]:
    return {participant.bib, *(chip.code for chip in participant.chips)} - {""}
