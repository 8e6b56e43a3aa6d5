"""One execution, and one encoding of each event, for all sockets that follow the same with the same rights.

Only the operation's id differs in what they are sent; it is put around the shared bytes. What cannot be
joined at any moment (`schema.joining`) is executed for its socket alone.
"""

import asyncio
import contextlib
import copy
import logging
from collections.abc import Iterator
from contextlib import aclosing
from dataclasses import replace
from typing import Any, NamedTuple

import orjson
from graphql import GraphQLError
from starlette.websockets import WebSocket
from strawberry.asgi import ASGIWebSocketAdapter
from strawberry.subscriptions.protocols.graphql_transport_ws.handlers import (
    BaseGraphQLTransportWSHandler,
    Operation,
    _OperationStreamClosed,
)
from strawberry.types import ExecutionResult
from strawberry.types.execution import PreExecutionError

from resolvers.callers import Callers
from resolvers.context import FREE, Caller
from resolvers.errors import TimingError, TooMany, Unidentified
from schema.context import GraphQLContext
from schema.joining import joinable
from schema.limits import pay_to_read
from schema.root import Schema
from server.outbox import Outbox
from subscriptions.patience import away

logger = logging.getLogger(__name__)

STILL_EVERY = 2.0
"""Seconds between two looks whether the keys of those who share an execution are still live."""
TURN = 0.005
"""Seconds for which a burst may hold up everybody else."""


class Question(NamedTuple):
    """Whoever asks the same with the same rights gets the same answers."""

    query: str
    variables: bytes
    operation_name: str | None
    rights: Caller


class Everybodys(GraphQLContext):
    """The context of a shared execution: a key that is revoked ends what its own followers hear, not this."""

    async def still(self) -> None: ...


class Follower:
    """One operation on one socket that follows a shared execution."""

    def __init__(self, id: str, caller: Caller, outbox: Outbox) -> None:
        self.caller = caller
        self.gone = self._ended = False
        self.last: ExecutionResult | None = None
        self.over = asyncio.Event()
        self._outbox = outbox
        self._head = b'{"id":' + orjson.dumps(id) + b',"type":"next","payload":'

    def hear(self, payload: bytes) -> None:
        if not self._ended:
            self._outbox.put(self, payload)

    def end(self, last: ExecutionResult | None = None) -> None:
        """Nothing follows but the last result, if there is one."""
        if not self._ended:
            self._ended, self.last = True, last
            self._outbox.put(self, None)

    def framed(self, payload: bytes) -> bytes:
        return self._head + payload + b"}"

    def finished(self) -> None:
        self.over.set()


class Stream:
    """A shared execution and its followers."""

    def __init__(self, streams: "Streams", question: Question, context: GraphQLContext) -> None:
        self.followers: set[Follower] = set()
        self._streams = streams
        self._question = question
        self._task = asyncio.create_task(self._run(context), name="shared execution")

    def leave(self, follower: Follower) -> None:
        follower.gone = True
        self.followers.discard(follower)
        if not self.followers:
            self._streams.forget(self._question, self)
            self._task.cancel()

    async def _run(self, context: GraphQLContext) -> None:
        last = None
        try:
            last = await self._tell_all(context)
        except Exception:
            logger.exception("a shared subscription failed")
        finally:
            self._streams.forget(self._question, self)
            for follower in self.followers:
                follower.end(last)

    async def _tell_all(self, context: GraphQLContext) -> PreExecutionError | None:
        """What is wrong with the question, if that is found before it is executed."""
        query, variables, operation_name, _ = self._question
        results = await self._streams.schema.stream(
            query, orjson.loads(variables), context_value=context, operation_name=operation_name
        )
        loop = asyncio.get_running_loop()
        turn = loop.time() + TURN
        async with aclosing(results):
            async for result in results:
                if isinstance(result, PreExecutionError):
                    return result
                assert isinstance(result, ExecutionResult)
                payload = orjson.dumps(_payload(result))
                for follower in self.followers:
                    follower.hear(payload)
                if loop.time() > turn:
                    await asyncio.sleep(0)
                    turn = loop.time() + TURN
        return None


class Streams:
    """The shared executions of this process. `most_waiting`: bytes, for a socket that does not read."""

    def __init__(self, schema: Schema, callers: Callers, most_waiting: int) -> None:
        self.schema = schema
        self.alone = 0
        """Operations on sockets that are being executed for themselves."""
        self.unread = 0
        """Sockets that were closed because they left too much unread."""
        self._most_waiting = most_waiting
        self._callers = callers
        self._streams: dict[Question, Stream] = {}
        self._checking: asyncio.Task[None] | None = None

    def outbox(self, socket: WebSocket) -> Outbox:
        return Outbox(socket, self._most_waiting, self._overflowed)

    def _overflowed(self) -> None:
        self.unread += 1

    @property
    def shared(self) -> int:
        return len(self._streams)

    @property
    def followers(self) -> int:
        return sum(len(stream.followers) for stream in self._streams.values())

    @contextlib.contextmanager
    def following(self, question: Question, follower: Follower, context: GraphQLContext) -> Iterator[None]:
        stream = self._streams.get(question)
        if stream is None:
            stream = self._streams[question] = Stream(self, question, _everybodys(context, question.rights))
        stream.followers.add(follower)
        if self._checking is None or self._checking.done():
            self._checking = asyncio.create_task(self._check(), name="keys of shared executions")
        try:
            yield
        finally:
            stream.leave(follower)

    def forget(self, question: Question, stream: Stream) -> None:
        """Who asks from now on gets another execution."""
        if self._streams.get(question) is stream:
            del self._streams[question]

    async def _check(self) -> None:
        while self._streams:
            await asyncio.sleep(STILL_EVERY)
            by_key: dict[int | None, list[Follower]] = {}
            for stream in self._streams.values():
                for follower in stream.followers:
                    by_key.setdefault(follower.caller.key_id, []).append(follower)
            for followers in by_key.values():
                await self._check_key(followers)

    async def _check_key(self, followers: list[Follower]) -> None:
        try:
            await self._callers.still(followers[0].caller)
        except Unidentified as error:
            for follower in followers:
                follower.end(self.refusal(error))
        except Exception as error:
            if not away(error):  # until it is back everybody goes on
                logger.exception("it could not be seen whether a key is live")

    def refusal(self, error: TimingError) -> ExecutionResult:
        """What a subscription says that ends so."""
        errors = [GraphQLError(str(error), original_error=error)]
        self.schema.process_errors(errors)
        return ExecutionResult(data=None, errors=errors)


class Sharing(BaseGraphQLTransportWSHandler[GraphQLContext, None]):
    """A socket that follows shared executions where it can."""

    view: Any
    """It has the `streams`."""
    _outbox: Outbox | None = None

    async def run_operation(self, operation: Operation[GraphQLContext, None]) -> None:
        asked = question(operation, self.context)
        if asked is not None:
            await self._share(operation, asked)
            return
        streams: Streams = self.view.streams
        streams.alone += 1
        try:
            await super().run_operation(operation)
        finally:
            streams.alone -= 1

    async def shutdown(self) -> None:
        await super().shutdown()
        if self._outbox is not None:
            await self._outbox.close()

    async def _share(self, operation: Operation[GraphQLContext, None], asked: Question) -> None:
        streams: Streams = self.view.streams
        own = copy.copy(self.context)
        try:  # each pays for itself, however many share it
            pay_to_read(own, operation.query)
            own.begin()
        except TooMany as error:
            await operation.send_initial_errors(streams.refusal(error).errors or [])
            return
        if self._outbox is None:
            assert isinstance(self.websocket, ASGIWebSocketAdapter)
            self._outbox = streams.outbox(self.websocket.ws)
        follower = Follower(operation.id, self.context.caller, self._outbox)
        with streams.following(asked, follower, self.context):
            await follower.over.wait()
        if isinstance(follower.last, PreExecutionError):
            with contextlib.suppress(_OperationStreamClosed):
                await self._handle_pre_execution_error(operation, follower.last)
            return
        if follower.last is not None:
            await operation.send_next(follower.last)
        await operation.send_operation_message({"id": operation.id, "type": "complete"})


def question(operation: Operation[GraphQLContext, None], context: GraphQLContext) -> Question | None:
    """None for what has to be executed for its socket alone."""
    query, given, name = operation.query, operation.variables or {}, operation.operation_name
    if not (isinstance(query, str) and isinstance(given, dict) and isinstance(name, str | None)):
        return None
    try:
        variables = orjson.dumps(given, option=orjson.OPT_SORT_KEYS)
        orjson.dumps(operation.id)
    except TypeError:  # a number or half a character that only the parser of JSON takes
        return None
    return Question(query, variables, name, _rights(context.caller)) if joinable(query, name, given) else None


def _rights(caller: Caller) -> Caller:
    """A caller with nothing left that differs between two keys of the same rights."""
    return replace(caller, key_id=None if caller.key_id is None else 0, alias=None, v0_shape="BOTH")


def _everybodys(context: GraphQLContext, rights: Caller) -> Everybodys:
    shared = Everybodys(context, context.hub, context.screens, context.fleets)
    shared.caller, shared.meter = rights, FREE
    return shared


def _payload(result: ExecutionResult) -> dict[str, Any]:
    payload: dict[str, Any] = {"data": result.data}
    if result.errors:
        payload["errors"] = [error.formatted for error in result.errors]
    if result.extensions:
        payload["extensions"] = result.extensions
    return payload
