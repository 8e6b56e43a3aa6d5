"""Sessions: opening, closing, looking at them."""

from collections.abc import Iterable, Sequence

from models import devices as device_rows
from models import passings as passing_rows
from models import sessions as rows
from models.database import AsyncSession
from resolvers import inputs
from resolvers.context import Context
from resolvers.devices import new_token
from resolvers.errors import NotFound


async def open(ctx: Context, device_id: str, alias: str | None = None) -> rows.Session:
    """A new active session; the device's other active session is closed."""
    ctx.caller.must("sessions:write")
    inputs.text(alias, "alias")
    async with ctx.database.transaction() as session:
        device = await device_rows.by_device_id(session, ctx.caller.account, device_id, lock=True)
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
        return await rows.add(session, new)


async def close(ctx: Context, token: str) -> rows.Session:
    """No passing is taken for it any more. Closing a closed one changes nothing."""
    ctx.caller.must("sessions:write")
    async with ctx.database.transaction() as session:
        found = await rows.by_token(session, ctx.caller.account, token)
        if found is None:
            raise NotFound("Session", token)
        await rows.close(session, found.id, ctx.clock())
        await session.refresh(found)
    return found


async def of_token(ctx: Context, token: str) -> rows.Session:
    ctx.caller.must("sessions:read")
    async with ctx.database.reading() as session:
        found = await rows.by_token(session, ctx.caller.account, token)
    if found is None:
        raise NotFound("Session", token)
    return found


async def of_device(ctx: Context, device_id: str) -> list[rows.Session]:
    """The device's sessions, oldest first. Raises NotFound when there is none."""
    ctx.caller.must("sessions:read")
    async with ctx.database.reading() as session:
        device = await device_rows.by_device_id(session, ctx.caller.account, device_id)
        found = [] if device is None else await rows.of_device(session, device.id)
    if not found:
        raise NotFound("Sessions", device_id)
    return found


async def active_of(ctx: Context, device_id: str) -> rows.Session:
    """The device's active session. Raises NotFound when there is none."""
    ctx.caller.must("sessions:read")
    async with ctx.database.reading() as session:
        device = await device_rows.by_device_id(session, ctx.caller.account, device_id)
        found = [] if device is None else await rows.active_of(session, [device.id])
    if not found:
        raise NotFound("Sessions", device_id)
    return found[0]


async def of_rows(ctx: Context, ids: Iterable[int]) -> dict[int, rows.Session]:
    """Sessions by their row, for what refers to them."""
    ctx.caller.must("sessions:read")
    async with ctx.database.reading() as session:
        return {found.id: found for found in await rows.by_ids(session, ctx.caller.account, ids)}


async def active_of_rows(ctx: Context, ids: Iterable[int]) -> dict[int, rows.Session]:
    """The active session by the device's row."""
    ctx.caller.must("sessions:read")
    async with ctx.database.reading() as session:
        owned = await device_rows.by_ids(session, ctx.caller.account, ids)
        return {found.device_row: found for found in await rows.active_of(session, [row.id for row in owned])}


async def pages(
    ctx: Context, ids: Sequence[int], after: int, first: int
) -> dict[int, tuple[list[rows.Session], int]]:
    """For each device's row a page of its sessions, oldest first, and how many it has."""
    ctx.caller.must("sessions:read")
    async with ctx.database.reading() as session:
        owned = await device_rows.by_ids(session, ctx.caller.account, ids)
        return await rows.pages(session, [row.id for row in owned], after=after, first=first)


async def missing_numbers(ctx: Context, found: rows.Session, limit: int) -> list[int]:
    """Numbers between the lowest and the highest of the session that never arrived, lowest first."""
    ctx.caller.must("passings:read")
    async with ctx.database.reading() as session:
        gaps = await passing_rows.gaps(session, found.id, limit) if await _missing(session, found) else []
    numbers: list[int] = []
    for first, last in gaps:
        numbers.extend(range(first, min(last + 1, first + limit - len(numbers))))
    return numbers


async def missing_count(ctx: Context, found: rows.Session) -> int:
    """How many numbers between the lowest and the highest of the session never arrived."""
    ctx.caller.must("passings:read")
    async with ctx.database.reading() as session:
        return await _missing(session, found)


async def _missing(session: AsyncSession, found: rows.Session) -> int:
    current = (await rows.by_ids(session, found.account_id, [found.id]))[0]
    span = await passing_rows.span(session, found.id)
    return 0 if span is None else span[1] - span[0] + 1 - current.passing_count


async def conflicts(ctx: Context, found: rows.Session, limit: int) -> Sequence[passing_rows.Conflict]:
    """What the device sent under numbers that were taken by other content, oldest first."""
    ctx.caller.must("passings:read")
    async with ctx.database.reading() as session:
        return await passing_rows.conflicts(session, found.id, limit)
