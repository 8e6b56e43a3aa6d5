"""Leaderboards: shared by queries, feeds and exports, one board for each race."""

import asyncio
from bisect import bisect_right
from collections import Counter, OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple
from weakref import WeakValueDictionary

from models import boards as rows
from models import events as event_rows
from models import participants as participant_rows
from models import races as race_rows
from models import sessions as session_rows
from models.database import Database
from models.telemetry import health_of
from resolvers import costs, events, inputs
from resolvers.context import FREE, Context, Meter
from resolvers.devices import connected, last_seen
from resolvers.errors import Busy, Invalid, NotFound
from timing.leaderboards import Leaderboard
from timing.passings import Verdict
from timing.races import Race
from timing.scoring import Scoring
from timing.standings import Counts, Standing
from timing.teams import TeamView
from timing.views import Ranking, View, Which

MOST_EVENTS = 100
"""Events whose boards are kept; those that nobody asked for longest are let go and made anew when asked."""
MOST_TRIES = 10
"""Attempts to catch a moment in which nothing arrives, before a comparison is given up."""


class Boards:
    """The live boards of the events that are looked at. `announce` tells who follows an event."""

    def __init__(self, announce: Callable[[int, int], None] = lambda event_id, revision: None) -> None:
        self._announce = announce
        self._kept: OrderedDict[int, rows.Boards] = OrderedDict()
        self._living: WeakValueDictionary[int, rows.Boards] = WeakValueDictionary()
        """Also those that were let go and that somebody still follows: an event has no others beside them."""
        self._by_race: WeakValueDictionary[int, rows.Boards] = WeakValueDictionary()

    def changed(self, event_id: int, revision: int) -> None:
        """To be called after a change of an event's definition was committed."""
        self._announce(event_id, revision)

    async def of_event(self, database: Database, event: event_rows.Event) -> rows.Boards:
        """The event's boards with everything on them that was committed before the call."""
        kept = self._living.get(event.id)
        if kept is None:
            kept = self._living[event.id] = rows.Boards(event)
        self._kept[event.id] = kept
        self._kept.move_to_end(event.id)
        if len(self._kept) > MOST_EVENTS:
            self._kept.popitem(last=False)
        await kept.catch_up(database)
        return kept

    async def of_race(self, database: Database, race_id: int) -> rows.Boards | None:
        """The boards of the race's event, likewise; None for a race that nobody asked for before."""
        kept = self._by_race.get(race_id)
        return None if kept is None else await self.of_event(database, kept.event)

    def found(self, race_id: int, kept: rows.Boards) -> None:
        """The race is on these."""
        self._by_race[race_id] = kept

    async def warm(self, database: Database) -> None:
        """Makes the boards of every published event, so that the first to look does not wait for them."""
        async with database.reading() as session:
            published = await event_rows.published(session, MOST_EVENTS)
        for event in published:
            await self.of_event(database, event)


@dataclass(frozen=True, slots=True)
class Board:
    """A race's board as the caller may see it; it goes on being kept up while somebody follows the event."""

    kept: rows.Boards
    race_id: int
    meter: Meter = FREE
    """The caller's: what they look at may have to be made first."""

    @property
    def event(self) -> event_rows.Event:
        return self.kept.event

    @property
    def scoring(self) -> Scoring:
        return self.kept.scoring

    @property
    def leaderboard(self) -> Leaderboard:
        """The one that is kept now: another definition brings another. Raises NotFound."""
        found = self.kept.scoring.boards.get(self.race_id)
        if found is None:
            raise NotFound("Race")
        return found

    @property
    def race(self) -> Race:
        return self.leaderboard.course.race

    @property
    def state(self) -> tuple[int, int]:
        """What is on it: the position in the stream of passings, and the revision of the definition."""
        return self.kept.state

    async def verdict_counts(self) -> dict[Verdict, int]:
        """How many passings of the race have which verdict; what arrives meanwhile may be in it or not."""
        counts: Counter[Verdict] = Counter()
        for part in self.scoring.counting(self.race_id):
            counts.update(part)
            await asyncio.sleep(0)
        return dict(counts)


class Progress(NamedTuple):
    """How a race goes. Readers are the devices that serve it; those alive were heard within 150 s."""

    race: Race
    state: str
    counts: Counts
    readers: int
    readers_alive: int


async def of_race(ctx: Context, race_id: int | None) -> Board:
    """The board of a race, up to date. For its account with `events:read`, or for anybody if it is public."""
    ctx.meter.spend(1)
    if race_id is None:
        raise NotFound("Race")
    kept = await ctx.boards.of_race(ctx.database, race_id) or await _of_new_race(ctx, race_id)
    events.seen(ctx, kept.event, "Race")
    if race_id not in kept.scoring.boards:
        raise NotFound("Race")
    return Board(kept, race_id, ctx.meter)


async def _of_new_race(ctx: Context, race_id: int) -> rows.Boards:
    """No boards are made for who may not see them."""
    async with ctx.database.reading() as session:
        race = await race_rows.by_id(session, race_id)
        event = None if race is None else await event_rows.by_id(session, race.event_id)
    kept = await ctx.boards.of_event(ctx.database, events.seen(ctx, event, "Race"))
    ctx.boards.found(race_id, kept)
    return kept


async def of_bib(ctx: Context, board: Board, bib: str) -> int:
    """The row of the participant of the race with this bib. Raises NotFound."""
    ctx.meter.spend(1)
    events.seen(ctx, board.event)
    async with ctx.database.reading() as session:
        found = await participant_rows.by_bib(session, board.event.id, inputs.required(bib, "bib"))
    if found is None or found.race_id != board.race_id:
        raise NotFound("Participant")
    return found.id


async def progress(ctx: Context, board: Board) -> Progress:
    """Of its account with `events:read`, or of a public race for anybody."""
    ctx.meter.spend(1)
    await board.kept.settled()
    events.seen(ctx, board.event)
    race, counts = board.race, board.leaderboard.view(Which()).counts()
    devices = {
        serving.device_row
        for serving in board.kept.definition.servings
        if serving.race == board.race_id and serving.device_row is not None
    }
    async with ctx.database.reading() as session:
        counted = await session_rows.counts_by_device(session, devices)
        health = await health_of(session, devices)
    heard = (last_seen(counted.get(row, session_rows.Counts()), health.get(row)) for row in devices)
    alive = sum(connected(ctx, at) for at in heard)
    return Progress(race, _state(counts), counts, len(devices), alive)


def _state(counts: Counts) -> str:
    """Over when nobody is on the course any more: who never started will not."""
    if counts.on_course:
        return "RUNNING"
    return "FINISHED" if counts.finished else "NOT_STARTED"


def which(
    board: Board,
    *,
    ranking: str = "OVERALL",
    gender: str | None = None,
    category: str | None = None,
    club: str | None = None,
    checkpoint_id: int | None = None,
    lap: int | None = None,
) -> Which:
    """The view that these names mean. Raises Invalid for a checkpoint that is not of the race."""
    for field, value in (("gender", gender), ("category", category), ("club", club)):
        inputs.text(value, field)
    known = {checkpoint.id for checkpoint in board.race.checkpoints}
    if checkpoint_id is not None and checkpoint_id not in known:
        raise Invalid("checkpoint_id", "is no checkpoint of this race")
    if lap is not None:
        inputs.whole(lap, "lap", 1, 100_000)
    found = Which(Ranking(ranking), gender, category, club, checkpoint_id, lap)
    if not board.leaderboard.keeps(found):
        board.meter.spend(len(board.leaderboard) / costs.LINES_OF_VIEW)
    try:
        board.leaderboard.view(found)
    except LookupError:
        raise Invalid("lap", "is no lap of this race") from None
    return found


def page(
    view: View | TeamView,
    *,
    search: str | None = None,
    after: int = 0,
    limit: int,
    meter: Meter = FREE,
) -> tuple[list[Standing], int, bool]:
    """Standings behind the line `after` of the view, how many there are, and whether more follow.

    `search` is a bib, or a part of a name in any case.
    """
    if not search:
        return view.page(after, limit), len(view), after + limit < len(view)
    meter.spend(len(view) / costs.LINES_SEARCHED)
    found = _places(view, inputs.required(search, "search").casefold())
    first = bisect_right(found, after)
    lines = [line for place in found[first : first + limit] for line in view.page(place - 1, 1)]
    return lines, len(found), first + limit < len(found)


def _places(view: View | TeamView, wanted: str) -> list[int]:
    """Where the lines are that a search finds, by names alone: to build a standing takes a hundred times as
    long as to read a name."""
    if isinstance(view, TeamView):
        return [place for place, name in enumerate(view.names(), 1) if wanted in name.casefold()]
    return [
        place
        for place, who in enumerate(view.participants(), 1)
        if wanted in who.name.casefold() or who.bib.casefold() == wanted
    ]


async def rescore(ctx: Context, race_id: int) -> list[str]:
    """How the running board differs from one computed from scratch: a sentence each, best none."""
    ctx.must("events:read")
    for attempt in range(MOST_TRIES):
        board = await of_race(ctx.paid(), race_id)
        if not events.owned(ctx, board.event):
            raise NotFound("Race")
        if not attempt:
            ctx.meter.spend(len(board.leaderboard) / costs.LINES_COMPARED)
        fresh = Board(await rows.anew(ctx.database, board.event), race_id)
        await board.kept.settled()
        copied, running, scratch = board.state, board.leaderboard.copy(), fresh.leaderboard.copy()
        counted, counts = await board.verdict_counts(), await fresh.verdict_counts()
        await board.kept.settled()
        if copied == board.state == fresh.state:
            return await asyncio.to_thread(_differences, running, scratch, counted, counts)
    raise Busy


def _differences(
    running: Leaderboard, scratch: Leaderboard, counted: dict[Verdict, int], counts: dict[Verdict, int]
) -> list[str]:
    """Compares every line, with its rank, and the counts of verdicts."""
    mine, other = (
        {each.key: each for each in board.view().page(0, len(board))} for board in (running, scratch)
    )
    found = [
        f"participant {key}: running {mine.get(key)}, from scratch {other.get(key)}"
        for key in sorted(mine.keys() | other.keys())
        if mine.get(key) != other.get(key)
    ]
    return found if counted == counts else [*found, f"verdicts: running {counted}, from scratch {counts}"]
