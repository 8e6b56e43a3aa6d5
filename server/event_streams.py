"""`/graphql/stream`: one operation in an HTTP answer that lasts, for browsers' EventSource, curl, and clients
that speak graphql-sse or Apollo's multipart.

What is refused before it begins is answered with its status. With 200 it has begun, and what is told follows.
"""

import asyncio
import contextlib
import math
from collections.abc import Coroutine, Iterator
from typing import Any, Final

import orjson
from starlette.types import Receive, Scope, Send
from strawberry.types.graphql import OperationType

from resolvers import documents, inputs
from resolvers.context import Caller
from resolvers.errors import Busy, Invalid, TooMany, Unidentified
from resolvers.limits import Places
from schema.limits import pay_to_read
from schema.prepared import Operation
from schema.root import Schema
from server import media, replies, requests
from server.audience import NOT_LET_IN, Audience
from server.auth import Door
from server.connections import RETRY_AFTER, Deadlines, SocketPlaces
from server.event_forms import FORMS, Form
from server.lasting import Lasting
from server.outbox import NOT_READ, Outbox
from server.replies import Reply
from server.requests import Gone, Unfit
from server.sockets import LINE
from server.streams import Streams

METHODS: Final = ("GET", "POST")
ALLOWED: Final = "GET, POST, OPTIONS"
SOON: Final = 1.0
"""Seconds after which the head is sent though the operation has not begun, as while the database is away."""
SEEN: Final = b"last-event-id"
"""The header in which an EventSource that was cut off says what it has."""

NOTHING: Final = b'{"data":null,"errors":'
"""How a result begins that is nothing but errors."""


class NoPlace(TooMany):
    """Too many connections"""


class EventStreams:
    """Answers that last, of one server. `heartbeat`: seconds between two signs of life."""

    def __init__(
        self,
        schema: Schema,
        door: Door,
        streams: Streams,
        places: SocketPlaces,
        audience: Audience,
        body_limit: int,
        heartbeat: float,
    ) -> None:
        self._schema, self._door, self._streams = schema, door, streams
        self._places, self._audience, self._body_limit = places, audience, body_limit
        self._beats = Deadlines[EventStream](heartbeat, self._beat)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            reply = await self._answer(scope, receive, send)
        except Gone:
            return
        except Exception as error:
            reply = replies.ended(_refusals(scope), error)
        if reply is not None:
            await reply.send(send)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> Reply | None:
        """None when the answer was sent."""
        if scope["method"] not in METHODS:
            raise Unfit(405, "event streams are asked for by GET or POST", ALLOWED)
        if (form := _form(scope)) is None:
            raise Unfit(406, f"accept must name {media.EVENTS}")
        with _place(self._places.of_address, self._door.addresses.of(scope)):
            context = await self._door.graphql(scope)
            with _place(self._places.of_key, context.caller.key_id):
                asked = await requests.read(scope, receive, context.meter, self._body_limit)
                query = await documents.text(context, asked.query, asked.document)
                if scope["method"] == "GET" and "mutation" in query:
                    pay_to_read(context, query)  # before it is parsed, and again by `follow` if it is none
                    if self._mutates(query, asked.operation_name):
                        raise Unfit(405, "a mutation is asked for by POST", "POST, OPTIONS")
                seen, line = _seen(scope), _line(scope)
                outbox = Outbox(line, self._streams.bounds)
                stream = EventStream(line, outbox, form, context.caller)
                following = self._streams.follow(asked, query, context, outbox, stream, seen)
                return await self._run(stream, following, scope, send, _refusals(scope))

    async def _run(
        self, stream: "EventStream", following: Coroutine[Any, Any, None], scope: Scope, send: Send, kind: str
    ) -> Reply | None:
        """What it was refused with before it began."""
        stream.start(following)
        self._audience.enter(stream)
        self._beats.begin(stream)
        try:
            await stream.settle()
            if stream.errors is not None:
                return _refused(kind, stream.errors)
            await stream.tell(scope, send)
            return None
        finally:
            self._beats.end(stream)
            self._audience.leave(stream)
            stream.stop()

    def _mutates(self, query: str, name: str | None) -> bool:
        found = self._schema.documents.operation(query, name)
        return isinstance(found, Operation) and found.type is OperationType.MUTATION

    def _beat(self, stream: "EventStream") -> None:
        stream.beat()
        self._beats.begin(stream)


class EventStream:
    """One operation and its answer. It is told what becomes of the operation, of the connection, and of the
    caller."""

    __slots__ = (
        "caller", "errors", "form", "_line", "_outbox", "_settled", "_task", "_farewell", "_begun",
    )  # fmt: skip

    head = b""

    def __init__(self, line: Lasting, outbox: Outbox, form: Form, caller: Caller) -> None:
        self.caller = caller
        self.errors: list[dict[str, Any]] | None = None
        """Why it did not begin."""
        self._line, self._outbox, self.form = line, outbox, form
        self._settled: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._task: asyncio.Task[None] | None = None
        self._begun = False
        self._farewell = b""

    def start(self, following: Coroutine[Any, Any, None]) -> None:
        self._line.watch(self)
        self._task = asyncio.create_task(following, name="event stream")
        self._task.add_done_callback(lambda _: self._settle())

    async def settle(self) -> None:
        """Returns when it is known whether it begins, or when nobody should wait any longer to be told."""
        await asyncio.wait([self._settled], timeout=SOON)
        self._begun = self.errors is None

    async def tell(self, scope: Scope, send: Send) -> None:
        """Returns when everything was told, or the connection is gone."""
        self._line.open_ended(scope)
        await send({"type": "http.response.start", "status": 200, "headers": self._head()})
        self._line.write([self.form.opening()])
        self._line.begin()
        assert self._task is not None
        await asyncio.wait([self._task])
        if self._farewell and not self._line.flowing:
            self._line.part(*NOT_READ)  # it has no time to read on
        elif self._farewell:
            self._outbox.say(self._farewell)
        await self._outbox.room()
        await send({"type": "http.response.body"})

    def stop(self) -> None:
        """It is over, however it ended."""
        if self._task is not None:
            self._task.cancel()
        self._outbox.close()
        self._line.watch(None)

    def beat(self) -> None:
        if self._line.flowing:
            self._outbox.say(self.form.beat)

    def _head(self) -> replies.Headers:
        return [
            (b"content-type", self.form.type),
            replies.NOT_KEPT,
            (b"x-accel-buffering", b"no"),
            (b"connection", b"close"),
            *replies.FOR_PAGES,
        ]

    # What the operation says.

    def begun(self) -> None:
        self._settle()

    def next(self, payload: bytes, position: str | None) -> bytes:
        if not self._settled.done() and payload.startswith(NOTHING):
            self._refuse(orjson.loads(payload)["errors"])
        self._settle()
        return self.form.next(payload, position)

    def refused(self, errors: bytes) -> bytes:
        self._refuse(orjson.loads(errors))
        return self.form.refused(errors) + self.form.complete

    def complete(self) -> bytes:
        return self.form.complete

    # What the connection and the audience say.

    def gone(self) -> None:
        self._cancel()

    def dismiss(self, code: int, reason: str, retry_after: float | None = None) -> None:
        error = Unidentified(reason) if code == NOT_LET_IN else Busy(math.ceil(retry_after or 1))
        errors = [{"message": str(error), "extensions": error.extensions}]
        told = orjson.dumps(errors)
        if code == NOT_LET_IN:
            self._farewell = self.form.refused(told) + self.form.complete
        else:
            self._farewell = self.form.farewell(told, retry_after or 1)
        self._refuse(errors)
        self._cancel()

    def _refuse(self, errors: list[dict[str, Any]]) -> None:
        """That is its status, if its head was not sent yet."""
        if not self._begun:
            self.errors = errors
        self._settle()

    def _settle(self) -> None:
        if not self._settled.done():
            self._settled.set_result(None)

    def _cancel(self) -> None:
        if self._task is not None:
            self._task.cancel()


def _refused(kind: str, errors: list[dict[str, Any]]) -> Reply:
    code = errors[0].get("extensions", {}).get("code")
    return replies.refusal(kind, replies.STATUSES.get(code, 400), errors)


def _refusals(scope: Scope) -> str:
    """The type of what is said instead of a stream."""
    accepted = media.preferred(media.values(scope["headers"], b"accept"))
    return media.GRAPHQL if media.GRAPHQL in accepted else media.JSON


def _form(scope: Scope) -> Form | None:
    accept = media.values(scope["headers"], b"accept")
    for kind in media.preferred(accept):
        if kind in FORMS:
            return FORMS[kind]
    anything = not accept or "*/*" in accept or "text/*" in accept
    return FORMS[media.EVENTS] if anything else None


def _line(scope: Scope) -> Lasting:
    line: Lasting | None = scope.get("extensions", {}).get(LINE)
    if line is None or line.transport.is_closing():
        raise Gone
    return line


def _seen(scope: Scope) -> str | None:
    """The cursor of the last event that an EventSource has. Raises Invalid for what can be none."""
    for name, value in scope["headers"]:
        if name == SEEN:
            if not value:
                raise Invalid(SEEN.decode(), "is empty")
            seen: str = value.decode("latin-1")
            inputs.cursor(seen, SEEN.decode())
            return seen
    return None


@contextlib.contextmanager
def _place(places: Places, name: int | str | None) -> Iterator[None]:
    """One of the places of an address, or of a key; strangers have none."""
    if name is not None and not places.take(name):
        raise NoPlace(RETRY_AFTER)
    try:
        yield
    finally:
        if name is not None:
            places.leave(name)
