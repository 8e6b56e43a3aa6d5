"""Open connections: how many there may be, and how long a request may take to come in."""

import asyncio
import socket
import struct
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from resolvers.limits import Places
from server.addresses import Addresses, name_of

PROGRESS = 64 * 1024
"""Bytes of a body that must come within each `body_seconds`, unless it ends sooner; and likewise of an answer
that must be read."""
REASONS = (
    "connections",
    "connections_of_address",
    "head_time",
    "head_size",
    "body_time",
    "body_size",
    "unread",
)
"""Why a connection is not let in, or closed."""
RETRY_AFTER = 5
"""Seconds after which a refused connection may be tried again."""

NOT_A_MOMENT = struct.pack("ii", 1, 0)
"""How long the kernel goes on sending for a connection that was cut."""


@dataclass(frozen=True, kw_only=True)
class Bounds:
    """What one connection may do, and how many there may be: of one address, and in all."""

    head_seconds: float
    head_limit: int
    body_seconds: float
    body_limit: int
    of_address: int
    in_all: int

    @property
    def request_limit(self) -> int:
        """Bytes of a whole request. Chunks have heads of their own, so it is more than a body may have."""
        return 2 * (self.head_limit + self.body_limit)


class Line(Protocol):
    """A connection that can be told that something took too long."""

    def late(self) -> None: ...

    def unread(self) -> None: ...


T = TypeVar("T")
MOMENT = 0.05
"""Seconds in which what has come in is read."""


class Deadlines(Generic[T]):
    """Those that must come to an end with something within so many seconds: one timer for all of them.

    Those that do not are told, a moment later: what a busy server has not read yet counts.
    """

    def __init__(self, seconds: float, tell: Callable[[T], None]) -> None:
        self._seconds = seconds
        self._tell = tell
        self._due: OrderedDict[T, float] = OrderedDict()
        self._overdue: set[T] = set()
        self._timer: asyncio.TimerHandle | None = None

    def begin(self, line: T) -> None:
        """Its seconds begin, or begin anew."""
        self._overdue.discard(line)
        loop = asyncio.get_running_loop()
        self._due[line] = loop.time() + self._seconds
        self._due.move_to_end(line)
        if self._timer is None:
            self._timer = loop.call_later(self._seconds, self._look)

    def end(self, line: T) -> None:
        self._due.pop(line, None)
        self._overdue.discard(line)

    def _look(self) -> None:
        loop, self._timer = asyncio.get_running_loop(), None
        now = loop.time()
        while self._due:
            line, due = next(iter(self._due.items()))
            if due > now:
                self._timer = self._timer or loop.call_at(due, self._look)
                return
            del self._due[line]
            self._overdue.add(line)
            if len(self._overdue) == 1:
                loop.call_later(MOMENT, self._tell_all)

    def _tell_all(self) -> None:
        while self._overdue:
            self._tell(self._overdue.pop())


def cut(transport: asyncio.Transport) -> None:
    """Ends a connection whose peer does not read, and throws away what it left unread: else the kernel would
    keep some megabytes of it for minutes."""
    line = transport.get_extra_info("socket")
    if line is not None:
        line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, NOT_A_MOMENT)
    transport.abort()


class Connections:
    """The open connections of one server.

    Those of trusted proxies bring many clients, so they are counted in all only.
    """

    def __init__(self, bounds: Bounds, addresses: Addresses) -> None:
        self.bounds = bounds
        self.addresses = addresses
        self.heads = Deadlines[Line](bounds.head_seconds, lambda line: line.late())
        self.bodies = Deadlines[Line](bounds.body_seconds, lambda line: line.late())
        self.answers = Deadlines[Line](bounds.body_seconds, lambda line: line.unread())
        self.refused = dict.fromkeys(REASONS, 0)
        self._open: dict[asyncio.BaseTransport, str | None] = {}
        self.of_address = Places(bounds.of_address)

    def __len__(self) -> int:
        return len(self._open)

    def enter(self, transport: asyncio.BaseTransport, peer: str | None) -> int | None:
        """The status that says why there is no place for it; None when there is one."""
        if len(self._open) >= self.bounds.in_all:
            self.refused["connections"] += 1
            return 503
        name = None if peer is None or self.addresses.trusts(peer) else name_of(peer)
        if name is not None and not self.of_address.take(name):
            self.refused["connections_of_address"] += 1
            return 429
        self._open[transport] = name
        return None

    def leave(self, transport: asyncio.BaseTransport) -> None:
        """Also for one that had no place."""
        name = self._open.pop(transport, None)
        if name is not None:
            self.of_address.leave(name)


class SocketPlaces:
    """The open WebSockets of one server: by address, and by key once one was shown."""

    def __init__(self, of_address: int, of_key: int) -> None:
        self.of_address, self.of_key = Places(of_address), Places(of_key)
        self.late = 0
        """Sockets that were closed because nothing began on them."""
