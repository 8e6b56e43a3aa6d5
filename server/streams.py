"""Operations on live connections: shared where they can be, else executed for one alone."""

import copy
import logging

from strawberry.types.execution import PreExecutionError

from resolvers.errors import TooMany
from schema.context import GraphQLContext
from schema.joining import Start, joint
from schema.limits import pay_to_read
from schema.root import Schema
from server.asking import Asked
from server.followers import Follower, Inquiry, Teller, encoded, payload, say_last
from server.outbox import Outbox, OutboxBounds
from server.upstreams import Question, Upstream, executed, wrong
from subscriptions.spans import Span

logger = logging.getLogger(__name__)


class Streams:
    """The shared executions of this process."""

    def __init__(self, schema: Schema, bounds: OutboxBounds) -> None:
        self.bounds = bounds
        self.alone = 0
        """Operations that are being executed for one alone."""
        self._schema = schema
        self._streams: dict[Question, Upstream] = {}
        """Those that can be joined."""
        self._living: set[Upstream] = set()

    @property
    def shared(self) -> int:
        return len(self._living)

    @property
    def followers(self) -> int:
        """Those who are told what all are told."""
        return sum(each.joined for stream in self._living for each in stream.followers)

    async def follow(
        self,
        asked: Asked,
        query: str,
        context: GraphQLContext,
        outbox: Outbox,
        teller: Teller,
        after: str | None = None,
    ) -> None:
        """Runs one operation of any kind to its end: everything is told through the outbox, what was refused
        or that it is complete last. To be cancelled when nobody waits for it any more.

        `after`: what was seen last of a feed that resumes, instead of its argument.
        """
        inquiry = Inquiry(query, asked.variables, asked.operation_name, copy.copy(context), after)
        follower = Follower(inquiry, outbox, teller)
        try:
            stream = self._upstream(follower)
            if stream is None:
                await self._alone(follower)
            else:
                await self._share(follower, stream)
        except TooMany as error:
            follower.last = wrong(self._schema, error)
        except Exception:
            logger.exception("a subscription failed")
            follower.last = wrong(self._schema, RuntimeError())
        finally:
            follower.gone = True
            outbox.flush()  # what others have said since this gathered its last
        say_last(outbox, teller, follower.last)

    def refusal(self, error: Exception) -> bytes:
        """The encoded errors of an operation that is not executed for this reason."""
        return encoded(wrong(self._schema, error))

    def _forget(self, stream: Upstream) -> None:
        """Who asks from now on gets another execution."""
        self._living.discard(stream)
        if self._streams.get(stream.question) is stream:
            del self._streams[stream.question]

    def _upstream(self, follower: Follower) -> Upstream | None:
        """The shared execution that the follower is for, paid for. Raises TooMany."""
        inquiry = follower.inquiry
        pay_to_read(inquiry.context, inquiry.query)  # before it is looked at, whatever is found
        found = joint(inquiry.query, inquiry.operation_name, inquiry.variables)
        if found is None:
            return None
        if found.start is not Start.OWN:  # each pays for itself, however many share it
            inquiry.context.begin()
        follower.news_only = found.news_only and inquiry.cursor is None
        rights = inquiry.context.caller.rights
        question = Question(inquiry.query, found.variables, inquiry.operation_name, rights)
        return self._streams.get(question) or self._anew(question, found.start, inquiry.context)

    def _anew(self, question: Question, start: Start, context: GraphQLContext) -> Upstream:
        """Whoever asks from now on follows this one."""
        stream = Upstream(question, start, self._schema, context, self._forget)
        self._streams[question] = stream
        self._living.add(stream)
        return stream

    async def _share(self, follower: Follower, stream: Upstream) -> None:
        follower.inquiry = follower.inquiry._replace(query=stream.question.query)  # one text for all
        stream.enter(follower)
        try:
            while not follower.over:
                if not await stream.begin(follower):
                    later = self._streams.get(stream.question)
                    if later is None or later is stream:  # else another follower went there first
                        later = self._anew(stream.question, stream.start, follower.inquiry.context)
                    stream.leave(follower)
                    later.enter(follower)
                    stream = later
                    continue
                await follower.rest()
        finally:
            stream.leave(follower)

    async def _alone(self, follower: Follower) -> None:
        span = _Told(follower)
        self.alone += 1
        try:
            async with executed(self._schema, follower.inquiry.within(span)) as results:
                async for result in results:
                    if isinstance(result, PreExecutionError):
                        follower.last = result
                        return
                    follower.resumes = span.resumes
                    follower.starts(0)
                    follower.outbox.say(follower.text(span.position, payload(result)))
                    await follower.outbox.room()
        finally:
            self.alone -= 1
            span.follower = None  # the execution may outlive it, until garbage is looked for


class _Told(Span):
    """A whole feed of one alone."""

    def __init__(self, follower: Follower) -> None:
        super().__init__(cursor=follower.inquiry.cursor)
        self.follower: Follower | None = follower

    def begin(self, wanted: int, now: int, scope: object = None) -> int:
        if self.follower is not None:
            self.follower.starts(wanted)
        return super().begin(wanted, now, scope)
