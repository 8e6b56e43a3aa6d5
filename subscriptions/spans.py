"""Which stretch of a feed is wanted, and how far it was told.

One who listens alone is told a feed from its beginning on and for ever. Where many share what is new,
somebody who comes late is told what was before by a stretch of its own, which ends where the others are.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any


class Span:
    """Of one execution of a feed. This one is the whole feed.

    Each thing that is told has a position, which grows; it is known when the thing is.
    """

    joins = False
    """Whether nothing is told that was there before the feed began to listen."""
    ends = False
    """Whether it ends as soon as everything was told that there is."""

    resumes = False
    """Whether a position is a cursor, good for ever."""

    def __init__(self, after: int | None = None, cursor: str | None = None) -> None:
        self.after = after
        """Behind which position it begins; None: where the client wants it to."""
        self.cursor = cursor
        """What the client saw last, where its transport says so instead of an argument."""
        self.start = self.position = 0
        """Of what it began behind, and of what was told last."""
        self.scope: object = None
        """What exactly the client's words meant at the beginning; it may mean something else by now."""
        self.look: Callable[[Any], Awaitable[Any]] | None = None
        """Raises when somebody who comes late may not see what is told: who may can change at any moment."""
        self.begun = asyncio.Event()
        """Set when nothing that happens from then on is missed."""
        self.complete = False
        """Whether it ended because everything was told."""

    def begin(self, wanted: int, now: int, scope: object = None) -> int:
        """Behind which position the feed begins: `wanted` by the client, `now` if nothing of before is."""
        self.start = self.position = now if self.joins else wanted if self.after is None else self.after
        self.scope = scope
        self.begun.set()
        return self.position

    def reached(self, position: int) -> bool:
        """Everything up to there was told: whether the feed is to end."""
        self.position, self.complete = position, self.ends
        return self.ends


class Beginning(Span):
    """What there is behind a position, and no more."""

    ends = True


class Sequel(Span):
    """What comes from now on."""

    joins = True
