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

import orjson
import structlog
from starlette.applications import Starlette
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp

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
from resolvers.documents import digest
from resolvers.errors import told
from resolvers.leaderboards import Boards
from resolvers.limits import Limits, Places, Rate
from resolvers.retention import Retention
from resolvers.shares import Shares
from resolvers.texts import Texts
from resolvers.watch import Watch
from rest_compat.routes import V0
from schema import root
from schema.judging import Judge
from server import health, watchman
from server.addresses import Addresses
from server.answers import Answers
from server.audience import Audience
from server.auth import Door
from server.bodies import LimitedBody
from server.connections import Bounds, Connections, SocketPlaces
from server.doors import Doors
from server.event_streams import EventStreams
from server.exports import Exports
from server.graphql import Http
from server.graphql_ws import Conversations
from server.outbox import OutboxBounds
from server.protocol import ShortWay
from server.settings import Settings
from server.sharing import Sharing
from server.stopping import Stopping
from server.streams import Streams
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
    "allow_headers": ["api_key", "x-api-key", "authorization", "content-type", "last-event-id"],
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


def build(settings: Settings, clock: Callable[[], int] = now) -> Doors:
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
    schema = root.build(introspection=settings.introspection)
    texts = _texts(settings, database, clock, Judge(schema))
    nobody = Context(STRANGER, database, ingest, reports, callers, boards, texts, clock)
    addresses = Addresses(settings.trusted_proxies)
    door = Door(nobody, hub, screens, fleets, limits, addresses)
    graphiql = _page("graphiql/index.html", GRAPHIQL_POLICY) if settings.graphiql else None

    streams = Streams(schema, OutboxBounds(settings.socket_outbox, settings.unread_seconds))
    audience = Audience(callers)
    lines = Connections(_bounds(settings), addresses)
    places = SocketPlaces(settings.address_sockets, settings.key_sockets)
    stopping = Stopping()
    shares = Shares(database, time.monotonic, limits, _shared(lines, places), settings.share_interval)
    sharing = Sharing(shares, settings.share_interval)
    limits_of_http: dict[str, Any] = {"body_limit": settings.body_limit, "max_age": settings.public_max_age}
    event_streams = EventStreams(
        schema, door, streams, places, audience, settings.body_limit, settings.heartbeat_seconds
    )
    answers = Answers(schema, settings.answer_cache)
    http = Http(door, answers, graphiql, event_streams, **limits_of_http)
    graphql: dict[str, ASGIApp] = {"/graphql": http, "/graphql/stream": event_streams}
    sockets = Conversations(
        door,
        streams,
        places,
        audience,
        init_seconds=settings.init_seconds,
        idle_seconds=settings.idle_seconds,
    )

    @contextlib.asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        sys.setswitchinterval(SWITCH)
        await prepare(settings)
        if not database.sqlite:  # a file has one server
            await sharing.start()
        await hub.start()
        ingest.start()
        reports.start()
        audience.start()
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
        await audience.close()
        await ingest.close()
        await reports.close()
        await _note(callers)
        await asyncio.wait([watching])  # it may still hold a connection
        await sharing.close()
        await hub.close()
        await database.close()

    guards = health.Guards(door, lines, places, audience)
    rest = Starlette(
        lifespan=lifespan,
        routes=[
            *health.routes(database, ingest, reports, hub, streams, guards, answers.kept, stopping),
            *(Route(path, CORSMiddleware(way, **FROM_PAGES)) for path, way in graphql.items()),
            Mount("/exports", CORSMiddleware(Exports(door), **FROM_PAGES)),
            Route("/", _live_page),
            Mount("/static", StaticFiles(directory=WEB)),
        ],
    )
    limit = settings.body_limit
    v0, others, short_way = V0(door.context, limit), LimitedBody(rest, limit), ShortWay(door, limit)
    return Doors(v0, graphql, sockets, others, short_way, lines, audience, stopping)


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


def _texts(settings: Settings, database: Database, clock: Callable[[], int], judge: Judge) -> Texts:
    """Where only registered documents are executed, those of our own pages count as such."""
    ours = orjson.loads((WEB / "documents.json").read_bytes()) if settings.documents_only else []
    always = [(digest(text).hex(), text) for text in ours]
    return Texts(database, clock, judge, registered_only=settings.documents_only, always=always)


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
