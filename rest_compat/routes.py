"""Every v0 route, top to bottom; the busiest first."""

from pathlib import Path

import orjson
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, Router
from starlette.types import Receive, Scope, Send

from resolvers.errors import told
from rest_compat import bindings, devices, events, participants, passings, sessions, telemetry
from rest_compat.endpoints import Endpoint, Identify, Keyless, Verb, send_json, shaped

OPENAPI = orjson.dumps(orjson.loads((Path(__file__).parent / "openapi.json").read_bytes()))
PREFIX = "/v0"
KEY_HEADERS = ("api_key", "x-api-key", "authorization", "content-type")


class V0:
    """The v0 application, whole: its own routes, errors and openness to pages.

    A trailing slash changes nothing.
    """

    def __init__(self, identify: Identify, body_limit: int) -> None:
        self._identify = identify
        all_routes = routes(identify, body_limit)
        # Paths without a name in them are found without looking through the list: the busiest is one of them.
        self._fixed = {
            route.path: route.app
            for route in all_routes
            if isinstance(route.app, Endpoint) and "{" not in route.path
        }
        self._router = Router(all_routes, redirect_slashes=False, default=self._not_found)
        self._for_pages = CORSMiddleware(
            self._router,
            allow_origins=["*"],
            allow_methods=["GET", "HEAD", "POST"],
            allow_headers=KEY_HEADERS,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["path"].removeprefix(PREFIX).rstrip("/")
        scope = {**scope, "path": path, "path_params": {}}
        for name, _ in scope["headers"]:
            if name == b"origin":
                await self._for_pages(scope, receive, send)
                return
        await self._fixed.get(path, self._router)(scope, receive, send)

    async def _not_found(self, scope: Scope, _receive: Receive, send: Send) -> None:
        try:
            shape = (await self._identify(scope)).caller.v0_shape
        except Exception as error:
            if told(error) is None:
                raise
            shape = "BOTH"
        await send_json(send, 404, shaped({"description": "Not found"}, shape))


def routes(identify: Identify, body_limit: int) -> list[Route]:
    """Every path with its verbs."""

    def at(path: str, **verbs: Verb) -> Route:
        return Route(path, Endpoint(identify, body_limit, **verbs))

    return [
        at("/passings", POST=passings.create),
        at("/passings/session/{token_session}", GET=passings.of_session),
        at("/passings/device/{deviceid}", GET=passings.of_device),
        at("/passings/device2/{deviceid}", GET=passings.poll),
        at("/sessions", POST=sessions.create),
        at("/sessions/close/{token_session}", PATCH=sessions.close),
        at("/sessions/device/{deviceid}", GET=sessions.of_device),
        at("/sessions/device/{deviceid}/active", GET=sessions.active),
        at("/sessions/{token_session}", GET=sessions.show),
        Route("/bind", Keyless(identify, body_limit, POST=bindings.create)),
        at("/devices", POST=devices.create, GET=devices.index),
        at("/devices/{deviceid}", GET=devices.show, DELETE=devices.unbind),
        at("/devices/{deviceid}/telemetry", POST=telemetry.create, GET=telemetry.of_device),
        at("/devices/{deviceid}/status", PATCH=telemetry.create),
        at("/events", GET=events.index),
        at("/events/{event_token}", GET=events.show),
        at("/events/{event_token}/participants", GET=participants.index, POST=participants.create),
        Route("/openapi.json", _openapi, methods=["GET"]),
    ]


async def _openapi(_request: Request) -> Response:
    return Response(OPENAPI, media_type="application/json")
