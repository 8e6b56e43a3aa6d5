"""Alarms of devices and their thresholds in GraphQL."""

import enum
from collections.abc import Sequence
from typing import Annotated, Self

import strawberry
from strawberry import UNSET, Private

from models import alarms as rows
from resolvers import alarms, inputs
from schema.context import Info
from schema.devices import Device
from schema.loaders import Loaders
from schema.patches import written
from schema.relay import MOST, After, Edge, First, Node, PageInfo, global_id, page_info
from schema.scalars import Instant
from timing import health


@strawberry.enum(description="What is wrong with a device. What it does not say changes nothing.")
class AlarmKind(enum.Enum):
    BATTERY_LOW = strawberry.enum_value(
        "BATTERY_LOW",
        description="The battery is at or below a threshold; a warning at most while it is charged.",
    )
    TEMPERATURE = strawberry.enum_value(
        "TEMPERATURE", description="It is too cold or too hot; critical by more than 10 °C."
    )
    READER_ABSENT = strawberry.enum_value(
        "READER_ABSENT", description="It has no reader; critical in mode `START` or `TEST`."
    )
    CLOCK_UNSYNCHRONISED = strawberry.enum_value(
        "CLOCK_UNSYNCHRONISED",
        description="Its clock was set by hand, or, which is critical, is ahead of the server's.",
    )
    PASSINGS_PENDING = strawberry.enum_value(
        "PASSINGS_PENDING",
        description="It holds many passings that it has not sent, and more than in the report before; "
        "critical from ten times the threshold.",
    )
    SILENT = strawberry.enum_value(
        "SILENT", description="Nothing was heard for 150 s though its mode is `START`. Always critical."
    )
    MOVED = strawberry.enum_value(
        "MOVED",
        description="It is away from where it began to time; critical by more than ten times the threshold.",
    )
    MISSING_NUMBERS = strawberry.enum_value(
        "MISSING_NUMBERS",
        description="Numbers of its active, else its newest session are missing for 30 s, though it counts "
        "on by one.",
    )


@strawberry.enum(description="How bad an alarm is.")
class Severity(enum.Enum):
    WARNING = strawberry.enum_value("WARNING", description="Somebody should look at it.")
    CRITICAL = strawberry.enum_value("CRITICAL", description="Passings may be lost or wrong.")


@strawberry.type(description="Something is wrong with a device, from one moment to another.")
class Alarm(Node):
    row: Private[rows.Alarm]
    loaders: Private[Loaders]

    kind: AlarmKind = strawberry.field(description="What is wrong. One of a kind is open for a device.")
    severity: Severity = strawberry.field(description="How bad it is, or was at last.")
    detail: str | None = strawberry.field(
        description="What was known when it began or its severity changed last, with units: `battery at 9 %`."
    )
    started_at: Instant = strawberry.field(description="When it was noticed.")
    ended_at: Instant | None = strawberry.field(description="When it was over; null while it is open.")

    @strawberry.field(description="The device that it is about. Needs `devices:read`.")
    async def device(self) -> Device:
        return Device.shape(await self.loaders.device.load(self.row.device_row), self.loaders)

    @classmethod
    def shape(cls, row: rows.Alarm, loaders: Loaders) -> Self:
        return cls(
            row=row,
            loaders=loaders,
            id=global_id("Alarm", row.id),
            kind=AlarmKind(row.kind),
            severity=Severity(row.severity),
            detail=row.detail,
            started_at=Instant(row.started_at),
            ended_at=None if row.ended_at is None else Instant(row.ended_at),
        )


@strawberry.type(description="A page of alarms.")
class AlarmConnection:
    edges: list[Edge[Alarm]] = strawberry.field(description="The entries, newest first.")
    page_info: PageInfo = strawberry.field(description="Where the page stands.")
    total_count: int = strawberry.field(description="How many there are in all.")

    @classmethod
    async def of_device(
        cls, device_row: int, loaders: Loaders, open: bool | None, first: int | None, after: str | None
    ) -> Self:
        size, before = inputs.page_size(first, "first", MOST), inputs.cursor(after, "after") or None
        if open:  # never more than there are kinds, and known already where devices are followed
            opened = (await loaders.open_alarms.load(device_row))[::-1]
            older = [alarm for alarm in opened if before is None or alarm.id < before]
            return cls.shape(older, size, before, len(opened), loaders)
        found, total = await loaders.alarms.load((device_row, open, before, size + 1))
        return cls.shape(found, size, before, total, loaders)

    @classmethod
    def shape(
        cls, found: Sequence[rows.Alarm], size: int, before: int | None, total: int, loaders: Loaders
    ) -> Self:
        """A page of `size` from one more than that, older than the row `before`."""
        edges = [Edge(cursor=str(row.id), node=Alarm.shape(row, loaders)) for row in found[:size]]
        where = page_info([edge.cursor for edge in edges], len(found) > size, before is not None)
        return cls(edges=edges, page_info=where, total_count=total)


@strawberry.type(description="When an account wants to be alarmed. Null, or false: never.")
class AlarmThresholds:
    battery_low: float | None = strawberry.field(
        description="Percent of battery, at or below which it is a warning. Usually 20."
    )
    battery_critical: float | None = strawberry.field(
        description="… and critical, unless it is charged. Usually 10."
    )
    temperature_low: float | None = strawberry.field(
        description="Degrees Celsius, below which it is a warning. Usually -10."
    )
    temperature_high: float | None = strawberry.field(
        description="Degrees Celsius, above which it is a warning. Usually 60."
    )
    clock_ahead: float | None = strawberry.field(
        description="Seconds that a report may come from the future; null also lets a clock be set by hand. "
        "Usually 5."
    )
    passings_pending: int | None = strawberry.field(
        description="Passings not sent yet, from which on it is a warning when they grow. Usually 100."
    )
    moved: float | None = strawberry.field(
        description="Metres that a device may be away from where it began to time. Usually 50."
    )
    missing_numbers: int | None = strawberry.field(
        description="How many missing numbers of a session are an alarm. Usually 1."
    )
    reader: bool = strawberry.field(description="Whether a missing reader is an alarm. Usually true.")
    silent: bool = strawberry.field(description="Whether silence in mode `START` is an alarm. Usually true.")

    @classmethod
    def shape(cls, found: health.Thresholds) -> Self:
        return cls(**found._asdict())


@strawberry.input(description="Thresholds that are to be changed; what is left out stays, null means never.")
class AlarmThresholdsInput:
    battery_low: float | None = strawberry.field(default=UNSET, description="Percent, 0 to 100.")
    battery_critical: float | None = strawberry.field(
        default=UNSET, description="Percent, 0 to 100, not above the low one."
    )
    temperature_low: float | None = strawberry.field(
        default=UNSET, description="Degrees Celsius, -100 to 200."
    )
    temperature_high: float | None = strawberry.field(
        default=UNSET, description="Degrees Celsius, -100 to 200, 5 above the low one."
    )
    clock_ahead: float | None = strawberry.field(default=UNSET, description="Seconds, 0.1 to 300.")
    passings_pending: int | None = strawberry.field(default=UNSET, description="From 1.")
    moved: float | None = strawberry.field(default=UNSET, description="Metres, 1 to a million.")
    missing_numbers: int | None = strawberry.field(default=UNSET, description="From 1.")
    reader: bool | None = strawberry.field(
        default=UNSET, description="Whether a missing reader is an alarm; not null."
    )
    silent: bool | None = strawberry.field(
        default=UNSET, description="Whether silence in mode `START` is an alarm; not null."
    )


Open = Annotated[
    bool | None,
    strawberry.argument(description="True: open ones; false: ended ones; null: both."),
]


@strawberry.type
class Query:
    @strawberry.field(
        description="Alarms of the account's devices, or of the one device that the key is for, newest "
        "first. Needs `devices:read`."
    )
    async def alarms(
        self,
        info: Info,
        open: Open = True,
        severity: Annotated[
            Severity | None, strawberry.argument(description="Only those; default all.")
        ] = None,
        first: First = None,
        after: After = None,
    ) -> AlarmConnection:
        size, before = inputs.page_size(first, "first", MOST), inputs.cursor(after, "after") or None
        name = None if severity is None else Severity(severity).name
        found, total = await alarms.page(
            info.context, open=open, severity=name, before=before, limit=size + 1
        )
        return AlarmConnection.shape(found, size, before, total, Loaders(info.context))


@strawberry.type
class Mutation:
    @strawberry.mutation(
        description="When the account wants to be alarmed; its devices are judged anew at once. Needs "
        "`devices:write`."
    )
    async def set_alarm_thresholds(
        self,
        info: Info,
        input: Annotated[AlarmThresholdsInput, strawberry.argument(description="What is to be changed.")],
    ) -> AlarmThresholds:
        return AlarmThresholds.shape(await alarms.set_thresholds(info.context, written(input)))
