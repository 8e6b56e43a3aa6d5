"""Devices in GraphQL."""

import enum
from typing import TYPE_CHECKING, Annotated, Self

import strawberry
from strawberry import Private

from models import devices as rows
from models.sessions import Counts
from resolvers import devices, inputs
from schema.context import Info
from schema.foresight import foresee
from schema.loaders import Loaders
from schema.readings import then
from schema.relay import MOST, After, Before, Edge, First, Last, Node, PageInfo, global_id, page_info, part
from schema.scalars import BigInt, Instant
from schema.signs import ConnectionState, connection_of, last_seen_of

if TYPE_CHECKING:
    from schema.alarms import AlarmConnection
    from schema.history import TelemetryConnection
    from schema.sessions import Session, SessionConnection
    from schema.telemetry import DeviceHealth

From = Annotated[
    Instant | None, strawberry.argument(name="from", description="Reported at this instant or later.")
]
To = Annotated[Instant | None, strawberry.argument(description="Reported at this instant or earlier.")]
BucketWidth = Annotated[
    int | None,
    strawberry.argument(
        description="Seconds, 1 to 31622400: gives one entry for each span of that width in which there is a "
        "report, the newest one, with what they add up to under `bucket`."
    ),
]


@strawberry.enum(description="Whether a device may send.")
class BindingStatus(enum.Enum):
    BOUND = strawberry.enum_value("BOUND", description="Bound to the account; it may send.")
    NOT_BOUND = strawberry.enum_value("NOT_BOUND", description="Unbound; its history stays readable.")


@strawberry.type(description="Hardware or software that detects competitors.")
class Device(Node):
    row: Private[rows.Device]
    loaders: Private[Loaders]

    device_id: str = strawberry.field(description="The device's name: 64 upper-case hexadecimal characters.")
    serial_number: str = strawberry.field(description="As the maker gave it; unique in the account.")
    model: str = strawberry.field(description="What the maker calls it.")
    type: str = strawberry.field(description="What kind of device it is; `CUSTOM_CHRONO` unless told.")
    alias: str | None = strawberry.field(description="What people call it.")
    firmware: str | None = strawberry.field(description="Its firmware, as told when it was bound last.")
    time_zone: str | None = strawberry.field(
        description="For timestamps that it sends without a zone: an IANA name, an abbreviation or an offset."
    )
    binding_status: BindingStatus = strawberry.field(description="Whether it may send.")
    created_at: Instant = strawberry.field(description="When it was bound first.")
    last_login_at: Instant | None = strawberry.field(description="When it asked to be bound last.")

    @strawberry.field(description="When passings or a report of it came last; null before the first.")
    def last_seen_at(self) -> Instant | None:
        return last_seen_of(self.row.id, self.loaders, _instant)

    @strawberry.field(description="Whether it was heard within the last 150 s.")
    def connection(self) -> ConnectionState:
        return connection_of(self.row.id, self.loaders)

    @strawberry.field(description="How it stands, by its newest report. Needs `devices:read`.")
    def health(self) -> Annotated["DeviceHealth", strawberry.lazy("schema.telemetry")]:
        from schema.telemetry import DeviceHealth

        row, loaders = self.row, self.loaders
        return then(loaders.health, row.id, lambda health: DeviceHealth.shape(row, health, loaders))

    @strawberry.field(
        description="What it said of itself, oldest first; older history is thinned. Needs `telemetry:read`."
    )
    async def telemetry(
        self,
        from_: From = None,
        to: To = None,
        bucket: BucketWidth = None,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Annotated["TelemetryConnection", strawberry.lazy("schema.history")]:
        from schema.history import connection

        return await connection(self.row.id, self.loaders, (from_, to), bucket, first, after, last, before)

    @strawberry.field(description="How many sessions it has had.")
    async def session_count(self) -> int:
        return (await self.loaders.counts.load(self.row.id)).sessions

    @strawberry.field(description="How many passings it has sent in all its sessions.")
    async def passing_count(self) -> BigInt:
        return BigInt((await self.loaders.counts.load(self.row.id)).passings)

    @strawberry.field(description="How many passings its newest session holds, active or not; 0 without one.")
    async def passings_in_last_session(self) -> BigInt:
        return BigInt(await self.loaders.last_session_count.load(self.row.id))

    @strawberry.field(
        description="How many passings it holds and has not sent yet, by its newest report; null where that "
        "says nothing of it."
    )
    async def passings_pending(self) -> BigInt | None:
        health = await self.loaders.health.load(self.row.id)
        pending = None if health is None else health.report.passings_pending
        return None if pending is None else BigInt(pending)

    @strawberry.field(description="The latest time of any of its passings.")
    async def last_passing_at(self) -> Instant | None:
        return _instant((await self.loaders.counts.load(self.row.id)).last_passing_at)

    @strawberry.field(description="The session that takes its passings now. Needs `sessions:read`.")
    async def active_session(self) -> Annotated["Session", strawberry.lazy("schema.sessions")] | None:
        from schema.sessions import Session

        found = await self.loaders.active_session.load(self.row.id)
        return None if found is None else Session.shape(found, self.loaders)

    @strawberry.field(description="Its sessions, oldest first. Needs `sessions:read`.")
    async def sessions(
        self, first: First = None, after: After = None
    ) -> Annotated["SessionConnection", strawberry.lazy("schema.sessions")]:
        from schema.sessions import SessionConnection

        size, place = inputs.page_size(first, "first", MOST), inputs.cursor(after, "after") or 0
        found, total = await self.loaders.sessions.load((self.row.id, place, size + 1))
        return SessionConnection.shape(found, size, place, total, self.loaders)

    @strawberry.field(description="Its alarms, newest first. Needs `devices:read`.")
    async def alarms(
        self,
        open: Annotated[
            bool | None, strawberry.argument(description="True: open ones; false: ended ones; null: both.")
        ] = True,
        first: First = None,
        after: After = None,
    ) -> Annotated["AlarmConnection", strawberry.lazy("schema.alarms")]:
        from schema.alarms import AlarmConnection

        return await AlarmConnection.of_device(self.row.id, self.loaders, open, first, after)

    @classmethod
    def shape(cls, row: rows.Device, loaders: Loaders) -> Self:
        return cls(
            row=row,
            loaders=loaders,
            id=global_id("Device", row.device_id),
            device_id=row.device_id,
            serial_number=row.serial_number,
            model=row.model,
            type=row.type,
            alias=row.alias,
            firmware=row.firmware,
            time_zone=row.time_zone,
            binding_status=BindingStatus.BOUND if row.bound else BindingStatus.NOT_BOUND,
            created_at=Instant(row.created_at),
            last_login_at=_instant(row.last_login_at),
        )


def _instant(at: int | None) -> Instant | None:
    return None if at is None else Instant(at)


@strawberry.type(description="A page of devices.")
class DeviceConnection:
    edges: list[Edge[Device]] = strawberry.field(description="The entries, oldest first.")
    page_info: PageInfo = strawberry.field(description="Where the page stands.")
    total_count: int = strawberry.field(description="How many there are in all.")


@strawberry.input(description="A device that is to be bound.")
class BindDeviceInput:
    serial_number: str = strawberry.field(description="As the maker gave it, up to 128 characters.")
    model: str = strawberry.field(description="What the maker calls it, up to 128 characters.")
    type: str | None = strawberry.field(default=None, description="Default `CUSTOM_CHRONO`.")
    alias: str | None = strawberry.field(default=None, description="What people call it.")
    firmware: str | None = strawberry.field(default=None, description="Its firmware.")
    time_zone: str | None = strawberry.field(
        default=None, description="For timestamps without a zone; without it UTC."
    )


@strawberry.type(description="A device that was bound.")
class BindDevicePayload:
    device: Device = strawberry.field(description="The device, under the name that it keeps.")
    already_bound: bool = strawberry.field(
        description="Whether it was bound before; alias and firmware are new."
    )


@strawberry.type
class Query:
    @strawberry.field(description="Devices of the account, oldest first. Needs `devices:read`.")
    async def devices(
        self,
        info: Info,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
        binding_status: Annotated[
            BindingStatus | None, strawberry.argument(description="Only those; default all.")
        ] = None,
        search: Annotated[
            str | None, strawberry.argument(description="A part of alias, model, serial number or name.")
        ] = None,
    ) -> DeviceConnection:
        wanted = part(first, after, last, before)
        place, end = inputs.cursor(after, "after") or 0, inputs.cursor(before, "before")
        bound = None if binding_status is None else binding_status is BindingStatus.BOUND
        page = await devices.page(
            info.context,
            bound=bound,
            search=search,
            after=place,
            before=end,
            from_end=wanted.from_end,
            limit=wanted.size + 1,
        )
        loaders = Loaders(info.context)
        shown, more = wanted.of(page.devices), len(page.devices) > wanted.size
        await foresee(info, loaders, [row.id for row in shown])
        loaders.device.prime_many({row.id: row for row in shown})
        loaders.counts.prime_many({row.id: page.counts.get(row.id, Counts()) for row in shown})
        edges = [Edge(cursor=str(row.id), node=Device.shape(row, loaders)) for row in shown]
        where = page_info(
            [edge.cursor for edge in edges],
            following=end is not None if wanted.from_end else more,
            preceding=more if wanted.from_end else place > 0,
        )
        return DeviceConnection(edges=edges, page_info=where, total_count=page.total)

    @strawberry.field(
        description="A device of the account, bound or not; null without it. Needs `devices:read`."
    )
    async def device(
        self, info: Info, device_id: Annotated[str, strawberry.argument(description="Its name.")]
    ) -> Device | None:
        found = await info.context.or_none(devices.of_id(info.context, device_id))
        return None if found is None else Device.shape(found, Loaders(info.context))


@strawberry.type
class Mutation:
    @strawberry.mutation(
        description="Binds a device. One that was unbound continues with its history. Needs `devices:write`."
    )
    async def bind_device(
        self, info: Info, input: Annotated[BindDeviceInput, strawberry.argument(description="The device.")]
    ) -> BindDevicePayload:
        device, fresh = await devices.bind(info.context, devices.NewDevice(**vars(input)))
        return BindDevicePayload(device=Device.shape(device, Loaders(info.context)), already_bound=not fresh)

    @strawberry.mutation(
        description="Closes the active session and refuses what the device sends from now on; what it sent "
        "stays. Needs `devices:unbind`."
    )
    async def unbind_device(
        self, info: Info, device_id: Annotated[str, strawberry.argument(description="Its name.")]
    ) -> Device:
        return Device.shape(await devices.unbind(info.context, device_id), Loaders(info.context))
