"""Sessions: opening, closing, looking at them."""

from collections import defaultdict
from collections.abc import Iterable, Sequence

from models import devices as device_rows
from models import numbers as number_rows
from models import sessions as rows
from models.database import AsyncSession
from models.passings import Conflict
from resolvers import costs, inputs
from resolvers.context import Context
from resolvers.devices import new_token
from resolvers.errors import NotFound


async def open(ctx: Context, device_id: str, alias: str | None = None) -> rows.Session:
    """A new active session; the device's other active session is closed."""
    ctx.must("sessions:write", costs.CHANGE)
    inputs.text(alias, "alias")
    async with ctx.database.transaction() as session:
        device = await device_rows.by_device_id(session, ctx.caller.owner, device_id, lock=True)
        if device is None or not device.bound:
            raise NotFound("Device", device_id)
        await rows.close_active(session, device.id, ctx.clock())
        new = rows.Session(
            account_id=ctx.caller.account,
            device_row=device.id,
            token=new_token(),
            alias=alias,
            created_at=ctx.clock(),
        )
        await rows.add(session, new)
    ctx.reports.touched({device.id: device.account_id})
    return new


async def close(ctx: Context, token: str) -> rows.Session:
    """No passing is taken for it any more. Closing a closed one changes nothing."""
    ctx.must("sessions:write", costs.CHANGE)
    async with ctx.database.transaction() as session:
        found = await rows.by_token(session, ctx.caller.owner, token)
        if found is None:
            raise NotFound("Session", token)
        await rows.close(session, found.id, ctx.clock())
        await session.refresh(found)
    ctx.reports.touched({found.device_row: found.account_id})
    return found


async def of_token(ctx: Context, token: str) -> rows.Session:
    ctx.must("sessions:read")
    async with ctx.database.reading() as session:
        found = await rows.by_token(session, ctx.caller.owner, token)
    if found is None:
        raise NotFound("Session", token)
    return found


async def of_device(ctx: Context, device_id: str) -> list[rows.Session]:
    """The device's sessions, oldest first. Raises NotFound when there is none."""
    ctx.must("sessions:read")
    async with ctx.database.reading() as session:
        device = await device_rows.by_device_id(session, ctx.caller.owner, device_id)
        found = [] if device is None else await rows.of_device(session, device.id)
    if not found:
        raise NotFound("Sessions", device_id)
    ctx.meter.charge(costs.rows(len(found)))
    return found


async def active_of(ctx: Context, device_id: str) -> rows.Session:
    """The device's active session. Raises NotFound when there is none."""
    ctx.must("sessions:read")
    async with ctx.database.reading() as session:
        device = await device_rows.by_device_id(session, ctx.caller.owner, device_id)
        found = [] if device is None else await rows.active_of(session, [device.id])
    if not found:
        raise NotFound("Sessions", device_id)
    return found[0]


async def of_rows(ctx: Context, ids: Iterable[int]) -> dict[int, rows.Session]:
    """Sessions by their row, for what refers to them."""
    ctx.must("sessions:read")
    async with ctx.database.reading() as session:
        return {found.id: found for found in await rows.by_ids(session, ctx.caller.owner, ids)}


async def active_of_rows(ctx: Context, ids: Iterable[int]) -> dict[int, rows.Session]:
    """The active session by the device's row."""
    ctx.must("sessions:read")
    async with ctx.database.reading() as session:
        owned = await device_rows.by_ids(session, ctx.caller.owner, ids)
        return {found.device_row: found for found in await rows.active_of(session, [row.id for row in owned])}


async def pages(
    ctx: Context, ids: Sequence[int], after: int, first: int
) -> dict[int, tuple[list[rows.Session], int]]:
    """For each device's row a page of its sessions, oldest first, and how many it has."""
    ctx.must("sessions:read")
    async with ctx.database.reading() as session:
        owned = await device_rows.by_ids(session, ctx.caller.owner, ids)
        pages = await rows.pages(session, [row.id for row in owned], after=after, first=first)
    ctx.meter.charge(costs.rows(sum(len(page) for page, _ in pages.values())))
    return pages


async def missing_numbers(ctx: Context, ids: Iterable[int], limit: int) -> dict[int, list[int]]:
    """By session: numbers between its lowest and its highest that never arrived, lowest first."""
    ctx.must("passings:read")
    async with ctx.database.reading() as session:
        incomplete = [row for row, count in (await _missing(ctx, session, ids)).items() if count]
        gaps = await number_rows.gaps(session, incomplete, limit) if incomplete else {}
    numbers: dict[int, list[int]] = defaultdict(list)
    for row, runs in gaps.items():
        for first, last in runs:
            numbers[row].extend(range(first, min(last + 1, first + limit - len(numbers[row]))))
    return numbers


async def missing_counts(ctx: Context, ids: Iterable[int]) -> dict[int, int]:
    """By session: how many numbers between its lowest and its highest never arrived."""
    ctx.must("passings:read")
    async with ctx.database.reading() as session:
        return await _missing(ctx, session, ids)


async def _missing(ctx: Context, session: AsyncSession, ids: Iterable[int]) -> dict[int, int]:
    owned = {row.id: row for row in await rows.by_ids(session, ctx.caller.owner, ids)}
    spans = await number_rows.spans(session, owned)
    return {row: last - first + 1 - owned[row].passing_count for row, (first, last) in spans.items()}


async def conflicts(ctx: Context, ids: Iterable[int], limit: int) -> dict[int, list[Conflict]]:
    """By session: what the device sent under numbers that were taken by other content, oldest first."""
    ctx.must("passings:read")
    async with ctx.database.reading() as session:
        owned = await rows.by_ids(session, ctx.caller.owner, ids)
        some = [row.id for row in owned if row.conflict_count]
        return await number_rows.conflicts(session, some, limit) if some else {}
