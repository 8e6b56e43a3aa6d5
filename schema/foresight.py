"""What a page of devices loads before its devices are shown, so that none of them has to wait for it."""

from collections.abc import Collection, Iterable, Sequence
from typing import Any

from resolvers import alarms, telemetry
from schema.context import Info
from schema.loaders import Loaders

OF_HEALTH = {"health", "connection", "lastSeenAt", "passingsPending"}
"""The fields of a device that need its newest report."""


async def foresee(info: Info, loaders: Loaders, ids: Sequence[int]) -> None:
    """Loads at once what each of the devices will be asked for."""
    if _asks(info.selected_fields, OF_HEALTH):
        health = await telemetry.health(info.context, ids)
        loaders.health.prime_many({id: health.get(id) for id in ids})
    if _asks(info.selected_fields, {"alarms"}):
        opened = await alarms.open_alarms(info.context, ids)
        loaders.open_alarms.prime_many({id: opened.get(id, []) for id in ids})


def _asks(selections: Iterable[Any], names: Collection[str]) -> bool:
    """Whether one of these fields is in it, however deep."""
    return any(getattr(each, "name", None) in names or _asks(each.selections, names) for each in selections)
