"""Alarms of devices and the thresholds that raise them: tables and queries."""

import sqlalchemy as sa
from sqlalchemy import BigInteger, Index
from sqlmodel import Field, SQLModel


class Alarm(SQLModel, table=True):
    """Something is wrong with a device, from one moment to another. At most one of a kind is open."""

    __tablename__ = "alarms"
    __table_args__ = (
        Index("alarms_of_device", "device_row", "id"),
        Index("alarms_of_account", "account_id", "id"),
        Index(
            "one_open_alarm",
            "device_row",
            "kind",
            unique=True,
            sqlite_where=sa.text("ended_at IS NULL"),
            postgresql_where=sa.text("ended_at IS NULL"),
        ),
    )

    id: int = Field(default=None, primary_key=True)
    account_id: int = Field(foreign_key="accounts.id")
    device_row: int = Field(foreign_key="devices.id")
    kind: str
    severity: str
    detail: str | None = None
    started_at: int = Field(sa_type=BigInteger)
    ended_at: int | None = Field(default=None, sa_type=BigInteger)


class Thresholds(SQLModel, table=True):
    """When an account wants to be alarmed; an account without a row has the usual ones.
    Null: never."""

    __tablename__ = "alarm_thresholds"

    account_id: int = Field(
        foreign_key="accounts.id", primary_key=True, sa_column_kwargs={"autoincrement": False}
    )
    battery_low: float | None = None
    battery_critical: float | None = None
    temperature_low: float | None = None
    temperature_high: float | None = None
    clock_ahead: float | None = None
    passings_pending: int | None = None
    moved: float | None = None
    missing_numbers: int | None = None
    reader: bool = True
    silent: bool = True
