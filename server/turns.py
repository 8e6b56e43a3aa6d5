"""Who has much to do at once lets others have their turn."""

import asyncio
from collections.abc import Callable

TURN = 0.005
"""Seconds for which a burst may hold up everybody else."""


def turn() -> float:
    """When others have to get their turn."""
    return asyncio.get_running_loop().time() + TURN


async def taken(until: float, before: Callable[[], None] = lambda: None) -> float:
    """Lets others have it once it is time, after `before`. Returns when they have to get the next."""
    if asyncio.get_running_loop().time() < until:
        return until
    before()
    await asyncio.sleep(0)
    return turn()
