"""Every v0 route, top to bottom; the busiest first."""

from pathlib import Path

import orjson
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, Router
from starlette.types import ASGIApp, Receive, Scope, Send

from resolvers.errors import TimingError
from rest_compat import devices, passings, sessions
from rest_compat.endpoints import Endpoint, Identify, Verb, send_json, shaped

OPENAPI = orjson.dumps(orjson.loads((Path(__file__).parent / "openapi.json").read_bytes()))
KEY_HEADERS = ("api_key", "x-api-key", "authorization", "content-type")


def build(identify: Identify) -> ASGIApp:
    """The v0 application, to be mounted at `/v0`. A trailing slash makes no difference."""

    def at(path: str, **verbs: Verb) -> Route:
        return Route(path, Endpoint(identify, **verbs))

    async def not_found(scope: Scope, _receive: Receive, send: Send) -> None:
        try:
            shape = (await identify(scope)).caller.v0_shape
        except TimingError:
            shape = "BOTH"
        await send_json(send, 404, shaped({"description": "Not found"}, shape))

    router = Router(
        [
            at("/passings", POST=passings.create),
            at("/passings/session/{token_session}", GET=passings.of_session),
            at("/passings/device/{deviceid}", GET=passings.of_device),
            at("/passings/device2/{deviceid}", GET=passings.poll),
            at("/sessions", POST=sessions.create),
            at("/sessions/close/{token_session}", PATCH=sessions.close),
            at("/sessions/device/{deviceid}", GET=sessions.of_device),
            at("/sessions/device/{deviceid}/active", GET=sessions.active),
            at("/sessions/{token_session}", GET=sessions.show),
            at("/devices", POST=devices.create, GET=devices.index),
            at("/devices/{deviceid}", GET=devices.show, DELETE=devices.unbind),
            Route("/openapi.json", _openapi, methods=["GET"]),
        ],
        redirect_slashes=False,
        default=not_found,
    )
    open_to_pages = CORSMiddleware(
        router, allow_origins=["*"], allow_methods=["GET", "HEAD", "POST"], allow_headers=KEY_HEADERS
    )

    async def without_trailing_slash(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"].endswith("/"):
            scope = {**scope, "path": scope["path"].rstrip("/")}
        await open_to_pages(scope, receive, send)

    return without_trailing_slash


async def _openapi(_request: Request) -> Response:
    return Response(OPENAPI, media_type="application/json")
