"""The task that keeps the watch over alarms going as long as the server runs."""

import asyncio

import structlog

from resolvers.watch import Watch
from subscriptions.hub import Hub

logger = structlog.get_logger()


async def keep(watch: Watch, hub: Hub, interval: float) -> None:
    """Looks once an interval at the devices that have news and at those that are due by the clock; at all of
    them at first and whenever news may have been missed. A look that fails is logged and made up for."""
    with hub.touches() as inbox:
        while True:
            devices, everything = inbox.take()
            try:
                await watch.look(None if everything else devices)
            except ExceptionGroup:  # of some devices, which the watch looks at again by itself
                logger.exception("devices could not be judged")
            except Exception:
                logger.exception("devices could not be watched")
                inbox.ring_all()
            await asyncio.sleep(interval)
