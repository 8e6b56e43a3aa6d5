"""Participants: looking at them. What is personal is for keys of the account only."""

import contextlib
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from models import events as event_rows
from models import participants as rows
from models import races as race_rows
from models.database import AsyncSession
from models.events import Event
from models.participants import Filter, Participant
from resolvers import costs, entries, events, inputs
from resolvers.context import Context
from resolvers.errors import Invalid, NotFound

MOST = 20_000
"""Participants of several events in one answer: strangers may ask too."""


class Page(NamedTuple):
    """Some of an event's participants with their chips and the names of the races, and how many there are."""

    participants: list[Participant]
    chips: dict[int, list[rows.Chip]]
    races: dict[int, str]
    total: int


class Personal(NamedTuple):
    """What nobody may read without a key of the account."""

    birth_date: str | None
    email: str | None
    phone: str | None
    chips: Sequence[rows.Chip]
    adjustments: Sequence[rows.Adjustment]


def own(ctx: Context, event: Event | None, token: str) -> Event:
    """The event, if it is the caller's own. Raises NotFound."""
    if event is None or not events.owned(ctx, event):
        raise NotFound("Event", token)
    return event


def seen(ctx: Context, event: Event | None, noun: str = "Participant") -> Event:
    """The event, if the caller may look at who takes part: its owner with `participants:read`, or anybody
    if it is public. Raises NotFound for what is hidden or not there.
    """
    if ctx.caller.refusal:
        ctx.caller.must_be_known()
    if event is not None:
        if event.public and event.status == "PUBLISHED":
            return event
        if events.owned(ctx, event):
            ctx.caller.must("participants:read")
            return event
    raise NotFound(noun)


def age(event: Event, participant: Participant) -> int | None:
    """On the day on which ages of the event count."""
    if participant.birth_date is None:
        return participant.age
    return entries.age(participant.birth_date, event.reference_date or event.start_date)


async def of_id(ctx: Context, participant_id: str) -> Participant:
    """A participant of the account, or anybody's of a public event."""
    ctx.meter.spend(1)
    async with ctx.database.reading() as session:
        found = await rows.by_participant_id(session, participant_id)
        event = None if found is None else await event_rows.by_id(session, found.event_id)
    if found is None or not seen(ctx, event):
        raise NotFound("Participant")
    return found


async def of_bib(ctx: Context, event_token: str, bib: str) -> Participant:
    """The participant of the event with this bib."""
    ctx.meter.spend(1)
    async with ctx.database.reading() as session:
        event = seen(ctx, await event_rows.by_token(session, event_token), "Event")
        found = await rows.by_bib(session, event.id, inputs.required(bib, "bib"))
    if found is None:
        raise NotFound("Participant")
    return found


async def of_rows(ctx: Context, ids: Iterable[int]) -> dict[int, Participant]:
    """Participants by their row, for what refers to them; those that the caller may not see are left out."""
    ctx.meter.spend(1)
    async with ctx.database.reading() as session:
        found = await rows.by_ids(session, ids)
        visible = set()
        for event in await event_rows.by_ids(session, {each.event_id for each in found}):
            with contextlib.suppress(NotFound):
                visible.add(seen(ctx, event).id)
    return {each.id: each for each in found if each.event_id in visible}


async def page(ctx: Context, event_token: str, *, number: int = 1, limit: int) -> Page:
    """Page `number` of the participants of an event of the account, in the order they were added."""
    ctx.must("participants:read")
    async with ctx.database.reading() as session:
        event = own(ctx, await event_rows.by_token(session, event_token), event_token)
        found, total = await rows.page(session, event.id, offset=(number - 1) * limit, limit=limit)
        chips = await _chips(session, [each.id for each in found])
        races = {race.id: race.name for race in await race_rows.of_events(session, [event.id])}
    ctx.meter.charge(costs.rows(len(found)))
    return Page(found, chips, races, total)


async def pages(
    ctx: Context, event_ids: Sequence[int], which: Filter, after: int, first: int
) -> dict[int, tuple[list[Participant], int]]:
    """For each event's row a page of its participants behind the row `after`, and how many match.

    Of events of the account, or anybody's that are public.
    """
    ctx.meter.spend(1)
    inputs.text(which.search, "search")
    if len(event_ids) * first > MOST:
        raise Invalid("first", f"asks for more than {MOST} participants of all events together")
    async with ctx.database.reading() as session:
        found = await event_rows.by_ids(session, event_ids)
        visible = [seen(ctx, event, "Event").id for event in found]
        pages = await rows.pages(session, visible, which, after=after, first=first)
    ctx.meter.charge(costs.rows(sum(len(page) for page, _ in pages.values())))
    return pages


async def personal(ctx: Context, ids: Iterable[int]) -> dict[int, Personal]:
    """What is personal of these rows; those of another account are left out."""
    ctx.must("participants:read")
    async with ctx.database.reading() as session:
        found = await rows.by_ids(session, ids)
        of = await event_rows.by_ids(session, {each.event_id for each in found})
        own = {event.id for event in of if events.owned(ctx, event)}
        found = [each for each in found if each.event_id in own]
        chips = await _chips(session, [each.id for each in found])
        adjustments: dict[int, list[rows.Adjustment]] = defaultdict(list)
        for adjustment in await rows.adjustments(session, [each.id for each in found]):
            adjustments[adjustment.participant_row].append(adjustment)
    return {
        each.id: Personal(
            each.birth_date, each.email, each.phone, chips.get(each.id, ()), adjustments.get(each.id, ())
        )
        for each in found
    }


async def _chips(session: AsyncSession, ids: Sequence[int]) -> dict[int, list[rows.Chip]]:
    found: dict[int, list[rows.Chip]] = defaultdict(list)
    for chip in await rows.chips_of(session, ids):
        found[chip.participant_row].append(chip)
    return found
