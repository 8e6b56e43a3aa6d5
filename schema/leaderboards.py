"""Leaderboards in GraphQL: asking for them and following them."""

import enum
from collections.abc import AsyncGenerator, Sequence
from typing import Annotated, Any, Self

import strawberry
from strawberry import Private
from strawberry.types.nodes import SelectedField, Selection

from resolvers import inputs, leaderboards, races
from resolvers.leaderboards import Board, Progress
from resolvers.marks import Mark
from schema.context import GraphQLContext, Info
from schema.loaders import Loaders
from schema.races import Checkpoint, Race
from schema.relay import MOST, After, Edge, First, PageInfo, page_info, row_in
from schema.standings import Ranking, Standing
from subscriptions import leaderboards as feeds
from subscriptions.screens import Update
from timing.standings import Counts
from timing.standings import Standing as Line
from timing.views import Which

MOST_TOP = 1_000

RaceId = Annotated[strawberry.ID, strawberry.argument(description="The race's global id.")]
By = Annotated[Ranking, strawberry.argument(description="By what it is ordered and ranked.")]
Gender = Annotated[str | None, strawberry.argument(description="Only this gender; ranks are among these.")]
Category = Annotated[
    str | None, strawberry.argument(description="Only this category; ranks are among these.")
]
Club = Annotated[str | None, strawberry.argument(description="Only this club; ranks are among these.")]
CheckpointId = Annotated[
    strawberry.ID | None,
    strawberry.argument(description="As it was at this checkpoint; without it, at the latest progress."),
]
Lap = Annotated[
    int | None,
    strawberry.argument(description="The lap at that checkpoint, from 1; without it the last one."),
]


@strawberry.type(description="How many have reached a checkpoint.")
class CheckpointCount:
    checkpoint: Checkpoint = strawberry.field(description="Where.")
    count: int = strawberry.field(description="How many have a counted passing there.")


@strawberry.type(description="How many are where, of those whom the filter lets through.")
class LeaderboardCounts:
    counts: Private[Counts]
    checkpoints: Private[dict[int, Checkpoint]]

    entered: int = strawberry.field(description="All of them.")
    not_started: int = strawberry.field(description="No passing counted yet.")
    on_course: int = strawberry.field(description="Started, not finished.")
    finished: int = strawberry.field(description="Finished.")
    dns: int = strawberry.field(description="Did not start.")
    dnf: int = strawberry.field(description="Did not finish.")
    dsq: int = strawberry.field(description="Disqualified.")

    @strawberry.field(description="How many have reached each checkpoint, in the order of the course.")
    def at(self) -> list[CheckpointCount]:
        return [
            CheckpointCount(checkpoint=checkpoint, count=self.counts.at.get(row, 0))
            for row, checkpoint in self.checkpoints.items()
        ]

    @classmethod
    def shape(cls, counts: Counts, checkpoints: dict[int, Checkpoint]) -> Self:
        return cls(
            counts=counts,
            checkpoints=checkpoints,
            entered=counts.entered,
            not_started=counts.not_started,
            on_course=counts.on_course,
            finished=counts.finished,
            dns=counts.dns,
            dnf=counts.dnf,
            dsq=counts.dsq,
        )


@strawberry.type(description="A page of a leaderboard.")
class StandingConnection:
    edges: list[Edge[Standing]] = strawberry.field(description="The lines, first to last.")
    page_info: PageInfo = strawberry.field(description="Where the page stands.")
    total_count: int = strawberry.field(description="How many lines there are in all.")
    counts: LeaderboardCounts = strawberry.field(description="How many are where.")


@strawberry.type(description="What changed on a followed leaderboard since the revision before.")
class LeaderboardUpdate:
    revision: int = strawberry.field(description="Grows by one with each update of this subscription's view.")
    snapshot: bool = strawberry.field(
        description="True: `standings` are all that is shown, forget what was before. The first update is "
        "one, and so is what follows when updates were skipped because they were not read in time."
    )
    standings: list[Standing] = strawberry.field(
        description="Lines that are new or changed; order by `place`."
    )
    removed: list[str] = strawberry.field(description="The `key` of lines that are no longer shown.")
    counts: LeaderboardCounts = strawberry.field(description="How many are where.")


@strawberry.enum(description="How far a race is.")
class RaceState(enum.Enum):
    NOT_STARTED = strawberry.enum_value("NOT_STARTED", description="No passing counted yet.")
    RUNNING = strawberry.enum_value("RUNNING", description="Somebody is on the course.")
    FINISHED = strawberry.enum_value("FINISHED", description="Somebody finished and nobody is on the course.")


@strawberry.type(description="How a race goes.")
class RaceProgress:
    state: RaceState = strawberry.field(description="How far it is.")
    race: Race = strawberry.field(description="The race with its waves and gun times.")
    counts: LeaderboardCounts = strawberry.field(description="How many are where.")
    readers: int = strawberry.field(description="Devices that serve its checkpoints.")
    readers_alive: int = strawberry.field(description="Those of them that were heard within 150 s.")


class Watched:
    """A board with what GraphQL shows of its course, which is read again when the event was changed."""

    def __init__(self, ctx: GraphQLContext, board: Board) -> None:
        self.ctx, self.board = ctx, board
        self._checkpoints: dict[int, Checkpoint] = {}
        self._revision = -1

    @classmethod
    async def of(cls, ctx: GraphQLContext, race_id: str) -> Self:
        return cls(ctx, await leaderboards.of_race(ctx, row_in(race_id, "Race")))

    def checkpoints(self) -> dict[int, Checkpoint]:
        """Of the course that the board has now, whatever the table says since."""
        if self._revision != self.board.kept.revision:
            self._revision = self.board.kept.revision
            loaders, race = Loaders(self.ctx), self.board.race
            self._checkpoints = {
                point.id: Checkpoint.of_course(point, race.id, loaders) for point in race.checkpoints
            }
        return self._checkpoints

    def which(self, checkpoint_id: str | None, **names: Any) -> Which:
        return leaderboards.which(
            self.board,
            checkpoint_id=None if checkpoint_id is None else row_in(checkpoint_id, "Checkpoint"),
            **names,
        )

    async def race(self) -> Race:
        return Race.shape(await races.of_id(self.ctx, self.board.race_id), Loaders(self.ctx))

    def standings(self, found: Sequence[Line]) -> list[Standing]:
        checkpoints, loaders = self.checkpoints(), Loaders(self.ctx)
        return [Standing.shape(each, loaders, checkpoints) for each in found]

    def update(self, update: Update) -> LeaderboardUpdate:
        return LeaderboardUpdate(
            revision=update.revision,
            snapshot=update.snapshot,
            standings=self.standings(update.standings),
            removed=update.removed,
            counts=LeaderboardCounts.shape(update.counts, self.checkpoints()),
        )

    async def progress(self, progress: Progress) -> RaceProgress:
        return RaceProgress(
            state=RaceState(progress.state),
            race=await self.race(),
            counts=LeaderboardCounts.shape(progress.counts, self.checkpoints()),
            readers=progress.readers,
            readers_alive=progress.readers_alive,
        )


@strawberry.type
class Query:
    @strawberry.field(
        description="A race's leaderboard as of now: every passing that was acknowledged before is on it. "
        "Null for a race that is not there. Needs `events:read`, or nothing if the event is public."
    )
    async def leaderboard(
        self,
        info: Info,
        race_id: RaceId,
        ranking: By = Ranking.OVERALL,
        gender: Gender = None,
        category: Category = None,
        club: Club = None,
        checkpoint_id: CheckpointId = None,
        lap: Lap = None,
        search: Annotated[
            str | None, strawberry.argument(description="A bib, or a part of a name in any case.")
        ] = None,
        first: First = None,
        after: After = None,
    ) -> StandingConnection:
        size, place = inputs.page_size(first, "first", MOST), inputs.cursor(after, "after") or 0
        watched = await Watched.of(info.context, race_id)
        if info.context.marks is not None:
            info.context.marks.append(Mark.of(watched.board))
        names = {"ranking": ranking.value, "gender": gender, "category": category, "club": club, "lap": lap}
        view = watched.board.leaderboard.view(watched.which(checkpoint_id, **names))
        found, total, more = leaderboards.page(
            view, search=search, after=place, limit=size, meter=info.context.meter
        )
        counts = view.counts()
        lines = watched.standings(found)
        cursors = [str(each.place) for each in found]
        return StandingConnection(
            edges=[Edge(cursor=cursor, node=line) for cursor, line in zip(cursors, lines, strict=True)],
            page_info=page_info(cursors, more, place > 0),
            total_count=total,
            counts=LeaderboardCounts.shape(counts, watched.checkpoints()),
        )


@strawberry.type(description="The running board beside one that was computed from scratch.")
class Rescoring:
    equal: bool = strawberry.field(description="Whether both say the same of everybody.")
    differences: list[str] = strawberry.field(description="A sentence for each difference; best none.")


@strawberry.type
class Mutation:
    @strawberry.mutation(
        description="Computes a race's board from scratch, beside the running one, and compares them. "
        "Nothing is changed. Needs `events:read`."
    )
    async def rescore_race(self, info: Info, race_id: RaceId) -> Rescoring:
        found = await leaderboards.rescore(info.context, row_in(race_id, "Race"))
        return Rescoring(equal=not found, differences=found)


@strawberry.type
class Subscription:
    @strawberry.subscription(
        description="A snapshot, then only what changes in this view, at most 20 times a second unless the "
        "server is set otherwise. Needs `events:read`, or nothing if the event is public."
    )
    async def leaderboard(
        self,
        info: Info,
        race_id: RaceId,
        ranking: By = Ranking.OVERALL,
        gender: Gender = None,
        category: Category = None,
        club: Club = None,
        checkpoint_id: CheckpointId = None,
        lap: Lap = None,
        top: Annotated[int, strawberry.argument(description="How many lines to follow: 1 to 1000.")] = 50,
    ) -> AsyncGenerator[LeaderboardUpdate, None]:
        inputs.whole(top, "top", 1, MOST_TOP)
        watched = await Watched.of(info.context, race_id)
        names = {"ranking": ranking.value, "gender": gender, "category": category, "club": club, "lap": lap}
        which = watched.which(checkpoint_id, **names)
        counted = _selects(info, "counts")
        async for update in feeds.feed(info.context, watched.board, which, top, counts=counted):
            yield watched.update(update)

    @strawberry.subscription(
        description="The standing of one competitor, overall and at the latest progress: now and whenever it "
        "changes. Needs `events:read`, or nothing if the event is public."
    )
    async def participant(
        self,
        info: Info,
        race_id: RaceId,
        bib: Annotated[str, strawberry.argument(description="The bib; leading zeros count.")],
    ) -> AsyncGenerator[Standing, None]:
        watched = await Watched.of(info.context, race_id)
        who = await leaderboards.of_bib(info.context, watched.board, bib)
        async for standing in feeds.participant(info.context, watched.board, who):
            yield watched.standings([standing])[0]

    @strawberry.subscription(
        description="How a race goes, now and whenever that changes. Needs `events:read`, or nothing if the "
        "event is public."
    )
    async def race(self, info: Info, race_id: RaceId) -> AsyncGenerator[RaceProgress, None]:
        watched = await Watched.of(info.context, race_id)
        async for progress in feeds.race(info.context, watched.board):
            yield await watched.progress(progress)


def _selects(info: Info, name: str) -> bool:
    """Whether the operation asks for a field of what it follows, directly or by a fragment."""

    def among(selections: Sequence[Selection]) -> bool:
        return any(
            each.name == name if isinstance(each, SelectedField) else among(each.selections)
            for each in selections
        )

    return any(among(field.selections) for field in info.selected_fields)
