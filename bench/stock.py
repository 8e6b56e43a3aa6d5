"""A leaderboard's subscription with Strawberry as it comes: the same types and messages, and data in memory.

What is posted goes into a queue of each subscriber. No database, no rights, no limits: what is left is what
every server with Strawberry does for each message and each subscriber.
"""

import asyncio
import enum
import sys
from collections.abc import AsyncGenerator

import orjson
import strawberry
import uvloop
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, WebSocketRoute
from strawberry.asgi import GraphQL

from bench.bare import serve_app


@strawberry.enum
class StandingState(enum.Enum):
    NOT_STARTED = "NOT_STARTED"
    ON_COURSE = "ON_COURSE"
    FINISHED = "FINISHED"


@strawberry.type
class Standing:
    key: str
    rank: int | None
    bib: str | None
    name: str
    state: StandingState
    lap: int | None
    gun_time: float | None


@strawberry.type
class LeaderboardUpdate:
    revision: int
    snapshot: bool
    standings: list[Standing]
    removed: list[str]


class News:
    """What was posted last, and who wants to hear what is posted next."""

    def __init__(self) -> None:
        self.queues: set[asyncio.Queue[LeaderboardUpdate]] = set()
        self.last = LeaderboardUpdate(revision=0, snapshot=True, standings=[], removed=[])

    def publish(self, posted: bytes) -> None:
        found = orjson.loads(posted)
        lines = [
            Standing(gun_time=line.pop("gunTime"), state=StandingState(line.pop("state")), **line)
            for line in found.pop("standings")
        ]
        self.last = LeaderboardUpdate(standings=lines, **found)
        for queue in self.queues:
            queue.put_nowait(self.last)


news = News()


@strawberry.type
class Query:
    ready: bool = True


@strawberry.type
class Subscription:
    @strawberry.subscription
    async def leaderboard(self, race_id: strawberry.ID, top: int) -> AsyncGenerator[LeaderboardUpdate, None]:
        queue: asyncio.Queue[LeaderboardUpdate] = asyncio.Queue()
        news.queues.add(queue)
        try:
            yield news.last
            while True:
                yield await queue.get()
        finally:
            news.queues.discard(queue)


async def post(request: Request) -> Response:
    news.publish(await request.body())
    return Response(b"{}", 201)


async def ready(request: Request) -> Response:
    return Response(b"{}")


def app() -> Starlette:
    graphql = GraphQL[None, None](strawberry.Schema(Query, subscription=Subscription))
    return Starlette(
        routes=[
            Route("/post", post, methods=["POST"]),
            Route("/readyz", ready),
            WebSocketRoute("/graphql", graphql),
        ]
    )


if __name__ == "__main__":
    uvloop.run(serve_app(int(sys.argv[1]), app()))
