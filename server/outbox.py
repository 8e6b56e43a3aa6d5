"""What waits to be sent over one connection, so that one who does not read delays nobody.

News go out at once while the connection takes them. Else they wait, up to so many bytes; then they are
dropped, and whoever they were for begins anew behind what it was sent, once the connection flows again.
"""

import asyncio
from collections import deque
from typing import Protocol

from server.chorus import Framing, Send
from server.connections import Deadlines

AT_ONCE = 64 * 1024
"""Bytes that are handed to a connection together; it takes no more before its peer reads."""
GATHERED = 0.005
"""Seconds after which what was gathered is sent, though more may follow."""
ENTRY = 100
"""Bytes that a waiting message costs beside its text, which others may wait for too."""
NOT_READ = 4429, "messages were not read in time"
"""The code and the reason with which a connection is closed whose peer reads nothing for too long."""


class Line(Protocol):
    """A connection as its outbox sees it. It says `pause`, `resume` and `close` to the outbox."""

    flowing: bool
    """Whether what is written is taken at once, for all that is known."""
    outbox: "Outbox | None"

    framing: Framing

    def send_frame(self) -> Send:
        """What sends a message that is framed already; not while its outbox is not `open`."""
        ...

    def write(self, texts: list[bytes]) -> None:
        """Sends these messages, each framed; does nothing once the connection closes."""
        ...

    def unsent(self) -> int:
        """Bytes that were written and are not yet taken."""
        ...

    def part(self, code: int, reason: str) -> None:
        """Closes the connection, whatever its peer has left unread."""
        ...


class Reader(Protocol):
    """For whom news are."""

    sent: int
    """The position of the last that was handed to the connection."""
    gone: bool
    """Whether nobody waits for them any more."""

    def text(self, position: int, payload: bytes) -> bytes:
        """The message around a payload."""
        ...

    def hold(self) -> None:
        """Nothing may be sent past the outbox any more."""
        ...

    def fell_behind(self) -> None:
        """What waited for it was dropped. It is told nothing more until it caught up."""
        ...

    def catch_up(self) -> None:
        """It may begin anew."""
        ...


Entry = tuple[Reader | None, int, bytes]
"""News for a reader, and their position; or a message for its client itself."""


class OutboxBounds:
    """What the outboxes of one server share: the most bytes that wait in one of them, and the seconds after
    which one is closed whose peer reads nothing."""

    def __init__(self, most: int, seconds: float) -> None:
        self.most = most
        self.unread = Deadlines[Outbox](seconds, Outbox.unread)
        self.skipped = 0
        """How often news were dropped because they were not read, and their reader began anew."""
        self.closed = 0
        """Connections that were closed because nothing was read of them."""


class Outbox:
    """Of one connection."""

    __slots__ = (
        "line", "_behind", "_bounds", "_closed", "_flushing", "_past", "_room", "_size", "_unsent", "_waiting"
    )  # fmt: skip

    def __init__(self, line: Line, bounds: OutboxBounds) -> None:
        self.line = line
        self._bounds = bounds
        self._waiting: deque[Entry] | None = None  # made when it is needed: most connections never do
        self._size = self._unsent = 0
        self._behind: set[Reader] = set()
        self._past: tuple[Reader, ...] = ()  # for whom news are sent past it
        self._room: asyncio.Event | None = None
        self._flushing: asyncio.TimerHandle | None = None
        self._closed = False
        line.outbox = self
        if not line.flowing:
            self.pause()

    def put(self, reader: Reader, position: int, payload: bytes) -> None:
        """News for the reader, who was told of everything before."""
        if self._waiting or not self.line.flowing:
            self.gather(reader, position, payload)
        else:
            reader.sent = position
            self.line.write([reader.text(position, payload)])

    def gather(self, reader: Reader, position: int, payload: bytes) -> None:
        """As `put`, but it may be sent together with what is gathered next, or at a `flush`: after a moment
        in any case, as whoever gathers may have to wait, or may be gone."""
        self._keep(reader, position, payload)
        if not self.line.flowing:
            if self._size > self._bounds.most:
                self._skip()
        elif self._size > AT_ONCE:
            self.flush()
        elif self._flushing is None:
            self._flushing = asyncio.get_running_loop().call_later(GATHERED, self._moment_over)

    def flush(self) -> None:
        """What was gathered is sent, as far as the connection takes it."""
        while self._waiting and self.line.flowing:
            if texts := self._taken():
                self.line.write(texts)

    @property
    def open(self) -> bool:
        """Whether what is sent past it comes in order."""
        return self.line.flowing and not self._waiting and not self._closed

    def pass_by(self, reader: Reader) -> None:
        """News for the reader are sent past it until it says `hold`."""
        self._past += (reader,)

    def pass_no_more(self, reader: Reader) -> None:
        """There are no more news for it."""
        self._past = tuple(other for other in self._past if other is not reader)

    def say(self, text: bytes) -> None:
        """A message that is never dropped. Whoever says many waits for `room` between them."""
        if self._waiting or not self.line.flowing:
            self._keep(None, 0, text)
        else:
            self.line.write([text])

    async def room(self) -> None:
        """Returns when the connection takes something, or is gone."""
        while not self._closed and not self.line.flowing:
            if self._room is None:
                self._room = asyncio.Event()
            await self._room.wait()

    # What the connection says.

    def pause(self) -> None:
        """It takes nothing for now."""
        self._hold()
        self._unsent = self.line.unsent()
        self._bounds.unread.begin(self)

    def resume(self) -> None:
        """It takes something again."""
        self._bounds.unread.end(self)
        self.flush()
        if self.line.flowing:
            self._wake()

    def close(self) -> None:
        """It is gone: nothing is sent any more."""
        self._closed = True
        self._hold()
        self._bounds.unread.end(self)
        self._waiting = None
        self._behind.clear()
        self._wake()

    def unread(self) -> None:
        """The seconds are over."""
        if self._closed:
            return
        if self.line.unsent() < self._unsent:  # slow, but it reads
            self.pause()
            return
        self._bounds.closed += 1
        self.close()
        self.line.part(*NOT_READ)

    def _moment_over(self) -> None:
        self._flushing = None
        self.flush()

    def _hold(self) -> None:
        past, self._past = self._past, ()
        for reader in past:
            reader.hold()

    def _keep(self, reader: Reader | None, position: int, payload: bytes) -> None:
        if not self._closed:
            if self._waiting is None:
                self._waiting = deque()
            self._waiting.append((reader, position, payload))
            self._size += ENTRY + len(payload)

    def _skip(self) -> None:
        """News that wait are dropped: each reader begins anew behind what it has."""
        waiting = self._waiting or ()
        left = deque(entry for entry in waiting if entry[0] is None)
        readers = {reader for reader, _, _ in waiting if reader is not None}
        self._waiting, self._size = left, sum(ENTRY + len(text) for _, _, text in left)
        self._behind |= readers
        self._bounds.skipped += len(readers)
        for reader in readers:
            reader.fell_behind()

    def _taken(self) -> list[bytes]:
        """The messages that are sent next, in the order in which they came."""
        texts: list[bytes] = []
        size = 0
        while self._waiting and size < AT_ONCE:
            reader, position, payload = self._waiting.popleft()
            self._size -= ENTRY + len(payload)
            if reader is not None:
                if reader.gone:
                    continue
                reader.sent = position
                payload = reader.text(position, payload)
            texts.append(payload)
            size += len(payload)
        return texts

    def _wake(self) -> None:
        if self._room is not None:
            self._room.set()
            self._room = None
        behind, self._behind = self._behind, set()
        for reader in behind:
            reader.catch_up()
