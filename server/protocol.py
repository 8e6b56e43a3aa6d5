"""A short way in for what devices send most: P1.

An ordinary request costs uvicorn a scope, a cycle and a task, more than all the work on one passing. A plain
`POST /v0/passings` of a caller who is known just now is answered here without them. Everything else, and
whatever is unusual about such a request, is left to uvicorn untouched.
"""

import asyncio
from functools import partial
from typing import Any

from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import STATUS_LINE
from uvicorn.server import ServerState

from resolvers.context import Context
from rest_compat import hot
from rest_compat.endpoints import Header, headers_of
from server.addresses import NOWHERE
from server.auth import Door
from server.bounded import BETWEEN, BODY, CLOSES
from server.heads import BLANK_LINE, OPENING, Head, Heads
from server.lasting import Lasting


class ShortWay:
    """What the connections of one server share."""

    def __init__(self, door: Door, body_limit: int) -> None:
        self.heads = Heads(body_limit)
        self._door = door

    def context(self, head: Head, peer: str) -> Context | None:
        """None: only the ordinary way can tell who it is."""
        return self._door.at_once(head.key, self._door.addresses.behind(peer, head.forwarded))


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


_ordinary = Lasting.data_received


class Protocol(Lasting):
    """One connection. `_held` is a plain head whose body has not wholly come."""

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
        ctx = self._way.context(head, self.client[0] if self.client else NOWHERE) if head else None
        if head is None or ctx is None:
            return False
        self._unset_keepalive_if_required()
        body = data[end + len(BLANK_LINE) :]
        if len(body) < head.length:
            self._held = data
            if self._awaited != BODY:
                self._await(BODY)
            return True
        if len(body) > head.length or not self._hand_in(ctx, body):
            return False
        if self._awaited:
            self._await(BETWEEN)
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
        usual = self.server_state.default_headers
        if CLOSES in more or CLOSES in usual:
            passage.keep_alive = False
        elif not passage.keep_alive:
            more = [*more, CLOSES]
        parts = [STATUS_LINE[status]]
        for name, value in (*usual, *headers_of(body, more)):
            parts += (name, b": ", value, b"\r\n")
        parts += (b"\r\n", body)
        self.transport.write(b"".join(parts))
        passage.response_complete = True
        if not passage.keep_alive:
            self.transport.close()
        self.on_response_complete()
