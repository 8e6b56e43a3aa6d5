"""Corrections in GraphQL: what officials add, void, confirm and adjust."""

import enum
from typing import Annotated

import strawberry

from resolvers import corrections, passings
from schema.context import Info
from schema.loaders import Loaders
from schema.participants import Participant
from schema.passings import Passing
from schema.registrations import participant_named
from schema.relay import row_in
from schema.scalars import Instant

Why = Annotated[str, strawberry.argument(description="Why; up to 500 characters, kept with who and when.")]


@strawberry.enum(description="What an official says of a passing.")
class OperatorVerdict(enum.Enum):
    VOIDED = strawberry.enum_value("VOIDED", description="It does not count.")
    CONFIRMED = strawberry.enum_value("CONFIRMED", description="It counts, past all rules.")


@strawberry.input(description="A passing that an official saw.")
class ManualPassingInput:
    checkpoint_id: strawberry.ID = strawberry.field(description="Where: the checkpoint's global id.")
    bib: str = strawberry.field(description="Who; leading zeros count.")
    at: Instant = strawberry.field(description="When; without a zone in that of the event.")
    reason: str = strawberry.field(description="Why; up to 500 characters, kept with who and when.")


@strawberry.type
class Mutation:
    @strawberry.mutation(
        description="Records a passing that an official saw, in the event's session of manual entries; it "
        "counts past all rules. Needs `events:write`."
    )
    async def add_manual_passing(
        self,
        info: Info,
        input: Annotated[ManualPassingInput, strawberry.argument(description="The passing.")],
    ) -> Passing:
        new = corrections.NewManual(
            checkpoint_id=row_in(input.checkpoint_id, "Checkpoint"),
            bib=input.bib,
            at=input.at,
            reason=input.reason,
        )
        row = await corrections.add_manual_passing(info.context, new)
        return Passing.shape(row, Loaders(info.context))

    @strawberry.mutation(
        description="Voids or confirms a passing; the last word on it holds, and every board follows. Needs "
        "`events:write` and `passings:read`."
    )
    async def judge_passing(
        self,
        info: Info,
        id: Annotated[strawberry.ID, strawberry.argument(description="The passing's global id.")],
        verdict: Annotated[OperatorVerdict, strawberry.argument(description="What holds from now on.")],
        reason: Why,
        checkpoint_id: Annotated[
            strawberry.ID | None,
            strawberry.argument(description="Where a confirmed one counts; default: where it was read."),
        ] = None,
    ) -> Passing:
        row = await passings.of_position(info.context, row_in(id, "Passing"))
        await corrections.judge(
            info.context,
            row.position,
            OperatorVerdict(verdict).name,
            reason,
            None if checkpoint_id is None else row_in(checkpoint_id, "Checkpoint"),
        )
        return Passing.shape(row, Loaders(info.context))

    @strawberry.mutation(
        description="A penalty of so many seconds, or with a minus a bonus; they add up. Needs "
        "`events:write`."
    )
    async def adjust_time(
        self,
        info: Info,
        participant_id: Annotated[
            strawberry.ID, strawberry.argument(description="The participant's global id.")
        ],
        seconds: Annotated[float, strawberry.argument(description="Up to a week either way, not 0.")],
        reason: Why,
    ) -> Participant:
        row = await corrections.adjust_time(info.context, participant_named(participant_id), seconds, reason)
        return Participant.shape(row, Loaders(info.context))
