"""The line to the other processes: broadcaster, watched over.

It keeps unbounded queues, mixes up concurrent first subscribers, fails concurrent publishes over PostgreSQL,
and may go silent without an exception. So a process has one channel, one subscriber that always listens, and
one task that speaks, at least once a second; what cannot be said, and silence, mean that the line is lost. It
is built anew until it is found.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from typing import Any, TypeVar
from urllib.parse import unquote, urlsplit

from broadcaster import Broadcast

T = TypeVar("T")

logger = logging.getLogger(__name__)

SCHEMES = ("memory", "redis", "rediss", "postgresql", "postgresql+asyncpg", "postgres")
WAKE = "passline-wake"
"""A channel without messages:
broadcaster's Redis listener falls asleep over its first subscription and needs a second."""
HEARTBEAT = 1.0
"""Seconds after which something is said though there is nothing to say."""
FIRST_BEATS = 0.05
"""… until something is heard: the line is found sooner."""
PACE = 0.002
"""Seconds between two things that are said: in a burst they are merged."""
SILENCE = 3.0
"""Seconds in which nothing is heard, not even oneself, after which the line is lost."""
CONNECTING = 2.0
"""Seconds that the server of the bus may take to let us in."""
SPEAKING = 1.5
"""Seconds that it may take for a message; redis-py would try for longer by itself."""
LEAVING = 1.0
"""Seconds that it may take to let us go, with each step."""
RETRY = 0.5
"""Seconds between two attempts to find the line again."""


class Bus:
    """One channel to all processes, this one included.

    `say` gives what is to be said now, best something each time; `heard` is called with each message, and
    `missed` whenever messages may have been missed: when the line is lost, and when it is found.
    """

    def __init__(
        self,
        url: str,
        say: Callable[[], Iterable[str]],
        heard: Callable[[str], None],
        missed: Callable[[], None],
    ) -> None:
        self._url = url.replace("postgresql+asyncpg:", "postgresql:", 1)
        self._channel = channel(url)
        self._say, self._heard, self._missed = say, heard, missed
        self._ringing = asyncio.Event()
        self._found = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._closing = self._told = False
        self.alive = False
        self.rebuilds = 0
        """How often the line was found again."""
        self.heard_at = time.monotonic()

    async def start(self) -> None:
        """Returns when something is heard, or after SILENCE seconds when nothing is: it may come later."""
        self._closing = False
        self._task = asyncio.create_task(self._run(), name="bus")
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(SILENCE):
                await self._found.wait()

    async def close(self) -> None:
        self._closing = True
        if self._task is not None:
            await _end(self._task, patience=5 * LEAVING)  # it leaves in three steps

    def ring(self) -> None:
        """There is something to say."""
        self._ringing.set()

    async def _run(self) -> None:
        while not self._closing:
            try:
                await self._hold()
            except Exception as error:
                if not self._told:  # once for each loss, not for each attempt
                    self._told = True
                    logger.warning("the bus is lost", extra={"error": self._described(error)})
            await asyncio.sleep(RETRY)

    async def _hold(self) -> None:
        """Raises when the line is lost."""
        async with (
            _line(self._url) as line,
            _entered(line.subscribe(WAKE)),
            _entered(line.subscribe(self._channel)) as subscriber,
        ):
            listening = asyncio.create_task(self._listen(subscriber))
            speaking = asyncio.create_task(self._speak(line))
            try:
                await asyncio.wait((listening, speaking), return_when=asyncio.FIRST_COMPLETED)
            finally:
                self._lose()  # before it is left, which may take its time
                wrong = await _end(listening, speaking)
            raise wrong[0] if wrong else ConnectionError("nobody speaks or listens any more")

    async def _listen(self, subscriber: Any) -> None:
        while True:
            async with asyncio.timeout(SILENCE):
                event = await subscriber.get()
            self.heard_at = time.monotonic()
            if not self.alive:
                self._find()
            self._heard(event.message)

    async def _speak(self, line: Broadcast) -> None:
        while True:
            self._ringing.clear()
            for message in self._say():
                async with asyncio.timeout(SPEAKING):
                    await line.publish(self._channel, message)
            await asyncio.sleep(PACE)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(HEARTBEAT if self.alive else FIRST_BEATS):
                    await self._ringing.wait()

    def _find(self) -> None:
        self.alive = True
        if self._found.is_set():
            self.rebuilds += 1
        if self._told:
            self._told = False
            logger.warning("the bus is found again")
        self._found.set()
        self._missed()

    def _lose(self) -> None:
        if self.alive:
            self.alive = False
            self._missed()

    def _described(self, error: BaseException) -> str:
        """What went wrong, without the password."""
        text = f"{type(error).__name__}: {error}"
        password = urlsplit(self._url).password
        for secret in {password, password and unquote(password)} - {None, ""}:
            text = text.replace(str(secret), "…")
        return text


def judged(url: str) -> str:
    """The URL of a bus. Raises ValueError, which does not repeat it: there may be a password in it."""
    scheme, colon, _ = url.partition("://")
    if not colon or scheme not in SCHEMES:
        raise ValueError(f"a bus begins with one of {', '.join(f'{scheme}://' for scheme in SCHEMES)}")
    try:
        urlsplit(url).port  # noqa: B018
    except ValueError:
        raise ValueError("no host and port are to be seen; is a / in the password? Write %2F") from None
    return url


def channel(url: str) -> str:
    """Redis has one space of channels for all its databases: each database gets one of its own."""
    parts = urlsplit(url)
    database = parts.path.strip("/") if parts.scheme in ("redis", "rediss") else ""
    return "passline" if database in ("", "0") else f"passline-{database}"


@asynccontextmanager
async def _line(url: str) -> AsyncIterator[Broadcast]:
    line = Broadcast(url)
    try:
        await _within(CONNECTING, line.connect())
    except BaseException:
        await _hush(line)  # it has begun to listen already
        await _leave(line._backend.disconnect())
        raise
    try:
        yield line
    finally:
        await _hush(line)
        await _leave(line.disconnect())


async def _hush(line: Broadcast) -> None:
    """Ends broadcaster's listener for Redis before its connection: it would take the end for a loss and
    connect again, with nobody to close that. What it failed with is known already."""
    listener = getattr(line._backend, "_listener", None)
    if isinstance(listener, asyncio.Task):
        await _end(listener)


@asynccontextmanager
async def _entered(context: contextlib.AbstractAsyncContextManager[T]) -> AsyncIterator[T]:
    """The context, entered and left in time: a server that hangs would keep us in it."""
    entered = await _within(CONNECTING, context.__aenter__())
    try:
        yield entered
    finally:
        await _leave(context.__aexit__(None, None, None))


async def _within(seconds: float, work: Awaitable[T]) -> T:
    async with asyncio.timeout(seconds):
        return await work


async def _leave(leaving: Awaitable[object]) -> None:
    with contextlib.suppress(Exception):
        await _within(LEAVING, leaving)


async def _end(*tasks: asyncio.Task[None], patience: float = 0.1) -> list[BaseException]:
    """What they failed with. They are cancelled as often as it takes: redis-py loses a cancellation that
    comes while it fails."""
    while left := [task for task in tasks if not task.done()]:
        for task in left:
            task.cancel()
        await asyncio.wait(left, timeout=patience)
    return [error for task in tasks if not task.cancelled() and (error := task.exception())]
