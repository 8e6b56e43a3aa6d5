"""Events in GraphQL."""

import enum
from typing import TYPE_CHECKING, Annotated, Self

import strawberry
from strawberry import UNSET, Private

from models import events as rows
from models.participants import Filter
from resolvers import events, inputs
from resolvers.events import Audited
from schema.context import Info
from schema.loaders import Loaders
from schema.patches import filled, written
from schema.relay import MOST, After, Edge, First, Node, PageInfo, global_id, page_info, row_in
from schema.scalars import BigInt, Instant

if TYPE_CHECKING:
    from schema.participants import ParticipantConnection
    from schema.races import Race

Reason = Annotated[
    str | None, strawberry.argument(description="Why, for the list of changes; up to 500 characters.")
]


@strawberry.enum(description="How far an event is.")
class EventStatus(enum.Enum):
    DRAFT = strawberry.enum_value("DRAFT", description="Being prepared; seen by its account only.")
    PUBLISHED = strawberry.enum_value(
        "PUBLISHED", description="Announced; seen by everybody if it is public."
    )
    ARCHIVED = strawberry.enum_value("ARCHIVED", description="Put away; seen by its account only.")


@strawberry.enum(description="What kind of thing was changed.")
class ChangeKind(enum.Enum):
    EVENT = strawberry.enum_value("EVENT", description="The event itself.")
    RACE = strawberry.enum_value("RACE", description="A race, its waves, categories or checkpoints.")
    SERVING = strawberry.enum_value("SERVING", description="Who serves a checkpoint.")
    GUN = strawberry.enum_value("GUN", description="The gun time of a wave.")
    PARTICIPANTS = strawberry.enum_value("PARTICIPANTS", description="Participants, or their chips.")
    ADJUSTMENT = strawberry.enum_value("ADJUSTMENT", description="A penalty or a bonus.")
    RULING = strawberry.enum_value("RULING", description="An official's word on passings.")


@strawberry.type(description="Who changed what of an event, when and why. Changes are never removed.")
class Change:
    revision: BigInt = strawberry.field(description="The event's revision that it led to.")
    at: Instant = strawberry.field(description="When.")
    kind: ChangeKind = strawberry.field(description="What kind of thing.")
    subject: str = strawberry.field(description='Which, as JSON, by our numbers: `{"race":5}`.')
    reason: str | None = strawberry.field(description="Why, if it was said.")
    key_alias: str | None = strawberry.field(description="What the key is called that it came with.")
    key_hint: str | None = strawberry.field(
        description="The key's last four characters; null for the operator at the command line."
    )

    @classmethod
    def shape(cls, found: Audited) -> Self:
        key = found.key
        return cls(
            revision=BigInt(found.change.revision),
            at=Instant(found.change.at),
            kind=ChangeKind(found.change.kind),
            subject=found.change.subject,
            reason=found.change.reason,
            key_alias=None if key is None else key.alias,
            key_hint=None if key is None else key.hint,
        )


@strawberry.type(description="A page of changes.")
class ChangeConnection:
    edges: list[Edge[Change]] = strawberry.field(description="The entries, oldest first.")
    page_info: PageInfo = strawberry.field(description="Where the page stands.")
    total_count: int = strawberry.field(description="How many there are in all.")


@strawberry.type(description="A competition: one or more races in a place on some days.")
class Event(Node):
    row: Private[rows.Event]
    loaders: Private[Loaders]

    token: str = strawberry.field(description="The event's name: 64 upper-case hexadecimal characters.")
    name: str = strawberry.field(description="What it is called.")
    edition: str | None = strawberry.field(description="Which one of a series: `45th`, `2026`.")
    location: str | None = strawberry.field(description="Where it is.")
    start_date: str = strawberry.field(description="Its first day: `2026-06-01`.")
    end_date: str = strawberry.field(description="Its last day: `2026-06-01`.")
    time_zone: str = strawberry.field(description="Of its place: an IANA name, an abbreviation or an offset.")
    reference_date: str | None = strawberry.field(
        description="The day on which ages count; null: the first day."
    )
    status: EventStatus = strawberry.field(description="How far it is.")
    public: bool = strawberry.field(description="Whether everybody may see it once it is published.")
    revision: BigInt = strawberry.field(description="Grows by one with every change of what defines it.")
    created_at: Instant = strawberry.field(description="When it was made.")

    @strawberry.field(description="Its races, oldest first.")
    async def races(self) -> list[Annotated["Race", strawberry.lazy("schema.races")]]:
        from schema.races import Race

        return [Race.shape(row, self.loaders) for row in await self.loaders.races.load(self.row.id)]

    @strawberry.field(
        description="Who takes part, in the order of entering. Needs `participants:read`, or nothing if the "
        "event is public."
    )
    async def participants(
        self,
        first: First = None,
        after: After = None,
        race_id: Annotated[
            strawberry.ID | None, strawberry.argument(description="Only those of this race.")
        ] = None,
        search: Annotated[
            str | None, strawberry.argument(description="A bib, or a part of the names in any case.")
        ] = None,
    ) -> Annotated["ParticipantConnection", strawberry.lazy("schema.participants")]:
        from schema.participants import ParticipantConnection

        size, place = inputs.page_size(first, "first", MOST), inputs.cursor(after, "after") or 0
        which = Filter(None if race_id is None else row_in(race_id, "Race"), search)
        found, total = await self.loaders.participants.load((self.row.id, which, place, size + 1))
        return ParticipantConnection.shape(found, size, place, total, self.loaders)

    @strawberry.field(
        description="Who changed what, oldest first; null for events of others. Needs `events:read`."
    )
    async def changes(self, info: Info, first: First = None, after: After = None) -> ChangeConnection | None:
        size, place = inputs.page_size(first, "first", MOST), inputs.cursor(after, "after") or 0
        asked = events.changes(info.context, self.row.token, place, size + 1)
        found = await info.context.or_none(asked)
        if found is None:
            return None
        edges = [Edge(cursor=str(each.change.revision), node=Change.shape(each)) for each in found[:size]]
        where = page_info([edge.cursor for edge in edges], len(found) > size, place > 0)
        return ChangeConnection(edges=edges, page_info=where, total_count=self.row.revision)

    @classmethod
    def shape(cls, row: rows.Event, loaders: Loaders) -> Self:
        return cls(
            row=row,
            loaders=loaders,
            id=global_id("Event", row.token),
            token=row.token,
            name=row.name,
            edition=row.edition,
            location=row.location,
            start_date=row.start_date,
            end_date=row.end_date,
            time_zone=row.time_zone,
            reference_date=row.reference_date,
            status=EventStatus(row.status),
            public=row.public,
            revision=BigInt(row.revision),
            created_at=Instant(row.created_at),
        )


@strawberry.type(description="A page of events.")
class EventConnection:
    edges: list[Edge[Event]] = strawberry.field(description="The entries, oldest first.")
    page_info: PageInfo = strawberry.field(description="Where the page stands.")
    total_count: int = strawberry.field(description="How many there are in all.")


@strawberry.input(description="An event that is to be made.")
class EventInput:
    name: str = strawberry.field(description="What it is called, up to 128 characters.")
    start_date: str = strawberry.field(description="Its first day: `2026-06-01`.")
    end_date: str | None = strawberry.field(default=None, description="Its last day; default the first.")
    edition: str | None = strawberry.field(default=None, description="Which one of a series.")
    location: str | None = strawberry.field(default=None, description="Where it is.")
    time_zone: str | None = strawberry.field(default=None, description="Of its place; default `UTC`.")
    reference_date: str | None = strawberry.field(
        default=None, description="The day on which ages count; default the first day."
    )
    status: EventStatus | None = strawberry.field(default=None, description="Default `DRAFT`.")
    public: bool | None = strawberry.field(
        default=None, description="Whether everybody may see it once it is published; default false."
    )


@strawberry.input(description="What is to be changed of an event; what is left out stays.")
class EventPatch:
    name: str | None = strawberry.field(default=UNSET, description="What it is called.")
    start_date: str | None = strawberry.field(
        default=UNSET, description="Its first day; an event of one day moves with it."
    )
    end_date: str | None = strawberry.field(default=UNSET, description="Its last day; null: the first.")
    edition: str | None = strawberry.field(default=UNSET, description="Which one of a series.")
    location: str | None = strawberry.field(default=UNSET, description="Where it is.")
    time_zone: str | None = strawberry.field(default=UNSET, description="Of its place.")
    reference_date: str | None = strawberry.field(
        default=UNSET, description="The day on which ages count; null: the first day."
    )
    status: EventStatus | None = strawberry.field(default=UNSET, description="How far it is.")
    public: bool | None = strawberry.field(default=UNSET, description="Whether everybody may see it.")


@strawberry.type
class Query:
    @strawberry.field(
        description="Events, oldest first: with a key those of the account, without one the public ones of "
        "everybody. Needs `events:read`, or no key."
    )
    async def events(self, info: Info, first: First = None, after: After = None) -> EventConnection:
        size, place = inputs.page_size(first, "first", MOST), inputs.cursor(after, "after") or 0
        found, total = await events.page(info.context, after=place, limit=size + 1)
        loaders = Loaders(info.context)
        edges = [Edge(cursor=str(row.id), node=Event.shape(row, loaders)) for row in found[:size]]
        where = page_info([edge.cursor for edge in edges], len(found) > size, place > 0)
        return EventConnection(edges=edges, page_info=where, total_count=total)

    @strawberry.field(
        description="An event of the account, or a public one of anybody; null without it. Needs "
        "`events:read`, or nothing if the event is public."
    )
    async def event(
        self, info: Info, token: Annotated[str, strawberry.argument(description="Its name.")]
    ) -> Event | None:
        found = await info.context.or_none(events.of_token(info.context, token))
        return None if found is None else Event.shape(found, Loaders(info.context))


@strawberry.type
class Mutation:
    @strawberry.mutation(description="A new event of the account. Needs `events:write`.")
    async def create_event(
        self, info: Info, input: Annotated[EventInput, strawberry.argument(description="The event.")]
    ) -> Event:
        row = await events.create(info.context, events.NewEvent(**filled(input)))
        return Event.shape(row, Loaders(info.context))

    @strawberry.mutation(
        description="Changes an event, publishes it or puts it away, and back. Needs `events:write`."
    )
    async def update_event(
        self,
        info: Info,
        token: Annotated[str, strawberry.argument(description="Its name.")],
        input: Annotated[EventPatch, strawberry.argument(description="What is to be changed.")],
        reason: Reason = None,
    ) -> Event:
        row = await events.update(info.context, token, written(input), reason)
        return Event.shape(row, Loaders(info.context))
