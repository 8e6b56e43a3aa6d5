"""The task that keeps the watch over alarms going as long as the server runs."""

import asyncio
from collections.abc import Callable, Iterable

import structlog

from resolvers.watch import Watch
from subscriptions.hub import Hub
from subscriptions.patience import away

logger = structlog.get_logger()


async def keep(watch: Watch, hub: Hub, interval: float, turn: Callable[[], bool] = lambda: True) -> None:
    """Looks once an interval at the devices that have news and at those that are due by the clock; at all of
    them at first and whenever news may have been missed. A look that fails is logged and made up for.

    Of several servers it is the one whose `turn` it is that looks, and while the bus is not heard, or there
    is none, each of them: what one of them is told the others do not hear.
    """
    looked = False
    with hub.touches() as inbox:
        while True:
            devices, everything = inbox.take()
            looks = turn() or not hub.hears_others
            if looks and not await _look(watch, devices if looked and not everything else None):
                inbox.ring_all()
            looked = looks
            await asyncio.sleep(interval)


async def _look(watch: Watch, devices: Iterable[int] | None) -> bool:
    """Whether nothing has to be made up for by another look."""
    try:
        await watch.look(devices)
    except Exception as error:
        if away(error):
            return False
        if isinstance(error, ExceptionGroup):  # of some devices, which the watch looks at again by itself
            logger.exception("devices could not be judged")
            return True
        logger.exception("devices could not be watched")
        return False
    return True
