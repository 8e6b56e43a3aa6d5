"""Strawberry's view with our context, our JSON, and an answer to everything that is not a GraphQL request."""

import contextlib
from typing import Any

import msgspec
import orjson
from cross_web import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket, WebSocketDisconnect
from strawberry.asgi import ASGIWebSocketAdapter, GraphQL
from strawberry.exceptions import ConnectionRejectionError
from strawberry.subscriptions import GRAPHQL_TRANSPORT_WS_PROTOCOL
from strawberry.subscriptions.protocols.graphql_transport_ws.handlers import BaseGraphQLTransportWSHandler
from strawberry.subscriptions.protocols.graphql_transport_ws.types import SubscribeMessage

from resolvers.context import REFUSED
from resolvers.errors import TooLarge, Unidentified
from schema.context import GraphQLContext
from schema.root import Schema
from server.auth import Door


class TextFrames(ASGIWebSocketAdapter):
    """Text, not binary: browsers' clients and gql refuse binary frames."""

    async def send_json(self, message: Any) -> None:
        # A socket may close between an event and its frame; whoever reads it ends the rest.
        with contextlib.suppress(WebSocketDisconnect):
            await self.ws.send_text(orjson.dumps(message).decode())


class Socket(BaseGraphQLTransportWSHandler[GraphQLContext, None]):
    """Asks before each operation whether the key that opened the socket is still live."""

    async def handle_subscribe(self, message: SubscribeMessage) -> None:
        assert self.context is not None
        try:
            await self.context.callers.still(self.context.caller)
        except Unidentified:
            self.context.caller = REFUSED
        await super().handle_subscribe(message)


class View(GraphQL[GraphQLContext, None]):
    """`/graphql` over HTTP and `graphql-transport-ws`."""

    websocket_adapter_class = TextFrames
    graphql_transport_ws_handler_class = Socket

    def __init__(self, schema: Schema, door: Door, page: Response | None) -> None:
        super().__init__(
            schema,
            graphql_ide="graphiql" if page else None,
            subscription_protocols=(GRAPHQL_TRANSPORT_WS_PROTOCOL,),
            allowed_origins=("*",),  # the key is shown in the socket, never taken from a cookie
        )
        self._door = door
        self._page = page

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await super().__call__(scope, receive, send)
            return
        try:
            response = await self.run(Request(scope, receive))
        except HTTPException as error:
            response = _refusal(error.status_code, error.reason, {"code": "BAD_USER_INPUT", "fields": {}})
        except TooLarge as error:
            response = _refusal(error.status, str(error), error.extensions, {"connection": "close"})
        await response(scope, receive, send)

    async def get_context(
        self, request: Request | WebSocket, response: Response | WebSocket
    ) -> GraphQLContext:
        live = self._door.stranger()
        context = GraphQLContext(live, live.hub, live.screens)
        try:
            context.caller = (await self._door.context(request.scope)).caller
        except Unidentified:
            context.caller = REFUSED
        return context

    async def on_ws_connect(self, context: GraphQLContext) -> Any:
        try:
            await self._door.introduce(context, context.connection_params)
        except Unidentified as error:
            raise ConnectionRejectionError(error.extensions) from None
        return await super().on_ws_connect(context)

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
