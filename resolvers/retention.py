"""How long telemetry is kept whole: older history is thinned to one report for each span of time."""

import asyncio
from collections.abc import Callable
from functools import partial

from models import thinning
from models.database import Database
from timing import clocks

DAY = 86_400 * clocks.SECOND
PAUSE = 0.02
"""Seconds between two transactions, for those who wait to write."""


class Retention:
    """Thins what is older than `full_days` days to the last report of each `span` seconds."""

    def __init__(self, database: Database, clock: Callable[[], int], full_days: int, span: int) -> None:
        self._database = database
        self._clock = clock
        self._full = full_days * DAY
        self._span = span * clocks.SECOND

    async def thin(self) -> None:
        """Returns when nothing is left to be thinned. A report that comes late is for the next call."""
        horizon = self._clock() - self._full
        horizon -= horizon % self._span
        while await self._database.transact(partial(thinning.thin, horizon, self._span)):
            await asyncio.sleep(PAUSE)
