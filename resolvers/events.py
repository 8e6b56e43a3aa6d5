"""Events: making, changing, looking at them, and what was changed by whom."""

import contextlib
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any, NamedTuple

from models import events as rows
from models import keys as key_rows
from models.database import AsyncSession
from resolvers import costs, inputs
from resolvers.context import STRANGER, Context
from resolvers.devices import known_zone, new_token
from resolvers.errors import Invalid, NotAllowed, NotFound

STATUSES = ("DRAFT", "PUBLISHED", "ARCHIVED")
LONGEST_REASON = 500
MOST_DAYS = 1000
"""Days that an event may last."""


@dataclass(frozen=True, kw_only=True)
class NewEvent:
    """An event that is to be made. Dates as `2026-06-01`; without an end it lasts one day."""

    name: str
    start_date: str
    end_date: str | None = None
    edition: str | None = None
    location: str | None = None
    time_zone: str = "UTC"
    reference_date: str | None = None
    status: str = "DRAFT"
    public: bool = False

    def __post_init__(self) -> None:
        inputs.required(self.name, "name")
        inputs.text(self.edition, "edition")
        inputs.text(self.location, "location")
        inputs.required(self.start_date, "start_date")
        first, last = inputs.day(self.start_date, "start_date"), inputs.day(self.end_date, "end_date")
        inputs.day(self.reference_date, "reference_date")
        if (
            first
            and last
            and not 0 <= (date.fromisoformat(last) - date.fromisoformat(first)).days < MOST_DAYS
        ):
            raise Invalid("end_date", f"must be 0 to {MOST_DAYS - 1} days after the start")
        known_zone(inputs.required(self.time_zone, "time_zone"), "time_zone")
        inputs.choice(self.status, "status", STATUSES)
        inputs.flag(self.public, "public")

    @property
    def columns(self) -> dict[str, Any]:
        return vars(self) | {"end_date": self.end_date or self.start_date}


class Audited(NamedTuple):
    """A change and the key that it came with; None: the operator at the command line."""

    change: rows.Change
    key: key_rows.ApiKey | None


@dataclass(frozen=True, slots=True)
class Changing:
    """An event of the caller's account in a transaction of its own, held against other writers."""

    ctx: Context
    session: AsyncSession
    event: rows.Event

    async def note(self, kind: str, subject: dict[str, Any], reason: str | None = None) -> None:
        """Writes down who changed what and why; `subject` tells the boards what to look at again.

        `{"participants": [rows]}`, `{"positions": [passings]}`, `{"race": row, "wave": row}` for a gun;
        anything else defines the boards anew.
        """
        await rows.note(
            self.session,
            self.event,
            at=self.ctx.clock(),
            key_id=self.ctx.caller.key_id,
            kind=kind,
            subject=subject,
            reason=inputs.text(reason, "reason", LONGEST_REASON),
        )


@contextlib.asynccontextmanager
async def changing(
    ctx: Context, event_id: int | None = None, *, token: str = "", noun: str = "Event"
) -> AsyncIterator[Changing]:
    """Commits at the end and then tells who follows the event. Raises NotFound unless it is the account's."""
    async with ctx.database.transaction() as session:
        event = (
            await rows.by_token(session, token, lock=True)
            if event_id is None
            else await rows.by_id(session, event_id, lock=True)
        )
        if event is None or not owned(ctx, event):
            raise NotFound(noun, token or None)
        yield Changing(ctx, session, event)
    ctx.boards.changed(event.id, event.revision)


def owned(ctx: Context, event: rows.Event) -> bool:
    """Whether the event is of the caller's account, and not beyond a key that is for one event or device."""
    caller = ctx.caller
    reached = caller.device_row is None and caller.event_id in (None, event.id)
    return reached and event.account_id == caller.account_id


def seen(ctx: Context, event: rows.Event | None, noun: str = "Event") -> rows.Event:
    """The event, if the caller may look at it: its owner with `events:read`, or anybody if it is public.

    Raises NotFound for what is hidden or not there; it is then `noun` that was not found.
    """
    if ctx.caller.refusal:
        ctx.caller.must_be_known()
    if event is not None:
        own = owned(ctx, event)
        if own and "events:read" in ctx.caller.scopes:
            return event
        if event.public and event.status == "PUBLISHED":
            return event
        if own:
            ctx.caller.must("events:read")
    raise NotFound(noun)


async def create(ctx: Context, new: NewEvent) -> rows.Event:
    """A new event of the account. Raises NotAllowed for a key that is for one event."""
    ctx.must("events:write", costs.CHANGE)
    if ctx.caller.event_id is not None:
        raise NotAllowed("this key is for one event")
    event = rows.Event(
        account_id=ctx.caller.account, token=new_token(), created_at=ctx.clock(), **new.columns
    )
    async with ctx.database.transaction() as session:
        await rows.add(session, event)
        await Changing(ctx, session, event).note("EVENT", {"event": event.token})
    ctx.boards.changed(event.id, event.revision)
    return event


async def update(ctx: Context, token: str, patch: dict[str, Any], reason: str | None = None) -> rows.Event:
    """Changes the fields of NewEvent that the patch names, and no other."""
    ctx.must("events:write", costs.CHANGE)
    async with changing(ctx, token=token) as change:
        event = change.event
        current = {name: getattr(event, name) for name in NewEvent.__dataclass_fields__}
        if "start_date" in patch and "end_date" not in patch and event.end_date == event.start_date:
            current["end_date"] = None  # the one day moves
        for name, value in NewEvent(**current | patch).columns.items():
            setattr(event, name, value)
        await change.note("EVENT", {"event": event.token}, reason)
    return event


async def page(ctx: Context, *, after: int = 0, number: int = 1, limit: int) -> tuple[list[rows.Event], int]:
    """Events oldest first, and how many: with a key those it is for, without one everybody's public ones.

    Page `number` of `limit` each, or `limit` behind the row `after`.
    """
    if ctx.caller != STRANGER:
        ctx.must("events:read")
    async with ctx.database.reading() as session:
        return await rows.page(
            session,
            ctx.caller.account_id,
            only=ctx.caller.event_id,
            after=after,
            offset=(number - 1) * limit,
            limit=limit,
        )


async def of_token(ctx: Context, token: str) -> rows.Event:
    """An event of the account, or anybody's if it is public."""
    ctx.meter.spend(1)
    async with ctx.database.reading() as session:
        return seen(ctx, await rows.by_token(session, token))


async def own(ctx: Context, token: str) -> rows.Event:
    """An event of the account; another's is not found, however public it is."""
    ctx.must("events:read")
    async with ctx.database.reading() as session:
        return await _own(ctx, session, token)


async def of_rows(ctx: Context, ids: Iterable[int]) -> dict[int, rows.Event]:
    """Events by their row, for what refers to them; those that the caller may not see are left out."""
    ctx.meter.spend(1)
    async with ctx.database.reading() as session:
        return visible(ctx, await rows.by_ids(session, ids))


def visible(ctx: Context, events: Iterable[rows.Event]) -> dict[int, rows.Event]:
    """Those that the caller may see, by row."""
    found = {}
    for event in events:
        with contextlib.suppress(NotFound):
            found[event.id] = seen(ctx, event)
    return found


async def changes(ctx: Context, token: str, after: int = 0, limit: int = 1000) -> list[Audited]:
    """Who changed what of an event of the account, and why, behind a revision, oldest first."""
    ctx.must("events:read")
    async with ctx.database.reading() as session:
        event = await _own(ctx, session, token)
        found = await rows.changes(session, event.id, after, limit)
        by = {change.key_id for change in found if change.key_id is not None}
        keys = {key.id: key for key in await key_rows.by_ids(session, ctx.caller.account, by)}
    return [Audited(change, keys.get(change.key_id or 0)) for change in found]


async def _own(ctx: Context, session: AsyncSession, token: str) -> rows.Event:
    event = await rows.by_token(session, token)
    if event is None or not owned(ctx, event):
        raise NotFound("Event", token)
    return event
