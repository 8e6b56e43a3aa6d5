"""Participants in GraphQL: looking at them."""

import enum
from typing import Annotated, Self

import strawberry
from strawberry import Private

from models import participants as rows
from resolvers import participants
from schema.context import Info
from schema.events import Event
from schema.loaders import Loaders
from schema.races import Race, Wave
from schema.relay import Edge, Node, PageInfo, global_id, page_info
from schema.scalars import Instant
from timing import clocks


@strawberry.enum(description="What is known of a participant before and beside the passings.")
class ParticipantStatus(enum.Enum):
    REGISTERED = strawberry.enum_value("REGISTERED", description="Takes part; the passings tell the rest.")
    DNS = strawberry.enum_value("DNS", description="Did not start.")
    DNF = strawberry.enum_value("DNF", description="Did not finish.")
    DSQ = strawberry.enum_value("DSQ", description="Disqualified.")


@strawberry.type(description="A chip of a participant, and when it is theirs.")
class Chip:
    code: str = strawberry.field(description="As readers send it.")
    from_: Instant | None = strawberry.field(name="from", description="From then on; null: from ever.")
    to: Instant | None = strawberry.field(description="Until before then; null: for ever.")

    @classmethod
    def shape(cls, row: rows.Chip) -> Self:
        return cls(code=row.code, from_=_instant(row.from_at), to=_instant(row.to_at))


@strawberry.type(description="A penalty or a bonus of a participant.")
class Adjustment:
    seconds: float = strawberry.field(description="A penalty, or below 0 a bonus.")
    reason: str = strawberry.field(description="Why.")
    at: Instant = strawberry.field(description="When it was given.")

    @classmethod
    def shape(cls, row: rows.Adjustment) -> Self:
        return cls(seconds=row.amount / clocks.SECOND, reason=row.reason, at=Instant(row.at))


@strawberry.type(description="A competitor in one race of one event.")
class Participant(Node):
    row: Private[rows.Participant]
    loaders: Private[Loaders]

    participant_id: str = strawberry.field(
        description="The participant's name: 64 upper-case hexadecimal characters."
    )
    bib: str = strawberry.field(description="Unique in the event; leading zeros count.")
    name: str = strawberry.field(description="The first name, or the whole one.")
    last_name: str | None = strawberry.field(description="The last name.")
    gender: str | None = strawberry.field(description="`M`, `F` or another text.")
    category: str | None = strawberry.field(
        description="The category that was given; without one the rules of the race decide."
    )
    club: str | None = strawberry.field(description="The club.")
    team: str | None = strawberry.field(description="The team whose result it counts for.")
    country: str | None = strawberry.field(description="The country, as it was given.")
    city: str | None = strawberry.field(description="The city.")
    status: ParticipantStatus = strawberry.field(description="Whether it takes part.")

    @strawberry.field(description="Whole years on the event's reference date.")
    async def age(self) -> int | None:
        return participants.age(await self.loaders.event.load(self.row.event_id), self.row)

    @strawberry.field(description="The event.")
    async def event(self) -> Event:
        return Event.shape(await self.loaders.event.load(self.row.event_id), self.loaders)

    @strawberry.field(description="The race; null when none was told.")
    async def race(self) -> Race | None:
        race_id = self.row.race_id
        return None if race_id is None else Race.shape(await self.loaders.race.load(race_id), self.loaders)

    @strawberry.field(description="The start group; null: the first one of the race.")
    async def wave(self) -> Wave | None:
        if self.row.race_id is None or self.row.wave_id is None:
            return None
        waves = (await self.loaders.parts.load(self.row.race_id)).waves
        return next((Wave.shape(wave) for wave in waves if wave.id == self.row.wave_id), None)

    @strawberry.field(description="The day of birth: `1990-12-31`. Needs `participants:read` of the account.")
    async def birth_date(self) -> str | None:
        return (await self.loaders.personal.load(self.row.id)).birth_date

    @strawberry.field(description="The e-mail address. Needs `participants:read` of the account.")
    async def email(self) -> str | None:
        return (await self.loaders.personal.load(self.row.id)).email

    @strawberry.field(description="The phone number. Needs `participants:read` of the account.")
    async def phone(self) -> str | None:
        return (await self.loaders.personal.load(self.row.id)).phone

    @strawberry.field(description="The chips, oldest first. Needs `participants:read` of the account.")
    async def chips(self) -> list[Chip] | None:
        return [Chip.shape(row) for row in (await self.loaders.personal.load(self.row.id)).chips]

    @strawberry.field(
        description="Penalties and bonuses, oldest first. Needs `participants:read` of the account."
    )
    async def adjustments(self) -> list[Adjustment] | None:
        return [Adjustment.shape(row) for row in (await self.loaders.personal.load(self.row.id)).adjustments]

    @classmethod
    def shape(cls, row: rows.Participant, loaders: Loaders) -> Self:
        return cls(
            row=row,
            loaders=loaders,
            id=global_id("Participant", row.participant_id),
            participant_id=row.participant_id,
            bib=row.bib,
            name=row.name,
            last_name=row.last_name,
            gender=row.gender,
            category=row.category,
            club=row.club,
            team=row.team,
            country=row.country,
            city=row.city,
            status=ParticipantStatus(row.status),
        )


def _instant(at: int | None) -> Instant | None:
    return None if at is None else Instant(at)


@strawberry.type(description="A page of participants.")
class ParticipantConnection:
    edges: list[Edge[Participant]] = strawberry.field(description="The entries, in the order of entering.")
    page_info: PageInfo = strawberry.field(description="Where the page stands.")
    total_count: int = strawberry.field(description="How many match in all.")

    @classmethod
    def shape(
        cls, found: list[rows.Participant], size: int, place: int, total: int, loaders: Loaders
    ) -> Self:
        """From a list that holds one more than the page if there is one."""
        edges = [Edge(cursor=str(row.id), node=Participant.shape(row, loaders)) for row in found[:size]]
        where = page_info([edge.cursor for edge in edges], len(found) > size, place > 0)
        return cls(edges=edges, page_info=where, total_count=total)


@strawberry.type
class Query:
    @strawberry.field(
        description="Who has this bib; null for nobody. Needs `participants:read`, or nothing if the event "
        "is public."
    )
    async def participant(
        self,
        info: Info,
        event_token: Annotated[str, strawberry.argument(description="The event's name.")],
        bib: Annotated[str, strawberry.argument(description="The bib; leading zeros count.")],
    ) -> Participant | None:
        found = await info.context.or_none(participants.of_bib(info.context, event_token, bib))
        return None if found is None else Participant.shape(found, Loaders(info.context))
