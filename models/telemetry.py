"""Telemetry: what devices say of themselves, and the state that follows from it."""

from sqlalchemy import BigInteger, Index
from sqlmodel import Field, SQLModel


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
    thinned_until: int = Field(default=0, sa_type=BigInteger, sa_column_kwargs={"server_default": "0"})
    """Older reports are thinned already."""
