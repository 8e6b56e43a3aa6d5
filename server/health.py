"""Alive, ready, and how it goes."""

from collections.abc import Iterator
from typing import NamedTuple

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Gauge, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from models.database import Database
from models.ingest import Ingest
from models.reports import Reports
from server.audience import Audience
from server.auth import Door
from server.connections import Connections, SocketPlaces
from server.kept import Kept
from server.stopping import Stopping
from server.streams import Streams
from subscriptions.hub import Hub


class Guards(NamedTuple):
    """What keeps too much out."""

    door: Door
    connections: Connections
    sockets: SocketPlaces
    audience: Audience

    @property
    def refused(self) -> dict[str, int]:
        """How often, by reason."""
        return {
            **self.door.limits.refused,
            "waiting_keys": self.door.waiting.refused,
            **self.connections.refused,
            "sockets_of_address": self.sockets.of_address.refused,
            "sockets_of_key": self.sockets.of_key.refused,
            "init_time": self.sockets.late,
        }


class GuardFigures(Collector):
    """Read when they are asked for."""

    def __init__(self, guards: Guards) -> None:
        self._guards = guards

    def collect(self) -> Iterator[GaugeMetricFamily]:
        for name, text, label, figures in (
            ("passline_refused", "What was refused, by reason.", "reason", self._guards.refused),
            ("passline_buckets", "Buckets of points kept.", "kind", self._guards.door.limits.kept),
            ("passline_documents", "Documents in memory.", "kind", self._guards.door.texts.kept),
            ("passline_documents_forgotten", "For want of room.", "kind", self._guards.door.texts.forgotten),
            ("passline_dismissed", "Live connections sent away.", "reason", self._guards.audience.dismissed),
        ):
            family = GaugeMetricFamily(name, text, labels=[label])
            for value, count in figures.items():
                family.add_metric([value], count)
            yield family


def routes(
    database: Database,
    ingest: Ingest,
    reports: Reports,
    hub: Hub,
    streams: Streams,
    guards: Guards,
    kept: Kept,
    stopping: Stopping,
) -> list[Route]:
    """`/healthz`, `/readyz`, `/metrics`. They only read."""
    registry = _registry(ingest, reports, hub, streams, guards, kept)

    async def healthz(_request: Request) -> Response:
        # A balancer asks this one: without its bus a server serves on, but not when it stops.
        return PlainTextResponse(*(("stopping", 503) if stopping.begun else ("alive",)))

    async def readyz(_request: Request) -> Response:
        if stopping.begun:
            return JSONResponse({"stopping": True}, status_code=503)
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


def _registry(
    ingest: Ingest, reports: Reports, hub: Hub, streams: Streams, guards: Guards, kept: Kept
) -> CollectorRegistry:
    registry, bounds = CollectorRegistry(), streams.bounds
    registry.register(GuardFigures(guards))
    open_sockets = guards.sockets.of_address
    for name, text, read in (
        ("passline_ingest_waiting", "Passings that wait to be written.", lambda: ingest.waiting),
        ("passline_ingest_commits", "Transactions of passings.", lambda: ingest.commits),
        ("passline_ingest_passings", "Passings stored by this process.", lambda: ingest.inserted),
        ("passline_ingest_duplicates", "Repeated passings seen by this process.", lambda: ingest.repeated),
        ("passline_reports_waiting", "Telemetry reports that wait to be written.", lambda: reports.waiting),
        ("passline_reports_commits", "Transactions of telemetry.", lambda: reports.commits),
        ("passline_reports_stored", "Reports stored by this process.", lambda: reports.inserted),
        ("passline_reports_duplicates", "Repeated reports seen by this process.", lambda: reports.repeated),
        ("passline_listeners", "Subscriptions that listen to this process.", lambda: hub.listeners),
        ("passline_shared_executions", "Subscriptions executed once for many.", lambda: streams.shared),
        ("passline_shared_followers", "Live operations that follow those.", lambda: streams.followers),
        ("passline_own_executions", "Live operations that are executed alone.", lambda: streams.alone),
        ("passline_skipped", "Times that unread news were dropped.", lambda: bounds.skipped),
        ("passline_unread_sockets", "Live connections closed for being unread.", lambda: bounds.closed),
        ("passline_connections", "Open connections, sockets included.", lambda: len(guards.connections)),
        ("passline_sockets", "Open WebSockets and event streams.", lambda: open_sockets.total),
        ("passline_audience", "Live connections that showed who they are.", lambda: len(guards.audience)),
        ("passline_answers_kept_bytes", "Of answers about boards that are kept.", lambda: kept.bytes),
        ("passline_answers_given_again", "Questions about boards that were so answered.", lambda: kept.hits),
        ("passline_answers_made", "Questions about boards answered anew.", lambda: kept.misses),
        ("passline_answers_forgotten", "Kept answers that gave way to new ones.", lambda: kept.forgotten),
        ("passline_bus_alive", "1 while the bus is heard.", lambda: hub.alive),
        ("passline_bus_rebuilds", "How often the bus was lost and found again.", lambda: hub.rebuilds),
        ("passline_bus_silence", "Seconds since anything was heard on the bus.", lambda: hub.silence),
        ("passline_bus_sent", "Messages with news that were sent to other servers.", lambda: hub.sent),
        ("passline_bus_heard", "Messages with news of other servers.", lambda: hub.heard),
        ("passline_bus_merged", "Facts that went along with one not sent yet.", lambda: hub.merged),
        ("passline_doorbells_rung", "Rings of those who listen to this process.", lambda: hub.rung),
    ):
        Gauge(name, text, registry=registry).set_function(read)
    return registry
