"""A fleet: the devices of an account with all that those who follow them see, read together."""

from collections.abc import AsyncIterator, Collection
from typing import NamedTuple

from sqlmodel import col, select

from models import alarms, sessions, telemetry
from models.alarms import Alarm
from models.database import AsyncSession, Database
from models.devices import Device
from models.sessions import Counts, Session
from models.telemetry import Health

AT_ONCE = 500
"""Devices that are read together; between two such reads others have their turn."""


class Sight(NamedTuple):
    """A device, and how it stands."""

    device: Device
    counts: Counts
    active: Session | None
    health: Health | None
    alarms: list[Alarm]


async def read(
    database: Database, account_id: int, rows: Collection[int] | None
) -> AsyncIterator[list[Sight]]:
    """These devices of the account, None: all of them; oldest first, some at a time."""
    left, after = None if rows is None else sorted(rows), 0
    while left is None or left:
        async with database.reading() as session:
            found = await _sights(session, account_id, left and left[:AT_ONCE], after)
        yield found
        if left is not None:
            left = left[AT_ONCE:]
        elif len(found) < AT_ONCE:
            return
        else:
            after = found[-1].device.id


async def _sights(session: AsyncSession, account_id: int, rows: list[int] | None, after: int) -> list[Sight]:
    query = select(Device).where(Device.account_id == account_id, col(Device.id) > after)
    if rows is not None:
        query = query.where(col(Device.id).in_(rows))
    devices = (await session.exec(query.order_by(col(Device.id)).limit(AT_ONCE))).all()
    ids = [device.id for device in devices]
    counts = await sessions.counts_by_device(session, ids)
    active = {each.device_row: each for each in await sessions.active_of(session, ids)}
    health = await telemetry.health_of(session, ids)
    opened = await alarms.open_of(session, ids)
    return [
        Sight(
            device,
            counts.get(device.id, Counts()),
            active.get(device.id),
            health.get(device.id),
            opened.get(device.id, []),
        )
        for device in devices
    ]
