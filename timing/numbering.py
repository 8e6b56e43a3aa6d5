"""Which numbers of a session are missing, and for how long: those in flight are not.

A device gives its passings numbers that count on by one; a hole is a passing that was lost or has not come
yet. Devices send several at once and in any order, so a number is taken for missing only when a higher one
came a while ago.
"""

from collections import deque
from typing import NamedTuple

from timing import clocks

OLD = 30 * clocks.SECOND
"""For so long a number must have been missing before it rings."""
YOUNG = 15 * clocks.SECOND
"""… and while enough are missing for so long it does not end. That is shorter than OLD by more than two looks
are apart, so that two servers which look at different moments do not contradict each other."""
LOOKS_APART = 5 * clocks.SECOND
"""Between two looks at the numbers of a session that takes passings."""


class Missing(NamedTuple):
    """Of a session: how many numbers are missing now, how many for OLD and YOUNG long (None: not known yet),
    and how many passings came."""

    now: int
    old: int | None
    young: int | None
    received: int


class Numbering:
    """What is remembered of a session's numbers: the highest one at some moments of the last OLD.

    A number below the one that was the highest a while ago, and that is not there now, is missing since then
    or longer.
    """

    __slots__ = ("session", "next_at", "quiet_since", "missing", "_marks")

    def __init__(self, session: int) -> None:
        self.session = session
        self.next_at = 0
        """Before that no look is due."""
        self.quiet_since: int | None = None
        """When the last passing came, once that is OLD: until another comes nothing changes."""
        self.missing: Missing | None = None
        """As it was found last."""
        self._marks: deque[tuple[int, int]] = deque()

    def due(self, at: int, received_at: int | None) -> bool:
        """Whether to look again, now that the newest passing came at `received_at`."""
        return received_at is not None and received_at != self.quiet_since and at >= self.next_at

    def mark(self, at: int, highest: int, received_at: int) -> tuple[int | None, int | None]:
        """Notes the highest number; tells which was the highest OLD and YOUNG ago, None where not known."""
        self.next_at = at + LOOKS_APART
        quiet = received_at <= at - OLD
        self.quiet_since = received_at if quiet else None
        if quiet:
            self._marks.clear()
            return highest, highest
        self._marks.append((at, highest))
        while len(self._marks) > 1 and self._marks[1][0] <= at - OLD:
            self._marks.popleft()
        young = highest if received_at <= at - YOUNG else self._highest(at - YOUNG)
        return self._highest(at - OLD), young

    def _highest(self, at: int) -> int | None:
        return max((highest for marked, highest in self._marks if marked <= at), default=None)


def missing_below(lowest: int, highest: int, received: int, above: int) -> int:
    """How many numbers up to `highest` are missing, if `received` came and `above` of them are higher."""
    return highest - lowest + 1 - (received - above)
