"""Telemetry in GraphQL: what devices said, how they stand."""

import enum
from typing import TYPE_CHECKING, Annotated, Any, Self

import orjson
import strawberry
from strawberry import Private

from models import devices as device_rows
from models.history import Bucket
from models.telemetry import Health, ReportRow
from schema.loaders import Loaders
from schema.readings import then
from schema.scalars import BigInt, Instant, JsonObject
from schema.signs import ConnectionState, connection_of, last_seen_of
from timing import clocks

if TYPE_CHECKING:
    from schema.alarms import Alarm


@strawberry.enum(description="What a device is doing.")
class Mode(enum.Enum):
    IDLE = strawberry.enum_value("IDLE", description="It does not time.")
    START = strawberry.enum_value("START", description="It times; it cannot be unbound.")
    TEST = strawberry.enum_value("TEST", description="It times to try itself out; it cannot be unbound.")


@strawberry.enum(description="How a device is connected.")
class Connectivity(enum.Enum):
    ETHERNET = strawberry.enum_value("ETHERNET", description="By cable.")
    WIFI = strawberry.enum_value("WIFI", description="By a wireless network.")
    CELLULAR = strawberry.enum_value("CELLULAR", description="By a mobile network.")
    OFFLINE = strawberry.enum_value("OFFLINE", description="It was not, when it made the report.")


@strawberry.enum(description="Where a device has its time from.")
class ClockSource(enum.Enum):
    NTP = strawberry.enum_value("NTP", description="From a time server.")
    GPS = strawberry.enum_value("GPS", description="From satellites.")
    MANUAL = strawberry.enum_value("MANUAL", description="Somebody set it by hand.")


@strawberry.type
class Told:
    """The fields of a report that reports and the state of a device have in common."""

    row: Private[ReportRow | None]

    device_status: str | None = strawberry.field(
        description="In the device's own words, up to 64 characters."
    )
    mode: Mode | None = strawberry.field(description="What it is doing.")
    battery_percentage: float | None = strawberry.field(description="Charge of the battery, 0 to 100.")
    charging: bool | None = strawberry.field(description="Whether the battery is being charged.")
    voltage: float | None = strawberry.field(description="Supply voltage, in volts.")
    temperature: float | None = strawberry.field(description="In °C, -60 to 150.")
    latitude: float | None = strawberry.field(description="Degrees north, -90 to 90.")
    longitude: float | None = strawberry.field(description="Degrees east, -180 to 180.")
    altitude: float | None = strawberry.field(description="Metres above the sea.")
    connectivity: Connectivity | None = strawberry.field(description="How it is connected.")
    signal_strength: float | None = strawberry.field(description="Of its radio link, in dBm.")
    reader_connected: bool | None = strawberry.field(description="Whether its reader is there.")
    antennas: int | None = strawberry.field(description="How many antennas it has.")
    firmware: str | None = strawberry.field(description="The firmware that it runs.")
    passings_pending: BigInt | None = strawberry.field(
        description="Passings that it holds and has not sent yet."
    )
    clock_source: ClockSource | None = strawberry.field(description="Where it has its time from.")

    @strawberry.field(description="The device's settings, up to 16 KiB.")
    def configuration(self) -> JsonObject | None:
        return _decoded(self.row and self.row.configuration)

    @strawberry.field(description="Whatever else it told, up to 4 KiB.")
    def extra(self) -> JsonObject | None:
        return _decoded(self.row and self.row.extra)


def _decoded(text: str | None) -> JsonObject | None:
    return None if text is None else JsonObject(orjson.loads(text))


def _told(row: ReportRow) -> dict[str, Any]:
    return {
        "row": row,
        "device_status": row.status,
        "mode": row.mode and Mode[row.mode],
        "battery_percentage": row.battery_percentage,
        "charging": row.charging,
        "voltage": row.voltage,
        "temperature": row.temperature,
        "latitude": row.latitude,
        "longitude": row.longitude,
        "altitude": row.altitude,
        "connectivity": row.connectivity and Connectivity[row.connectivity],
        "signal_strength": row.signal_strength,
        "reader_connected": row.reader_connected,
        "antennas": row.antennas,
        "firmware": row.firmware,
        "passings_pending": row.passings_pending,
        "clock_source": row.clock_source and ClockSource[row.clock_source],
    }


NOTHING_TOLD: dict[str, Any] = dict.fromkeys(_told(ReportRow(*[None] * len(ReportRow._fields))))  # type: ignore[arg-type]


@strawberry.type(description="How a quantity varied in a bucket; all null when no report told it.")
class TelemetrySpread:
    min: float | None = strawberry.field(description="The lowest value.")
    max: float | None = strawberry.field(description="The highest value.")
    average: float | None = strawberry.field(description="The mean of the values that were told.")
    last: float | None = strawberry.field(description="The newest value that was told.")


def _spread(bucket: Bucket, quantity: str) -> TelemetrySpread:
    return TelemetrySpread(**bucket.spreads[quantity]._asdict())


@strawberry.type(description="The reports of one span of time, summed up by the database.")
class TelemetryBucket:
    bucket: Private[Bucket]

    from_: Instant = strawberry.field(
        name="from", description="Where it begins: a multiple of its width since 1970."
    )
    to: Instant = strawberry.field(description="Where it ends; this instant is not in it.")
    report_count: int = strawberry.field(description="How many reports are in it, late ones too.")

    @strawberry.field(description="Charge of the battery, 0 to 100.")
    def battery_percentage(self) -> TelemetrySpread:
        return _spread(self.bucket, "battery_percentage")

    @strawberry.field(description="Supply voltage, in volts.")
    def voltage(self) -> TelemetrySpread:
        return _spread(self.bucket, "voltage")

    @strawberry.field(description="In °C.")
    def temperature(self) -> TelemetrySpread:
        return _spread(self.bucket, "temperature")

    @strawberry.field(description="Of the radio link, in dBm.")
    def signal_strength(self) -> TelemetrySpread:
        return _spread(self.bucket, "signal_strength")

    @strawberry.field(description="Passings that it held and had not sent yet.")
    def passings_pending(self) -> TelemetrySpread:
        return _spread(self.bucket, "passings_pending")


@strawberry.type(
    description="What a device said of itself at one moment; a field is null where it said nothing."
)
class TelemetryReport(Told):
    reported_at: Instant = strawberry.field(description="When it was so, by the device's clock.")
    received_at: Instant = strawberry.field(description="When the server took it.")
    stale: bool = strawberry.field(
        description="Whether a newer report was stored already when it came; it changed no state then."
    )
    bucket: TelemetryBucket | None = strawberry.field(
        description="What it stands for, when buckets were asked for: it is the newest report of this one."
    )

    @classmethod
    def shape(cls, row: ReportRow, bucket: Bucket | None = None) -> Self:
        return cls(
            **_told(row),
            reported_at=Instant(row.reported_at),
            received_at=Instant(row.received_at),
            stale=row.stale,
            bucket=bucket
            and TelemetryBucket(
                bucket=bucket,
                from_=Instant(bucket.from_),
                to=Instant(bucket.to),
                report_count=bucket.report_count,
            ),
        )


@strawberry.type(
    description="How a device stands: the fields of its newest report (of `mode` the last that was told) and "
    "what follows. Of a device that never reported, all but `connection` and `alarms` may be null."
)
class DeviceHealth(Told):
    device: Private[device_rows.Device]
    health: Private[Health | None]
    loaders: Private[Loaders]

    reported_at: Instant | None = strawberry.field(
        description="When the newest report was made, by the device's clock."
    )
    received_at: Instant | None = strawberry.field(description="When the server took the newest report.")

    age: float | None = strawberry.field(
        description="Seconds since `reportedAt` at the instant of the answer; negative for a fast clock."
    )

    @strawberry.field(description="The newest report; null before the first.")
    def report(self) -> TelemetryReport | None:
        return None if self.health is None else TelemetryReport.shape(self.health.report)

    @strawberry.field(description="Whether it was heard within the last 150 s, by a report or by passings.")
    def connection(self) -> ConnectionState:
        return connection_of(self.device.id, self.loaders)

    @strawberry.field(description="Its last sign of life: a report or passings, whatever they held.")
    def last_seen_at(self) -> Instant | None:
        return last_seen_of(self.device.id, self.loaders, lambda at: None if at is None else Instant(at))

    @strawberry.field(description="What is wrong with it now, oldest first.")
    def alarms(self) -> list[Annotated["Alarm", strawberry.lazy("schema.alarms")]]:
        from schema.alarms import Alarm

        loaders = self.loaders
        return then(
            loaders.open_alarms, self.device.id, lambda rows: [Alarm.shape(row, loaders) for row in rows]
        )

    @classmethod
    def shape(cls, device: device_rows.Device, health: Health | None, loaders: Loaders) -> Self:
        mine: dict[str, Any] = {"device": device, "health": health, "loaders": loaders}
        if health is None:
            return cls(**NOTHING_TOLD, **mine, reported_at=None, received_at=None, age=None)
        state, report = health
        told = _told(report) | {"mode": state.mode and Mode[state.mode]}
        return cls(
            **told,
            **mine,
            reported_at=Instant(report.reported_at),
            received_at=Instant(report.received_at),
            age=(loaders.ctx.clock() - report.reported_at) / clocks.SECOND,
        )
