"""How PostgreSQL is talked to: one way to connect, a small pool for hot reads, and how it looks when it is
not there."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Iterator
from typing import Any

import asyncpg
import sqlalchemy as sa
from sqlalchemy.engine import URL

CONNECT = 5.0
"""Seconds until a connection that is not made is given up, or one of a full pool."""
STATEMENT = 15.0
"""Seconds until a statement without an answer is given up: the database hangs, or the network to it."""
SETTINGS = {
    "application_name": "passline",
    "synchronous_commit": "on",  # whatever the server's default: what is acknowledged is on its disk
    "default_transaction_isolation": "read committed",
    "idle_in_transaction_session_timeout": "30s",  # locks of a server that vanished
    "tcp_keepalives_idle": "5",
    "tcp_keepalives_interval": "2",
    "tcp_keepalives_count": "3",
    "jit": "off",  # compiling costs more than our statements
}


class Unreachable(Exception):
    """The database cannot be reached."""

    def __str__(self) -> str:
        return f"the database cannot be reached: {self.__cause__!r}"


SPOILT = (TimeoutError, asyncpg.InternalClientError)
"""After these a connection is of no use: its answer may still come, or its end was half heard of."""
LOST = (
    *SPOILT,
    OSError,  # refused, reset, timed out
    asyncpg.PostgresConnectionError,
    asyncpg.exceptions.OperatorInterventionError,  # shutting down, starting up, cancelled
    asyncpg.exceptions.InsufficientResourcesError,  # too many connections, a full disk
    asyncpg.exceptions.ReadOnlySQLTransactionError,  # a standby that is not promoted yet
    asyncpg.exceptions.IdleInTransactionSessionTimeoutError,
    sa.exc.TimeoutError,  # every connection of the pool is in use
)
REFUSED = (*LOST, asyncpg.PostgresError, asyncpg.InterfaceError)


def is_spoilt(error: BaseException) -> bool:
    """Whether the connection on which it was raised is of no use any more."""
    return any(isinstance(each, SPOILT) for each in _causes(error))


def is_lost(error: BaseException) -> bool:
    """Whether it says that the database is not there; not that it is there and does not like a statement."""
    return any(
        isinstance(each, LOST) or (type(each) is asyncpg.InterfaceError and "closed" in str(each))
        for each in _causes(error)
    )


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """The error, and what it was raised from."""
    while error is not None:
        yield error
        error = error.__cause__


@contextlib.contextmanager
def reached() -> Iterator[None]:
    """Raises Unreachable for what comes of a database that is not there."""
    try:
        yield
    except Unreachable:  # it names its cause
        raise
    except Exception as error:
        if is_lost(error):
            raise Unreachable from error
        raise


def _arguments(url: URL, settings: dict[str, str], patience: float | None) -> dict[str, Any]:
    return {
        "dsn": url.set(drivername="postgresql").render_as_string(hide_password=False),
        "timeout": CONNECT,
        "command_timeout": patience,
        "server_settings": SETTINGS | settings,
    }


async def connect(url: URL, settings: dict[str, str] | None = None, patience: float | None = None) -> Any:
    """A connection, or Unreachable after some seconds. `patience`: seconds for each statement."""
    return await _connect(**_arguments(url, settings or {}, patience))


async def _connect(*dsn: str, **arguments: Any) -> Any:
    try:
        return await asyncpg.connect(*dsn, **arguments)
    except REFUSED as error:
        raise Unreachable from error


class Direct:
    """A few connections of the driver's own. Through a session a read costs the processor 2 to 3 ms, through
    these a tenth, as statements stay prepared and nothing is said but the question."""

    def __init__(self, url: URL, size: int) -> None:
        self._url = url
        self._size = size
        self._pool: Any = None
        self._opening = asyncio.Lock()

    @contextlib.asynccontextmanager
    async def connection(self) -> AsyncGenerator[Any, None]:
        """One statement is one snapshot. Raises Unreachable."""
        with reached():
            pool = self._pool or await self._open()
            async with pool.acquire(timeout=CONNECT) as connection:
                try:
                    yield connection
                except SPOILT:
                    connection.terminate()
                    raise

    async def _open(self) -> Any:
        async with self._opening:
            if self._pool is None:
                self._pool = await asyncpg.create_pool(
                    min_size=0,
                    max_size=self._size,
                    connect=_connect,
                    reset=_as_it_is,
                    **_arguments(self._url, {}, STATEMENT),
                )
            return self._pool

    def close(self) -> None:
        if self._pool is not None:
            self._pool.terminate()


async def _as_it_is(_connection: Any) -> None:
    """Nobody changes a connection that only reads, so nothing needs to be set back between two of them."""
