"""Who follows a subscription: one operation on one connection."""

import asyncio
import copy
from typing import Any, NamedTuple, Protocol

import orjson
from strawberry.types import ExecutionResult
from strawberry.types.execution import PreExecutionError

from schema.context import GraphQLContext
from server.chorus import Chorus, Form
from server.outbox import Outbox
from subscriptions.spans import Span


class Teller(Protocol):
    """How the messages of one operation look on its connection."""

    head: bytes
    """What is the operation's own in a `next`."""

    @property
    def form(self) -> Form:
        """How it looks behind that."""
        ...

    def begun(self) -> None:
        """It is under way: it was understood, paid for and allowed."""
        ...

    def next(self, payload: bytes, position: str | None) -> bytes:
        """An encoded result; `position` is a cursor behind it, where there is one."""
        ...

    def refused(self, errors: bytes) -> bytes:
        """Nothing was executed, for these reasons."""
        ...

    def complete(self) -> bytes:
        """Nothing follows."""
        ...


class Inquiry(NamedTuple):
    """One operation as it is asked for, by whom, and what its transport says was seen last."""

    query: str
    variables: dict[str, Any]
    operation_name: str | None
    context: GraphQLContext
    cursor: str | None

    def within(self, span: Span) -> "Inquiry":
        """For a stretch of the feed."""
        context = copy.copy(self.context)
        context.span = span
        return self._replace(context=context)


class Follower:
    """It begins by itself, is then told what all are told, and begins anew where it did not read in time."""

    __slots__ = (
        "chorus", "gone", "heard", "inquiry", "interrupted", "joined", "lags", "last", "news_only", "outbox",
        "over", "resumes", "sent", "started", "teller", "_woken",
    )  # fmt: skip

    def __init__(self, inquiry: Inquiry, outbox: Outbox, teller: Teller) -> None:
        self.inquiry, self.outbox, self.teller = inquiry, outbox, teller
        self.news_only = False
        """Whether it wants nothing that there was before."""
        self.gone = self.over = False
        """Nobody waits for it any more; nothing follows but the last result."""
        self.joined = False
        """Whether it is told what all are told."""
        self.interrupted = self.lags = False
        """What waited was dropped, so that it has to begin anew; and may not yet."""
        self.resumes = self.started = False
        """Positions are cursors; some position is known."""
        self.last: ExecutionResult | None = None
        self.sent = self.heard = 0
        """Positions: of the last that the connection was given, and of the last that this was told."""
        self.chorus: Chorus | None = None
        """Where it is told what all are told."""
        self._woken: asyncio.Future[None] | None = None

    def starts(self, position: int) -> None:
        """What is behind this position is for it."""
        if not self.started:
            self.sent = self.heard = position
            self.started = True
            self.teller.begun()

    def goes_back(self) -> None:
        """What was dropped is for it again."""
        self.interrupted, self.heard = False, self.sent

    def tell(self, position: int, payload: bytes) -> None:
        self.heard = position
        self.outbox.put(self, position, payload)

    def gather(self, position: int, payload: bytes) -> None:
        """As `tell`, but more follows soon, or a `flush` of its outbox."""
        self.heard = position
        self.outbox.gather(self, position, payload)

    def hear(self, position: int, payload: bytes) -> None:
        """What all are told. What it has heard already is not told again."""
        if self.joined and position > self.heard:
            self.heard = position
            self.outbox.put(self, position, payload)

    def finish(self, last: ExecutionResult | None = None) -> None:
        if not self.over:
            self.over, self.joined, self.last = True, False, last
            self._wake()

    async def rest(self) -> None:
        """Returns when it may begin anew, or is over."""
        while not self.over and (self.lags or not self.interrupted):
            self._woken = asyncio.get_running_loop().create_future()  # an event is ten times as large
            await self._woken

    # What its outbox says.

    def text(self, position: int, payload: bytes) -> bytes:
        return self.teller.next(payload, str(position) if self.resumes else None)

    def hold(self) -> None:
        if self.chorus is not None:
            self.chorus.hold(self)

    def fell_behind(self) -> None:
        self.joined, self.interrupted, self.lags = False, True, True

    def catch_up(self) -> None:
        self.lags = False
        self._wake()

    def _wake(self) -> None:
        if self._woken is not None and not self._woken.done():
            self._woken.set_result(None)


def payload(result: ExecutionResult) -> bytes:
    """A result as every transport sends it."""
    parts: dict[str, Any] = {"data": result.data}
    if result.errors:
        parts["errors"] = [error.formatted for error in result.errors]
    if result.extensions:
        parts["extensions"] = result.extensions
    return bytes(memoryview(orjson.dumps(parts)))  # a copy: what orjson makes holds 4 kB while it is kept


def encoded(result: ExecutionResult) -> bytes:
    """The errors of a result."""
    return orjson.dumps([error.formatted for error in result.errors or ()])


def say_last(outbox: Outbox, teller: Teller, last: ExecutionResult | None) -> None:
    """The end of an operation."""
    if isinstance(last, PreExecutionError):
        outbox.say(teller.refused(encoded(last)))
        return
    if last is not None:
        outbox.say(teller.next(payload(last), None))
    outbox.say(teller.complete())
