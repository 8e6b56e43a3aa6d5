"""Ceilings of queries, each a path of one process: the same bytes by bare Starlette, and a board's page by
Strawberry as it comes, with the same types and its rows in memory.

`python -m bench.stock_queries PORT FILE`: the file holds an answer of ours, which is what is answered.
"""

import sys
from pathlib import Path
from typing import Any

import orjson
import strawberry
import uvloop
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from strawberry.asgi import GraphQL

from bench.bare import serve_app
from bench.stock import StandingState

LINES: list["Standing"] = []
"""As many as the race has, as one who asks GraphQL for the first time would keep them."""
PEOPLE = 2_000


@strawberry.type
class Standing:
    rank: int | None
    place: int
    bib: str | None
    name: str
    category: str | None
    club: str | None
    state: StandingState
    time: float | None
    gap: float | None
    lap: int | None


@strawberry.type
class Edge:
    cursor: str
    node: Standing


@strawberry.type
class StandingConnection:
    edges: list[Edge]
    total_count: int


@strawberry.type
class Query:
    @strawberry.field
    async def leaderboard(
        self, race_id: strawberry.ID, first: int, after: str | None = None
    ) -> StandingConnection:
        start = int(after or 0)
        edges = [Edge(cursor=str(line.place), node=line) for line in LINES[start : start + first]]
        return StandingConnection(edges=edges, total_count=len(LINES))


def fill(answer: dict[str, Any]) -> None:
    """With lines like those of the answer."""
    nodes = [edge["node"] for edge in answer["data"]["leaderboard"]["edges"]]
    for place in range(1, PEOPLE + 1):
        like = dict(nodes[place % len(nodes)])
        like |= {"place": place, "rank": place, "state": StandingState(like["state"])}
        LINES.append(Standing(**like))


def app(body: bytes) -> Starlette:
    answer = orjson.loads(body)
    fill(answer)

    async def same(request: Request) -> Response:
        return Response(body, media_type="application/json")

    async def encoded(request: Request) -> Response:
        return JSONResponse(answer)

    async def ready(request: Request) -> Response:
        return Response(b"{}")

    return Starlette(
        routes=[
            Route("/bytes", same, methods=["POST"]),
            Route("/json", encoded, methods=["POST"]),
            Route("/graphql", GraphQL[None, None](strawberry.Schema(Query)), methods=["POST"]),
            Route("/readyz", ready),
        ]
    )


if __name__ == "__main__":
    uvloop.run(serve_app(int(sys.argv[1]), app(Path(sys.argv[2]).read_bytes())))
