"""Results: a race's official list, for those who take it away with them."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from models.events import Event
from resolvers import costs, events, leaderboards
from resolvers.context import Context
from timing.leaderboards import Leaderboard
from timing.passings import Verdict
from timing.races import Checkpoint, Mode, Participant, Race
from timing.results import Split, State
from timing.standings import Standing
from timing.teams import TeamView
from timing.views import Ranking, View, Which


class Place(NamedTuple):
    """A visit that somebody may have a split of."""

    checkpoint: Checkpoint
    lap: int


class Line(NamedTuple):
    """A competitor with every rank. The times are those of the finish; None for who has not finished.

    `time` ranks and has the adjustment in it, the others are as measured. A race of a
    given duration has no finish but its end: there they are those of the last completed lap.
    """

    participant: Participant
    category: str | None
    state: State
    rank: int | None
    gender_rank: int | None
    category_rank: int | None
    time: int | None
    gun_time: int | None
    net_time: int | None
    net_is_gun: bool
    laps: int
    splits: tuple[Split, ...]


@dataclass(frozen=True, slots=True)
class Results:
    """All of one moment: what happens to the race later does not change them, so any thread may read them.

    `verdicts`: how many passings have which verdict; None unless the account asked for it.
    """

    event: Event
    race: Race
    at: int
    places: Sequence[Place]
    verdicts: Mapping[Verdict, int] | None
    overall: View | TeamView
    gender: View | TeamView
    category: View | TeamView

    def __len__(self) -> int:
        return len(self.overall)

    def lines(self, offset: int, limit: int) -> list[Line]:
        """In the official order: by the overall rank, then who has none."""
        return [self._line(each) for each in self.overall.page(offset, limit)]

    def _line(self, standing: Standing) -> Line:
        who = standing.participant
        assert who is not None
        timed = self.race.mode is Mode.TIMED and standing.state is State.ON_COURSE and standing.laps > 0
        over = timed or standing.state is State.FINISHED
        return Line(
            participant=who,
            category=standing.category,
            state=standing.state,
            rank=standing.rank,
            gender_rank=self.gender.rank_of(who.id),
            category_rank=self.category.rank_of(who.id),
            time=standing.time if over else None,
            gun_time=standing.gun_time if over else None,
            net_time=standing.net_time if over else None,
            net_is_gun=standing.net_is_gun and bool(standing.splits),
            laps=standing.laps,
            splits=standing.splits,
        )


async def official(ctx: Context, race_id: int | None, *, verdicts: bool = False) -> Results:
    """The results as of now. For the race's account with `events:read`, or for anybody if it is public.

    Who asks for verdicts gets their counts only as the account: passings are nobody else's to look at.
    """
    ctx.meter.spend(1)
    board = await leaderboards.of_race(ctx.paid(), race_id)
    ctx.meter.spend(len(board.leaderboard) / costs.LINES_OF_RESULTS)
    event = events.seen(ctx, board.event, "Race")
    own = events.owned(ctx, event) and "events:read" in ctx.caller.scopes
    copy, at = board.leaderboard.copy(), ctx.clock()
    counts = await board.verdict_counts() if verdicts and own else None
    return await asyncio.to_thread(_results, event, at, copy, counts)


def _results(event: Event, at: int, board: Leaderboard, verdicts: Mapping[Verdict, int] | None) -> Results:
    board.forget_views()
    overall, gender, category = (
        board.view(Which(ranking)) for ranking in (Ranking.OVERALL, Ranking.GENDER, Ranking.CATEGORY)
    )
    return Results(event, board.course.race, at, _places(board), verdicts, overall, gender, category)


def _places(board: Leaderboard) -> list[Place]:
    """Along the course, as many laps as anybody was read in."""
    course = board.course
    laps = max((course.lap(line.result.last) for line in board.lines.values()), default=1)
    start, lap = course.checkpoints[: course.first], course.checkpoints[course.first :]
    return [Place(point, 1) for point in start] + [
        Place(point, number) for number in range(1, laps + 1) for point in lap
    ]
