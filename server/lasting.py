"""uvicorn's HTTP connection, for answers that go on until somebody ends them: what is live.

Their head goes the usual way. What follows is written past the application, at once, and by a line that says
when its peer reads: so it may have an outbox.
"""

import asyncio
from typing import Any, Final, Protocol

from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from server.bounded import Bounded
from server.chorus import Framing, Send
from server.connections import cut
from server.outbox import Outbox
from server.sockets import LINE

GOES: Final = 1012, "the server restarts"
"""Why an answer is dismissed that is still there when the server goes."""

_on_headers_complete = Bounded.on_headers_complete
_pause_writing = HttpToolsProtocol.pause_writing


class Live(Protocol):
    """An answer that goes on until it is ended."""

    def gone(self) -> None:
        """The connection is closed."""
        ...

    def dismiss(self, code: int, reason: str, retry_after: float | None = None) -> None:
        """It has to end now, for a reason that has a code among those with which sockets are closed."""
        ...


class Chunks:
    """What is put around a piece of a body of no known length (RFC 9112, 7.1)."""

    closing = b"\r\n"

    @staticmethod
    def opening(length: int) -> bytes:
        return b"%x\r\n" % length


class Bare:
    """… in HTTP/1.0: nothing."""

    closing = b""

    @staticmethod
    def opening(_length: int) -> bytes:
        return b""


CHUNKS: Final = Chunks()
BARE: Final = Bare()


class Lasting(Bounded):
    """One connection."""

    __slots__ = ("flowing", "framing", "outbox", "_live", "_begun")

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self.flowing = self._begun = False
        self.framing: Framing = CHUNKS
        self.outbox: Outbox | None = None
        self._live: Live | None = None

    def on_headers_complete(self) -> None:
        scope: dict[str, Any] = self.scope  # type: ignore[assignment]
        scope["extensions"] = {LINE: self}
        _on_headers_complete(self)

    # What an answer asks for.

    def watch(self, live: Live | None) -> None:
        """From now on this one is told what becomes of the connection; with None it is over."""
        self._live = live
        self.flowing = self._begun = False
        if live is None:
            self.outbox = None

    def open_ended(self, scope: Any) -> None:
        """The head that is sent next belongs to a body of no known length. In HTTP/1.0 that ends with its
        connection; uvicorn would send it in chunks all the same."""
        self.headers = scope["headers"] = []  # thousands of them only wait: what was said is not needed
        self.framing = BARE if scope["http_version"] == "1.0" else CHUNKS
        if self.framing is BARE and self.cycle.scope is scope:
            self.cycle.chunked_encoding = False

    def begin(self) -> None:
        """The head was sent: what the outbox holds may follow."""
        self._begun = True
        self._flow()

    def write(self, texts: list[bytes]) -> None:
        """A piece of the body. Nothing when the connection closes."""
        if self.transport.is_closing():
            return
        text = b"".join(texts)
        self.transport.write(self.framing.opening(len(text)) + text + self.framing.closing)

    def send_frame(self) -> Send:
        return self.transport.write

    def unsent(self) -> int:
        return self.transport.get_write_buffer_size()

    def part(self, code: int, reason: str) -> None:
        """Whoever does not read would not read why, either."""
        cut(self.transport)

    # What the connection says.

    def pause_writing(self) -> None:
        if self.outbox is None:
            super().pause_writing()
            return
        _pause_writing(self)
        self.flowing = False
        self.outbox.pause()  # which has seconds of its own

    def resume_writing(self) -> None:
        super().resume_writing()
        if self.outbox is not None:
            self._flow()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        if self._live is not None:
            self._live.gone()
        if self.outbox is not None:
            self.outbox.close()
        if self.scope is not None:
            self.scope.pop("extensions", None)  # a ring with this one in it

    def shutdown(self) -> None:
        super().shutdown()
        if self._live is not None:
            self._live.dismiss(*GOES)

    def _flow(self) -> None:
        self.flowing = self._begun and not self.flow.write_paused
        if self.flowing and self.outbox is not None:
            self.outbox.resume()
