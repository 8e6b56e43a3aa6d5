"""Devices: binding, unbinding, looking at them."""

import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from models import audits, telemetry
from models import devices as rows
from models import keys as key_rows
from models import sessions as session_rows
from models.audits import Action
from models.database import AsyncSession
from models.telemetry import Health
from resolvers import costs, inputs
from resolvers.context import Context
from resolvers.errors import DeviceNotFound, DeviceTiming, Invalid, NotFound
from timing import clocks, conditions

CONNECTED_FOR = conditions.CONNECTED_FOR
"""A device is connected while its last sign of life is younger: 2.5 reporting intervals of 60 s."""
TIMING = ("START", "TEST")
"""The modes in which a device is neither bound nor unbound, so that no data is lost."""
MOST_NAMED = 1000
"""Devices that can be followed by their names; who wants more follows all."""


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


@dataclass(frozen=True, slots=True)
class Binding:
    """Binds and unbinds devices of an account in the transaction of an operation, and writes down who did.

    Accounts are held before devices, sessions and keys, as by the writer of passings and everywhere: nobody
    waits for each other in a ring.
    """

    ctx: Context
    session: AsyncSession
    account_id: int
    token_id: int | None = None
    """The binding token that was shown for it."""

    async def bind(self, new: NewDevice) -> Bound:
        """Raises DeviceTiming, with nothing changed, for a device that is bound and timing."""
        now, device = self.ctx.clock(), await self._of(new.serial_number)
        fresh = device is None or not device.bound
        if device is None:
            device = rows.Device(
                account_id=self.account_id,
                device_id=new_token(),
                serial_number=new.serial_number,
                model=new.model,
                type=new.type or "CUSTOM_CHRONO",
                created_at=now,
            )
        elif fresh:
            device.model, device.type = new.model, new.type or device.type
        else:
            await self._must_not_time(device)
        device.bound, device.last_login_at = True, now
        for field in ("alias", "firmware", "time_zone"):
            if (given := getattr(new, field)) is not None:
                setattr(device, field, given)
        await rows.add(self.session, device)
        if fresh:
            await self.note(Action.DEVICE_BOUND, device)
        return Bound(device, fresh)

    async def unbind(self, device: rows.Device) -> None:
        """Raises DeviceTiming, with nothing changed."""
        await self._must_not_time(device)
        device.bound = False
        await session_rows.close_active(self.session, device.id, self.ctx.clock())
        await rows.add(self.session, device)
        await self.note(Action.DEVICE_UNBOUND, device)

    async def revoke_keys(self, device: rows.Device) -> bool:
        """Revokes what the device got for earlier binding tokens. True: callers are to be asked for anew."""
        revoked = await key_rows.revoke_of_binding(self.session, device.id, self.ctx.clock())
        for key_id in revoked:
            await self.note(Action.KEY_REVOKED, device, key_id)
        return bool(revoked)

    async def note(self, action: Action, device: rows.Device, key_id: int | None = None) -> None:
        entry = audits.Entry(
            account_id=self.account_id,
            at=self.ctx.clock(),
            actor=self.ctx.caller.key_id,
            action=action,
            key_id=key_id,
            token_id=self.token_id,
            device_row=device.id,
        )
        await audits.add(self.session, entry)

    async def _of(self, serial_number: str) -> rows.Device | None:
        """The device, held against others; without one the account is, so that two who make it take turns."""
        device = await rows.by_serial_number(self.session, self.account_id, serial_number, lock=True)
        if device is None:
            await key_rows.lock_account(self.session, self.account_id)
            device = await rows.by_serial_number(self.session, self.account_id, serial_number, lock=True)
        return device

    async def _must_not_time(self, device: rows.Device) -> None:
        """The device is held, so that no report changes its mode meanwhile."""
        if await telemetry.mode_of(self.session, device.id) in TIMING:
            raise DeviceTiming(device.device_id)


async def bind(ctx: Context, new: NewDevice) -> Bound:
    """Binds the device; one that was unbound continues under its old name with its history.

    Raises DeviceTiming, with nothing changed, for one that is bound and timing.
    """
    ctx.must("devices:write", costs.CHANGE)
    account = ctx.caller.account
    async with ctx.database.transaction() as session:
        bound = await Binding(ctx, session, account).bind(new)
    ctx.reports.touched({bound.device.id: account})
    return bound


async def unbind(ctx: Context, device_id: str) -> rows.Device:
    """Closes the active session, revokes the key that the device got for a binding token, and refuses what it
    sends from now on. Nothing is deleted. Raises DeviceTiming, with nothing changed.
    """
    ctx.must("devices:unbind", costs.CHANGE)
    account = ctx.caller.account
    async with ctx.database.transaction() as session:
        device = await rows.by_device_id(session, ctx.caller.owner, device_id, lock=True)
        if device is None or not device.bound:
            raise NotFound("Device", device_id)
        binding = Binding(ctx, session, account)
        await binding.unbind(device)
        revoked = await binding.revoke_keys(device)
    if revoked:
        ctx.callers.forget()
    ctx.reports.touched({device.id: account})
    return device


async def of_id(ctx: Context, device_id: str) -> rows.Device:
    """A device of the account, bound or not."""
    ctx.must("devices:read")
    async with ctx.database.reading() as session:
        device = await rows.by_device_id(session, ctx.caller.owner, device_id)
    if device is None:
        raise NotFound("Device", device_id)
    return device


async def page(
    ctx: Context,
    *,
    bound: bool | None = None,
    search: str | None = None,
    after: int = 0,
    before: int | None = None,
    from_end: bool = False,
    number: int = 1,
    limit: int,
) -> Page:
    """Devices oldest first: page `number` of `limit` each, or `limit` between the rows `after` and `before`,
    the first of them or the last."""
    ctx.must("devices:read")
    inputs.text(search, "search")
    async with ctx.database.reading() as session:
        found, total = await rows.page(
            session,
            ctx.caller.owner,
            bound=bound,
            search=search,
            after=after,
            before=before,
            from_end=from_end,
            offset=(number - 1) * limit,
            limit=limit,
        )
        counts = await session_rows.counts_by_device(session, [device.id for device in found])
    ctx.meter.charge(costs.rows(len(found)))
    return Page(found, counts, total)


async def of_rows(ctx: Context, ids: Iterable[int]) -> dict[int, rows.Device]:
    """Devices by their row, for what refers to them."""
    ctx.must("devices:read")
    async with ctx.database.reading() as session:
        return {device.id: device for device in await rows.by_ids(session, ctx.caller.owner, ids)}


async def counts(ctx: Context, ids: Iterable[int]) -> dict[int, session_rows.Counts]:
    """What the sessions of each device hold together. The rows come from an operation of this caller."""
    ctx.must("devices:read")
    async with ctx.database.reading() as session:
        owned = await rows.by_ids(session, ctx.caller.owner, ids)
        return await session_rows.counts_by_device(session, [device.id for device in owned])


async def reached(ctx: Context, device_ids: Sequence[str] | None) -> frozenset[int] | None:
    """The rows of the devices of these names; None: all of the account.
    Raises DeviceNotFound with the first name that is nobody's, or not the caller's to see."""
    ctx.must("devices:read")
    if device_ids is None:
        only = ctx.caller.device_row
        return None if only is None else frozenset([only])
    if not 1 <= len(device_ids) <= MOST_NAMED:
        raise Invalid("device_ids", f"must name 1 to {MOST_NAMED} devices")
    async with ctx.database.reading() as session:
        found = await rows.rows_of(session, ctx.caller.owner, device_ids)
    for name in device_ids:
        if name not in found:
            raise DeviceNotFound(name)
    return frozenset(found.values())


async def last_session_counts(ctx: Context, ids: Iterable[int]) -> dict[int, int]:
    """How many passings the newest session of each device holds."""
    ctx.must("devices:read")
    async with ctx.database.reading() as session:
        owned = await rows.by_ids(session, ctx.caller.owner, ids)
        return await session_rows.newest_counts(session, [device.id for device in owned])


def connected(ctx: Context, last_seen_at: int | None) -> bool:
    """Whether the last sign of life is young enough."""
    return last_seen_at is not None and ctx.clock() - last_seen_at < CONNECTED_FOR


def last_seen(counts: session_rows.Counts, health: Health | None) -> int | None:
    """The last sign of life: passings or a report, a stale or repeated one too."""
    heard = (counts.last_received_at, health.state.received_at if health else None)
    return max((at for at in heard if at is not None), default=None)
