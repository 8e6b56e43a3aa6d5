"""An event and a race to try operations on."""

from typing import Any

from models.events import Event
from models.races import Race
from resolvers import events, races
from resolvers.context import Context
from resolvers.courses import NewCheckpoint, NewRace
from resolvers.events import NewEvent
from resolvers.races import Parts

NOON_TEXT = "2026-06-01T12:00:00Z"
MARATHON = (
    NewCheckpoint(kind="START"),
    NewCheckpoint(distance=5000),
    NewCheckpoint(distance=21097.5),
    NewCheckpoint(distance=42195, kind="FINISH"),
)


async def make_event(ctx: Context, **more: Any) -> Event:
    return await events.create(ctx, NewEvent(**{"name": "Run", "start_date": "2026-06-01"} | more))


async def make_race(ctx: Context, event: Event, **more: Any) -> Race:
    return await races.create(
        ctx, event.token, NewRace(**{"name": "Marathon", "checkpoints": MARATHON} | more)
    )


async def parts(ctx: Context, race: Race) -> Parts:
    return (await races.parts(ctx, [race.id]))[race.id]
