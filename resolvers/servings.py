"""Who serves a checkpoint, when and in which role: assigning devices and sessions, and changing it."""

import contextlib
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple

from models import devices as device_rows
from models import events as event_rows
from models import races as rows
from models import sessions as session_rows
from models.races import Serving
from resolvers import costs, events, inputs
from resolvers.context import Context
from resolvers.errors import Conflict, Invalid, NotFound
from resolvers.events import Changing
from timing import clocks
from timing.races import Role


@dataclass(frozen=True, kw_only=True)
class ServeCheckpoint:
    """A device or a session is to serve a checkpoint from `from_` (included) to `to` (excluded).

    Both are texts in ISO 8601; None is open.
    """

    checkpoint_id: int
    device_id: str | None = None
    session_token: str | None = None
    from_: str | None = None
    to: str | None = None
    role: str = Role.PRIMARY

    def __post_init__(self) -> None:
        if self.device_id is not None and self.session_token is not None:
            raise Invalid("session_token", "goes not with a device: give one of both")
        if self.device_id is None and self.session_token is None:
            raise Invalid("device_id", "is missing, and so is a session", missing=True)


class Assigned(NamedTuple):
    """A serving and the checkpoint that it is for."""

    serving: Serving
    checkpoint: rows.Checkpoint


async def serve(ctx: Context, new: ServeCheckpoint, reason: str | None = None) -> Assigned:
    """From now on the passings of the window count at the checkpoint, those that came before included."""
    ctx.must("events:write", costs.CHANGE)
    columns = _columns(new.from_, new.to, new.role)
    async with _changing(ctx, new.checkpoint_id) as (change, checkpoint):
        who = await _who(change, new)
        serving = Serving(event_id=change.event.id, checkpoint_id=checkpoint.id, **who, **columns)
        await _is_free(change, serving)
        await rows.add(change.session, serving)
        await change.note("SERVING", {"serving": serving.id}, reason)
    return Assigned(serving, checkpoint)


async def update(ctx: Context, serving_id: int, patch: dict[str, Any], reason: str | None = None) -> Assigned:
    """Changes what the patch names of `from_`, `to` and `role`, and nothing else."""
    ctx.must("events:write", costs.CHANGE)
    async with _changing(ctx, await _checkpoint_of(ctx, serving_id), "Serving") as (change, checkpoint):
        serving = await _held(change, serving_id)
        current = {"from_": _text(serving.from_at), "to": _text(serving.to_at), "role": serving.role}
        for name, value in _columns(**current | patch).items():
            setattr(serving, name, value)
        await _is_free(change, serving)
        await change.note("SERVING", {"serving": serving.id}, reason)
    return Assigned(serving, checkpoint)


async def end(ctx: Context, serving_id: int, at: Any = None, reason: str | None = None) -> Assigned:
    """It serves until `at`, or until now. What it detected before stays."""
    ctx.must("events:write")
    return await update(ctx, serving_id, {"to": at or clocks.text(ctx.clock())}, reason)


async def remove(ctx: Context, serving_id: int, reason: str | None = None) -> rows.Checkpoint:
    """As if it had never served: for an assignment that was wrong. The passings stay in their sessions."""
    ctx.must("events:write", costs.CHANGE)
    async with _changing(ctx, await _checkpoint_of(ctx, serving_id), "Serving") as (change, checkpoint):
        await rows.remove(change.session, await _held(change, serving_id))
        await change.note("SERVING", {"serving": serving_id}, reason)
    return checkpoint


async def of_id(ctx: Context, serving_id: int) -> Serving:
    """A serving of an event of the account."""
    ctx.must("events:read")
    async with ctx.database.reading() as session:
        serving = await rows.serving(session, serving_id)
        event = None if serving is None else await event_rows.by_id(session, serving.event_id)
    if serving is None or event is None or not events.owned(ctx, event):
        raise NotFound("Serving")
    return serving


async def of_checkpoints(ctx: Context, ids: Iterable[int]) -> dict[int, list[Serving]]:
    """Who serves each checkpoint of the account's events, oldest first. Others' are left out."""
    ctx.must("events:read")
    async with ctx.database.reading() as session:
        account, only = ctx.caller.account, ctx.caller.event_id
        owned = await rows.owned_checkpoints(session, account, ids, only)
        found: dict[int, list[Serving]] = {id: [] for id in owned}
        for serving in await rows.servings_of(session, owned):
            found[serving.checkpoint_id].append(serving)
    return found


@contextlib.asynccontextmanager
async def _changing(
    ctx: Context, checkpoint_id: int, noun: str = "Checkpoint"
) -> AsyncIterator[tuple[Changing, rows.Checkpoint]]:
    async with ctx.database.reading() as session:
        checkpoint = await rows.checkpoint(session, checkpoint_id)
        event = None if checkpoint is None else await rows.event_of(session, checkpoint.race_id)
    if checkpoint is None or event is None:
        raise NotFound(noun)
    async with events.changing(ctx, event.id, noun=noun) as change:
        yield change, checkpoint


async def _checkpoint_of(ctx: Context, serving_id: int) -> int:
    async with ctx.database.reading() as session:
        serving = await rows.serving(session, serving_id)
    if serving is None:
        raise NotFound("Serving")
    return serving.checkpoint_id


async def _held(change: Changing, serving_id: int) -> Serving:
    """The serving as it is now that nobody else can change it."""
    serving = await rows.serving(change.session, serving_id)
    if serving is None:
        raise NotFound("Serving")
    return serving


async def _who(change: Changing, new: ServeCheckpoint) -> dict[str, Any]:
    owner = change.ctx.caller.owner
    if new.device_id is not None:
        device = await device_rows.by_device_id(change.session, owner, new.device_id)
        if device is None:
            raise NotFound("Device", new.device_id)
        return {"device_row": device.id}
    token = inputs.required(new.session_token, "session_token")
    session = await session_rows.by_token(change.session, owner, token)
    if session is None:
        raise NotFound("Session", token)
    return {"session_row": session.id}


async def _is_free(change: Changing, serving: Serving) -> None:
    """Raises Conflict when the same one serves the same checkpoint at the same time."""
    for other in await rows.servings_of(change.session, [serving.checkpoint_id]):
        same = (other.device_row, other.session_row) == (serving.device_row, serving.session_row)
        if same and other.id != serving.id and _overlap(other, serving):
            raise Conflict("it serves this checkpoint in this window already")


def _overlap(one: Serving, other: Serving) -> bool:
    def before(a: Serving, b: Serving) -> bool:
        return a.to_at is not None and b.from_at is not None and a.to_at <= b.from_at

    return not before(one, other) and not before(other, one)


def _columns(from_: Any, to: Any, role: Any) -> dict[str, Any]:
    from_at, to_at = inputs.instant(from_, "from"), inputs.instant(to, "to")
    if from_at is not None and to_at is not None and to_at <= from_at:
        raise Invalid("to", "must be after `from`")
    return {"from_at": from_at, "to_at": to_at, "role": inputs.choice(role, "role", tuple(Role))}


def _text(at: int | None) -> str | None:
    return None if at is None else clocks.text(at)
