"""Telemetry in GraphQL: handing it in."""

import enum
from typing import Annotated

import strawberry
from strawberry import Private

from resolvers import telemetry
from resolvers.reports import NewReport
from schema.context import GraphQLContext, Info
from schema.devices import Device
from schema.loaders import Loaders
from schema.scalars import BigInt, Instant, JsonObject
from schema.telemetry import ClockSource, Connectivity, Mode


@strawberry.enum(description="What became of a report that was handed in.")
class TelemetryOutcome(enum.Enum):
    INSERTED = strawberry.enum_value("INSERTED", description="Stored; it is durable.")
    STALE = strawberry.enum_value(
        "STALE",
        description="Stored, but older than the newest report: it changed nothing of the device's state.",
    )
    DUPLICATE = strawberry.enum_value(
        "DUPLICATE", description="A report of the same instant was stored before; that one stays."
    )


@strawberry.input(description="What a device says of itself at one moment. Leave out what it does not know.")
class TelemetryInput:
    reported_at: Instant | None = strawberry.field(
        default=None,
        description="When it was so; default now, at most 5 minutes in the future. Without a zone: the "
        "device's, else UTC.",
    )
    device_status: str | None = strawberry.field(
        default=None, description="In the device's own words, up to 64 characters."
    )
    mode: Mode | None = strawberry.field(default=None, description="What it is doing.")
    battery_percentage: float | None = strawberry.field(default=None, description="0 to 100.")
    charging: bool | None = strawberry.field(
        default=None, description="Whether the battery is being charged."
    )
    voltage: float | None = strawberry.field(default=None, description="Supply voltage, in volts.")
    temperature: float | None = strawberry.field(default=None, description="In °C, -60 to 150.")
    latitude: float | None = strawberry.field(default=None, description="Degrees north, -90 to 90.")
    longitude: float | None = strawberry.field(default=None, description="Degrees east, -180 to 180.")
    altitude: float | None = strawberry.field(default=None, description="Metres above the sea.")
    connectivity: Connectivity | None = strawberry.field(default=None, description="How it is connected.")
    signal_strength: float | None = strawberry.field(default=None, description="Of its radio link, in dBm.")
    reader_connected: bool | None = strawberry.field(default=None, description="Whether its reader is there.")
    antennas: int | None = strawberry.field(default=None, description="How many antennas it has, from 0.")
    firmware: str | None = strawberry.field(
        default=None, description="The firmware that it runs, up to 128 characters."
    )
    passings_pending: BigInt | None = strawberry.field(
        default=None, description="Passings that it holds and has not sent yet, from 0."
    )
    clock_source: ClockSource | None = strawberry.field(
        default=None, description="Where it has its time from."
    )
    configuration: JsonObject | None = strawberry.field(
        default=None, description="Its settings, up to 16 KiB as compact JSON."
    )
    extra: JsonObject | None = strawberry.field(
        default=None, description="Whatever else it has to tell, up to 4 KiB as compact JSON."
    )


@strawberry.type(description="What became of one report that was handed in.")
class TelemetryResult:
    reported_at: Instant = strawberry.field(
        description="Its instant; when it was handed in if it named none."
    )
    outcome: TelemetryOutcome = strawberry.field(description="What became of it.")


@strawberry.type(description="What became of the reports that were handed in together.")
class ReportTelemetryPayload:
    reported: Private[telemetry.Reported]
    ctx: Private[GraphQLContext]

    inserted_count: int = strawberry.field(description="How many are new and durable, stale ones too.")
    duplicate_count: int = strawberry.field(description="How many had an instant that was taken.")
    stale_count: int = strawberry.field(description="How many of the inserted ones are stale.")

    @strawberry.field(description="A result for each report, in the order of the call.")
    def results(self) -> list[TelemetryResult]:
        written = self.reported.written
        return [
            TelemetryResult(
                reported_at=Instant(report.reported_at),
                outcome=TelemetryOutcome.DUPLICATE
                if place in written.duplicates
                else TelemetryOutcome.STALE
                if place in written.stale
                else TelemetryOutcome.INSERTED,
            )
            for place, report in enumerate(self.reported.reports)
        ]

    @strawberry.field(description="The device that they are from. Needs `devices:read`.")
    async def device(self) -> Device:
        loaders = Loaders(self.ctx)
        return Device.shape(await loaders.device.load(self.reported.written.device_row), loaders)


def _new(given: TelemetryInput) -> NewReport:
    fields = vars(given)
    words = {name: value.name for name, value in fields.items() if isinstance(value, enum.Enum)}
    return NewReport(**(fields | words))


@strawberry.type
class Mutation:
    @strawberry.mutation(
        description="Stores up to 1000 reports of a bound device and answers when they are durable, with an "
        "outcome for each. One that is nonsense refuses all. Needs `telemetry:write`."
    )
    async def report_telemetry(
        self,
        info: Info,
        device_id: Annotated[str, strawberry.argument(description="The device's name.")],
        reports_: Annotated[
            list[TelemetryInput],
            strawberry.argument(name="reports", description="1 to 1000 reports, in any order."),
        ],
    ) -> ReportTelemetryPayload:
        reported = await telemetry.report(info.context, device_id, [_new(each) for each in reports_])
        written = reported.written
        return ReportTelemetryPayload(
            reported=reported,
            ctx=info.context,
            inserted_count=written.inserted,
            duplicate_count=len(written.duplicates),
            stale_count=len(written.stale),
        )
