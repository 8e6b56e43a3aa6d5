"""One who follows a leaderboard and keeps its lines as a page would: a snapshot, then what changes."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from bench.sockets import subscribed

Line = dict[str, Any]

LINES = "key rank bib name state gunTime gap"
FOLLOW = (
    "subscription($r:ID!,$g:String,$n:Int!){leaderboard(raceId:$r,gender:$g,top:$n)"
    "{revision snapshot removed standings{" + LINES + "} COUNTS}}"
)
COUNTS = "counts{onCourse finished}"


@dataclass
class Follower:
    """Follows the first of a race. `heard` is called with each update but the first."""

    url: str
    key: str
    race: str
    top: int = 50
    gender: str | None = None
    counts: bool = False
    heard: Callable[[Line], None] = lambda update: None
    lines: dict[str, Line] = field(default_factory=dict)
    updates: int = 0
    heard_at: float = 0.0
    """When the last one came, by `time.perf_counter`."""
    skipped: int = 0
    """Revisions that did not follow upon the one before; none ought to."""
    ready: asyncio.Event = field(default_factory=asyncio.Event)
    _revision: int = -1

    async def follow(self) -> None:
        """Until it is cancelled or the socket breaks."""
        query = FOLLOW.replace("COUNTS", COUNTS if self.counts else "")
        async with subscribed(self.url, self.key, query, r=self.race, g=self.gender, n=self.top) as news:
            async for data in news:
                self._show(data["leaderboard"])

    @property
    def shown(self) -> list[Line]:
        """The lines, first to last; those without a rank come last."""
        return sorted(self.lines.values(), key=lambda line: (line["rank"] is None, line["rank"]))

    def _show(self, update: Line) -> None:
        if update["snapshot"]:
            self.lines.clear()
        elif update["revision"] != self._revision + 1:
            self.skipped += 1
        self._revision = update["revision"]
        for key in update["removed"]:
            self.lines.pop(key, None)
        self.lines.update((line["key"], line) for line in update["standings"])
        if not self.ready.is_set():
            return self.ready.set()
        self.updates += 1
        self.heard_at = time.perf_counter()
        self.heard(update)
