"""One execution, and one encoding of each event, for all who ask the same with the same rights.

Who comes late, or did not read in time, begins by itself where `schema.joining` says, and then joins the
others: what it has heard is not told again, and what it missed meanwhile is still at hand.
"""

import asyncio
import logging
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager
from typing import NamedTuple, cast

import orjson
from graphql import GraphQLError
from strawberry.types import ExecutionResult
from strawberry.types.execution import PreExecutionError

from resolvers.context import FREE, Caller
from schema.context import GraphQLContext
from schema.joining import Start
from schema.root import Schema
from server import turns
from server.chorus import Chorus
from server.followers import Follower, Inquiry, payload
from subscriptions.spans import Beginning, Sequel, Span

logger = logging.getLogger(__name__)

AT_HAND = 64
"""Events that are kept for those who are about to join …"""
BYTES_AT_HAND = 128 * 1024
"""… and their bytes."""


class Question(NamedTuple):
    """Whoever asks the same with the same rights gets the same answers."""

    query: str
    variables: bytes
    operation_name: str | None
    rights: Caller


class Everybodys(GraphQLContext):
    """The context of a shared execution: a key that is revoked ends its own connections, not this."""

    async def still(self) -> None: ...


class Upstream:
    """A shared execution and its followers. `ended` is called when nobody can join it any more."""

    def __init__(
        self,
        question: Question,
        start: Start,
        schema: Schema,
        context: GraphQLContext,
        ended: Callable[["Upstream"], None],
    ) -> None:
        self.question = question
        self.followers: set[Follower] = set()
        self.start = start
        self._schema, self._ended = schema, ended
        self._inquiry = _everybodys(question, context)
        self._span = Sequel()
        self._chorus = Chorus()
        self._kept: deque[tuple[int, bytes]] = deque()
        self._kept_from = self._size = 0  # behind which position everything is at hand, and how many bytes
        self._snapshot: tuple[int, bytes] | None = None
        self._making: asyncio.Task[ExecutionResult | None] | None = None
        self._over = False
        self._last: ExecutionResult | None = None
        self._task = asyncio.create_task(self._run(), name="shared execution")

    def enter(self, follower: Follower) -> None:
        self.followers.add(follower)
        self._chorus.enter(follower)
        follower.chorus = self._chorus

    def leave(self, follower: Follower) -> None:
        follower.joined = False
        self._chorus.leave(follower)
        self.followers.discard(follower)
        if not self.followers:
            self._ended(self)
            self._task.cancel()
            if self._making is not None:
                self._making.cancel()

    async def begin(self, follower: Follower) -> bool:
        """Returns when it has joined, is over, or has to begin anew. False: it has to join another stream."""
        await self._span.begun.wait()
        follower.resumes = self._span.resumes
        if follower.interrupted:
            follower.goes_back()
        if follower.news_only and not self._over:
            follower.starts(self._span.position)
        while not (follower.joined or follower.over or follower.interrupted):
            if self._over:
                follower.finish(self._last)
            elif self.start is Start.OWN:
                span = await self._tell_own(follower)
                if span.scope != self._span.scope and span.complete:
                    return False
                self._join(follower, span.position)
            elif not await self._may_look(follower):
                await self._tell_own(follower)  # which says why not
            elif self.start is Start.SNAPSHOT:
                await self._tell_snapshot(follower)
            else:
                follower.starts(0)
                self._join(follower, self._kept[-1][0] - 1 if self._kept else self._kept_from)
        return True

    async def _may_look(self, follower: Follower) -> bool:
        """What was made for others before may be hidden by now."""
        if self._span.look is not None:
            try:
                await self._span.look(follower.inquiry.context)
            except Exception:
                return False
        return True

    def _join(self, follower: Follower, position: int) -> None:
        """Tells what is behind the position and makes it one of those who are told the rest, if all of that
        is still at hand."""
        if follower.over or follower.interrupted or self._over or position < self._kept_from:
            return
        follower.joined = True
        for at, news in tuple(self._kept):
            if at > position:
                follower.hear(at, news)

    async def _tell_snapshot(self, follower: Follower) -> None:
        if self._stale():
            if self._making is None or self._making.done():
                self._making = asyncio.create_task(self._make_snapshot(), name="snapshot")
            if (last := await asyncio.shield(self._making)) is not None:
                follower.finish(last)
        if self._snapshot is None or follower.over:
            return
        position, news = self._snapshot
        follower.starts(position - 1)
        follower.tell(position, news)
        self._join(follower, position)

    def _stale(self) -> bool:
        """Whether the snapshot that was made last is none for those who come now."""
        return self._snapshot is None or bool(self._kept) and self._kept[-1][0] > self._snapshot[0]

    async def _make_snapshot(self) -> ExecutionResult | None:
        """What is wrong, if there is none."""
        span, last = Beginning(), ExecutionResult(data=None, errors=None)
        async with executed(self._schema, self._inquiry.within(span)) as results:
            async for result in results:
                last = result
                if not isinstance(result, PreExecutionError):
                    self._snapshot = span.position, payload(result)
        return None if span.complete else last

    async def _tell_own(self, follower: Follower) -> Span:
        """What is behind the follower's own position; it is read for it alone."""
        span = Beginning(follower.heard if follower.started else None, follower.inquiry.cursor)
        last, turn = None, turns.turn()
        async with executed(self._schema, follower.inquiry.within(span)) as results:
            async for result in results:
                if isinstance(result, PreExecutionError) or not span.begun.is_set():
                    last = result
                    continue
                follower.starts(span.start)
                follower.gather(span.position, payload(result))
                if not follower.outbox.line.flowing:
                    await follower.outbox.room()
                if follower.interrupted:
                    return span
                turn = await turns.taken(turn, follower.outbox.flush)
        follower.outbox.flush()
        if span.complete:
            follower.starts(span.start)
            follower.heard = span.position
        else:
            follower.finish(last)
        return span

    async def _run(self) -> None:
        try:
            self._last = await self._tell_all()
        except Exception:
            logger.exception("a shared subscription failed")
            self._last = wrong(self._schema, RuntimeError())
        finally:
            self._over = True
            self._ended(self)
            self._span.begun.set()
            for follower in self.followers:
                if follower.joined:
                    follower.finish(self._last)

    async def _tell_all(self) -> ExecutionResult | None:
        """The result with which it ended: without a position of its own nothing was told by it."""
        span, turn, last, told = self._span, turns.turn(), None, 0
        async with executed(self._schema, self._inquiry.within(span)) as results:
            async for result in results:
                told = max(told, span.start)
                if isinstance(result, PreExecutionError) or span.position <= told:
                    last = result
                    continue
                told = span.position
                self._tell(told, payload(result))
                turn = await turns.taken(turn)
        return last

    def _tell(self, position: int, news: bytes) -> None:
        self._kept.append((position, news))
        self._size += len(news)
        while len(self._kept) > 1 and (len(self._kept) > AT_HAND or self._size > BYTES_AT_HAND):
            self._kept_from, gone = self._kept.popleft()
            self._size -= len(gone)
        self._chorus.tell(position, news, str(position) if self._span.resumes else None)


@asynccontextmanager
async def executed(schema: Schema, inquiry: Inquiry) -> AsyncIterator[AsyncIterator[ExecutionResult]]:
    """The results of an operation, whole ones: nothing is delivered in parts."""
    results = await schema.stream(
        inquiry.query, inquiry.variables, inquiry.context, operation_name=inquiry.operation_name
    )
    async with aclosing(results):
        yield cast(AsyncIterator[ExecutionResult], results)


def wrong(schema: Schema, error: Exception) -> PreExecutionError:
    """What an operation says that is not executed for this reason."""
    errors = [GraphQLError(str(error), original_error=error)]
    schema.process_errors(errors)
    return PreExecutionError(data=None, errors=errors)


def _everybodys(question: Question, context: GraphQLContext) -> Inquiry:
    shared = Everybodys(context, context.hub, context.screens, context.fleets)
    shared.caller, shared.meter = question.rights, FREE
    return Inquiry(question.query, orjson.loads(question.variables), question.operation_name, shared, None)
