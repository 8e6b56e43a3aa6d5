"""Alarms of devices and the thresholds that raise them: tables and queries."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from operator import itemgetter
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy import BigInteger, Index
from sqlmodel import Field, SQLModel, col, func, select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.keys import HIGHEST_ROW, Owner
from timing.health import Thresholds as Wanted


class Alarm(SQLModel, table=True):
    """Something is wrong with a device, from one moment to another. At most one of a kind is open."""

    __tablename__ = "alarms"
    __table_args__ = (
        Index("alarms_of_device", "device_row", "id"),
        Index("alarms_of_account", "account_id", "id"),
        Index(
            "open_alarms_of_account",
            "account_id",
            "id",
            sqlite_where=sa.text("ended_at IS NULL"),
            postgresql_where=sa.text("ended_at IS NULL"),
        ),
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


class Start(NamedTuple):
    """An alarm that begins."""

    device_row: int
    kind: str
    account_id: int
    severity: str
    detail: str


class Regrade(NamedTuple):
    """An open alarm, by its row, that is worse or better than it was."""

    alarm_row: int
    severity: str
    detail: str


class Anchor(NamedTuple):
    """Where a device began to time; without a place it does not."""

    device_row: int
    latitude: float | None
    longitude: float | None
    reported_at: int | None


@dataclass(slots=True)
class Changes:
    """What is to be written of alarms; `ends` are rows of open ones."""

    starts: list[Start] = field(default_factory=list)
    regrades: list[Regrade] = field(default_factory=list)
    ends: list[int] = field(default_factory=list)
    anchors: list[Anchor] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.starts or self.regrades or self.ends or self.anchors)


_START = sa.text(
    "INSERT INTO alarms (account_id, device_row, kind, severity, detail, started_at)"
    " VALUES (:account_id, :device_row, :kind, :severity, :detail, :at) ON CONFLICT DO NOTHING"
)
_REGRADE = sa.text(
    "UPDATE alarms SET severity = :severity, detail = :detail WHERE id = :alarm_row AND ended_at IS NULL"
)
_END = sa.text("UPDATE alarms SET ended_at = :at WHERE id = :alarm_row AND ended_at IS NULL")
_ANCHOR = sa.text(
    "UPDATE device_states SET anchor_latitude = :latitude, anchor_longitude = :longitude,"
    " anchored_at = :reported_at WHERE device_row = :device_row"
)


def write(changes: Changes, at: int, connection: sa.Connection) -> None:
    """Several servers may watch the same devices: an alarm that another has begun or ended stays as it is."""
    # In one order everywhere, so that two who do the same do not wait for each other.
    for statement, rows in (
        (_ANCHOR, [anchor._asdict() for anchor in sorted(changes.anchors, key=itemgetter(0))]),
        (_END, [{"alarm_row": row, "at": at} for row in sorted(changes.ends)]),
        (_REGRADE, [regrade._asdict() for regrade in sorted(changes.regrades)]),
        (_START, [start._asdict() | {"at": at} for start in sorted(changes.starts)]),
    ):
        if rows:
            connection.execute(statement, rows)


class Filter(NamedTuple):
    """Which alarms are meant; None: any."""

    open: bool | None = None
    severity: str | None = None


def _tests(owner: Owner, which: Filter) -> list[sa.ColumnElement[bool]]:
    tests = [col(Alarm.account_id) == owner.account_id]
    if owner.device_row is not None:
        tests.append(col(Alarm.device_row) == owner.device_row)
    if which.open is not None:
        ended = col(Alarm.ended_at)
        tests.append(ended.is_(None) if which.open else ended.is_not(None))
    if which.severity is not None:
        tests.append(col(Alarm.severity) == which.severity)
    return tests


async def open_of(
    session: AsyncSession, device_rows: Iterable[int], owner: Owner | None = None
) -> dict[int, list[Alarm]]:
    """By the device's row, oldest first; a device without an open alarm, or not the owner's, is missing."""
    tests = [col(Alarm.ended_at).is_(None)] if owner is None else _tests(owner, Filter(open=True))
    query = select(Alarm).where(col(Alarm.device_row).in_(device_rows), *tests).order_by(col(Alarm.id))
    found: dict[int, list[Alarm]] = {}
    for alarm in (await session.exec(query)).all():
        found.setdefault(alarm.device_row, []).append(alarm)
    return found


async def by_id(session: AsyncSession, owner: Owner, alarm_row: int) -> Alarm | None:
    if not 0 < alarm_row <= HIGHEST_ROW:
        return None
    query = select(Alarm).where(Alarm.id == alarm_row, *_tests(owner, Filter()))
    return (await session.exec(query)).first()


async def page(
    session: AsyncSession, owner: Owner, which: Filter, *, before: int | None = None, limit: int
) -> tuple[list[Alarm], int]:
    """Alarms newest first, those with a smaller row than `before`, and how many there are in all."""
    tests = _tests(owner, which)
    total = (await session.exec(select(func.count()).select_from(Alarm).where(*tests))).one()
    older = [] if before is None else [col(Alarm.id) < before]
    query = select(Alarm).where(*tests, *older).order_by(col(Alarm.id).desc()).limit(limit)
    return list((await session.exec(query)).all()), total


async def pages(
    session: AsyncSession,
    owner: Owner,
    device_rows: Collection[int],
    which: Filter,
    *,
    before: int | None = None,
    limit: int,
) -> dict[int, tuple[list[Alarm], int]]:
    """For each device a page of its alarms, as `page` gives them, in two statements for any number."""
    tests = [*_tests(owner, which), col(Alarm.device_row).in_(device_rows)]
    device = col(Alarm.device_row)
    counted = sa.select(device, func.count()).where(*tests).group_by(device)
    totals = {row[0]: row[1] for row in (await (await session.connection()).execute(counted)).all()}
    older = [] if before is None else [col(Alarm.id) < before]
    place = func.row_number().over(partition_by=device, order_by=col(Alarm.id).desc()).label("place")
    ranked = sa.select(col(Alarm.id).label("id"), place).where(*tests, *older).subquery()
    query = select(Alarm).join(ranked, col(Alarm.id) == ranked.c.id).where(ranked.c.place <= limit)
    found: dict[int, tuple[list[Alarm], int]] = {row: ([], totals.get(row, 0)) for row in device_rows}
    for alarm in (await session.exec(query.order_by(col(Alarm.id).desc()))).all():
        found[alarm.device_row][0].append(alarm)
    return found


async def set_thresholds(session: AsyncSession, account_id: int, new: Wanted) -> None:
    await session.merge(Thresholds(account_id=account_id, **new._asdict()))
