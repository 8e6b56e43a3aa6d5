"""Screens: what of a board is shown to all who follow the same view.

One reading for each event and one comparison for each screen, however many follow.
"""

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from typing import NamedTuple

from models.boards import Boards
from models.events import Event
from subscriptions.doorbells import Listeners
from subscriptions.hub import Hub
from subscriptions.patience import patiently
from timing.standings import Counts, Standing
from timing.teams import TeamView
from timing.views import View, Which

logger = logging.getLogger(__name__)

REMEMBERED = 32
"""Updates of a screen that are kept for those who read slowly; who is further behind gets a snapshot."""


TURNS = 3
"""Of the event loop, until those who were rung have told what is new."""
REST = 0.25
"""Of the time that telling everybody took."""
NOBODY = Counts(0, 0, 0, 0, 0, 0, 0, {})


class Update(NamedTuple):
    """What changed on a screen since the revision before; with `snapshot` all that is on it."""

    revision: int
    snapshot: bool
    standings: list[Standing]
    removed: list[str]
    counts: Counts


class Shown(NamedTuple):
    """Which view of which race a screen shows, how many lines, and whether a change of counts is news."""

    race_id: int
    which: Which
    top: int
    counts: bool


class Screen:
    """The lines that are shown now, and the last updates that led to them. The revision grows by one each."""

    def __init__(self, shown: Shown) -> None:
        self.shown = shown
        self.revision = 0
        self.followers = 0
        self._lines: dict[str, Standing] = {}
        self._counts = NOBODY
        self._updates: deque[Update] = deque(maxlen=REMEMBERED)
        self._seen: tuple[View | TeamView, int] | None = None

    def look(self, view: View | TeamView) -> None:
        """Compares what the view shows now with what was shown, and remembers what differs."""
        if self._seen == (view, view.version):
            return
        self._seen = (view, view.version)
        lines = {each.key: each for each in view.page(0, self.shown.top)}
        changed = [each for key, each in lines.items() if self._lines.get(key) != each]
        removed = [key for key in self._lines if key not in lines]
        counts = view.counts()
        news = changed or removed or (self.shown.counts and counts != self._counts)
        self._lines, self._counts = lines, counts
        if news or not self.revision:
            self.revision += 1
            self._updates.append(Update(self.revision, False, changed, removed, counts))

    def since(self, revision: int) -> list[Update]:
        """What follows a revision; a snapshot for who comes new, with 0, or is too far behind."""
        if revision and revision >= self.revision - len(self._updates):
            return [update for update in self._updates if update.revision > revision]
        return [Update(self.revision, True, list(self._lines.values()), [], self._counts)]


class Pace:
    """Reads for everybody who follows one event: at once when something comes after a quiet time, then at
    most once an interval, so that a burst is one reading. After what took long to tell it rests for a part of
    that: others have their turn however many follow."""

    def __init__(self, screens: "Screens", event: Event) -> None:
        self._screens = screens
        self._event = event
        self._shown: dict[Shown, Screen] = {}
        self.listeners = Listeners(self._left)
        """Rung after each reading that brought something."""
        self._task = asyncio.create_task(self._run(), name=f"pace of event {event.id}")

    @contextlib.contextmanager
    def screen(self, shown: Shown, boards: Boards) -> Iterator[Screen]:
        """The screen that all who want the same share."""
        screen = self._shown.setdefault(shown, Screen(shown))
        screen.followers += 1
        try:
            self._look(screen, boards)
            yield screen
        finally:
            screen.followers -= 1
            if not screen.followers:
                self._shown.pop(shown, None)

    def _left(self) -> None:
        self._screens.leave(self._event.id)
        self._task.cancel()

    async def _run(self) -> None:
        hub, seen = self._screens.hub, (-1, -1)
        with hub.listen(("account", self._event.account_id), ("event", self._event.id)) as doorbell:
            while True:
                took = 0.0
                try:
                    boards = await patiently(partial(self._screens.read, self._event))
                    if (now := (boards.position, boards.revision)) != seen:
                        seen = now
                        took = await self._show(boards)
                except Exception:
                    logger.exception("boards could not be read")
                await asyncio.sleep(max(self._screens.interval - took, REST * took))
                await doorbell.wait()

    async def _show(self, boards: Boards) -> float:
        """Returns how many seconds it took until everybody had their turn."""
        now = asyncio.get_running_loop().time
        began = now()
        for screen in self._shown.values():
            self._look(screen, boards)
        self.listeners.ring(boards.position)
        for _ in range(TURNS):
            await asyncio.sleep(0)
        return now() - began

    def _look(self, screen: Screen, boards: Boards) -> None:
        board = boards.scoring.boards.get(screen.shown.race_id)
        if board is not None:
            with contextlib.suppress(LookupError):  # a lap that the race has no longer
                screen.look(board.view(screen.shown.which))


class Screens:
    """The paces of the events that somebody follows.

    `read` gives an event's boards up to date; `interval`: seconds between two readings of an event.
    """

    def __init__(self, hub: Hub, read: Callable[[Event], Awaitable[Boards]], interval: float) -> None:
        self.hub, self.read, self.interval = hub, read, interval
        self._paces: dict[int, Pace] = {}

    def pace(self, event: Event) -> Pace:
        pace = self._paces.get(event.id)
        if pace is None:
            pace = self._paces[event.id] = Pace(self, event)
        return pace

    def leave(self, event_id: int) -> None:
        self._paces.pop(event_id, None)
