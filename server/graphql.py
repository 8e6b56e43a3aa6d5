"""GraphQL over HTTP by the draft of its specification: from a request to the bytes of its answer."""

import contextlib
from hashlib import blake2b

from starlette.types import ASGIApp, Receive, Scope, Send

from resolvers import documents
from resolvers.errors import TimingError
from schema.context import GraphQLContext
from server import media, replies, requests
from server.answers import Answered, Answers
from server.asking import Asked
from server.auth import Door
from server.media import GRAPHQL, HTML, JSON
from server.replies import FOR_PAGES, NOT_KEPT, STATUSES, Headers, Reply
from server.requests import GETS, Gone, Unfit

ACCEPTABLE = f"accept must name {GRAPHQL}, {JSON}, or for what goes on text/event-stream or multipart/mixed"
VARIES = (b"vary", b"accept, x-api-key, api_key, authorization")
"""On these an answer depends beside its address."""


class Http:
    """`/graphql` for GET and POST. `page` is shown to browsers, if there is one; `streams` answers those who
    want to be told more than once; `body_limit` is in bytes, `max_age` in seconds: for so long anybody may
    keep what strangers see of public events."""

    def __init__(
        self,
        door: Door,
        answers: Answers,
        page: ASGIApp | None,
        streams: ASGIApp,
        *,
        body_limit: int,
        max_age: int,
    ) -> None:
        self._door, self._answers = door, answers
        self._page, self._streams = page, streams
        self._body_limit = body_limit
        kept = b"public, max-age=%d, stale-while-revalidate=%d" % (max_age, max_age)
        self._kept: Headers = [(b"cache-control", kept), VARIES] if max_age else []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        kinds = media.preferred(media.values(scope["headers"], b"accept"))
        kind = next((each for each in kinds if each != HTML or self._browses(scope)), None)
        if kind in media.STREAMS:
            await self._streams(scope, receive, send)
        elif kind == HTML and self._page is not None:
            await self._page(scope, receive, send)
        else:
            with contextlib.suppress(Gone):
                await (await self._reply(scope, receive, kind)).send(send)

    def _browses(self, scope: Scope) -> bool:
        """Whether somebody wants to see the page, and not the answer to a question in the address."""
        if self._page is None or scope["method"] not in GETS:
            return False
        return b"query=" not in scope["query_string"] and b"documentId=" not in scope["query_string"]

    async def _reply(self, scope: Scope, receive: Receive, kind: str | None) -> Reply:
        try:
            if kind is None:
                raise Unfit(406, ACCEPTABLE)
            context = await self._door.graphql(scope)
            asked = await requests.read(scope, receive, context.meter, self._body_limit)
            by_get = scope["method"] in GETS
            answered = await self._answered(asked, context, by_get)
        except Gone:
            raise
        except Exception as error:
            return replies.ended(kind or JSON, error)
        if answered.refused:
            return _refused(answered, kind, by_get)
        if by_get and answered.public and self._kept:
            return self._for_all(answered, kind, media.values(scope["headers"], b"if-none-match"))
        headers = [*FOR_PAGES, NOT_KEPT, replies.typed(kind), *replies.later(answered.errors)]
        return Reply(200, headers, answered.body)

    async def _answered(self, asked: Asked, context: GraphQLContext, by_get: bool) -> Answered:
        try:
            query = await documents.text(context, asked.query, asked.document)
        except TimingError as error:
            return Answered(b"", refused=True, errors=[replies.formatted(error)])
        return await self._answers.answer(query, asked, context, only_queries=by_get)

    def _for_all(self, answered: Answered, kind: str, known: str) -> Reply:
        """Anybody may keep it; who has it already is told so."""
        tag = _tag(answered.body, kind)
        headers = [*FOR_PAGES, *self._kept, (b"etag", tag.encode())]
        if known == "*" or tag in _tags(known):
            return Reply(304, headers, b"")
        return Reply(200, [*headers, replies.typed(kind)], answered.body)


def _refused(answered: Answered, kind: str, by_get: bool) -> Reply:
    """Nothing was executed. Only the newer type says in its status why; the older one is for clients that
    look into the body of a 200 and nowhere else."""
    if answered.wrong_way and by_get:
        return replies.refusal(kind, 405, answered.errors, [(b"allow", b"POST")])
    status = 200
    if kind == GRAPHQL:
        status = STATUSES.get(answered.errors[0].get("extensions", {}).get("code"), 400)
    return replies.refusal(kind, status, answered.errors)


def _tag(body: bytes, kind: str) -> str:
    """The same bytes as another type are another answer."""
    return f'"{blake2b(body, digest_size=12, person=kind[-16:].encode()).hexdigest()}"'


def _tags(known: str) -> set[str]:
    """A weak one is as good here: a client that has the same meaning needs no bytes."""
    return {each.strip().removeprefix("W/") for each in known.split(",")}
