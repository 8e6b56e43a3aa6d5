"""Alarms of devices: which are open, which there were, and the thresholds that raise them."""

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from models import alarms as rows
from models import conditions
from models import keys as key_rows
from models.alarms import Alarm, Filter
from resolvers import costs, inputs
from resolvers.context import Context
from resolvers.errors import Invalid, NotFound
from timing.health import USUAL, Severity, Thresholds

SEVERITIES = tuple(Severity)
RANGES: Mapping[str, tuple[float, float]] = {
    "battery_low": (0, 100),
    "battery_critical": (0, 100),
    "temperature_low": (-100, 200),
    "temperature_high": (-100, 200),
    "clock_ahead": (0.1, 300),
    "passings_pending": (1, 1_000_000_000),
    "moved": (1, 1_000_000),
    "missing_numbers": (1, 1_000_000_000),
}
"""From where to where a threshold may be set."""
WHOLE = {"passings_pending", "missing_numbers"}
LEAST_APART = 5.0
"""Degrees between the limits of temperature: an alarm ends two degrees inside."""


async def open_alarms(ctx: Context, device_rows: Iterable[int]) -> dict[int, list[Alarm]]:
    """By the device's row, oldest first; a device without an open alarm is missing."""
    ctx.must("devices:read")
    async with ctx.database.reading() as session:
        return await rows.open_of(session, device_rows, ctx.caller.owner)


async def of_id(ctx: Context, alarm_row: int) -> Alarm:
    ctx.must("devices:read")
    async with ctx.database.reading() as session:
        alarm = await rows.by_id(session, ctx.caller.owner, alarm_row)
    if alarm is None:
        raise NotFound("Alarm")
    return alarm


async def page(
    ctx: Context,
    *,
    open: bool | None = None,
    severity: str | None = None,
    before: int | None = None,
    limit: int,
) -> tuple[list[Alarm], int]:
    """Alarms newest first, and how many there are in all; `open` None: those that ended too."""
    ctx.must("devices:read")
    which = _which(open, severity)
    async with ctx.database.reading() as session:
        found, total = await rows.page(session, ctx.caller.owner, which, before=before, limit=limit)
    ctx.meter.charge(costs.rows(len(found)))
    return found, total


async def pages(
    ctx: Context,
    device_rows: Collection[int],
    open: bool | None,
    before: int | None,
    limit: int,
) -> dict[int, tuple[list[Alarm], int]]:
    """For each device's row a page of its alarms, and how many it has in all."""
    ctx.must("devices:read")
    async with ctx.database.reading() as session:
        owner, which = ctx.caller.owner, _which(open, None)
        found = await rows.pages(session, owner, device_rows, which, before=before, limit=limit)
    ctx.meter.charge(costs.rows(sum(len(some) for some, _ in found.values())))
    return found


def _which(open: bool | None, severity: str | None) -> Filter:
    return Filter(open, None if severity is None else inputs.choice(severity, "severity", SEVERITIES))


async def thresholds(ctx: Context) -> Thresholds:
    """Those of the account."""
    ctx.must("devices:read")
    async with ctx.database.reading() as session:
        return (await conditions.wanted(session, [ctx.caller.account])).get(ctx.caller.account, USUAL)


async def set_thresholds(ctx: Context, patch: Mapping[str, Any]) -> Thresholds:
    """Changes those that the patch names; None, or False: never. Every device is judged anew."""
    ctx.must("devices:write", costs.CHANGE)
    account = ctx.caller.account
    async with ctx.database.transaction() as session:
        await key_rows.lock_account(session, account)  # so that two who change different ones take turns
        before = (await conditions.wanted(session, [account])).get(account, USUAL)
        new = before._replace(**{name: _judged(name, value) for name, value in patch.items()})
        _consistent(new)
        await rows.set_thresholds(session, account, new)
        devices = await conditions.devices_of(session, account)
    ctx.reports.touched(dict.fromkeys(devices, account))
    return new


def _judged(name: str, value: Any) -> Any:
    if name not in RANGES:
        return inputs.flag(value, name)
    if value is None:
        return None
    low, high = RANGES[name]
    if name in WHOLE:
        return inputs.whole(value, name, int(low), int(high))
    number = inputs.decimal(value, name)
    if number is None or not low <= number <= high:
        raise Invalid(name, f"must be between {low:g} and {high:g}")
    return number


def _consistent(new: Thresholds) -> None:
    if new.battery_low is not None and (new.battery_critical or 0) > new.battery_low:
        raise Invalid("battery_critical", "must not be above the low one")
    if new.temperature_low is not None and new.temperature_high is not None:
        if new.temperature_high - new.temperature_low < LEAST_APART:
            raise Invalid("temperature_high", f"must be {LEAST_APART:g} °C above the low one")
