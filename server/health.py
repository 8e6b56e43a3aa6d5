"""Alive, ready, and how it goes."""

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Gauge, generate_latest
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from models.database import Database
from models.ingest import Ingest
from subscriptions.hub import Hub


def routes(database: Database, ingest: Ingest, hub: Hub) -> list[Route]:
    """`/healthz`, `/readyz`, `/metrics`. They only read."""
    registry = _registry(ingest, hub)

    async def healthz(_request: Request) -> Response:
        return PlainTextResponse("alive")

    async def readyz(_request: Request) -> Response:
        usable = {"database": await _usable(database), "bus": hub.alive}
        return JSONResponse(usable, status_code=200 if all(usable.values()) else 503)

    async def metrics(_request: Request) -> Response:
        return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)

    return [Route("/healthz", healthz), Route("/readyz", readyz), Route("/metrics", metrics)]


async def _usable(database: Database) -> bool:
    try:
        await database.ping()
    except Exception:
        return False
    return True


def _registry(ingest: Ingest, hub: Hub) -> CollectorRegistry:
    registry = CollectorRegistry()
    for name, text, read in (
        ("passline_ingest_waiting", "Passings that wait to be written.", lambda: ingest.waiting),
        ("passline_ingest_commits", "Transactions of passings.", lambda: ingest.commits),
        ("passline_ingest_passings", "Passings stored by this process.", lambda: ingest.inserted),
        ("passline_ingest_duplicates", "Repeated passings seen by this process.", lambda: ingest.repeated),
        ("passline_listeners", "Subscriptions that listen to this process.", lambda: hub.listeners),
        ("passline_bus_alive", "1 while the bus is heard.", lambda: hub.alive),
        ("passline_bus_rebuilds", "How often the bus was lost and built anew.", lambda: hub.rebuilds),
    ):
        Gauge(name, text, registry=registry).set_function(read)
    return registry
