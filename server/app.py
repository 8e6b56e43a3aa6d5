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
from models import fleets as fleet_rows
from models import migrate
from models.database import Database
from models.ingest import Ingest, Writer
from models.ingest_postgres import PostgresWriter
from models.ingest_sqlite import SqliteWriter
from models.reports import Reports
from resolvers.callers import Callers
from resolvers.context import STRANGER, Context
from resolvers.errors import told
from resolvers.leaderboards import Boards
from resolvers.limits import Limits, Places, Rate
from resolvers.retention import Retention
from resolvers.shares import Shares
from resolvers.watch import Watch
from rest_compat.routes import PREFIX, V0
from schema import root
from server import health, watchman
from server.addresses import Addresses
from server.auth import Door
from server.bodies import LimitedBody
from server.connections import Bounds, Connections, SocketPlaces
from server.exports import Exports
from server.graphql import View
from server.protocol import ShortWay
from server.settings import Settings
from server.shared import Streams
from server.sharing import Sharing
from server.stopping import Stopping
from subscriptions.fleets import Fleets
from subscriptions.hub import Hub
from subscriptions.screens import Screens

WEB = Path(web.__file__).parent
NOTE_USE_EVERY = 30.0
"""Seconds between two notes of when keys were used."""
THIN_EVERY = 3600.0
"""Seconds between two looks at old telemetry."""
PATIENCE = 30.0
"""Seconds for which a database is waited for that is not there yet: they may be started together."""
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


def build(settings: Settings, clock: Callable[[], int] = now) -> "V0First":
    database = Database(settings.database_url, settings.database_pool)
    hub = Hub(settings.broker_url)
    ingest = Ingest(database, writer(database), hub.announce, settings.ingest_queue)
    reports = Reports(database, hub.touched, settings.report_queue)
    retention = Retention(database, clock, settings.telemetry_full_days, settings.telemetry_thinned_seconds)
    callers = Callers(database, settings.hash_key, clock, hub.forgot)
    hub.on_keys = callers.forget_here
    boards = Boards(hub.changed)
    screens = Screens(hub, partial(boards.of_event, database), settings.leaderboard_interval)
    fleets = Fleets(hub, partial(fleet_rows.read, database), clock, settings.fleet_interval)
    watch = Watch(database, clock, hub.touched)
    limits = _limits(settings, shared=not database.sqlite)
    nobody = Context(STRANGER, database, ingest, reports, callers, boards, clock)
    addresses = Addresses(settings.trusted_proxies)
    door = Door(nobody, hub, screens, fleets, limits, addresses)
    schema = root.build(introspection=settings.introspection)
    graphiql = _page("graphiql/index.html", GRAPHIQL_POLICY) if settings.graphiql else None

    streams = Streams(schema, callers, settings.socket_outbox)
    lines = Connections(_bounds(settings), addresses)
    places = SocketPlaces(settings.address_sockets, settings.key_sockets)
    stopping = Stopping()
    shares = Shares(database, time.monotonic, limits, _shared(lines, places), settings.share_interval)
    sharing = Sharing(shares, settings.share_interval)
    view = View(schema, door, graphiql, streams, places)

    @contextlib.asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        sys.setswitchinterval(SWITCH)
        await prepare(settings)
        if not database.sqlite:  # a file has one server
            await sharing.start()
        await hub.start()
        ingest.start()
        reports.start()
        noting = asyncio.create_task(_note_use(callers))
        thinning = asyncio.create_task(_thin(retention, shares.has_turn))
        warming = asyncio.create_task(_warm(boards, database))
        watching = asyncio.create_task(watchman.keep(watch, hub, settings.watch_interval, shares.has_turn))
        _settle_memory()
        yield
        noting.cancel()
        thinning.cancel()
        warming.cancel()
        watching.cancel()
        await ingest.close()
        await reports.close()
        await _note(callers)
        await asyncio.wait([watching])  # it may still hold a connection
        await sharing.close()
        await hub.close()
        await database.close()

    guards = health.Guards(door, lines, places)
    rest = Starlette(
        lifespan=lifespan,
        routes=[
            *health.routes(database, ingest, reports, hub, streams, guards, stopping),
            Route("/graphql", CORSMiddleware(view, **FROM_PAGES)),
            WebSocketRoute("/graphql", view),
            Mount("/exports", CORSMiddleware(Exports(door), **FROM_PAGES)),
            Route("/", _live_page),
            Mount("/static", StaticFiles(directory=WEB)),
        ],
    )
    limit = settings.body_limit
    return V0First(V0(door.context, limit), LimitedBody(rest, limit), ShortWay(door, limit), lines, stopping)


class V0First:
    """Devices of v0 come in past everything that only the other doors need; `server.protocol` takes some of
    them a shorter way still."""

    def __init__(
        self, v0: ASGIApp, rest: ASGIApp, short_way: ShortWay, connections: Connections, stopping: Stopping
    ) -> None:
        self._v0, self._rest = v0, rest
        self.short_way, self.connections = short_way, connections  # `server.protocol` looks for them
        self.stopping = stopping  # as the command line does

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        is_v0 = scope["type"] == "http" and scope["path"].startswith(PREFIX + "/")
        await (self._v0 if is_v0 else self._rest)(scope, receive, send)


def _limits(settings: Settings, shared: bool) -> Limits:
    return Limits(
        time.monotonic,
        shared=shared,
        most=settings.limiter_entries,
        key=Rate(settings.key_rate, settings.key_burst),
        address=Rate(settings.address_rate, settings.address_burst),
        stranger=Rate(settings.stranger_rate, settings.stranger_burst),
        bad_key=Rate(settings.bad_key_rate, settings.bad_key_burst),
    )


def _bounds(settings: Settings) -> Bounds:
    return Bounds(
        head_seconds=settings.head_seconds,
        head_limit=settings.head_limit,
        body_seconds=settings.body_seconds,
        body_limit=settings.body_limit,
        of_address=settings.address_connections,
        in_all=settings.connections,
    )


def writer(database: Database) -> Writer:
    """The way in that fits the database."""
    if database.sqlite:
        return SqliteWriter(str(database.url.database))
    return PostgresWriter(database.url)


def _shared(lines: Connections, places: SocketPlaces) -> dict[str, Places]:
    """What is limited by name for all servers together."""
    return {
        "connections_of_address": lines.of_address,
        "sockets_of_address": places.of_address,
        "sockets_of_key": places.of_key,
    }


async def prepare(settings: Settings) -> None:
    """The schema is up to date when this returns. Raises migrate.NotReady with a sentence for people."""
    await migrate.prepare(settings.database_url, migrates=settings.migrate, patience=PATIENCE)


def _settle_memory() -> None:
    """What lives as long as the server is not looked through again; garbage is looked for more rarely."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)


async def _note_use(callers: Callers) -> None:
    while True:
        await asyncio.sleep(NOTE_USE_EVERY)
        await _note(callers)


async def _note(callers: Callers) -> None:
    try:
        await callers.note_use()
    except Exception as error:
        _log(error, "the use of keys could not be noted")


async def _thin(retention: Retention, turn: Callable[[], bool]) -> None:
    while True:
        try:
            if turn():
                await retention.thin()
        except Exception as error:
            _log(error, "telemetry could not be thinned")
        await asyncio.sleep(THIN_EVERY)


async def _warm(boards: Boards, database: Database) -> None:
    """What cannot be made now is made when it is asked for."""
    try:
        await boards.warm(database)
    except Exception as error:
        _log(error, "boards could not be made at start")


def _log(error: Exception, event: str) -> None:
    """Without a trace of what is expected: a database that goes away comes back."""
    if told(error) is None:
        logger.exception(event)
    else:
        logger.warning(event, reason=str(error))


async def _live_page(_request: Request) -> Response:
    return _page("index.html", LIVE_POLICY)


def _page(name: str, policy: str) -> Response:
    headers = {"content-security-policy": policy, "cache-control": "no-cache"}
    return FileResponse(WEB / name, headers=headers)
