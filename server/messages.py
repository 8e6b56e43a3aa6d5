"""The messages of `graphql-transport-ws`: what a client may say, judged strictly, and what it is told."""

import asyncio
from typing import Any, NamedTuple

import msgspec
import orjson

from server import asking
from server.asking import Asked, Nonsense

LONGEST_ID = 1_000
"""Characters of an operation's id. It stands in every message of the operation."""
ACK = b'{"type":"connection_ack"}'
PONG = b'{"type":"pong"}'
NEXT = b',"type":"next","payload":'
ERROR = b',"type":"error","payload":'
COMPLETE = b',"type":"complete"}'


class Init(NamedTuple):
    """Begins the conversation."""

    payload: dict[str, Any] | None


class Subscribe(NamedTuple):
    """Begins an operation, of whatever kind."""

    id: str
    asked: Asked


class Complete(NamedTuple):
    """Ends it."""

    id: str


class Ping(NamedTuple):
    """Wants an answer."""


class Pong(NamedTuple):
    """Wants none."""


Said = Init | Subscribe | Complete | Ping | Pong


def read(text: str | None) -> Said:
    """A client's message; None for one that is no text. Raises Nonsense. Members that nobody knows are not
    looked at."""
    if text is None:
        raise Nonsense("a message must be a text")
    try:
        message = msgspec.json.decode(text)
    except (ValueError, RecursionError):
        raise Nonsense("the message is not JSON") from None
    if not isinstance(message, dict):
        raise Nonsense("the message must be an object")
    match message.get("type"):
        case "subscribe":
            return Subscribe(_id(message), asking.read(_payload(message, wanted=True)))
        case "complete":
            return Complete(_id(message))
        case "ping":
            _payload(message)
            return Ping()
        case "pong":
            _payload(message)
            return Pong()
        case "connection_init":
            return Init(_payload(message))
        case str(unknown):
            raise Nonsense(f"type is none that clients send: {unknown}")
    raise Nonsense("type must be a text")


def _id(message: dict[str, Any]) -> str:
    id = message.get("id")
    if not isinstance(id, str):
        raise Nonsense("id must be a text")
    if not 0 < len(id) <= LONGEST_ID:
        raise Nonsense(f"id must have 1 to {LONGEST_ID} characters")
    return id


def _payload(message: dict[str, Any], *, wanted: bool = False) -> dict[str, Any] | None:
    payload = message.get("payload")
    if not isinstance(payload, dict) and (wanted or payload is not None):
        raise Nonsense("payload must be an object")
    return payload


class Forms:
    """How results look behind an operation's id."""

    @staticmethod
    def next(payload: bytes, _position: str | None) -> bytes:
        return NEXT + payload + b"}"


class Operation:
    """One operation and what its messages look like. It is in `running` under its id until its last message
    is made, or its client wants no more of it."""

    __slots__ = ("head", "_id", "_running", "_task")
    form = Forms()

    def __init__(self, id: str, running: "dict[str, Operation]") -> None:
        self._id, self._running = id, running
        self.head = b'{"id":' + orjson.dumps(id)
        self._task: asyncio.Task[None] | None = None

    def begin(self, task: asyncio.Task[None]) -> None:
        self._task = task
        self._running[self._id] = self

    def stop(self) -> None:
        """Its id is free at once."""
        self._free()
        if self._task is not None:
            self._task.cancel()

    def begun(self) -> None:
        """Nothing is told of that."""

    def next(self, payload: bytes, position: str | None) -> bytes:
        return self.head + self.form.next(payload, position)

    def refused(self, errors: bytes) -> bytes:
        self._free()
        return b"".join((self.head, ERROR, errors, b"}"))

    def complete(self) -> bytes:
        self._free()
        return self.head + COMPLETE

    def forget(self) -> None:
        """It ends. A task that was cancelled holds its frames, and with them this: as they hold each other,
        they would stay until garbage is looked for, and that is rarely."""
        self._task = None

    def _free(self) -> None:
        if self._running.get(self._id) is self:
            del self._running[self._id]
