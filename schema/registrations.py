"""Participants in GraphQL: entering and changing them."""

import enum
from typing import Annotated, Any, Self

import strawberry
from strawberry import UNSET, Private

from resolvers import registrations
from resolvers.entries import NewChip, NewParticipant
from resolvers.errors import Invalid
from schema.context import Info
from schema.errors import in_client_words
from schema.events import Reason
from schema.loaders import Loaders
from schema.participants import Participant, ParticipantStatus
from schema.patches import filled, written
from schema.relay import parts_of, row_in
from schema.scalars import Instant


@strawberry.input(description="A chip of a participant, and when it is theirs.")
class ChipInput:
    code: str = strawberry.field(description="As readers send it.")
    from_: Instant | None = strawberry.field(
        name="from", default=None, description="From then on; default from ever."
    )
    to: Instant | None = strawberry.field(default=None, description="Until before then; default for ever.")


@strawberry.input(description="A participant that is to be entered.")
class ParticipantInput:
    bib: str = strawberry.field(description="Unique in the event, up to 32 characters; leading zeros count.")
    name: str = strawberry.field(description="The first name, or the whole one.")
    last_name: str | None = strawberry.field(default=None, description="The last name.")
    gender: str | None = strawberry.field(
        default=None, description="`M`, `F` or another text up to 16 characters."
    )
    birth_date: str | None = strawberry.field(default=None, description="The day of birth: `1990-12-31`.")
    age: int | None = strawberry.field(
        default=None, description="On the event's reference date; a birth date goes before."
    )
    race_id: strawberry.ID | None = strawberry.field(default=None, description="The race's global id.")
    race: str | None = strawberry.field(
        default=None, description="The race's name in any case; without either: the event's only race."
    )
    wave: str | None = strawberry.field(default=None, description="The wave's name; default the first.")
    category: str | None = strawberry.field(
        default=None, description="A free group; without one the rules of the race decide."
    )
    club: str | None = strawberry.field(default=None, description="The club.")
    team: str | None = strawberry.field(default=None, description="The team whose result it counts for.")
    country: str | None = strawberry.field(default=None, description="The country.")
    city: str | None = strawberry.field(default=None, description="The city.")
    email: str | None = strawberry.field(default=None, description="For keys of the account only.")
    phone: str | None = strawberry.field(default=None, description="For keys of the account only.")
    status: ParticipantStatus | None = strawberry.field(default=None, description="Default `REGISTERED`.")
    chips: list[ChipInput] | None = strawberry.field(default=None, description="The chips, up to 20.")


@strawberry.input(description="What is to be changed of a participant; what is left out stays.")
class ParticipantPatch:
    bib: str | None = strawberry.field(default=UNSET, description="Unique in the event.")
    name: str | None = strawberry.field(default=UNSET, description="The first name, or the whole one.")
    last_name: str | None = strawberry.field(default=UNSET, description="The last name.")
    gender: str | None = strawberry.field(default=UNSET, description="`M`, `F` or another text.")
    birth_date: str | None = strawberry.field(default=UNSET, description="The day of birth.")
    age: int | None = strawberry.field(default=UNSET, description="On the event's reference date.")
    race_id: strawberry.ID | None = strawberry.field(
        default=UNSET, description="Another race; the wave is then its first unless one is named."
    )
    race: str | None = strawberry.field(default=UNSET, description="Another race, by its name.")
    wave: str | None = strawberry.field(default=UNSET, description="The wave's name; null: the first.")
    category: str | None = strawberry.field(default=UNSET, description="Null: the rules decide.")
    club: str | None = strawberry.field(default=UNSET, description="The club.")
    team: str | None = strawberry.field(default=UNSET, description="The team.")
    country: str | None = strawberry.field(default=UNSET, description="The country.")
    city: str | None = strawberry.field(default=UNSET, description="The city.")
    email: str | None = strawberry.field(default=UNSET, description="For keys of the account only.")
    phone: str | None = strawberry.field(default=UNSET, description="For keys of the account only.")
    status: ParticipantStatus | None = strawberry.field(
        default=UNSET, description="Null: back to `REGISTERED`."
    )
    chips: list[ChipInput] | None = strawberry.field(
        default=UNSET, description="All chips from now on, in place of the former ones."
    )


@strawberry.enum(description="What became of a participant that was handed in.")
class ParticipantOutcome(enum.Enum):
    CREATED = strawberry.enum_value("CREATED", description="Entered.")
    REFUSED = strawberry.enum_value("REFUSED", description="Not entered; `errors` tell why.")


@strawberry.type(description="What is wrong with a field of something that was handed in.")
class FieldError:
    field: str = strawberry.field(description="The field, as it is called here.")
    reason: str = strawberry.field(description="What is wrong with it.")

    @classmethod
    def shape(cls, wrong: Invalid) -> Self:
        return cls(field=in_client_words(wrong.field), reason=wrong.reason)


@strawberry.type(description="What became of one participant that was handed in.")
class AddParticipantResult:
    added: Private[registrations.Added]
    loaders: Private[Loaders]

    index: int = strawberry.field(description="Its place in the call, from 0.")
    bib: str | None = strawberry.field(description="Its bib, if that was one.")
    outcome: ParticipantOutcome = strawberry.field(description="What became of it.")

    @strawberry.field(description="The participant; null when it was refused.")
    def participant(self) -> Participant | None:
        row = self.added.participant
        return None if row is None else Participant.shape(row, self.loaders)

    @strawberry.field(description="What is wrong with each of its fields.")
    def errors(self) -> list[FieldError]:
        return [FieldError.shape(wrong) for wrong in self.added.wrong]

    @classmethod
    def shape(cls, index: int, added: registrations.Added, loaders: Loaders) -> Self:
        outcome = ParticipantOutcome.REFUSED if added.wrong else ParticipantOutcome.CREATED
        return cls(added=added, loaders=loaders, index=index, bib=added.bib, outcome=outcome)


@strawberry.type(description="What became of the participants that were handed in together.")
class AddParticipantsPayload:
    created_count: int = strawberry.field(description="How many were entered.")
    refused_count: int = strawberry.field(description="How many were not.")
    results: list[AddParticipantResult] = strawberry.field(
        description="A result for each, in the order of the call."
    )


def _entry(fields: dict[str, Any]) -> dict[str, Any]:
    """The same with the race by its row, and chips as operations take them."""
    if fields.get("race_id") is not None:
        fields["race_id"] = row_in(fields["race_id"], "Race")
    if "chips" in fields:
        fields["chips"] = [NewChip(**filled(chip)) for chip in fields["chips"] or ()]
    return fields


@strawberry.type
class Mutation:
    @strawberry.mutation(
        description="Enters up to 5000 participants: the good ones, with what is wrong about each of the "
        "others. Needs `participants:write`."
    )
    async def add_participants(
        self,
        info: Info,
        event_token: Annotated[str, strawberry.argument(description="The event's name.")],
        participants: Annotated[
            list[ParticipantInput], strawberry.argument(description="1 to 5000 participants.")
        ],
    ) -> AddParticipantsPayload:
        new = [NewParticipant(**_entry(filled(each))) for each in participants]
        added = await registrations.add(info.context, event_token, new)
        loaders = Loaders(info.context)
        refused = sum(bool(each.wrong) for each in added)
        return AddParticipantsPayload(
            created_count=len(added) - refused,
            refused_count=refused,
            results=[AddParticipantResult.shape(index, each, loaders) for index, each in enumerate(added)],
        )

    @strawberry.mutation(
        description="Changes a participant: names, status, race, wave, chips; every board follows. Needs "
        "`participants:write`."
    )
    async def update_participant(
        self,
        info: Info,
        id: Annotated[strawberry.ID, strawberry.argument(description="The participant's global id.")],
        patch: Annotated[ParticipantPatch, strawberry.argument(description="What is to be changed.")],
        reason: Reason = None,
    ) -> Participant:
        row = await registrations.update(info.context, participant_named(id), _entry(written(patch)), reason)
        return Participant.shape(row, Loaders(info.context))


def participant_named(id: str) -> str:
    """The name that a global id holds; empty, which nobody has, for the id of another kind of thing."""
    kind, name = parts_of(id)
    return name if kind == "Participant" else ""
