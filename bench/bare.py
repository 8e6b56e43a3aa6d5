"""Ceilings, each a process: a protocol that answers without thinking, and sockets without a database."""

import asyncio
import sys
from typing import Any, cast

import uvicorn
import uvloop
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from bench.load import is_complete

ANSWER = b"HTTP/1.1 201 Created\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}"


class Answer(asyncio.Protocol):
    """The fastest answer that this language and event loop can give."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is one by behaviour only
        self._rest = b""

    def data_received(self, data: bytes) -> None:
        if self._rest:
            data = self._rest + data
        if not is_complete(data):
            self._rest = data
            return
        self._rest = b""
        self._transport.write(ANSWER)


async def serve_protocol(port: int) -> None:
    server = await asyncio.get_running_loop().create_server(Answer, "127.0.0.1", port)
    await server.serve_forever()


async def serve_sockets(port: int) -> None:
    app = socket_app()
    sockets: dict[str, Any] = {"ws": "websockets-sansio", "ws_per_message_deflate": False}
    config = uvicorn.Config(app, port=port, log_level="error", access_log=False, **sockets)
    await uvicorn.Server(config).serve()


def socket_app() -> Starlette:
    """What is posted goes to every open socket as it came, in memory."""
    sockets: set[WebSocket] = set()

    async def post(request: Request) -> Response:
        body = (await request.body()).decode()
        for socket in sockets:
            await socket.send_text(body)
        return Response(b"{}", 201, media_type="application/json")

    async def listen(socket: WebSocket) -> None:
        await socket.accept()
        sockets.add(socket)
        try:
            await socket.receive_text()
        except WebSocketDisconnect:
            pass
        sockets.discard(socket)

    async def ready(request: Request) -> Response:
        return Response(b"{}")

    posting, asking = Route("/post", post, methods=["POST"]), Route("/readyz", ready)
    return Starlette(routes=[posting, asking, WebSocketRoute("/listen", listen)])


if __name__ == "__main__":
    serve = {"protocol": serve_protocol, "sockets": serve_sockets}[sys.argv[1]]
    uvloop.run(serve(int(sys.argv[2])))
