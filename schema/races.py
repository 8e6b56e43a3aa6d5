"""Races in GraphQL, with their waves, categories and checkpoints."""

from typing import TYPE_CHECKING, Annotated, Self

import strawberry
from strawberry import Private

from models import races as rows
from resolvers import races
from schema.context import Info
from schema.courses import (
    Basis,
    CheckpointKind,
    CountedRead,
    RaceInput,
    RaceMode,
    RacePatch,
    new_race,
    race_patch,
)
from schema.events import Event, Reason
from schema.loaders import Loaders
from schema.relay import Node, global_id, row_in
from schema.scalars import Instant
from timing import clocks
from timing.races import Checkpoint as Point

if TYPE_CHECKING:
    from schema.servings import Serving

RaceId = Annotated[strawberry.ID, strawberry.argument(description="The race's global id.")]


@strawberry.type(description="A start group of a race.")
class Wave(Node):
    name: str = strawberry.field(description="What it is called; unique in the race.")
    gun_time: Instant | None = strawberry.field(description="When it started; null before.")

    @classmethod
    def shape(cls, row: rows.Wave) -> Self:
        gun = None if row.gun_at is None else Instant(row.gun_at)
        return cls(id=global_id("Wave", row.id), name=row.name, gun_time=gun)


@strawberry.type(description="A category by rule: a gender and ages on the event's reference date.")
class Category(Node):
    name: str = strawberry.field(description="What it is called; unique in the race.")
    gender: str | None = strawberry.field(description="Only this gender; null: any.")
    youngest: int | None = strawberry.field(description="The lowest age in it; null: any.")
    oldest: int | None = strawberry.field(description="The highest age in it; null: any.")

    @classmethod
    def shape(cls, row: rows.Category) -> Self:
        return cls(
            id=global_id("Category", row.id),
            name=row.name,
            gender=row.gender,
            youngest=row.youngest,
            oldest=row.oldest,
        )


@strawberry.type(description="A place on the course where competitors are detected.")
class Checkpoint(Node):
    row: Private[int]
    race_row: Private[int]
    loaders: Private[Loaders]

    name: str = strawberry.field(description="What it is called; unique in the race.")
    kind: CheckpointKind = strawberry.field(description="Where on the course it is.")
    distance: float | None = strawberry.field(
        description="In metres from the start, on laps from the start of the lap."
    )
    bounce_seconds: float = strawberry.field(
        description="Reads within this time of the counted one are the same visit."
    )
    minimum_seconds: float = strawberry.field(description="Nobody is faster from the checkpoint before.")
    cutoff_seconds: float | None = strawberry.field(
        description="After the gun; later passings do not count. Null: no limit."
    )
    counts: CountedRead = strawberry.field(description="Which read of a burst counts.")

    @strawberry.field(description="The race that it belongs to.")
    async def race(self) -> "Race":
        return Race.shape(await self.loaders.race.load(self.race_row), self.loaders)

    @strawberry.field(
        description="Who serves it, when and in which role; null for events of others. Needs `events:read`."
    )
    async def servings(self) -> list[Annotated["Serving", strawberry.lazy("schema.servings")]] | None:
        from schema.servings import Serving

        found = await self.loaders.servings.load(self.row)
        return None if found is None else [Serving.shape(row, self.loaders) for row in found]

    @classmethod
    def shape(cls, row: rows.Checkpoint, loaders: Loaders) -> Self:
        return cls.of_course(row, row.race_id, loaders)

    @classmethod
    def of_course(cls, point: rows.Checkpoint | Point, race_row: int, loaders: Loaders) -> Self:
        """As the table has it, or as a board's own course does."""
        return cls(
            row=point.id,
            race_row=race_row,
            loaders=loaders,
            id=global_id("Checkpoint", point.id),
            name=point.name,
            kind=CheckpointKind(point.kind),
            distance=point.distance,
            bounce_seconds=point.bounce / clocks.SECOND,
            minimum_seconds=point.minimum / clocks.SECOND,
            cutoff_seconds=None if point.cutoff is None else point.cutoff / clocks.SECOND,
            counts=CountedRead(point.counts),
        )


@strawberry.type(description="One distance or category of an event, with its own start, course and ranking.")
class Race(Node):
    row: Private[rows.Race]
    loaders: Private[Loaders]

    name: str = strawberry.field(description="What it is called; unique in the event.")
    mode: RaceMode = strawberry.field(description="How it is run.")
    laps: int = strawberry.field(description="How often the course is run; 1 unless the mode is `LAPS`.")
    duration_seconds: float | None = strawberry.field(
        description="How long it goes from the gun; null unless the mode is `TIMED`."
    )
    overall_by: Basis = strawberry.field(description="What the overall ranking goes by.")
    gender_by: Basis = strawberry.field(description="What the gender rankings go by.")
    category_by: Basis = strawberry.field(description="What the category rankings go by.")
    team_size: int = strawberry.field(description="How many of a team count.")
    team_by_rank: bool = strawberry.field(description="Teams by the sum of ranks instead of times.")

    @strawberry.field(description="The event that it belongs to.")
    async def event(self) -> Event:
        return Event.shape(await self.loaders.event.load(self.row.event_id), self.loaders)

    @strawberry.field(description="Its start groups, oldest first.")
    async def waves(self) -> list[Wave]:
        return [Wave.shape(row) for row in (await self.loaders.parts.load(self.row.id)).waves]

    @strawberry.field(description="Its categories by rule, in the order in which they are tried.")
    async def categories(self) -> list[Category]:
        return [Category.shape(row) for row in (await self.loaders.parts.load(self.row.id)).categories]

    @strawberry.field(description="Its course, from the start to the finish.")
    async def checkpoints(self) -> list[Checkpoint]:
        found = (await self.loaders.parts.load(self.row.id)).checkpoints
        return [Checkpoint.shape(row, self.loaders) for row in found]

    @classmethod
    def shape(cls, row: rows.Race, loaders: Loaders) -> Self:
        return cls(
            row=row,
            loaders=loaders,
            id=global_id("Race", row.id),
            name=row.name,
            mode=RaceMode(row.mode),
            laps=row.laps,
            duration_seconds=None if row.duration is None else row.duration / clocks.SECOND,
            overall_by=Basis(row.overall_by),
            gender_by=Basis(row.gender_by),
            category_by=Basis(row.category_by),
            team_size=row.team_size,
            team_by_rank=row.team_by_rank,
        )


@strawberry.type
class Query:
    @strawberry.field(
        description="A race of the account, or of a public event of anybody; null without it. Needs "
        "`events:read`, or nothing if the event is public."
    )
    async def race(
        self, info: Info, id: Annotated[strawberry.ID, strawberry.argument(description="Its global id.")]
    ) -> Race | None:
        found = await info.context.or_none(races.of_id(info.context, row_in(id, "Race")))
        return None if found is None else Race.shape(found, Loaders(info.context))


@strawberry.type
class Mutation:
    @strawberry.mutation(description="A new race of an event of the account. Needs `events:write`.")
    async def create_race(
        self,
        info: Info,
        event_token: Annotated[str, strawberry.argument(description="The event's name.")],
        input: Annotated[RaceInput, strawberry.argument(description="The race.")],
    ) -> Race:
        row = await races.create(info.context, event_token, new_race(input))
        return Race.shape(row, Loaders(info.context))

    @strawberry.mutation(
        description="Changes a race, its waves, checkpoints and categories; every board follows. Needs "
        "`events:write`."
    )
    async def update_race(
        self,
        info: Info,
        id: Annotated[strawberry.ID, strawberry.argument(description="Its global id.")],
        input: Annotated[RacePatch, strawberry.argument(description="What is to be changed.")],
        reason: Reason = None,
    ) -> Race:
        row = await races.update(info.context, row_in(id, "Race"), race_patch(input), reason)
        return Race.shape(row, Loaders(info.context))

    @strawberry.mutation(
        description="When a wave started; said again, it is corrected and every board follows. Needs "
        "`events:write`."
    )
    async def set_gun_time(
        self,
        info: Info,
        race_id: RaceId,
        at: Annotated[Instant, strawberry.argument(description="The moment of the gun.")],
        wave: Annotated[
            str | None, strawberry.argument(description="The wave's name; needed if there are several.")
        ] = None,
        reason: Reason = None,
    ) -> Race:
        row = await races.set_gun_time(info.context, row_in(race_id, "Race"), wave, at, reason)
        return Race.shape(row, Loaders(info.context))
