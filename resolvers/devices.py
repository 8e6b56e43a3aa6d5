"""Devices: binding, unbinding, looking at them."""

import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from models import devices as rows
from models import keys as key_rows
from models import sessions as session_rows
from resolvers import inputs
from resolvers.context import Context
from resolvers.errors import Invalid, NotFound
from timing import clocks

CONNECTED_FOR = 150 * clocks.SECOND
"""A device is connected while its last sign of life is younger: 2.5 reporting intervals of 60 s."""


def new_token() -> str:
    """An unguessable name: 64 upper-case hexadecimal characters, 256 random bits."""
    return secrets.token_hex(32).upper()


@dataclass(frozen=True, kw_only=True)
class NewDevice:
    """A device that wants to be bound. `time_zone`: for timestamps that come without one."""

    model: str
    serial_number: str
    type: str | None = None
    alias: str | None = None
    firmware: str | None = None
    time_zone: str | None = None

    def __post_init__(self) -> None:
        inputs.required(self.model, "model")
        inputs.required(self.serial_number, "serial_number")
        for field in ("type", "alias", "firmware"):
            inputs.text(getattr(self, field), field)
        if self.time_zone is not None:
            known_zone(self.time_zone, "time_zone")


class Bound(NamedTuple):
    """`fresh` is False when the device was bound already."""

    device: rows.Device
    fresh: bool


class Page(NamedTuple):
    """Some of a list, and how many there are in all."""

    devices: list[rows.Device]
    counts: dict[int, session_rows.Counts]
    total: int


def known_zone(name: str, field: str) -> str:
    inputs.text(name, field)
    try:
        clocks.zone(name)
    except clocks.UnknownZone:
        raise Invalid(field, "is not a time zone") from None
    return name


async def bind(ctx: Context, new: NewDevice) -> Bound:
    """Binds the device; one that was unbound continues under its old name with its history."""
    ctx.must("devices:write")
    account = ctx.caller.account
    async with ctx.database.transaction() as session:
        await key_rows.lock_account(session, account)  # so that two who bind the same device take turns
        device = await rows.by_serial_number(session, account, new.serial_number)
        fresh = device is None or not device.bound
        if device is None:
            device = rows.Device(
                account_id=account,
                device_id=new_token(),
                serial_number=new.serial_number,
                model=new.model,
                type=new.type or "CUSTOM_CHRONO",
                created_at=ctx.clock(),
            )
        elif fresh:
            device.model, device.type = new.model, new.type or device.type
        device.bound, device.last_login_at = True, ctx.clock()
        for field in ("alias", "firmware", "time_zone"):
            if (given := getattr(new, field)) is not None:
                setattr(device, field, given)
        await rows.add(session, device)
    return Bound(device, fresh)


async def unbind(ctx: Context, device_id: str) -> rows.Device:
    """Closes the active session and refuses what the device sends from now on. Nothing is deleted."""
    ctx.must("devices:unbind")
    async with ctx.database.transaction() as session:
        device = await rows.by_device_id(session, ctx.caller.account, device_id, lock=True)
        if device is None or not device.bound:
            raise NotFound("Device", device_id)
        device.bound = False
        await session_rows.close_active(session, device.id, ctx.clock())
        await rows.add(session, device)
    return device


async def of_id(ctx: Context, device_id: str) -> rows.Device:
    """A device of the account, bound or not."""
    ctx.must("devices:read")
    async with ctx.database.reading() as session:
        device = await rows.by_device_id(session, ctx.caller.account, device_id)
    if device is None:
        raise NotFound("Device", device_id)
    return device


async def page(
    ctx: Context,
    *,
    bound: bool | None = None,
    search: str | None = None,
    after: int = 0,
    number: int = 1,
    limit: int,
) -> Page:
    """Devices oldest first: page `number` of `limit` each, or `limit` behind the row `after`."""
    ctx.must("devices:read")
    inputs.text(search, "search")
    async with ctx.database.reading() as session:
        found, total = await rows.page(
            session,
            ctx.caller.account,
            bound=bound,
            search=search,
            after=after,
            offset=(number - 1) * limit,
            limit=limit,
        )
        counts = await session_rows.counts_by_device(session, [device.id for device in found])
    return Page(found, counts, total)


async def of_rows(ctx: Context, ids: Iterable[int]) -> dict[int, rows.Device]:
    """Devices by their row, for what refers to them."""
    ctx.must("devices:read")
    async with ctx.database.reading() as session:
        return {device.id: device for device in await rows.by_ids(session, ctx.caller.account, ids)}


async def counts(ctx: Context, ids: Iterable[int]) -> dict[int, session_rows.Counts]:
    """What the sessions of each device hold together. The rows come from an operation of this caller."""
    ctx.must("devices:read")
    async with ctx.database.reading() as session:
        owned = await rows.by_ids(session, ctx.caller.account, ids)
        return await session_rows.counts_by_device(session, [device.id for device in owned])


def connected(ctx: Context, last_seen_at: int | None) -> bool:
    """Whether the last sign of life is young enough."""
    return last_seen_at is not None and ctx.clock() - last_seen_at < CONNECTED_FOR
