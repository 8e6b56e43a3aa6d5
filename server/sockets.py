"""uvicorn's WebSocket protocol, which can also be written to at once, and part from a peer that does not
read.

As it comes, each message is an await of its own, and neither a close nor an unanswered ping gets past what
the peer leaves unread: such a connection and all that waits for it would stay.
"""

import logging
import struct
from asyncio import BaseTransport
from typing import Any

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import Frame
from websockets.protocol import OPEN

from server.chorus import Send
from server.connections import Connections, cut
from server.outbox import Outbox

logger = logging.getLogger(__name__)
logger.setLevel(logging.WARNING)  # thousands come and go

LINE = "passline.line"
"""The extension in a scope that is the connection itself: a `server.outbox.Line`."""
TEXT = 0x81
"""The first byte of a text that is whole in one frame."""
MOST_REASON = 123
"""Bytes of a reason in a close frame (RFC 6455, 5.5)."""


class Frames:
    """What is put around a server's text (RFC 6455, 5.2)."""

    closing = b""

    @staticmethod
    def opening(length: int) -> bytes:
        if length < 126:
            return bytes((TEXT, length))
        if length < 65536:
            return struct.pack("!BBH", TEXT, 126, length)
        return struct.pack("!BBQ", TEXT, 127, length)


FRAMES = Frames()


class Sockets(WebSocketsSansIOProtocol):
    """One connection, a line for an outbox. It never compresses."""

    outbox: Outbox | None = None
    flowing = True
    framing = FRAMES
    pong: bytes | None = None
    """For the last ping that came while the peer did not read."""

    def connection_made(self, transport: BaseTransport) -> None:
        self.logger = self.conn.logger = logger
        super().connection_made(transport)

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        if self.outbox is not None:
            self.outbox.close()
        # What refers to itself would stay until garbage is looked for, and that is rarely.
        self.outbox = None
        self.conn.parser.close()
        lines: Connections | None = getattr(self.config.app, "connections", None)
        if lines is not None:
            lines.leave(self.transport)  # it kept the place of the HTTP connection that it was

    def pause_writing(self) -> None:
        super().pause_writing()
        self.flowing = False
        if self.outbox is not None:
            self.outbox.pause()

    def resume_writing(self) -> None:
        super().resume_writing()
        self.flowing = True
        pong, self.pong = self.pong, None
        if pong is not None and self.conn.state is OPEN:
            self.transport.write(pong)
        if self.outbox is not None:
            self.outbox.resume()

    async def run_asgi(self) -> None:
        self.scope["extensions"][LINE] = self  # type: ignore[assignment]
        await super().run_asgi()

    async def send(self, message: Any) -> None:
        if message["type"] == "websocket.close" and self.handshake_complete:
            self.part(message.get("code", 1000), message.get("reason") or "")
        else:
            await super().send(message)
        if message["type"] == "websocket.accept":  # thousands of them only wait: what was said is not needed
            self.request = self.response = None  # type: ignore[assignment]
            self.scope["headers"] = []

    def handle_parser_exception(self) -> None:
        super().handle_parser_exception()
        self._part_soon()

    def handle_ping(self) -> None:
        """Of many pings the last has to be answered (RFC 6455, 5.5.3): others would pile up unread."""
        if self.flowing or self.conn.state is not OPEN:
            super().handle_ping()
        elif pongs := self.conn.data_to_send():
            self.pong = pongs[-1]

    def handle_close(self, event: Frame) -> None:
        super().handle_close(event)
        self._part_soon()

    def keepalive_timeout(self) -> None:
        super().keepalive_timeout()
        cut(self.transport)

    # As a line.

    def write(self, texts: list[bytes]) -> None:
        if self.conn.state is OPEN and not self.transport.is_closing():
            self.transport.write(b"".join(Frames.opening(len(text)) + text for text in texts))

    def send_frame(self) -> Send:
        return self.transport.write

    def unsent(self) -> int:
        return self.transport.get_write_buffer_size()

    def part(self, code: int, reason: str) -> None:
        if self.close_sent or self.disconnected or self.transport.is_closing() or self.conn.state is not OPEN:
            return
        reason = reason.encode()[:MOST_REASON].decode(errors="ignore")
        self.queue.put_nowait({"type": "websocket.disconnect", "code": code, "reason": reason})
        self.conn.send_close(code, reason)
        self.transport.write(b"".join(self.conn.data_to_send()))
        self.close_sent = True
        if self.read_paused:  # the peer's answer has to come in
            self.read_paused = False
            self.transport.resume_reading()
        self._part_soon()

    def _part_soon(self) -> None:
        """It is closing; what is unread must not keep it."""
        if self.outbox is not None:
            self.outbox.close()
        if self.close_timer is None and not self.disconnected:
            self.close_timer = self.loop.call_later(self.close_timeout, cut, self.transport)
