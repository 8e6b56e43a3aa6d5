"""uvicorn's HTTP connection within bounds: how many there are, how long a request takes, how large it is."""

import asyncio
from typing import Any, Final

import msgspec
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol
from uvicorn.server import ServerState

from server.connections import PROGRESS, RETRY_AFTER, Connections, cut

BETWEEN: Final = 0
"""Requests: none has begun."""
HEAD: Final = 1
BODY: Final = 2

CLOSES: Final = (b"connection", b"close")
"""The header that says that this was the last answer on a connection."""

DESCRIPTIONS = {
    408: "Request timeout",
    413: "Payload too large",
    429: "Too many connections",
    431: "Request header fields too large",
    503: "Service unavailable",
}

_parse = HttpToolsProtocol.data_received
_on_header = HttpToolsProtocol.on_header


def refusal(status: int) -> bytes:
    """An answer after which the connection is closed."""
    body = msgspec.json.encode({"description": DESCRIPTIONS[status]})
    later = b"retry-after: %d\r\n" % RETRY_AFTER if status in (429, 503) else b""
    return b"%scontent-type: application/json\r\ncontent-length: %d\r\n%sconnection: close\r\n\r\n%s" % (
        STATUS_LINE[status], len(body), later, body,
    )  # fmt: skip


class Bounded(HttpToolsProtocol):
    """One connection. What is coming, and what is waited for with a deadline, is told by a stage.

    The slots are for speed: with more than 30 attributes in its dictionary Python finds each of them more
    slowly.
    """

    __slots__ = ("_lines", "_stage", "_awaited", "_size", "_renewed_at", "_unsent")

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._lines: Connections | None = getattr(config.app, "connections", None)
        self._stage = self._awaited = BETWEEN
        self._size = self._renewed_at = self._unsent = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        if self._lines is None:
            return
        status = self._lines.enter(transport, self.client[0] if self.client else None)
        if status is None:
            self._await(HEAD)  # also one that never sends anything takes a place
        else:
            self._refuse(status)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._lines is not None:
            self._await(BETWEEN)
            self._lines.answers.end(self)
            self._lines.leave(self.transport)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        size = len(data)
        self._size = self._size + size if self._awaited else size
        _parse(self, data)
        stage = self._stage
        if stage != self._awaited:
            self._size = 0  # how much of these bytes is another request's nobody has counted
            self._await(stage)
        elif stage:
            self._judge(stage)

    def _judge(self, stage: int) -> None:
        """What goes on coming of one head, or of one body."""
        if self._lines is None or self.transport.is_closing():
            return
        bounds = self._lines.bounds
        if stage == HEAD:
            if self._size > bounds.head_limit:
                self._refuse(431, "head_size")
        elif self._size > bounds.request_limit:
            self._refuse(413, "body_size")
        elif self._size - self._renewed_at >= PROGRESS:
            self._await(BODY)

    def _await(self, stage: int) -> None:
        """From now on so many seconds for a head, or for a body; or none."""
        self._awaited = stage
        if self._lines is None:
            return
        if stage == BODY:
            self._renewed_at = self._size
            self._lines.bodies.begin(self)
        else:
            self._lines.bodies.end(self)
        if stage == HEAD:
            self._lines.heads.begin(self)
        else:
            self._lines.heads.end(self)

    def late(self) -> None:
        """The seconds are over."""
        if self.flow.read_paused or self.pipeline or (self._awaited == HEAD and self._answering):
            self._await(self._awaited)  # it is the server that is slow
        elif self._awaited == HEAD:
            self._refuse(408, "head_time")
        else:
            self._refuse(408, "body_time")

    # Answers that are not read.

    def pause_writing(self) -> None:
        super().pause_writing()
        self._wait_for_reader()

    def resume_writing(self) -> None:
        super().resume_writing()
        if self._lines is not None:
            self._lines.answers.end(self)

    def timeout_keep_alive_handler(self) -> None:
        super().timeout_keep_alive_handler()
        self._wait_for_reader()

    def _wait_for_reader(self) -> None:
        self._unsent = self.transport.get_write_buffer_size()
        if self._lines is not None and self._unsent:
            self._lines.answers.begin(self)

    def unread(self) -> None:
        """The seconds are over."""
        assert self._lines is not None
        if self._unsent - self.transport.get_write_buffer_size() >= PROGRESS:
            self._wait_for_reader()
            return
        self._lines.refused["unread"] += 1
        cut(self.transport)

    @property
    def _answering(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def _refuse(self, status: int, reason: str | None = None) -> None:
        """Says why, unless something else is being said or nothing was asked, and closes."""
        if self._lines is not None and reason is not None:
            self._lines.refused[reason] += 1
        answering = self._answering
        silent = status == 408 and self._awaited == HEAD and self.scope is None
        if not silent and (not answering or self._awaited == BODY and not self.cycle.response_started):
            self.transport.write(refusal(status))
        if answering:
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        self.transport.close()

    def send_400_response(self, msg: str) -> None:
        if self._lines is not None and self._head_size() > self._lines.bounds.head_limit:
            self._refuse(431, "head_size")
        else:
            super().send_400_response(msg)

    def _head_size(self) -> int:
        """Of the head that was read last."""
        return sum(len(name) + len(value) + 4 for name, value in self.headers or ())

    def handle_websocket_upgrade(self) -> None:
        self._await(BETWEEN)  # this object hears of the connection no more
        if self._lines is not None:
            self._lines.answers.end(self)
        super().handle_websocket_upgrade()
        self.parser = None  # type: ignore[assignment]  # they know each other, and would stay for that

    # What the parser calls out.

    def on_message_begin(self) -> None:
        self._stage = HEAD
        super().on_message_begin()

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._stage != BODY:  # what follows a body in pieces is for nobody
            _on_header(self, name, value)

    def on_headers_complete(self) -> None:
        if self._lines is not None and self._size > (limit := self._lines.bounds.head_limit):
            if self._head_size() > limit:
                raise ValueError("the head is too large")  # ends in `send_400_response`
        self._stage = BODY
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        self._stage = BETWEEN
        super().on_message_complete()
