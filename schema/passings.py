"""Passings in GraphQL: reading and following them."""

from collections.abc import AsyncGenerator, Sequence
from typing import TYPE_CHECKING, Annotated, Any, Self

import strawberry
from strawberry import Private

from models.passings import Filter, Row, Window
from resolvers import inputs, passings, verdicts
from resolvers.errors import Invalid
from schema.context import GraphQLContext, Info
from schema.devices import Device
from schema.loaders import Loaders
from schema.relay import After, Before, Edge, First, Last, Node, PageInfo, global_id, page_info, part, row_in
from schema.scalars import BigInt, Instant
from schema.sessions import Session
from schema.verdicts import Verdict
from subscriptions import passings as feeds
from timing import clocks

if TYPE_CHECKING:
    from schema.participants import Participant
    from schema.races import Checkpoint

SessionToken = Annotated[str | None, strawberry.argument(description="Only those of this session.")]
DeviceId = Annotated[str | None, strawberry.argument(description="Only those of this device.")]
EventToken = Annotated[
    str | None,
    strawberry.argument(
        description="Only what the devices and sessions of this event detected while they serve it, as it is "
        "assigned when this is asked."
    ),
]
CheckpointId = Annotated[
    strawberry.ID | None,
    strawberry.argument(description="Only what those detected that serve this checkpoint, while they do."),
]


@strawberry.type(description="One detection of a bib or chip at an instant. Immutable.")
class Passing(Node):
    row: Private[Row]
    loaders: Private[Loaders]

    number: BigInt = strawberry.field(description="Given by the device; unique in the session.")
    bib: str | None = strawberry.field(description="As the device sent it; it may hold a chip's code.")
    chip: str | None = strawberry.field(description="The chip's code.")
    timestamp: Instant = strawberry.field(description="When it was detected, by the device's clock.")
    timestamp_text: str = strawberry.field(description="The timestamp word for word as the device sent it.")
    time_zone: str | None = strawberry.field(description="The zone that the device named, if it did.")
    received_at: Instant = strawberry.field(description="When the server took it.")
    latitude: float | None = strawberry.field(description="Degrees north.")
    longitude: float | None = strawberry.field(description="Degrees east.")
    participant_ref: str | None = strawberry.field(description="What the device calls the participant.")
    status: str | None = strawberry.field(description="As the device sent it.")
    gender: str | None = strawberry.field(description="As the device sent it.")

    @strawberry.field(description="The session that took it. Needs `sessions:read`.")
    async def session(self) -> Session:
        return Session.shape(await self.loaders.session.load(self.row.session_row), self.loaders)

    @strawberry.field(description="The device that sent it. Needs `devices:read`.")
    async def device(self) -> Device:
        return Device.shape(await self.loaders.device.load(self.row.device_row), self.loaders)

    @strawberry.field(
        description="What the rules of its event say; null when its device and session serve none."
    )
    async def verdict(self) -> Verdict | None:
        judged = await self.loaders.verdict.load(self.row)
        return None if judged is None else Verdict(judged.verdict)

    @strawberry.field(description="Why, in a sentence; null when there is no verdict.")
    async def verdict_reason(self) -> str | None:
        judged = await self.loaders.verdict.load(self.row)
        return None if judged is None else judged.reason

    @strawberry.field(description="Whose it is; null for nobody known. Needs `participants:read`.")
    async def participant(self) -> Annotated["Participant", strawberry.lazy("schema.participants")] | None:
        from schema.participants import Participant

        judged = await self.loaders.verdict.load(self.row)
        if judged is None or judged.participant is None:
            return None
        return Participant.shape(await self.loaders.participant.load(judged.participant), self.loaders)

    @strawberry.field(description="The checkpoint that it belongs to; null when there is none.")
    async def checkpoint(self) -> Annotated["Checkpoint", strawberry.lazy("schema.races")] | None:
        from schema.races import Checkpoint

        judged = await self.loaders.verdict.load(self.row)
        if judged is None or judged.checkpoint is None:
            return None
        return Checkpoint.shape(await self.loaders.checkpoint.load(judged.checkpoint), self.loaders)

    @classmethod
    def shape(cls, row: Row, loaders: Loaders) -> Self:
        return cls(
            row=row,
            loaders=loaders,
            id=global_id("Passing", row.position),
            number=BigInt(row.number),
            bib=row.bib,
            chip=row.chip,
            timestamp=Instant(row.at),
            timestamp_text=row.timestamp_text,
            time_zone=row.time_zone,
            received_at=Instant(row.received_at),
            latitude=row.latitude,
            longitude=row.longitude,
            participant_ref=row.participant,
            status=row.status,
            gender=row.gender,
        )


@strawberry.type(description="A page of passings.")
class PassingConnection:
    ctx: Private[GraphQLContext]
    which: Private[Filter]

    edges: list[Edge[Passing]] = strawberry.field(description="The entries, in the order of arrival.")
    page_info: PageInfo = strawberry.field(description="Where the page stands.")

    @strawberry.field(description="How many match in all.")
    async def total_count(self) -> BigInt:
        return BigInt(await passings.count(self.ctx, self.which))


async def connection(
    ctx: GraphQLContext,
    which: Filter,
    first: int | None,
    after: str | None,
    last: int | None,
    before: str | None,
) -> PassingConnection:
    """A page from the start, or with `last` from the end."""
    wanted = part(first, after, last, before)
    if wanted.from_end:
        end = inputs.cursor(before, "before")
        found = await passings.before(ctx, which, end, wanted.size + 1)
        preceding, following = len(found) > wanted.size, end is not None
    else:
        place = inputs.cursor(after, "after") or 0
        found, _ = await passings.after(ctx, which, place, wanted.size + 1)
        preceding, following = place > 0, len(found) > wanted.size
    found = wanted.of(found)
    return PassingConnection(
        ctx=ctx,
        which=which,
        edges=_edges(found, Loaders(ctx)),
        page_info=page_info([str(row.position) for row in found], following, preceding),
    )


def _edges(found: Sequence[Row], loaders: Loaders) -> list[Edge[Passing]]:
    return [Edge(cursor=str(row.position), node=Passing.shape(row, loaders)) for row in found]


async def _served(
    ctx: GraphQLContext, event_token: str | None, checkpoint_id: str | None
) -> tuple[Window, ...] | None:
    checkpoint = None if checkpoint_id is None else row_in(checkpoint_id, "Checkpoint")
    return await verdicts.served(ctx, event_token=event_token, checkpoint_id=checkpoint)


def _judged(at: Any, field: str) -> int | None:
    if at is None:
        return None
    try:
        return clocks.instant(at, "UTC")
    except ValueError:
        raise Invalid(field, "is not an RFC 3339 instant") from None


@strawberry.type
class Query:
    @strawberry.field(
        description="Passings of the account in the order of arrival. A cursor of this list also goes into "
        "the "
        "subscription's `after`. Needs `passings:read`."
    )
    async def passings(
        self,
        info: Info,
        session_token: SessionToken = None,
        device_id: DeviceId = None,
        event_token: EventToken = None,
        checkpoint_id: CheckpointId = None,
        bib: Annotated[str | None, strawberry.argument(description="Only this bib.")] = None,
        chip: Annotated[str | None, strawberry.argument(description="Only this chip.")] = None,
        from_: Annotated[
            Instant | None, strawberry.argument(name="from", description="Detected at this instant or later.")
        ] = None,
        to: Annotated[
            Instant | None, strawberry.argument(description="Detected at this instant or earlier.")
        ] = None,
        from_number: Annotated[
            BigInt | None, strawberry.argument(description="With this number or a higher one.")
        ] = None,
        to_number: Annotated[
            BigInt | None, strawberry.argument(description="With this number or a lower one.")
        ] = None,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> PassingConnection:
        which = await passings.which(
            info.context,
            session_token=session_token,
            device_id=device_id,
            served=await _served(info.context, event_token, checkpoint_id),
            bib=bib,
            chip=chip,
            from_=_judged(from_, "from"),
            to=_judged(to, "to"),
            from_number=None if from_number is None else inputs.whole(from_number, "from_number"),
            to_number=None if to_number is None else inputs.whole(to_number, "to_number"),
        )
        return await connection(info.context, which, first, after, last, before)


@strawberry.type(description="A passing on its way to a subscriber.")
class PassingDelivery:
    cursor: str = strawberry.field(description="Give it as `after` to go on behind this passing.")
    passing: Passing = strawberry.field(description="The passing.")


@strawberry.type
class Subscription:
    @strawberry.subscription(
        description="First the passings that were missed since `after`, then each as it is recorded: no gap, "
        "no repeat, in order, also across restarts. Without `after` from now on; with an empty one or `0` "
        "from the beginning. Needs `passings:read`."
    )
    async def passings(
        self,
        info: Info,
        session_token: SessionToken = None,
        device_id: DeviceId = None,
        event_token: EventToken = None,
        checkpoint_id: CheckpointId = None,
        after: Annotated[
            str | None, strawberry.argument(description="The cursor of the last passing that was seen.")
        ] = None,
    ) -> AsyncGenerator[PassingDelivery, None]:
        which = await passings.which(
            info.context,
            session_token=session_token,
            device_id=device_id,
            served=await _served(info.context, event_token, checkpoint_id),
        )
        span = info.context.span
        seen = inputs.cursor(after if span.cursor is None else span.cursor, "after")
        async for rows in feeds.feed(info.context, which, seen):
            loaders = Loaders(info.context)
            for row in rows:
                span.position = row.position
                yield PassingDelivery(cursor=str(row.position), passing=Passing.shape(row, loaders))
