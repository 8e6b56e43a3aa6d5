"""Corrections: what officials add, void, confirm and adjust. Each says why; no passing is ever changed."""

from dataclasses import dataclass
from typing import Any

from models import events as event_rows
from models import participants as rows
from models import passings as passing_rows
from models import races as race_rows
from models.database import AsyncSession
from models.passings import Row
from resolvers import costs, events, inputs, sheets
from resolvers.context import Context
from resolvers.errors import Conflict, Invalid, NotFound
from resolvers.events import changing
from timing.races import Override

LONGEST_REASON = 500
LARGEST_ADJUSTMENT = 7 * 86_400
"""Seconds."""


@dataclass(frozen=True, kw_only=True)
class NewManual:
    """A passing that an official saw: who was where, and when."""

    checkpoint_id: int
    bib: Any
    at: Any
    reason: Any


async def add_manual_passing(ctx: Context, new: NewManual) -> Row:
    """Records it in the event's session of manual entries, where it counts past all rules."""
    ctx.must("events:write", costs.CHANGE)
    reason = _reason(new.reason)
    async with ctx.database.reading() as session:
        event, checkpoint = await _checkpoint(ctx, session, new.checkpoint_id)
        participant = await rows.by_bib(session, event.id, inputs.required(new.bib, "bib").strip())
    if participant is None:
        raise Invalid("bib", "is nobody's in this event")
    if participant.race_id != checkpoint.race_id:
        raise Invalid("checkpoint_id", "is not on the course of this participant's race")
    inputs.required(new.at, "at")
    at = inputs.instant(new.at, "at", event.time_zone) or 0
    passing = await sheets.record(ctx, event, participant.bib, at)
    async with changing(ctx, event.id) as change:
        ruling = _ruling(ctx, event.id, passing.position, Override.CONFIRMED, reason)
        ruling.checkpoint_id, ruling.participant_row = checkpoint.id, participant.id
        await rows.add_all(change.session, [ruling])
        await change.note("RULING", {"positions": [passing.position]}, reason)
    return passing


async def judge(
    ctx: Context, position: int, override: str, reason: Any, checkpoint_id: int | None = None
) -> None:
    """Voids or confirms the passing at this position of the account's stream.

    A confirmed one counts past all rules: at the checkpoint named, else at its own.
    """
    ctx.must("events:write", costs.CHANGE)
    inputs.choice(override, "verdict", tuple(Override))
    why = _reason(reason)
    async with ctx.database.reading() as session:
        passing = await passing_rows.by_position(session, ctx.caller.owner, position)
        event_ids = [] if passing is None else await _events_of(ctx, session, passing)
        if passing is None or (ctx.caller.event_id is not None and not event_ids):
            raise NotFound("Passing")
        if checkpoint_id is not None:
            event_ids = [(await _checkpoint(ctx, session, checkpoint_id))[0].id]
    if not event_ids:
        raise Conflict("this passing is of no event; name the checkpoint where it counts")
    for event_id in event_ids:
        async with changing(ctx, event_id) as change:
            ruling = _ruling(ctx, event_id, position, override, why)
            former = await rows.rulings(change.session, event_id, [position])
            ruling.checkpoint_id = checkpoint_id or next(
                (each.checkpoint_id for each in reversed(former) if each.checkpoint_id), None
            )
            ruling.participant_row = next(
                (each.participant_row for each in reversed(former) if each.participant_row), None
            )
            await rows.add_all(change.session, [ruling])
            await change.note("RULING", {"positions": [position]}, why)


async def adjust_time(ctx: Context, participant_id: str, seconds: Any, reason: Any) -> rows.Participant:
    """A penalty of so many seconds, or with a minus a bonus. They add up; another one takes one back."""
    ctx.must("events:write", costs.CHANGE)
    why, amount = _reason(reason), inputs.seconds(seconds, "seconds", -LARGEST_ADJUSTMENT, LARGEST_ADJUSTMENT)
    if not amount:
        raise Invalid("seconds", "must not be 0")
    async with ctx.database.reading() as session:
        participant = await rows.by_participant_id(session, participant_id)
    if participant is None:
        raise NotFound("Participant")
    async with changing(ctx, participant.event_id, noun="Participant") as change:
        adjustment = rows.Adjustment(
            participant_row=participant.id,
            amount=amount,
            reason=why,
            key_id=ctx.caller.key_id,
            at=ctx.clock(),
        )
        await rows.add_all(change.session, [adjustment])
        await change.note("ADJUSTMENT", {"participants": [participant.id]}, why)
    return participant


def _reason(value: Any) -> str:
    reason = (inputs.text(value, "reason", LONGEST_REASON) or "").strip()
    if not reason:
        raise Invalid("reason", "must say why", missing=value is None)
    return reason


def _ruling(ctx: Context, event_id: int, position: int, override: str, reason: str) -> rows.Ruling:
    return rows.Ruling(
        event_id=event_id,
        position=position,
        override=override,
        reason=reason,
        key_id=ctx.caller.key_id,
        at=ctx.clock(),
    )


async def _checkpoint(
    ctx: Context, session: AsyncSession, checkpoint_id: int
) -> tuple[event_rows.Event, race_rows.Checkpoint]:
    """A checkpoint of the account, and the event it belongs to."""
    checkpoint = await race_rows.checkpoint(session, checkpoint_id)
    race = None if checkpoint is None else await race_rows.by_id(session, checkpoint.race_id)
    event = None if race is None else await event_rows.by_id(session, race.event_id)
    if checkpoint is None or event is None or not events.owned(ctx, event):
        raise NotFound("Checkpoint")
    return event, checkpoint


async def _events_of(ctx: Context, session: AsyncSession, passing: Row) -> list[int]:
    """The caller's events that its device or session served at that time, else that ruled on it before."""
    devices, sessions = [passing.device_row], [passing.session_row]
    served = [
        event_id
        for event_id in await race_rows.serving_events(session, devices, sessions)
        if any(_serves(each, passing) for each in await race_rows.servings(session, event_id))
    ]
    ruled = await rows.ruling_events(session, [passing.position])
    found = await event_rows.by_ids(session, served or ruled)
    return [event.id for event in found if events.owned(ctx, event)]


def _serves(serving: race_rows.Serving, passing: Row) -> bool:
    mine = serving.session_row == passing.session_row or serving.device_row == passing.device_row
    begun = serving.from_at is None or serving.from_at <= passing.at
    return mine and begun and (serving.to_at is None or passing.at < serving.to_at)
