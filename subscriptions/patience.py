"""A database that is away is waited for: who listens gets neither an error nor a gap."""

import asyncio
from collections.abc import Awaitable, Callable
from itertools import chain, repeat
from typing import TypeVar

from resolvers import errors

T = TypeVar("T")

PAUSES = (0.2, 0.4, 0.8)
"""Seconds between the first attempts to read …"""
LONGEST_PAUSE = 1.0
"""… and between all others: so late at most is it noticed that the database is back."""


def away(error: BaseException) -> bool:
    """Whether it says no more than that the database cannot be reached now."""
    if isinstance(error, BaseExceptionGroup):
        return all(map(away, error.exceptions))
    return isinstance(errors.told(error), errors.Busy)


async def patiently(read: Callable[[], Awaitable[T]]) -> T:
    """What is read, as soon as it can be."""
    for pause in chain(PAUSES, repeat(LONGEST_PAUSE)):
        try:
            return await read()
        except Exception as error:
            if not away(error):
                raise
        await asyncio.sleep(pause)
    raise AssertionError("the attempts never end")
