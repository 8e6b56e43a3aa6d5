"""uvicorn's WebSocket protocol, which can also send many messages in one go, and part from a peer that does
not read.

As it comes, each message is a write of its own, and neither a close nor an unanswered ping gets past what
the peer leaves unread: such a connection and all that waits for it would stay.
"""

import struct
from collections.abc import Iterable
from typing import Any

from uvicorn.protocols.utils import ClientDisconnected
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.protocol import OPEN

from server.connections import Connections

MANY = "passline.texts"
"""The extension in a scope that says: `websocket.send` may have `texts`, a list of encoded ones."""
TEXT = 0x81
"""The first byte of a text that is whole in one frame."""


class Sockets(WebSocketsSansIOProtocol):
    """One connection."""

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        lines: Connections | None = getattr(self.config.app, "connections", None)
        if lines is not None:
            lines.leave(self.transport)  # it kept the place of the HTTP connection that it was

    async def run_asgi(self) -> None:
        if not self.conn.extensions:  # such as compression, which has a state for each peer
            self.scope["extensions"][MANY] = {}
        await super().run_asgi()

    async def send(self, message: Any) -> None:
        if message["type"] == "websocket.close" and not self.writable.is_set():
            self.writable.set()  # what the peer does not read must not keep us
            self.loop.call_later(self.close_timeout, self.transport.abort)
        elif message["type"] == "websocket.send":
            await self.writable.wait()
            if self.close_sent or self.disconnected:
                raise ClientDisconnected()
            if "texts" in message:
                self._send_all(message["texts"])
                return
        await super().send(message)

    def keepalive_timeout(self) -> None:
        super().keepalive_timeout()
        self.transport.abort()

    def _send_all(self, texts: Iterable[bytes]) -> None:
        if self.conn.state is not OPEN or self.transport.is_closing():
            raise ClientDisconnected()
        self.transport.write(b"".join(map(framed, texts)))


def framed(text: bytes) -> bytes:
    """A server's frame around an encoded text (RFC 6455, 5.2)."""
    length = len(text)
    if length < 126:
        return bytes((TEXT, length)) + text
    if length < 65536:
        return struct.pack("!BBH", TEXT, 126, length) + text
    return struct.pack("!BBQ", TEXT, 127, length) + text
