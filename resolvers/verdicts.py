"""Verdicts: what the rules of an event say of passings, and which passings concern an event."""

from collections.abc import Sequence

from models import events as event_rows
from models import participants as participant_rows
from models import races as race_rows
from models.passings import Row, Window
from resolvers import costs, events
from resolvers.context import Context
from resolvers.errors import NotFound
from timing.anomalies import Anomaly, anomalies
from timing.verdicts import Judged


async def served(
    ctx: Context, *, event_token: str | None = None, checkpoint_id: int | None = None
) -> tuple[Window, ...] | None:
    """The windows in which devices and sessions serve the event, or one checkpoint of it."""
    ctx.must("passings:read")
    if event_token is None and checkpoint_id is None:
        return None
    async with ctx.database.reading() as session:
        if event_token is None:
            checkpoint = await race_rows.checkpoint(session, checkpoint_id or 0)
            race = None if checkpoint is None else await race_rows.by_id(session, checkpoint.race_id)
            event = None if race is None else await event_rows.by_id(session, race.event_id)
        else:
            event = await event_rows.by_token(session, event_token)
        if event is None or not events.owned(ctx, event):
            raise NotFound("Event" if event_token is not None else "Checkpoint")
        found = await race_rows.servings(session, event.id)
    if checkpoint_id is not None:
        found = [serving for serving in found if serving.checkpoint_id == checkpoint_id]
    return tuple(Window(each.device_row, each.session_row, each.from_at, each.to_at) for each in found)


async def of_passings(ctx: Context, passings: Sequence[Row]) -> dict[int, Judged]:
    """The verdict on each passing by its position; without one what belongs to no event."""
    ctx.must("passings:read", 1 + costs.rows(len(passings or ())))
    owner = ctx.caller.owner
    passings = [row for row in passings if owner.device_row in (None, row.device_row)]
    async with ctx.database.reading() as session:
        devices, sessions = {row.device_row for row in passings}, {row.session_row for row in passings}
        ids = set(await race_rows.serving_events(session, devices, sessions))
        ids |= await participant_rows.ruling_events(session, [row.position for row in passings])
        found = await event_rows.by_ids(session, ids)
    judged: dict[int, Judged] = {}
    for event in found:
        if not events.owned(ctx, event):
            continue
        scoring = (await ctx.boards.of_event(ctx.database, event)).scoring
        for row in passings:
            if row.account_id == event.account_id and (verdict := scoring.judged(row.position)) is not None:
                judged.setdefault(row.position, verdict)
    return judged


async def anomalies_of(ctx: Context, race_id: int) -> list[Anomaly]:
    """What an official should look at. Of the account's own races only."""
    ctx.must("events:read")
    async with ctx.database.reading() as session:
        race = await race_rows.by_id(session, race_id or 0)
        event = None if race is None else await event_rows.by_id(session, race.event_id)
    if race is None or event is None or not events.owned(ctx, event):
        raise NotFound("Race")
    boards = await ctx.boards.of_event(ctx.database, event)
    ctx.meter.spend(len(boards.scoring.boards[race.id]) / costs.LINES_EXAMINED)
    return anomalies(boards.scoring, race.id)
