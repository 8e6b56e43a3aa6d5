"""One path of v0: its verbs, the way in (key, body) and the way out (shape, errors)."""

import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import msgspec
from starlette.datastructures import QueryParams
from starlette.types import Message, Receive, Scope, Send

from resolvers import costs, inputs
from resolvers.context import STRANGER, Context
from resolvers.errors import Invalid, TimingError, TooLarge, told
from rest_compat import errors
from timing import clocks

logger = logging.getLogger(__name__)

Identify = Callable[[Scope], Awaitable[Context]]
Fields = Mapping[str, Any]
Header = tuple[bytes, bytes]
Body = TypeVar("Body")
PAGES = 1_000_000_000
KEYS = frozenset({b"api_key", b"x-api-key", b"authorization"})
"""The headers in which a key is shown."""


@dataclass(slots=True)
class Request:
    """What a v0 client asks. `fields` reads the body as an object, whatever its content type says."""

    path: Mapping[str, str]
    query_string: bytes
    body: bytes

    @property
    def query(self) -> QueryParams:
        return QueryParams(self.query_string)

    def fields(self) -> Fields:
        return self.decode(dict[str, Any])

    def decode(self, kind: type[Body]) -> Body:
        """Raises Invalid naming the place where the body is not of that kind."""
        try:
            return msgspec.json.decode(self.body, type=kind)
        except (ValueError, RecursionError) as error:
            raise Invalid(*self._wrong(error)) from None

    def _wrong(self, error: Exception) -> tuple[str, str]:
        """The place and the reason. What is no JSON at all may be found wrong in another way first."""
        try:
            msgspec.json.decode(self.body)
        except (ValueError, RecursionError):
            return "body", "is not JSON"
        return _place(str(error)), "is of the wrong kind"

    def number(self, name: str, default: int, low: int = 1, high: int = PAGES) -> int:
        value = self.query.get(name)
        return default if value is None else inputs.whole(value, name, low, high)

    def number_or_none(self, name: str) -> int | None:
        value = self.query.get(name)
        return None if value is None else inputs.whole(value, name, 0, inputs.HIGHEST - 1)

    def instant(self, name: str) -> int | None:
        """An instant, in UTC unless it says otherwise. A `+` that was not encoded arrives as a blank."""
        value = self.query.get(name)
        if value is None:
            return None
        for text in (value, value[:10] + value[10:11] + value[11:].replace(" ", "+")):
            try:
                return clocks.instant(text, "UTC")
            except ValueError:
                continue
        raise Invalid(name, "is not an ISO 8601 instant")


def _place(message: str) -> str:
    """`Expected …, got … - at `$.passings_list[3]`` to `passings_list[3]`;
    the body itself without a place."""
    place = message.partition("`$.")[2]
    return place.rstrip("`") or "body"


@dataclass(slots=True)
class Answer:
    """A status and the object that a v0 client reads, bare or under `body`."""

    status: int
    fields: dict[str, Any]
    headers: list[Header]

    def __init__(self, status: int, fields: dict[str, Any], headers: list[Header] | None = None):
        self.status, self.fields, self.headers = status, fields, headers or []


Verb = Callable[[Context, Request], Awaitable[Answer]]


class Endpoint:
    """The ASGI application of one path: a verb each for the methods it knows."""

    def __init__(self, identify: Identify, body_limit: int, **verbs: Verb) -> None:
        self._identify = identify
        self._body_limit = body_limit
        self._verbs = verbs | ({"HEAD": verbs["GET"]} if "GET" in verbs else {})
        self._allow = ", ".join(sorted(self._verbs)).encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        caller = STRANGER
        try:
            ctx = await self._context(scope)
            caller = ctx.caller
            answer = await self._answer(ctx, scope, receive)
        except Exception as error:
            no = told(error)
            if no is None:
                logger.exception("a v0 request failed")
                await send_json(send, 500, failure(caller.v0_shape))
                return
            answer = refusal(no)
        await send_json(send, answer.status, shaped(answer.fields, caller.v0_shape), answer.headers)

    async def _context(self, scope: Scope) -> Context:
        ctx = await self._identify(scope)
        ctx.caller.must_be_known()
        return ctx

    async def _answer(self, ctx: Context, scope: Scope, receive: Receive) -> Answer:
        verb = self._verbs.get(scope["method"])
        if verb is None:
            return Answer(405, {"description": "Method not allowed"}, [(b"allow", self._allow)])
        body = await self._read(receive) if scope["method"] != "GET" else b""
        ctx.meter.spend(costs.body(len(body)))
        return await verb(ctx, Request(scope["path_params"], scope["query_string"], body))

    async def _read(self, receive: Receive) -> bytes:
        """The body; TooLarge as soon as it is, without reading on."""
        body = b""
        more = True
        while more:
            message: Message = await receive()
            part: bytes = message.get("body", b"")
            body, more = body + part if body else part, message.get("more_body", False)
            if len(body) > self._body_limit:
                raise TooLarge("body", f"must not be larger than {self._body_limit} bytes")
        return body


class Keyless(Endpoint):
    """For everybody. A key that is shown all the same is not looked at: it may be one that lets nobody in any
    more."""

    async def _context(self, scope: Scope) -> Context:
        headers = [header for header in scope["headers"] if header[0] not in KEYS]
        return await self._identify({**scope, "headers": headers})


def refusal(error: TimingError) -> Answer:
    return Answer(errors.status_of(error), errors.body_of(error), errors.headers_of(error))


def shaped(fields: dict[str, Any], shape: str) -> bytes:
    """Old clients read bare fields, new ones the same object under `body`; encoded once, spliced for both."""
    inner = msgspec.json.encode(fields)
    if shape == "BARE":
        return inner
    if shape == "BODY":
        return b'{"body":' + inner + b"}"
    return inner[:-1] + b',"body":' + inner + b"}"


def failure(shape: str) -> bytes:
    """The body of a 500."""
    return {
        "BARE": b'{"description":"Internal server error"}',
        "BODY": b'{"body":null}',
        "BOTH": b'{"description":"Internal server error","body":null}',
    }[shape]


def headers_of(body: bytes, more: Iterable[Header] = ()) -> list[Header]:
    length = str(len(body)).encode()
    return [(b"content-type", b"application/json"), (b"content-length", length), *more]


async def send_json(send: Send, status: int, body: bytes, headers: Iterable[Header] = ()) -> None:
    await send({"type": "http.response.start", "status": status, "headers": headers_of(body, headers)})
    await send({"type": "http.response.body", "body": body})
