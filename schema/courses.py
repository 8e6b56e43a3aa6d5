"""What a race is made of, as GraphQL takes it in."""

import enum
from collections.abc import Sequence
from typing import Any

import strawberry
from strawberry import UNSET

from resolvers.courses import NewCategory, NewCheckpoint, NewRace, NewWave
from schema.patches import filled, written
from schema.relay import row_in
from schema.scalars import Instant


@strawberry.enum(description="How a race is run.")
class RaceMode(enum.Enum):
    COURSE = strawberry.enum_value("COURSE", description="Each checkpoint once.")
    LAPS = strawberry.enum_value(
        "LAPS", description="The course a fixed number of times; the least time wins."
    )
    TIMED = strawberry.enum_value("TIMED", description="As often as time allows; the most laps win.")


@strawberry.enum(description="What a time is measured from.")
class Basis(enum.Enum):
    GUN = strawberry.enum_value("GUN", description="From the wave's gun.")
    NET = strawberry.enum_value("NET", description="From the participant's own start passing.")


@strawberry.enum(description="Where on the course a checkpoint is.")
class CheckpointKind(enum.Enum):
    START = strawberry.enum_value("START", description="The start; at most one, and the first.")
    INTERMEDIATE = strawberry.enum_value("INTERMEDIATE", description="Between start and finish.")
    FINISH = strawberry.enum_value("FINISH", description="The finish, the last; on laps the mat of each lap.")


@strawberry.enum(description="Which read of a burst counts.")
class CountedRead(enum.Enum):
    FIRST = strawberry.enum_value("FIRST", description="The first: at a finish and in between.")
    LAST = strawberry.enum_value("LAST", description="The last: at a start, where people stand on the mat.")


@strawberry.input(description="A start group of a race.")
class WaveInput:
    name: str = strawberry.field(description="What it is called; unique in the race.")
    gun_time: Instant | None = strawberry.field(default=None, description="When it started.")


@strawberry.input(description="A category by rule. An age is that of the event's reference date.")
class CategoryInput:
    name: str = strawberry.field(description="What it is called; unique in the race.")
    gender: str | None = strawberry.field(default=None, description="Only this gender; null: any.")
    youngest: int | None = strawberry.field(default=None, description="The lowest age in it; null: any.")
    oldest: int | None = strawberry.field(default=None, description="The highest age in it; null: any.")


@strawberry.input(description="A place on the course.")
class CheckpointInput:
    kind: CheckpointKind | None = strawberry.field(default=None, description="Default `INTERMEDIATE`.")
    name: str | None = strawberry.field(
        default=None, description="Unique in the race; default `Start`, `Finish` or the distance: `21.1 km`."
    )
    distance: float | None = strawberry.field(
        default=None, description="In metres from the start, on laps from the start of the lap."
    )
    bounce_seconds: float | None = strawberry.field(
        default=None,
        description="Reads within this time of the counted one are the same visit; default 60, on laps 10.",
    )
    minimum_seconds: float | None = strawberry.field(
        default=None, description="Nobody is faster from the checkpoint before; default 0."
    )
    cutoff_seconds: float | None = strawberry.field(
        default=None, description="After the gun; later passings do not count. Null: no limit."
    )
    counts: CountedRead | None = strawberry.field(
        default=None, description="Default `LAST` at a start, `FIRST` elsewhere."
    )


@strawberry.input(description="A race that is to be made, with all that it is made of.")
class RaceInput:
    name: str = strawberry.field(description="What it is called; unique in the event.")
    mode: RaceMode | None = strawberry.field(default=None, description="Default `COURSE`.")
    laps: int | None = strawberry.field(default=None, description="How many; only with `LAPS`.")
    duration_seconds: float | None = strawberry.field(
        default=None, description="How long it goes from the gun; needed with `TIMED`, and only with it."
    )
    overall_by: Basis | None = strawberry.field(default=None, description="Default `GUN`.")
    gender_by: Basis | None = strawberry.field(default=None, description="Default `GUN`.")
    category_by: Basis | None = strawberry.field(default=None, description="Default `GUN`.")
    team_size: int | None = strawberry.field(
        default=None, description="How many of a team count; 1 to 100, default 3."
    )
    team_by_rank: bool | None = strawberry.field(
        default=None, description="Teams by the sum of ranks instead of times; default false."
    )
    waves: list[WaveInput] | None = strawberry.field(
        default=None, description="Default one, with the name of the race."
    )
    checkpoints: list[CheckpointInput] | None = strawberry.field(
        default=None, description="In the order of the course; default a start and a finish."
    )
    categories: list[CategoryInput] | None = strawberry.field(
        default=None, description="In the order in which they are tried: the first that fits is it."
    )


@strawberry.input(description="A wave that is to be changed, or without `id` added.")
class WavePatch:
    id: strawberry.ID | None = strawberry.field(default=None, description="Which one; null: a new one.")
    name: str | None = strawberry.field(default=UNSET, description="What it is called.")
    gun_time: Instant | None = strawberry.field(default=UNSET, description="When it started; null: not yet.")


@strawberry.input(description="A category that is to be changed, or without `id` added.")
class CategoryPatch:
    id: strawberry.ID | None = strawberry.field(default=None, description="Which one; null: a new one.")
    name: str | None = strawberry.field(default=UNSET, description="What it is called.")
    gender: str | None = strawberry.field(default=UNSET, description="Only this gender; null: any.")
    youngest: int | None = strawberry.field(default=UNSET, description="The lowest age in it; null: any.")
    oldest: int | None = strawberry.field(default=UNSET, description="The highest age in it; null: any.")


@strawberry.input(
    description="A checkpoint that is to be changed, or without `id` added: by its distance, else before the "
    "finish. Null: what is usual."
)
class CheckpointPatch:
    id: strawberry.ID | None = strawberry.field(default=None, description="Which one; null: a new one.")
    kind: CheckpointKind | None = strawberry.field(default=UNSET, description="Where on the course it is.")
    name: str | None = strawberry.field(default=UNSET, description="What it is called.")
    distance: float | None = strawberry.field(default=UNSET, description="In metres; null: not known.")
    bounce_seconds: float | None = strawberry.field(default=UNSET, description="As in CheckpointInput.")
    minimum_seconds: float | None = strawberry.field(default=UNSET, description="As in CheckpointInput.")
    cutoff_seconds: float | None = strawberry.field(default=UNSET, description="Null: no limit.")
    counts: CountedRead | None = strawberry.field(default=UNSET, description="Which read of a burst counts.")


@strawberry.input(description="What is to be changed of a race; what is left out stays.")
class RacePatch:
    name: str | None = strawberry.field(default=UNSET, description="What it is called.")
    mode: RaceMode | None = strawberry.field(default=UNSET, description="How it is run.")
    laps: int | None = strawberry.field(default=UNSET, description="How many; only with `LAPS`.")
    duration_seconds: float | None = strawberry.field(
        default=UNSET, description="How long it goes from the gun; only with `TIMED`."
    )
    overall_by: Basis | None = strawberry.field(default=UNSET, description="Of the overall ranking.")
    gender_by: Basis | None = strawberry.field(default=UNSET, description="Of the gender rankings.")
    category_by: Basis | None = strawberry.field(default=UNSET, description="Of the category rankings.")
    team_size: int | None = strawberry.field(default=UNSET, description="How many of a team count.")
    team_by_rank: bool | None = strawberry.field(default=UNSET, description="Teams by the sum of ranks.")
    waves: list[WavePatch] | None = strawberry.field(
        default=UNSET, description="Those that change or are new; the others stay."
    )
    checkpoints: list[CheckpointPatch] | None = strawberry.field(
        default=UNSET, description="Those that change or are new; the others stay."
    )
    categories: list[CategoryPatch] | None = strawberry.field(
        default=UNSET, description="Those that change or are new; the others stay."
    )


def new_race(input: RaceInput) -> NewRace:
    return NewRace(
        **filled(input)
        | {
            "waves": [NewWave(**filled(each)) for each in input.waves or ()],
            "checkpoints": [NewCheckpoint(**filled(each)) for each in input.checkpoints or ()],
            "categories": [NewCategory(**filled(each)) for each in input.categories or ()],
        }
    )


def race_patch(input: RacePatch) -> dict[str, Any]:
    """The patch in the words of the operation: rows instead of global ids."""
    return written(input) | {
        "waves": _parts("Wave", input.waves),
        "checkpoints": _parts("Checkpoint", input.checkpoints),
        "categories": _parts("Category", input.categories),
    }


def _parts(
    kind: str, given: Sequence[WavePatch] | Sequence[CheckpointPatch] | Sequence[CategoryPatch] | None
) -> list[dict[str, Any]]:
    return [
        written(each) | {"id": None if each.id is None else row_in(each.id, kind)} for each in given or ()
    ]
