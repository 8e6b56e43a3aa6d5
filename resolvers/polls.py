"""The polling cursor of scoring programs: one session after the other, nothing skipped on the way."""

from typing import NamedTuple

from models import devices as device_rows
from models import keys as key_rows
from models import passings as rows
from models import sessions as session_rows
from models.database import AsyncSession
from models.passings import Row
from models.sessions import Session
from resolvers import costs
from resolvers.context import Context
from resolvers.errors import NotFound
from resolvers.passings import MOST, Between


class Poll(NamedTuple):
    """Passings of one session. `cursor` given back is lossless; `resumed_from` is the number asked behind."""

    session: Session | None
    resumed_from: int
    passings: list[Row]
    cursor: int


async def poll(
    ctx: Context,
    device_id: str,
    *,
    token: str | None = None,
    last: int | None = None,
    cursor: int | None = None,
    between: Between = (None, None),
    page: int = 1,
) -> Poll:
    """What a device sent since. With `cursor`: in the order of arrival, from that place on, in any session.

    With `token` and `last`: what is numbered higher; when nothing is, the next newer session that holds
    something.
    With neither: the newest session.
    """
    ctx.must("passings:read")
    async with ctx.database.reading() as session:
        device = await device_rows.by_device_id(session, ctx.caller.owner, device_id)
        if device is None:
            raise NotFound("Device")
        asked = await _asked(session, ctx, device, token)
        if cursor is not None:
            found = await _behind(session, device, cursor, between, page)
        else:
            found = await _above(session, device, asked, last, between, page)
    ctx.meter.charge(costs.rows(len(found.passings)))
    return found


async def _asked(
    session: AsyncSession, ctx: Context, device: device_rows.Device, token: str | None
) -> Session | None:
    """The session of that name; NotFound when it is not one of this device."""
    if token is None:
        return await session_rows.newest(session, device.id)
    found = await session_rows.by_token(session, ctx.caller.owner, token)
    if found is None or found.device_row != device.id:
        raise NotFound("Session", token)
    return found


async def _behind(
    session: AsyncSession, device: device_rows.Device, cursor: int, between: Between, page: int
) -> Poll:
    used = await session_rows.next_with_passings(session, device.id, after_position=cursor)
    if used is None:
        return Poll(await session_rows.newest(session, device.id), 0, [], cursor)
    found = await rows.arrived(
        session, used.id, cursor, between=between, offset=(page - 1) * MOST, limit=MOST
    )
    return Poll(used, 0, found, found[-1].position if len(found) == MOST else used.last_position)


async def _above(
    session: AsyncSession,
    device: device_rows.Device,
    used: Session | None,
    last: int | None,
    between: Between,
    page: int,
) -> Poll:
    if used is None:
        return Poll(None, 0, [], await key_rows.position(session, device.account_id))
    found = await _numbered(session, used, last, between, page)
    if not found and page == 1:
        following = await session_rows.next_with_passings(session, device.id, after_session=used.id)
        if following is not None:
            used, last = following, None
            found = await _numbered(session, used, last, between, page)
    return Poll(used, last or 0, found, await _cursor(session, device, used, found))


async def _cursor(session: AsyncSession, device: device_rows.Device, used: Session, found: list[Row]) -> int:
    """A place behind which everything is that was not given; so nothing is lost when it is resumed by."""
    if len(found) == MOST:
        left_out = await rows.first_position_above(session, used.id, found[-1].number)
        return used.last_position if left_out is None else left_out - 1
    if used.last_position:
        return used.last_position
    following = await session_rows.next_with_passings(session, device.id, after_session=used.id)
    if following is None:
        return await key_rows.position(session, device.account_id)
    return (await rows.first_position_above(session, following.id, -1) or 1) - 1


async def _numbered(
    session: AsyncSession, used: Session, last: int | None, between: Between, page: int
) -> list[Row]:
    first = None if last is None else last + 1
    return await rows.numbered(
        session, used.id, first=first, between=between, offset=(page - 1) * MOST, limit=MOST
    )
