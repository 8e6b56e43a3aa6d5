"""The task that keeps this server in exchange with the others on its database."""

import asyncio
import contextlib

import structlog

from resolvers.shares import Shares

logger = structlog.get_logger()


class Sharing:
    """Exchanges once an interval, from the start to the stop of the server. What fails is logged once, and
    then again when it works: limits go on with what is known meanwhile."""

    def __init__(self, shares: Shares, interval: float) -> None:
        self._shares = shares
        self._interval = interval
        self._task: asyncio.Task[None] | None = None
        self._works = True

    async def start(self) -> None:
        """Returns when the others are known, or cannot be asked."""
        await self._exchange()
        self._task = asyncio.create_task(self._keep(), name="sharing")

    async def close(self) -> None:
        """Also where it was never started."""
        if self._task is None:
            return
        self._task.cancel()
        await asyncio.wait([self._task])
        with contextlib.suppress(Exception):  # the others find out by themselves
            await self._shares.leave()

    async def _keep(self) -> None:
        while True:
            await asyncio.sleep(self._interval)
            await self._exchange()

    async def _exchange(self) -> None:
        try:
            await self._shares.exchange()
        except Exception as error:
            if self._works:
                logger.warning("limits are not shared with other servers", error=str(error) or repr(error))
            self._works = False
        else:
            if not self._works:
                logger.info("limits are shared with other servers again")
            self._works = True
