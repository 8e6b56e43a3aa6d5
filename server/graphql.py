"""Strawberry's view with our context, our JSON, and an answer to everything that is not a GraphQL request."""

import contextlib
from collections.abc import Mapping
from typing import Any

import msgspec
import orjson
from cross_web import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import Message, Receive, Scope, Send
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketDisconnected
from strawberry.asgi import ASGIWebSocketAdapter, GraphQL
from strawberry.exceptions import ConnectionRejectionError
from strawberry.subscriptions import GRAPHQL_TRANSPORT_WS_PROTOCOL
from strawberry.subscriptions.protocols.graphql_transport_ws.types import (
    ConnectionInitMessage,
    SubscribeMessage,
)

from models.database import Unreachable
from resolvers import costs
from resolvers.context import REFUSED, STRANGER, Caller, Meter
from resolvers.errors import Busy, TooLarge, TooMany, Unidentified, told
from schema.context import GraphQLContext
from schema.root import Schema
from server.auth import Door
from server.connections import SocketPlaces
from server.shared import Sharing, Streams

TOO_MANY, TOO_MANY_SOCKETS = 4429, "Too many connections"
LATER, COME_AGAIN = 1013, "Service unavailable"
"""While the database cannot be reached. Clients connect again after a while."""


class TextFrames(ASGIWebSocketAdapter):
    """Text, not binary: browsers' clients and gql refuse binary frames."""

    async def send_json(self, message: Any) -> None:
        # A socket may close between an event and its frame; whoever reads it ends the rest.
        with contextlib.suppress(WebSocketDisconnect, WebSocketDisconnected):
            await self.ws.send_text(orjson.dumps(message).decode())


class NoPlace(Exception):
    """The key has as many sockets open as it may."""


class Socket(Sharing):
    """Asks before each operation whether the key that opened the socket is still live."""

    async def handle(self) -> None:
        assert isinstance(self.view, View)
        try:
            await super().handle()
        finally:
            self.view.leave(self.context)

    async def handle_connection_init(self, message: ConnectionInitMessage) -> None:
        try:
            await super().handle_connection_init(message)
        except NoPlace:
            await self.websocket.close(TOO_MANY, TOO_MANY_SOCKETS)
        except Unreachable:
            await self.websocket.close(LATER, COME_AGAIN)

    async def handle_subscribe(self, message: SubscribeMessage) -> None:
        assert self.context is not None
        try:
            await self.context.callers.still(self.context.caller)
        except Unidentified:
            self.context.caller = REFUSED
        except Unreachable:
            found = self.view.streams.refusal(Busy()).errors or []
            payload = [error.formatted for error in found]
            await self.send_message({"id": message["id"], "type": "error", "payload": payload})
            return
        await super().handle_subscribe(message)


class View(GraphQL[GraphQLContext, None]):
    """`/graphql` over HTTP and `graphql-transport-ws`."""

    websocket_adapter_class = TextFrames
    graphql_transport_ws_handler_class = Socket

    def __init__(
        self, schema: Schema, door: Door, page: Response | None, streams: Streams, places: SocketPlaces
    ) -> None:
        super().__init__(
            schema,
            graphql_ide="graphiql" if page else None,
            subscription_protocols=(GRAPHQL_TRANSPORT_WS_PROTOCOL,),
            allowed_origins=("*",),  # the key is shown in the socket, never taken from a cookie
        )
        self._door = door
        self._page = page
        self._places = places
        self.streams = streams

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await (await self._answer(scope, receive))(scope, receive, send)
            return
        address = self._door.addresses.of(scope)
        if not self._places.of_address.take(address):
            socket = WebSocket(scope, receive, send)
            await socket.accept(await self.pick_websocket_subprotocol(socket))
            await socket.close(TOO_MANY, TOO_MANY_SOCKETS)
            return
        try:
            await super().__call__(scope, receive, send)
        except Unreachable:  # just accepted, and the key of the handshake could not be looked up
            await send({"type": "websocket.close", "code": LATER, "reason": COME_AGAIN})
        finally:
            self._places.of_address.leave(address)

    async def _answer(self, scope: Scope, receive: Receive) -> Response:
        try:
            context = await self._context(scope)
            return await self.run(Request(scope, _paid(receive, context.meter)), context)
        except HTTPException as error:
            return _refusal(error.status_code, error.reason, {"code": "BAD_USER_INPUT", "fields": {}})
        except TooLarge as error:
            return _refusal(error.status, str(error), error.extensions, {"connection": "close"})
        except (TooMany, Unreachable) as error:
            no = told(error)
            assert no is not None
            return _refusal(no.status, str(no), no.extensions, _later(no.extensions))

    async def get_context(
        self, request: Request | WebSocket, response: Response | WebSocket
    ) -> GraphQLContext:
        """Of a socket. Who shows too many wrong keys may open it all the same, and is refused in it."""
        try:
            return await self._context(request.scope)
        except TooMany:
            return self._of(STRANGER, self._door.addresses.of(request.scope))

    async def _context(self, scope: Scope) -> GraphQLContext:
        """Raises TooMany. A wrong key is told in the answer to each operation."""
        try:
            context = await self._door.context(scope)
        except Unidentified as error:
            return self._of(Caller(refusal=str(error)), self._door.addresses.of(scope))
        return self._of(context.caller, self._door.addresses.of(scope))

    def _of(self, caller: Caller, address: str) -> GraphQLContext:
        live = self._door.live(caller, address)
        context = GraphQLContext(live, live.hub, live.screens, live.fleets)
        context.address = address
        return context

    async def on_ws_connect(self, context: GraphQLContext) -> Any:
        try:
            await self._door.introduce(context, context.address, context.connection_params)
        except (Unidentified, TooMany) as error:
            raise ConnectionRejectionError(error.extensions) from None
        key = context.caller.key_id
        if key is not None:
            if not self._places.of_key.take(key):
                raise NoPlace
            context.place = key
        return await super().on_ws_connect(context)

    def leave(self, context: GraphQLContext) -> None:
        """The socket of this context is closed."""
        if context.place is not None:
            self._places.of_key.leave(context.place)
            context.place = None

    def create_response(self, response_data: Any, sub_response: Response) -> Response:
        """Says also in a header when to come again: proxies and plain clients look there."""
        response = super().create_response(response_data, sub_response)
        for part in response_data if isinstance(response_data, list) else [response_data]:
            for error in part.get("errors", ()):
                response.headers.update(_later(error.get("extensions", {})))
        return response

    async def render_graphql_ide(self, request: Request) -> Response:
        assert self._page is not None
        return self._page

    def parse_json(self, data: str | bytes) -> Any:
        """Raises HTTPException for everything that is not an object or a list of objects in JSON."""
        try:
            parsed = msgspec.json.decode(data)
        except (ValueError, RecursionError):
            raise HTTPException(400, "the body is not JSON") from None
        for part in parsed if isinstance(parsed, list) else [parsed]:
            _check(part)
        return parsed

    def encode_json(self, data: object) -> bytes:
        return orjson.dumps(data)


def _paid(receive: Receive, meter: Meter) -> Receive:
    """A body is paid for before it is decoded: raises TooMany inside the one that reads it."""
    size = 0

    async def paid() -> Message:
        nonlocal size
        message = await receive()
        size += len(message.get("body", b""))
        if message["type"] == "http.request" and not message.get("more_body"):
            meter.spend(costs.body(size))
        return message

    return paid


def _later(extensions: Mapping[str, Any]) -> dict[str, str]:
    """The header that goes with an error of these extensions."""
    after = extensions.get("retryAfter")
    return {} if after is None else {"retry-after": str(after)}


def _check(part: Any) -> None:
    if not isinstance(part, dict):
        raise HTTPException(400, "a GraphQL request is a JSON object")
    for field, kind in (("query", str), ("operationName", str), ("variables", dict), ("extensions", dict)):
        if not isinstance(part.get(field), kind | None):
            raise HTTPException(400, f"{field} must be {'a text' if kind is str else 'an object'}")


def _refusal(
    status: int, sentence: str, extensions: dict[str, Any], headers: dict[str, str] | None = None
) -> Response:
    """What was not even a GraphQL request is answered in GraphQL's form all the same."""
    errors = [{"message": sentence, "extensions": extensions}]
    return JSONResponse({"data": None, "errors": errors}, status_code=status, headers=headers)
