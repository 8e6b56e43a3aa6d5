"""How many numbers are missing in the sessions of devices, looked up no oftener than it can matter."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from models import conditions, numbers
from models.conditions import Known
from models.database import AsyncSession
from timing.numbering import Missing, Numbering, missing_below

EMPTY = Numbering(0)
"""Of a session without passings, and where there is no session: nothing is missing."""
EMPTY.missing = Missing(0, 0, 0, 0)


class _Due(NamedTuple):
    known: Known
    numbering: Numbering


class Numberings:
    """What is remembered of each device's session. After a restart nothing is known of them for a while."""

    def __init__(self) -> None:
        self._of: dict[int, Numbering] = {}

    async def missing(self, session: AsyncSession, found: Sequence[Known], now: int) -> dict[int, Missing]:
        """By the device's row; counted anew for those that are due, in two statements for any number."""
        due: dict[int, _Due] = {}
        numberings = {known.device_row: self._numbering(known) for known in found}
        for known in found:
            numbering = numberings[known.device_row]
            if numbering.due(now, known.received_at):
                due[numbering.session] = _Due(known, numbering)
        if due:
            await _count(session, due, now)
        return {row: each.missing for row, each in numberings.items() if each.missing is not None}

    def next_at(self, known: Known, now: int) -> int | None:
        """When to look again though nothing is heard; None: nothing changes by itself."""
        numbering = self._of.get(known.device_row)
        if numbering is None or known.received_at == numbering.quiet_since or numbering.next_at <= now:
            return None
        return numbering.next_at

    def _numbering(self, known: Known) -> Numbering:
        """Of the device's session as it is now."""
        if known.session_row is None or known.received_at is None:
            self._of.pop(known.device_row, None)
            return EMPTY
        numbering = self._of.get(known.device_row)
        if numbering is None or numbering.session != known.session_row:
            numbering = self._of[known.device_row] = Numbering(known.session_row)
        return numbering


async def _count(session: AsyncSession, due: Mapping[int, _Due], now: int) -> None:
    ends = await numbers.spans(session, due)
    highest: dict[int, tuple[int | None, int | None]] = {}
    for row, (_, high) in ends.items():
        known, numbering = due[row]
        highest[row] = numbering.mark(now, high, known.received_at or now)
    asked = {
        (row, high)
        for row, (low, last) in ends.items()
        if missing_below(low, last, due[row].known.passing_count, 0)
        for high in highest[row]
        if high is not None
    }
    above = await conditions.counts_above(session, asked) if asked else {}
    for row, (low, last) in ends.items():
        received = due[row].known.passing_count
        missing = missing_below(low, last, received, 0)
        old, young = (
            missing and (None if high is None else missing_below(low, high, received, above[row, high]))
            for high in highest[row]
        )
        due[row].numbering.missing = Missing(missing, old, young, received)
