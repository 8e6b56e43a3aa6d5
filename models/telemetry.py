"""Telemetry: what devices say of themselves, and the state that follows from it."""

from collections.abc import Iterable
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy import BigInteger, Index
from sqlmodel import Field, SQLModel
from sqlmodel.ext.asyncio.session import AsyncSession


class Report(SQLModel, table=True):
    """What a device said of itself at one moment. A column is null where it said nothing."""

    __tablename__ = "telemetry"
    __table_args__ = {"sqlite_with_rowid": False}

    device_row: int = Field(foreign_key="devices.id", primary_key=True)
    reported_at: int = Field(sa_type=BigInteger, primary_key=True, sa_column_kwargs={"autoincrement": False})
    received_at: int = Field(sa_type=BigInteger)
    stale: bool
    """Whether a newer report was stored already when it came."""
    status: str | None = None
    mode: str | None = None
    battery_percentage: float | None = None
    charging: bool | None = None
    voltage: float | None = None
    temperature: float | None = None
    latitude: float | None = None
    longitude: float | None = None
    altitude: float | None = None
    connectivity: str | None = None
    signal_strength: float | None = None
    reader_connected: bool | None = None
    antennas: int | None = None
    firmware: str | None = None
    passings_pending: int | None = Field(default=None, sa_type=BigInteger)
    clock_source: str | None = None
    configuration: str | None = None
    """An object, as JSON."""
    extra: str | None = None
    """An object, as JSON."""


class State(SQLModel, table=True):
    """How a device stands: one row for each that ever reported, kept by the writer of reports."""

    __tablename__ = "device_states"
    __table_args__ = (Index("device_states_of_account", "account_id", "device_row"),)

    device_row: int = Field(
        foreign_key="devices.id", primary_key=True, sa_column_kwargs={"autoincrement": False}
    )
    account_id: int = Field(foreign_key="accounts.id")
    reported_at: int = Field(sa_type=BigInteger)
    """Of the newest report; with the device's row it names that report."""
    received_at: int = Field(sa_type=BigInteger)
    """When any report came last, a stale or repeated one too: a sign of life."""
    mode: str | None = None
    """The last mode that was told by a report that was not stale."""
    pending_before: int | None = Field(default=None, sa_type=BigInteger)
    """`passings_pending` of the report that was the newest before."""
    anchor_latitude: float | None = None
    """Where it stood when it began to time; kept by the watch over alarms."""
    anchor_longitude: float | None = None
    anchored_at: int | None = Field(default=None, sa_type=BigInteger)
    """`reported_at` of the report that told it."""
    thinned_until: int = Field(default=0, sa_type=BigInteger, sa_column_kwargs={"server_default": "0"})
    """Older reports are thinned already."""


class Content(NamedTuple):
    """What a device says of itself at one moment; `configuration` and `extra` are objects, as JSON."""

    reported_at: int
    status: str | None = None
    mode: str | None = None
    battery_percentage: float | None = None
    charging: bool | None = None
    voltage: float | None = None
    temperature: float | None = None
    latitude: float | None = None
    longitude: float | None = None
    altitude: float | None = None
    connectivity: str | None = None
    signal_strength: float | None = None
    reader_connected: bool | None = None
    antennas: int | None = None
    firmware: str | None = None
    passings_pending: int | None = None
    clock_source: str | None = None
    configuration: str | None = None
    extra: str | None = None


class ReportRow(NamedTuple):
    """A stored report. Cheaper to read than a `Report` object by a factor of ten; same names, same order."""

    device_row: int
    reported_at: int
    received_at: int
    stale: bool
    status: str | None
    mode: str | None
    battery_percentage: float | None
    charging: bool | None
    voltage: float | None
    temperature: float | None
    latitude: float | None
    longitude: float | None
    altitude: float | None
    connectivity: str | None
    signal_strength: float | None
    reader_connected: bool | None
    antennas: int | None
    firmware: str | None
    passings_pending: int | None
    clock_source: str | None
    configuration: str | None
    extra: str | None


class StateRow(NamedTuple):
    """A stored state, as `ReportRow` is a report."""

    device_row: int
    account_id: int
    reported_at: int
    received_at: int
    mode: str | None
    pending_before: int | None
    anchor_latitude: float | None
    anchor_longitude: float | None
    anchored_at: int | None
    thinned_until: int


class Health(NamedTuple):
    """How a device stands, and the newest report that it stands on."""

    state: StateRow
    report: ReportRow


REPORTS: sa.Table = Report.__table__  # type: ignore[attr-defined]
STATES: sa.Table = State.__table__  # type: ignore[attr-defined]
REPORT_COLUMNS = [REPORTS.c[name] for name in ReportRow._fields]

NEWEST = sa.and_(REPORTS.c.device_row == STATES.c.device_row, REPORTS.c.reported_at == STATES.c.reported_at)
_HEALTH = sa.select(*(STATES.c[name] for name in StateRow._fields), *REPORT_COLUMNS).join(REPORTS, NEWEST)
_WIDTH = len(StateRow._fields)


async def health_of(session: AsyncSession, device_rows: Iterable[int]) -> dict[int, Health]:
    """By the device's row; a device that never reported is missing."""
    query = _HEALTH.where(STATES.c.device_row.in_(device_rows))
    found = (await (await session.connection()).execute(query)).all()
    return {row[0]: Health(StateRow._make(row[:_WIDTH]), ReportRow._make(row[_WIDTH:])) for row in found}


async def mode_of(session: AsyncSession, device_row: int) -> str | None:
    """The last mode that the device reported; None before it told one."""
    query = sa.select(STATES.c.mode).where(STATES.c.device_row == device_row)
    mode: str | None = (await (await session.connection()).execute(query)).scalar()
    return mode
