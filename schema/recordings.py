"""Passings in GraphQL: handing them in."""

import enum
from typing import Annotated

import strawberry
from strawberry import Private

from resolvers import passings
from schema.context import GraphQLContext, Info
from schema.loaders import Loaders
from schema.passings import Passing
from schema.scalars import BigInt, Instant


@strawberry.enum(description="What became of a passing that was handed in.")
class PassingOutcome(enum.Enum):
    INSERTED = strawberry.enum_value("INSERTED", description="Stored; it is durable.")
    DUPLICATE = strawberry.enum_value(
        "DUPLICATE", description="The same was stored before under this number."
    )
    CONFLICT = strawberry.enum_value(
        "CONFLICT",
        description="The number was taken by other content; the first one stays, this one is kept beside.",
    )


@strawberry.input(description="A passing that a device hands in.")
class PassingInput:
    number: BigInt = strawberry.field(description="Given by the device, from 0; unique in the session.")
    timestamp: Instant = strawberry.field(
        description="When it was detected. Without a zone: that of `timeZone`, else the device's, else UTC."
    )
    bib: str | None = strawberry.field(
        default=None, description="The bib; leading zeros count. A passing has a bib or a chip."
    )
    chip: str | None = strawberry.field(default=None, description="The chip's code.")
    latitude: float | None = strawberry.field(default=None, description="Degrees north.")
    longitude: float | None = strawberry.field(default=None, description="Degrees east.")
    participant_ref: str | None = strawberry.field(
        default=None, description="What the device calls the participant."
    )
    status: str | None = strawberry.field(default=None, description="Free text, kept as it is.")
    time_zone: str | None = strawberry.field(default=None, description="For a timestamp without a zone.")
    gender: str | None = strawberry.field(default=None, description="Free text, kept as it is.")


@strawberry.type(description="What became of one passing that was handed in.")
class PassingResult:
    session_row: Private[int]
    loaders: Private[Loaders]

    number: BigInt = strawberry.field(description="The number that the device gave.")
    outcome: PassingOutcome = strawberry.field(description="What became of it.")

    @strawberry.field(description="The passing that is stored under this number. Needs `passings:read`.")
    async def passing(self) -> Passing:
        row = await self.loaders.passing.load((self.session_row, int(self.number)))
        return Passing.shape(row, self.loaders)


@strawberry.type(description="What became of the passings that were handed in together.")
class RecordPassingsPayload:
    recorded: Private[passings.Recorded]
    ctx: Private[GraphQLContext]

    inserted_count: int = strawberry.field(description="How many are new and durable.")
    duplicate_count: int = strawberry.field(
        description="How many had a number that was taken; conflicts too."
    )

    @strawberry.field(description="A result for each passing, in the order of the call.")
    def results(self) -> list[PassingResult]:
        written, loaders = self.recorded.written, Loaders(self.ctx)
        return [
            PassingResult(
                session_row=written.session_row,
                loaders=loaders,
                number=BigInt(passing.number),
                outcome=PassingOutcome.DUPLICATE
                if index in written.duplicates
                else PassingOutcome.CONFLICT
                if index in written.conflicts
                else PassingOutcome.INSERTED,
            )
            for index, passing in enumerate(self.recorded.passings)
        ]


def _new(given: PassingInput) -> passings.NewPassing:
    return passings.NewPassing(
        number=given.number,
        timestamp=given.timestamp,
        bib=given.bib,
        chip=given.chip,
        latitude=given.latitude,
        longitude=given.longitude,
        participant=given.participant_ref,
        status=given.status,
        time_zone=given.time_zone,
        gender=given.gender,
    )


@strawberry.type
class Mutation:
    @strawberry.mutation(
        description="Stores up to 5000 passings of an active session and answers when they are durable, "
        "with an "
        "outcome for each. One that is nonsense refuses all. Needs `passings:write`."
    )
    async def record_passings(
        self,
        info: Info,
        session_token: Annotated[str, strawberry.argument(description="The active session.")],
        passings_: Annotated[
            list[PassingInput], strawberry.argument(name="passings", description="1 to 5000 passings.")
        ],
    ) -> RecordPassingsPayload:
        recorded = await passings.record(info.context, session_token, [_new(each) for each in passings_])
        inserted = recorded.written.inserted
        return RecordPassingsPayload(
            recorded=recorded,
            ctx=info.context,
            inserted_count=inserted,
            duplicate_count=len(recorded.passings) - inserted,
        )
