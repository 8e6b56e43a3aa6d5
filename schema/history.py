"""The history of a device's telemetry in GraphQL: a page of reports, or of buckets for a plot."""

from typing import Any

import strawberry
from strawberry import Private

from models.history import Bucket, Period
from models.telemetry import ReportRow
from resolvers import inputs, telemetry
from resolvers.telemetry import Part
from schema.loaders import Loaders
from schema.relay import Edge, PageInfo, page_info, part
from schema.scalars import BigInt
from schema.telemetry import TelemetryReport
from timing import clocks


@strawberry.type(description="A page of a device's telemetry.")
class TelemetryConnection:
    device_row: Private[int]
    period: Private[Period]
    width: Private[int | None]
    loaders: Private[Loaders]

    edges: list[Edge[TelemetryReport]] = strawberry.field(
        description="The entries, oldest first by `reportedAt`, also where they came late."
    )
    page_info: PageInfo = strawberry.field(description="Where the page stands.")

    @strawberry.field(description="How many reports there are in all, or buckets.")
    async def total_count(self) -> BigInt:
        key = self.device_row, self.period, self.width
        return BigInt(await self.loaders.history_count.load(key))


async def connection(
    device_row: int,
    loaders: Loaders,
    between: tuple[Any, Any],
    bucket: int | None,
    first: int | None,
    after: str | None,
    last: int | None,
    before: str | None,
) -> TelemetryConnection:
    """A page from the start, or with `last` from the end."""
    wanted = part(first, after, last, before)
    width, period = telemetry.width(bucket), telemetry.period(*between)
    from_end = wanted.from_end
    rest = Part(_rest(period, width, after, before), wanted.size + 1, from_end)
    found = await loaders.history.load((device_row, rest, width))
    more, beyond = len(found) > wanted.size, bool(before if from_end else after)
    edges = [_edge(each) for each in wanted.of([*found])]
    where = page_info(
        [edge.cursor for edge in edges],
        following=beyond if from_end else more,
        preceding=more if from_end else beyond,
    )
    return TelemetryConnection(
        device_row=device_row, period=period, width=width, loaders=loaders, edges=edges, page_info=where
    )


def _rest(period: Period, width: int | None, after: str | None, before: str | None) -> Period:
    """What of the period is behind or ahead of a cursor."""
    if after:
        step = 1 if width is None else width * clocks.SECOND
        return period.within(Period(_at(after, "after") + step))
    return period.within(Period(to=_at(before, "before") - 1)) if before else period


def _at(cursor: str, field: str) -> int:
    return (inputs.cursor(cursor, field) or 0) + clocks.FIRST


def _edge(found: ReportRow | Bucket) -> Edge[TelemetryReport]:
    """A cursor counts from the first instant that there is, so that it has no sign."""
    if isinstance(found, Bucket):
        at, node = found.from_, TelemetryReport.shape(found.newest, found)
    else:
        at, node = found.reported_at, TelemetryReport.shape(found)
    return Edge(cursor=str(max(at - clocks.FIRST, 0)), node=node)
