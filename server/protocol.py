"""uvicorn's HTTP protocol, with a short way in for what devices send most: P1.

An ordinary request costs uvicorn a scope, a cycle and a task, more than all the work on one passing. A plain
`POST /v0/passings` of a caller who is known just now is answered here without them. Everything else, and
whatever is unusual about such a request, is left to uvicorn untouched.
"""

import asyncio
from functools import partial
from typing import Any, NamedTuple

import httptools
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol
from uvicorn.server import ServerState

from resolvers.context import Context
from rest_compat import hot
from rest_compat.endpoints import Header, headers_of
from rest_compat.routes import PREFIX
from server.auth import Door, key_of

URL = f"{PREFIX}{hot.PATH}".encode()
OPENING = b"POST " + URL + b" HTTP/1.1\r\n"
BLANK_LINE = b"\r\n\r\n"
UNUSUAL = {b"expect", b"origin", b"transfer-encoding", b"upgrade"}
"""Headers with which a request goes the ordinary way."""
MOST_BODY = 64 * 1024
"""Bytes that are taken the short way: as many as uvicorn keeps before it stops reading."""
MOST_HEAD = 2048
MOST_HEADS = 4096


class Head(NamedTuple):
    """What a plain request's head says."""

    key: str | None
    length: int


class Heads:
    """Tells plain heads from others, by uvicorn's own parser.

    A device sends the same few heads over and over, so what they say is remembered.
    """

    def __init__(self, body_limit: int) -> None:
        self._most = min(MOST_BODY, body_limit)
        self._known: dict[bytes, Head | None] = {}

    def read(self, head: bytes) -> Head | None:
        """None for one that is not plain. `head` goes up to the blank line, which is left out."""
        try:
            return self._known[head]
        except KeyError:
            pass
        if len(head) > MOST_HEAD:
            return None
        if len(self._known) >= MOST_HEADS:
            self._known.clear()
        found = self._known[head] = self._read(head)
        return found

    def _read(self, head: bytes) -> Head | None:
        seen = _Seen()
        parser = httptools.HttpRequestParser(seen)
        try:
            parser.feed_data(head + BLANK_LINE)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            return None
        names = [name for name, _ in seen.headers]
        if not seen.complete or seen.url != URL or UNUSUAL.intersection(names):
            return None
        if parser.get_http_version() != "1.1" or not parser.should_keep_alive() or parser.should_upgrade():
            return None
        lengths = [value for name, value in seen.headers if name == b"content-length"]
        if len(lengths) != 1 or not lengths[0].isdigit() or not 0 < int(lengths[0]) <= self._most:
            return None
        return Head(key_of(seen.headers), int(lengths[0]))


class _Seen:
    """What the parser calls out."""

    def __init__(self) -> None:
        self.url = b""
        self.headers: list[Header] = []
        self.complete = False

    def on_url(self, url: bytes) -> None:
        self.url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        self.complete = True


class ShortWay:
    """What the connections of one server share."""

    def __init__(self, door: Door, body_limit: int) -> None:
        self.door = door
        self.heads = Heads(body_limit)


class _Nobody:
    """The event of a request for whose messages nobody waits."""

    def set(self) -> None: ...


class Passage:
    """A request on the short way, as uvicorn's connection sees its requests: it asks and sets these."""

    __slots__ = ("scope", "keep_alive", "disconnected", "response_complete")
    more_body = False
    message_event = _Nobody()

    def __init__(self, scope: Any) -> None:
        self.scope = scope
        self.keep_alive = True
        self.disconnected = self.response_complete = False


_ordinary = HttpToolsProtocol.data_received


class Protocol(HttpToolsProtocol):
    """One connection. `_held` is a plain head whose body has not wholly come.

    What goes the ordinary way must not notice: for that the slots, as with more than 30 attributes in its
    dictionary Python finds each of them more slowly.
    """

    __slots__ = ("_held", "_way")

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._held = b""
        way = getattr(config.app, "short_way", None)
        ordinary = config.access_log or self.limit_concurrency is not None or self.root_path
        self._way: ShortWay | None = None if ordinary else way

    def data_received(self, data: bytes) -> None:
        if self._held:
            data, self._held = self._held + data, b""
        if data.startswith(OPENING) and self._take(data):
            return
        _ordinary(self, data)

    def shutdown(self) -> None:
        if self._held:  # it began before the stop, so it is waited for, as uvicorn does
            data, self._held = self._held, b""
            _ordinary(self, data)
        super().shutdown()

    def _take(self, data: bytes) -> bool:
        """Whether this is one plain request, or the beginning of one, and nothing else."""
        if self._way is None or not self._between():
            return False
        end = data.find(BLANK_LINE)
        head = self._way.heads.read(data[:end]) if end > 0 else None
        ctx = self._way.door.at_once(head.key) if head else None
        if head is None or ctx is None:
            return False
        body = data[end + len(BLANK_LINE) :]
        if len(body) < head.length:
            self._held = data
        elif len(body) > head.length or not self._hand_in(ctx, body):
            return False
        self._unset_keepalive_if_required()
        return True

    def _between(self) -> bool:
        """Whether uvicorn's parser waits for a new request, and no other is being answered."""
        last = self.cycle
        if last is None:
            return self.scope is None
        return (
            last.response_complete
            and not last.more_body
            and last.scope is self.scope  # else the head of another has begun
            and not self.parser.should_upgrade()
            and not self.flow.write_paused
        )

    def _hand_in(self, ctx: Context, body: bytes) -> bool:
        passage = Passage(self.scope)
        if not hot.take(ctx, body, partial(self._answer, passage)):
            return False
        self.cycle = passage  # type: ignore[assignment]
        return True

    def _answer(self, passage: Passage, status: int, body: bytes, more: list[Header]) -> None:
        if passage.disconnected or self.transport.is_closing():
            return
        closes = (b"connection", b"close")
        if closes in more:
            passage.keep_alive = False
        elif not passage.keep_alive:
            more = [*more, closes]
        parts = [STATUS_LINE[status]]
        for name, value in (*self.server_state.default_headers, *headers_of(body, more)):
            parts += (name, b": ", value, b"\r\n")
        parts += (b"\r\n", body)
        self.transport.write(b"".join(parts))
        passage.response_complete = True
        if not passage.keep_alive:
            self.transport.close()
        self.on_response_complete()
