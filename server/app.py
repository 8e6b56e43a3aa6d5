"""The whole machine on one page: what there is, how it starts and stops, which doors it has."""

import asyncio
import contextlib
import gc
import sys
import time
from collections.abc import AsyncIterator, Callable
from functools import partial
from pathlib import Path
from typing import Any

import structlog
from starlette.applications import Starlette
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Receive, Scope, Send

import web
from models import migrate
from models.database import Database
from models.ingest import Ingest, Writer
from models.ingest_postgres import PostgresWriter
from models.ingest_sqlite import SqliteWriter
from models.reports import Reports
from resolvers.callers import Callers
from resolvers.context import STRANGER, Context
from resolvers.leaderboards import Boards
from rest_compat.routes import PREFIX, V0
from schema import root
from server import health
from server.auth import Door
from server.bodies import LimitedBody
from server.exports import Exports
from server.graphql import View
from server.protocol import ShortWay
from server.settings import Settings
from subscriptions.hub import Hub
from subscriptions.screens import Screens

WEB = Path(web.__file__).parent
NOTE_USE_EVERY = 30.0
"""Seconds between two notes of when keys were used."""
SWITCH = 0.0005
"""Seconds until a thread that waits for the interpreter gets it: the writer's needs short turns, often."""

FROM_PAGES: dict[str, Any] = {
    "allow_origins": ["*"],  # the key is shown in a header, never taken from a cookie
    "allow_methods": ["GET", "POST"],
    "allow_headers": ["api_key", "x-api-key", "authorization", "content-type"],
}

logger = structlog.get_logger()

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'{styles}; img-src 'self'{images}; {fonts}"
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
LIVE_POLICY = POLICY.format(styles="", images="", fonts="")
GRAPHIQL_POLICY = POLICY.format(styles=" 'unsafe-inline'", images=" data:", fonts="font-src data:; ")


def now() -> int:
    """Microseconds since 1970."""
    return time.time_ns() // 1000


def build(settings: Settings, clock: Callable[[], int] = now) -> ASGIApp:
    database = Database(settings.database_url)
    hub = Hub(settings.broker_url)
    ingest = Ingest(database, writer(database), hub.announce, settings.ingest_queue)
    reports = Reports(database, hub.touched, settings.report_queue)
    callers = Callers(database, settings.hash_key, clock)
    boards = Boards(hub.changed)
    screens = Screens(hub, partial(boards.of_event, database), settings.leaderboard_interval)
    door = Door(Context(STRANGER, database, ingest, reports, callers, boards, clock), hub, screens)
    schema = root.build(introspection=settings.introspection)
    graphiql = _page("graphiql/index.html", GRAPHIQL_POLICY) if settings.graphiql else None

    view = View(schema, door, graphiql)

    @contextlib.asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        await _prepare(settings, database)
        await hub.start()
        ingest.start()
        reports.start()
        noting = asyncio.create_task(_note_use(callers))
        warming = asyncio.create_task(_warm(boards, database))
        _settle_memory()
        yield
        noting.cancel()
        warming.cancel()
        await ingest.close()
        await reports.close()
        await callers.note_use()
        await hub.close()
        await database.close()

    rest = Starlette(
        lifespan=lifespan,
        routes=[
            *health.routes(database, ingest, hub),
            Route("/graphql", CORSMiddleware(view, **FROM_PAGES)),
            WebSocketRoute("/graphql", view),
            Mount("/exports", CORSMiddleware(Exports(door), **FROM_PAGES)),
            Route("/", _live_page),
            Mount("/static", StaticFiles(directory=WEB)),
        ],
    )
    limit = settings.body_limit
    return V0First(V0(door.context, limit), LimitedBody(rest, limit), ShortWay(door, limit))


class V0First:
    """Devices of v0 come in past everything that only the other doors need; `server.protocol` takes some of
    them a shorter way still."""

    def __init__(self, v0: ASGIApp, rest: ASGIApp, short_way: ShortWay) -> None:
        self._v0, self._rest = v0, rest
        self.short_way = short_way

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        is_v0 = scope["type"] == "http" and scope["path"].startswith(PREFIX + "/")
        await (self._v0 if is_v0 else self._rest)(scope, receive, send)


def writer(database: Database) -> Writer:
    """The way in that fits the database."""
    if database.sqlite:
        return SqliteWriter(str(database.url.database))
    return PostgresWriter(database.url)


async def _prepare(settings: Settings, database: Database) -> None:
    """An embedded database is brought up to date by itself; another only says that it is not."""
    sys.setswitchinterval(SWITCH)
    if database.sqlite:
        await migrate.upgrade(settings.database_url)
    elif not await migrate.current(settings.database_url):
        raise RuntimeError("the database's schema is not up to date: run `passline migrate`")


def _settle_memory() -> None:
    """What lives as long as the server is not looked through again; garbage is looked for more rarely."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)


async def _note_use(callers: Callers) -> None:
    while True:
        await asyncio.sleep(NOTE_USE_EVERY)
        try:
            await callers.note_use()
        except Exception:
            logger.exception("the use of keys could not be noted")


async def _warm(boards: Boards, database: Database) -> None:
    """What cannot be made now is made when it is asked for."""
    try:
        await boards.warm(database)
    except Exception:
        logger.exception("boards could not be made at start")


async def _live_page(_request: Request) -> Response:
    return _page("index.html", LIVE_POLICY)


def _page(name: str, policy: str) -> Response:
    headers = {"content-security-policy": policy, "cache-control": "no-cache"}
    return FileResponse(WEB / name, headers=headers)
