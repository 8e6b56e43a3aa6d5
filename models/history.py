"""The history of devices' reports: pages of it, and buckets of a width that a plot wants."""

from collections import defaultdict
from collections.abc import Iterable
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy import BigInteger
from sqlmodel import col, func
from sqlmodel.ext.asyncio.session import AsyncSession

from models.devices import Device
from models.keys import Owner
from models.telemetry import REPORT_COLUMNS, REPORTS, ReportRow
from timing import clocks

QUANTITIES = ("battery_percentage", "voltage", "temperature", "signal_strength", "passings_pending")
"""What a bucket sums up."""


class Period(NamedTuple):
    """Instants of reports, both ends included."""

    from_: int = clocks.FIRST
    to: int = clocks.LAST

    def within(self, other: "Period") -> "Period":
        return Period(max(self.from_, other.from_), min(self.to, other.to))


class Spread(NamedTuple):
    """Of one quantity in one bucket; all None where no report told it. `last` is of the newest that did."""

    min: float | None
    max: float | None
    average: float | None
    last: float | None


class Bucket(NamedTuple):
    """The reports of a device in one span of time, from an instant to another (excluded)."""

    from_: int
    to: int
    report_count: int
    newest: ReportRow
    spreads: dict[str, Spread]


_R = REPORTS.c
_FROM, _TO = sa.bindparam("from", type_=BigInteger), sa.bindparam("to", type_=BigInteger)
_WIDTH = sa.bindparam("width", type_=BigInteger)
_PERIOD = (_R.reported_at >= _FROM, _R.reported_at <= _TO)
_DEVICES = sa.select(col(Device.id)).where(
    col(Device.account_id) == sa.bindparam("account"),
    col(Device.id).in_(sa.bindparam("rows", expanding=True)),
)
_START = _R.reported_at - ((_R.reported_at % _WIDTH) + _WIDTH) % _WIDTH
"""Where a report's bucket begins: a multiple of the width since 1970, also before that."""


async def _ask(
    session: AsyncSession,
    query: sa.Select[Any],
    owner: Owner,
    device_rows: Iterable[int],
    period: Period,
    **more: int,
) -> list[Any]:
    mine = [row for row in device_rows if owner.device_row in (None, row)]
    given = {"account": owner.account_id, "rows": mine, "from": period.from_, "to": period.to}
    return list((await (await session.connection()).execute(query, given | more)).all())


async def timed(
    session: AsyncSession, device_row: int, period: Period, *, offset: int = 0, limit: int
) -> list[ReportRow]:
    """Reports of a device, newest first."""
    query = sa.select(*REPORT_COLUMNS).where(_R.device_row == device_row, *_PERIOD)
    query = query.order_by(_R.reported_at.desc()).offset(offset).limit(limit)
    given = {"from": period.from_, "to": period.to}
    return [ReportRow._make(row) for row in await (await session.connection()).execute(query, given)]


def _page_query(from_end: bool) -> sa.Select[Any]:
    """Each device's page is cut by an edge of its own, so that no more of the index is read than is shown."""
    other = REPORTS.alias("other").c
    edge = (
        sa.select(other.reported_at)
        .where(other.device_row == Device.id, other.reported_at >= _FROM, other.reported_at <= _TO)
        .order_by(other.reported_at.desc() if from_end else other.reported_at)
        .offset(sa.bindparam("limit") - 1)
        .limit(1)
        .correlate(Device)
        .scalar_subquery()
    )
    limit = func.coalesce(edge, _FROM if from_end else _TO).label("edge")
    # Materialised: SQLite would else look for the edge again at each report.
    edges = sa.select(col(Device.id).label("id"), limit).where(col(Device.id).in_(_DEVICES)).cte("edges")
    edges = edges.prefix_with("MATERIALIZED")
    low, high = (edges.c.edge, _TO) if from_end else (_FROM, edges.c.edge)
    return (
        sa.select(*REPORT_COLUMNS)
        .join(edges, edges.c.id == _R.device_row)
        .where(_R.reported_at >= low, _R.reported_at <= high)
        .order_by(_R.device_row, _R.reported_at)
    )


_PAGES = {from_end: _page_query(from_end) for from_end in (False, True)}


async def pages(
    session: AsyncSession,
    owner: Owner,
    device_rows: Iterable[int],
    period: Period,
    *,
    limit: int,
    from_end: bool = False,
) -> dict[int, list[ReportRow]]:
    """For each device its first reports in the period, or its last, oldest first: one statement."""
    found: dict[int, list[ReportRow]] = defaultdict(list)
    for row in await _ask(session, _PAGES[from_end], owner, device_rows, period, limit=limit):
        found[row[0]].append(ReportRow._make(row))
    return found


def _count_query(what: sa.ColumnElement[int]) -> sa.Select[Any]:
    query = sa.select(_R.device_row, what).where(_R.device_row.in_(_DEVICES), *_PERIOD)
    return query.group_by(_R.device_row)


_COUNT, _BUCKET_COUNT = _count_query(func.count()), _count_query(func.count(sa.distinct(_START)))


async def counts(
    session: AsyncSession,
    owner: Owner,
    device_rows: Iterable[int],
    period: Period,
    width: int | None = None,
) -> dict[int, int]:
    """How many reports each device has in the period, or with a width how many buckets that are not empty."""
    if width is None:
        found = await _ask(session, _COUNT, owner, device_rows, period)
    else:
        found = await _ask(session, _BUCKET_COUNT, owner, device_rows, period, width=width)
    return {row[0]: row[1] for row in found}


def _grouped() -> sa.Subquery:
    columns: list[sa.ColumnElement[Any]] = []
    for name in QUANTITIES:
        columns += [
            func.min(_R[name]).label(f"{name}_min"),
            func.max(_R[name]).label(f"{name}_max"),
            func.avg(sa.cast(_R[name], sa.Float)).label(f"{name}_average"),
            func.max(sa.case((_R[name].is_not(None), _R.reported_at))).label(f"{name}_at"),
        ]
    newest = func.max(_R.reported_at).label("newest")
    query = sa.select(_R.device_row, _START.label("span"), func.count().label("reports"), newest, *columns)
    wanted = query.where(_R.device_row.in_(_DEVICES), *_PERIOD)
    return wanted.group_by(_R.device_row, sa.literal_column("span")).subquery("grouped")


def _bucket_query(from_end: bool) -> sa.Select[Any]:
    grouped = _grouped()
    order = grouped.c.span.desc() if from_end else grouped.c.span
    place = func.row_number().over(partition_by=grouped.c.device_row, order_by=order).label("place")
    placed = sa.select(grouped, place).subquery("placed")
    spreads = [column for name in QUANTITIES for column in _spread(placed, name)]
    newest = sa.and_(_R.device_row == placed.c.device_row, _R.reported_at == placed.c.newest)
    return (
        sa.select(placed.c.span, placed.c.reports, *spreads, *REPORT_COLUMNS)
        .join(REPORTS, newest)
        .where(placed.c.place <= sa.bindparam("limit"))
        .order_by(placed.c.device_row, placed.c.span)
    )


def _spread(placed: sa.Subquery, name: str) -> list[sa.ColumnElement[Any]]:
    """The newest report has told it as a rule; the one that did last is looked for only where not."""
    other = REPORTS.alias(f"{name}_of").c
    last = (
        sa.select(other[name])
        .where(other.device_row == placed.c.device_row, other.reported_at == placed.c[f"{name}_at"])
        .correlate(placed)
        .scalar_subquery()
    )
    told_last = sa.case((_R[name].is_not(None), _R[name]), else_=last)
    return [*(placed.c[f"{name}_{what}"] for what in ("min", "max", "average")), told_last]


_BUCKETS = {from_end: _bucket_query(from_end) for from_end in (False, True)}
_SPREADS = [(name, slice(at, at + 4)) for name, at in zip(QUANTITIES, range(2, 100, 4), strict=False)]
_NEWEST = 2 + 4 * len(QUANTITIES)


async def buckets(
    session: AsyncSession,
    owner: Owner,
    device_rows: Iterable[int],
    period: Period,
    width: int,
    *,
    limit: int,
    from_end: bool = False,
) -> dict[int, list[Bucket]]:
    """For each device its first buckets in the period that are not empty, or its last, oldest first."""
    query = _BUCKETS[from_end]
    found: dict[int, list[Bucket]] = defaultdict(list)
    for row in await _ask(session, query, owner, device_rows, period, width=width, limit=limit):
        newest = ReportRow._make(row[_NEWEST:])
        spreads = {name: Spread._make(row[place]) for name, place in _SPREADS}
        found[newest.device_row].append(Bucket(row[0], row[0] + width, row[1], newest, spreads))
    return found
