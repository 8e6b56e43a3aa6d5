"""Ceilings, each a process: protocols that do not think, and sockets without GraphQL and database.

What is posted to the sockets goes to every open one as it came. They answer the messages that start a
subscription, so that a client of GraphQL can be used with them: the first news is what was posted last.
"""

import asyncio
import base64
import hashlib
import sys
from contextlib import suppress
from typing import Any, cast

import uvicorn
import uvloop
from starlette.types import Receive, Scope, Send

from bench.frames import BLANK_LINE, framed
from bench.load import is_complete

ANSWER = b"HTTP/1.1 201 Created\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}"
ACK = b'{"type":"connection_ack"}'
FIRST = b'{"id":"1","type":"next","payload":{}}'
SECRET = b"sec-websocket-key: "
MAGIC = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


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


class Frame(asyncio.Protocol):
    """A socket, or a request, without any server: frames made by hand, one write for each socket."""

    sockets: set[asyncio.Transport] = set()
    last = FIRST

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._rest = b""
        self._messages = 0

    def connection_lost(self, exc: Exception | None) -> None:
        self.sockets.discard(self._transport)

    def data_received(self, data: bytes) -> None:
        if self._transport in self.sockets:
            self._answer(data)
            return
        data = self._rest + data
        self._rest = data
        if not is_complete(data):
            return
        self._rest = b""
        head, _, body = data.partition(BLANK_LINE)
        if SECRET in (lower := head.lower()):
            at = lower.find(SECRET) + len(SECRET)
            self._accept(head[at : at + 24])
            return
        if head.startswith(b"POST"):
            Frame.last, frame = body, framed(body)
            for socket in self.sockets:
                socket.write(frame)
        self._transport.write(ANSWER)

    def _accept(self, secret: bytes) -> None:
        answer = base64.b64encode(hashlib.sha1(secret + MAGIC).digest())
        self._transport.write(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Protocol: graphql-transport-ws\r\nSec-WebSocket-Accept: " + answer + BLANK_LINE
        )
        self.sockets.add(self._transport)

    def _answer(self, data: bytes) -> None:
        """The benches' sockets send two messages, each when the one before is answered, and a zero mask."""
        if b"connection_init" in data:
            self._transport.write(framed(ACK))
        elif b"subscribe" in data:
            self._transport.write(framed(self.last))


class Sockets:
    """The same as an ASGI application."""

    def __init__(self) -> None:
        self._sends: set[Send] = set()
        self._last = FIRST.decode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await self._listen(receive, send, (*scope["subprotocols"], None)[0])
            return
        if scope["method"] == "POST":
            await self._post(receive)
        await send({"type": "http.response.start", "status": 201, "headers": [(b"content-length", b"2")]})
        await send({"type": "http.response.body", "body": b"{}"})

    async def _post(self, receive: Receive) -> None:
        body = b""
        while (part := await receive()).get("more_body"):
            body += part["body"]
        self._last = (body + part["body"]).decode()
        message = {"type": "websocket.send", "text": self._last}
        for send in list(self._sends):
            with suppress(OSError):  # it has just left
                await send(message)

    async def _listen(self, receive: Receive, send: Send, protocol: str | None) -> None:
        await receive()
        await send({"type": "websocket.accept", "subprotocol": protocol})
        self._sends.add(send)
        while (message := await receive())["type"] == "websocket.receive":
            started = "subscribe" in message["text"]
            await send({"type": "websocket.send", "text": self._last if started else ACK.decode()})
        self._sends.discard(send)


async def serve_protocol(port: int, protocol: type[asyncio.Protocol]) -> None:
    server = await asyncio.get_running_loop().create_server(protocol, "127.0.0.1", port, backlog=2048)
    await server.serve_forever()


async def serve_app(port: int, app: Any) -> None:
    sockets: dict[str, Any] = {"ws": "websockets-sansio", "ws_per_message_deflate": False}
    config = uvicorn.Config(app, port=port, lifespan="off", log_level="error", access_log=False, **sockets)
    await uvicorn.Server(config).serve()


if __name__ == "__main__":
    kind, port = sys.argv[1], int(sys.argv[2])
    if kind == "sockets":
        uvloop.run(serve_app(port, Sockets()))
    else:
        uvloop.run(serve_protocol(port, {"protocol": Answer, "frames": Frame}[kind]))
