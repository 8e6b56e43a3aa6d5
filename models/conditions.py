"""What the watch over alarms looks at: queries over devices, their states, newest reports and sessions."""

from collections.abc import Collection, Iterable, Mapping
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy import BigInteger, Integer
from sqlmodel import SQLModel
from sqlmodel.ext.asyncio.session import AsyncSession

from models import alarms, devices, passings, sessions, telemetry
from timing.conditions import Condition
from timing.health import Thresholds


class Known(NamedTuple):
    """A device's condition, and beside it what the watch needs to go on."""

    device_row: int
    account_id: int
    anchored_at: int | None
    session_row: int | None
    """Its active session, else its newest one."""
    passing_count: int
    """Of that session, as `received_at` is too."""
    received_at: int | None
    condition: Condition


def _columns(of: type[SQLModel]) -> Any:
    table: sa.Table = of.__table__  # type: ignore[attr-defined]
    return table.c


_DEVICE, _STATE, _REPORT = _columns(devices.Device), _columns(telemetry.State), _columns(telemetry.Report)
_SESSION, _THRESHOLDS = _columns(sessions.Session), _columns(alarms.Thresholds)
_PASSING = passings.TABLE.c
_BESIDE = Known._fields[:-1]


def _query() -> sa.Select[Any]:
    of_device = _SESSION.device_row == _DEVICE.id
    newest = sa.select(sa.func.max(_SESSION.id)).where(of_device).correlate(_DEVICE.id.table)
    session = sa.alias(_SESSION.id.table, "newest").c
    columns = {
        "device_row": _DEVICE.id,
        "account_id": _DEVICE.account_id,
        "anchored_at": _STATE.anchored_at,
        "session_row": session.id,
        "passing_count": sa.func.coalesce(session.passing_count, 0),
        "received_at": session.last_received_at,
        "bound": _DEVICE.bound,
        "mode": _STATE.mode,
        "reported_at": _STATE.reported_at,
        "report_came_at": _REPORT.received_at,
        "telemetry_at": _STATE.received_at,
        "passings_at": sa.func.coalesce(session.last_received_at, session.last_received_before),
        "battery": _REPORT.battery_percentage,
        "charging": _REPORT.charging,
        "temperature": _REPORT.temperature,
        "reader_connected": _REPORT.reader_connected,
        "clock_source": _REPORT.clock_source,
        "pending": _REPORT.passings_pending,
        "pending_before": _STATE.pending_before,
        "latitude": _REPORT.latitude,
        "longitude": _REPORT.longitude,
        "anchor_latitude": _STATE.anchor_latitude,
        "anchor_longitude": _STATE.anchor_longitude,
    }
    reported = (_REPORT.device_row == _STATE.device_row) & (_REPORT.reported_at == _STATE.reported_at)
    joined = (
        _DEVICE.id.table.outerjoin(_STATE.mode.table, _STATE.device_row == _DEVICE.id)
        .outerjoin(_REPORT.mode.table, reported)
        .outerjoin(session.id.table, session.id == newest.scalar_subquery())
    )
    wanted = _DEVICE.id.in_(sa.bindparam("rows", expanding=True))
    chosen = [columns[name] for name in (*_BESIDE, *Condition._fields)]
    return sa.select(*chosen).select_from(joined).where(wanted)


_QUERY = _query()


async def of(session: AsyncSession, device_rows: Collection[int]) -> list[Known]:
    """What is known of the devices, in one statement; of one that is no more, nothing."""
    found = await (await session.connection()).execute(_QUERY, {"rows": list(device_rows)})
    beside = len(_BESIDE)
    return [Known._make((*row[:beside], Condition._make(row[beside:]))) for row in found.all()]


async def devices_after(session: AsyncSession, after: int, limit: int) -> list[int]:
    """Rows of devices of any account, in their order."""
    query = sa.select(_DEVICE.id).where(_DEVICE.id > after).order_by(_DEVICE.id).limit(limit)
    return list((await (await session.connection()).scalars(query)).all())


async def devices_of(session: AsyncSession, account_id: int) -> list[int]:
    """Rows of the account's devices that are bound."""
    query = sa.select(_DEVICE.id).where(_DEVICE.account_id == account_id, _DEVICE.bound)
    return list((await (await session.connection()).scalars(query)).all())


async def wanted(session: AsyncSession, account_ids: Collection[int]) -> dict[int, Thresholds]:
    """The thresholds of the accounts that have set any."""
    columns = [_THRESHOLDS[field] for field in Thresholds._fields]
    query = sa.select(_THRESHOLDS.account_id, *columns).where(_THRESHOLDS.account_id.in_(account_ids))
    found = await (await session.connection()).execute(query)
    return {row[0]: Thresholds._make(row[1:]) for row in found.all()}


async def idle_since(session: AsyncSession, since: Mapping[int, int]) -> set[int]:
    """Which devices reported the mode IDLE after a moment, which `since` gives by their row."""
    marks = _marks(since.items()).c
    after = (_REPORT.device_row == marks.whose) & (_REPORT.reported_at > marks.mark)
    query = sa.select(marks.whose).where(sa.exists().where(after, _REPORT.mode == "IDLE"))
    return set((await (await session.connection()).scalars(query)).all())


async def counts_above(
    session: AsyncSession, numbers: Iterable[tuple[int, int]]
) -> dict[tuple[int, int], int]:
    """For each session and number: how many passings of the session have a higher one."""
    marks = _marks(numbers).c
    higher = (_PASSING.session_row == marks.whose) & (_PASSING.number > marks.mark)
    count = sa.select(sa.func.count()).select_from(passings.TABLE).where(higher).scalar_subquery()
    found = await (await session.connection()).execute(sa.select(marks.whose, marks.mark, count))
    return {(row[0], row[1]): row[2] for row in found.all()}


def _marks(pairs: Iterable[tuple[int, int]]) -> sa.CTE:
    """These pairs as a table, for one statement."""
    columns = sa.column("whose", Integer), sa.column("mark", BigInteger)
    return sa.values(*columns, name="given").data(list(pairs)).cte("marks")
