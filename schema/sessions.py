"""Sessions in GraphQL."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Self

import msgspec
import strawberry
from strawberry import Private

from models import passings as passing_rows
from models import sessions as rows
from resolvers import inputs, sessions
from schema.context import Info
from schema.devices import Device
from schema.loaders import Loaders
from schema.relay import MOST, After, Before, Edge, First, Last, Node, PageInfo, global_id, page_info
from schema.scalars import BigInt, Instant

if TYPE_CHECKING:
    from schema.passings import PassingConnection


@strawberry.type(description="What a device sent under a number that was taken; the first one stays.")
class PassingConflict:
    number: BigInt = strawberry.field(description="The number that was used twice.")
    received_at: Instant = strawberry.field(description="When the other content came first.")
    timestamp: Instant = strawberry.field(description="The time that it claimed.")
    bib: str | None = strawberry.field(description="The bib that it claimed.")
    chip: str | None = strawberry.field(description="The chip that it claimed.")

    @classmethod
    def shape(cls, row: passing_rows.Conflict) -> Self:
        claimed = msgspec.json.decode(row.claimed)
        return cls(
            number=BigInt(row.number),
            received_at=Instant(row.received_at),
            timestamp=Instant(claimed["at"]),
            bib=claimed["bib"],
            chip=claimed["chip"],
        )


@strawberry.type(description="One timing operation of one device; it groups passings.")
class Session(Node):
    row: Private[rows.Session]
    loaders: Private[Loaders]

    token: str = strawberry.field(description="The session's name: 64 upper-case hexadecimal characters.")
    alias: str | None = strawberry.field(description="What people call it.")
    active: bool = strawberry.field(description="Whether it takes passings.")
    created_at: Instant = strawberry.field(description="When it was opened.")
    closed_at: Instant | None = strawberry.field(description="When it was closed; null while it is active.")
    passing_count: BigInt = strawberry.field(description="How many passings it holds.")
    conflict_count: BigInt = strawberry.field(description="How many conflicts it holds.")
    first_passing_at: Instant | None = strawberry.field(description="The earliest time of its passings.")
    last_passing_at: Instant | None = strawberry.field(description="The latest time of its passings.")

    @strawberry.field(description="The device it belongs to. Needs `devices:read`.")
    async def device(self) -> Device:
        return Device.shape(await self.loaders.device.load(self.row.device_row), self.loaders)

    @strawberry.field(description="Its passings in the order of arrival. Needs `passings:read`.")
    async def passings(
        self, info: Info, first: First = None, after: After = None, last: Last = None, before: Before = None
    ) -> Annotated["PassingConnection", strawberry.lazy("schema.passings")]:
        from schema.passings import connection

        which = passing_rows.Filter(session_row=self.row.id)
        return await connection(info.context, which, first, after, last, before)

    @strawberry.field(
        description="Numbers between the lowest and the highest that the device used and that never came, "
        "lowest first. Devices that do not count on by one have many. Needs `passings:read`."
    )
    async def missing_numbers(
        self,
        first: Annotated[
            int | None, strawberry.argument(description="How many to give: 1 to 1000, default 1000.")
        ] = None,
    ) -> list[BigInt]:
        size = inputs.page_size(first, "first", MOST, default=MOST)
        return [BigInt(number) for number in await self.loaders.missing_numbers.load((self.row.id, size))]

    @strawberry.field(description="How many numbers never came. Needs `passings:read`.")
    async def missing_count(self) -> BigInt:
        return BigInt(await self.loaders.missing_count.load(self.row.id))

    @strawberry.field(
        description="Numbers that came twice with other content, oldest first. Needs `passings:read`."
    )
    async def conflicts(self, first: First = None) -> list[PassingConflict]:
        size = inputs.page_size(first, "first", MOST)
        return [PassingConflict.shape(row) for row in await self.loaders.conflicts.load((self.row.id, size))]

    @classmethod
    def shape(cls, row: rows.Session, loaders: Loaders) -> Self:
        return cls(
            row=row,
            loaders=loaders,
            id=global_id("Session", row.token),
            token=row.token,
            alias=row.alias,
            active=row.closed_at is None,
            created_at=Instant(row.created_at),
            closed_at=None if row.closed_at is None else Instant(row.closed_at),
            passing_count=BigInt(row.passing_count),
            conflict_count=BigInt(row.conflict_count),
            first_passing_at=None if row.first_passing_at is None else Instant(row.first_passing_at),
            last_passing_at=None if row.last_passing_at is None else Instant(row.last_passing_at),
        )


@strawberry.type(description="A page of sessions.")
class SessionConnection:
    edges: list[Edge[Session]] = strawberry.field(description="The entries, oldest first.")
    page_info: PageInfo = strawberry.field(description="Where the page stands.")
    total_count: int = strawberry.field(description="How many there are in all.")

    @classmethod
    def shape(
        cls, found: Sequence[rows.Session], size: int, place: int, total: int, loaders: Loaders
    ) -> Self:
        """A page of `size` from one more than that, behind the row `place`."""
        edges = [Edge(cursor=str(row.id), node=Session.shape(row, loaders)) for row in found[:size]]
        where = page_info([edge.cursor for edge in edges], len(found) > size, place > 0)
        return cls(edges=edges, page_info=where, total_count=total)


@strawberry.type
class Query:
    @strawberry.field(description="A session of the account; null without it. Needs `sessions:read`.")
    async def session(
        self, info: Info, token: Annotated[str, strawberry.argument(description="Its name.")]
    ) -> Session | None:
        found = await info.context.or_none(sessions.of_token(info.context, token))
        return None if found is None else Session.shape(found, Loaders(info.context))


@strawberry.type
class Mutation:
    @strawberry.mutation(
        description="A new active session; the device's other active session is closed. Needs "
        "`sessions:write`."
    )
    async def open_session(
        self,
        info: Info,
        device_id: Annotated[str, strawberry.argument(description="The device's name.")],
        alias: Annotated[str | None, strawberry.argument(description="What people call the session.")] = None,
    ) -> Session:
        return Session.shape(await sessions.open(info.context, device_id, alias), Loaders(info.context))

    @strawberry.mutation(
        description="No passing is taken for it any more. Closing a closed one changes nothing. "
        "Needs `sessions:write`."
    )
    async def close_session(
        self, info: Info, token: Annotated[str, strawberry.argument(description="Its name.")]
    ) -> Session:
        return Session.shape(await sessions.close(info.context, token), Loaders(info.context))
