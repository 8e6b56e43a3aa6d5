"""Telemetry: taking what devices say of themselves, and every way to read it."""

from collections.abc import Collection, Sequence
from typing import Any, NamedTuple

from models import devices as device_rows
from models import history as history_rows
from models import telemetry as rows
from models.batches import Failed, Full
from models.history import Bucket, Period
from models.reports import Submission, Written
from models.telemetry import Content, Health, ReportRow
from resolvers import costs, inputs, reports
from resolvers.context import Context
from resolvers.errors import Busy, Invalid, NotFound, TooLarge
from resolvers.reports import NewReport
from timing import clocks

MOST = 1_000
"""Reports in one call."""
PAGE = 5_000
"""Reports on a page of the whole history."""
WIDEST = 366 * 86_400
"""Seconds of a bucket."""


class Reported(NamedTuple):
    """What became of a call: `written` tells it for each of `reports`."""

    written: Written
    reports: Sequence[Content]


class Part(NamedTuple):
    """A page of a device's history: the first of what the period holds, or the last."""

    period: Period
    limit: int
    from_end: bool = False


async def report(ctx: Context, device_id: str, new: Sequence[NewReport] | None) -> Reported:
    """Stores what is new; returns when it is durable. Older ones than the newest change no state.

    One report that is nonsense refuses the whole call. Raises Invalid, TooLarge, NotFound, Busy.
    """
    ctx.must("telemetry:write", costs.recording(len(new or ()), costs.REPORTS))
    if new is None:
        raise Invalid("reports", "is missing", missing=True)
    if not new:
        raise Invalid("reports", f"must hold 1 to {MOST} reports")
    if len(new) > MOST:
        raise TooLarge("reports", f"must hold 1 to {MOST} reports")
    now = ctx.clock()
    try:
        judged = reports.judge(new, now)
    except clocks.NoZone:
        judged = reports.judge(new, now, await _zone_of(ctx, device_id))
    return Reported(await _written(ctx, Submission(ctx.caller.owner, device_id, now, judged)), judged)


async def _written(ctx: Context, submission: Submission) -> Written:
    known = submission.device_id.isalnum()  # else no name of ours, and maybe one that no database takes
    try:
        written = await ctx.reports.write(submission) if known else None
    except (Full, Failed):
        raise Busy from None
    if written is None:
        raise NotFound("Device", submission.device_id)
    return written


async def _zone_of(ctx: Context, device_id: str) -> str:
    """The device's zone, else UTC."""
    async with ctx.database.reading() as session:
        device = await device_rows.by_device_id(session, ctx.caller.owner, device_id)
    return (device and device.time_zone) or "UTC"


async def timed(
    ctx: Context, device_id: str, period: Period, page: int = 1, limit: int = PAGE
) -> list[ReportRow]:
    """A page of a device's reports, newest first."""
    ctx.must("telemetry:read")
    async with ctx.database.reading() as session:
        device = await device_rows.by_device_id(session, ctx.caller.owner, device_id)
        if device is None:
            raise NotFound("Device", device_id)
        found = await history_rows.timed(session, device.id, period, offset=(page - 1) * limit, limit=limit)
    ctx.meter.charge(costs.rows(len(found)))
    return found


async def history(ctx: Context, ids: Collection[int], part: Part) -> dict[int, list[ReportRow]]:
    """Reports by the device's row, oldest first."""
    ctx.must("telemetry:read")
    async with ctx.database.reading() as session:
        found = await history_rows.pages(
            session, ctx.caller.owner, ids, part.period, limit=part.limit, from_end=part.from_end
        )
    ctx.meter.charge(costs.rows(sum(map(len, found.values()))))
    return found


async def buckets(ctx: Context, ids: Collection[int], part: Part, width: int) -> dict[int, list[Bucket]]:
    """Buckets of so many seconds by the device's row, oldest first; those without a report are left out."""
    ctx.must("telemetry:read")
    async with ctx.database.reading() as session:
        found = await history_rows.buckets(
            session,
            ctx.caller.owner,
            ids,
            part.period,
            width * clocks.SECOND,
            limit=part.limit,
            from_end=part.from_end,
        )
    summed = sum(bucket.report_count for each in found.values() for bucket in each)
    ctx.meter.charge(summed / costs.SUMMED)
    return found


async def counts(
    ctx: Context, ids: Collection[int], period: Period, width: int | None = None
) -> dict[int, int]:
    """How many reports each device has, by its row; with a width how many buckets that are not empty."""
    ctx.must("telemetry:read")
    async with ctx.database.reading() as session:
        wide = None if width is None else width * clocks.SECOND
        return await history_rows.counts(session, ctx.caller.owner, ids, period, wide)


async def health(ctx: Context, ids: Collection[int]) -> dict[int, Health]:
    """How devices stand, by their row; one that never reported is missing."""
    ctx.must("devices:read")
    async with ctx.database.reading() as session:
        found = await rows.health_of(session, ids)
    ctx.meter.charge(costs.rows(len(found)))
    owner = ctx.caller.owner
    return {
        row: each
        for row, each in found.items()
        if each.state.account_id == owner.account_id and owner.device_row in (None, row)
    }


def period(from_: Any, to: Any) -> Period:
    """The period between two moments; None is open."""
    earliest, latest = inputs.instant(from_, "from"), inputs.instant(to, "to")
    return Period(clocks.FIRST if earliest is None else earliest, clocks.LAST if latest is None else latest)


def width(seconds: int | None) -> int | None:
    """The width of a bucket, judged."""
    return None if seconds is None else inputs.whole(seconds, "bucket", 1, WIDEST)
