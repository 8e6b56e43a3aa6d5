"""A subscription over a socket: what it says, message by message."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import orjson
from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Subprotocol

PROTOCOL = Subprotocol("graphql-transport-ws")
News = AsyncIterator[dict[str, Any]]


class Told(RuntimeError):
    """A message that is no data. `code` is that of its first error, if it has one."""

    def __init__(self, message: dict[str, Any]) -> None:
        super().__init__(f"the subscription said {message}")
        payload = message.get("payload")
        errors = payload.get("errors") if isinstance(payload, dict) else payload
        self.code: str | None = errors[0].get("extensions", {}).get("code") if errors else None


@asynccontextmanager
async def subscribed(url: str, key: str, query: str, **variables: object) -> AsyncIterator[News]:
    """The data of each message, until the socket breaks; an error is one here too."""
    address = url.replace("http", "ws", 1) + "/graphql"
    async with connect(
        address, subprotocols=[PROTOCOL], compression=None, max_size=None, ping_interval=None, proxy=None
    ) as socket:
        await _send(socket, {"type": "connection_init", "payload": {"apiKey": key}})
        answer = orjson.loads(await socket.recv())
        if answer["type"] != "connection_ack":
            raise RuntimeError(f"not acknowledged: {answer}")
        payload = {"query": query, "variables": variables}
        await _send(socket, {"type": "subscribe", "id": "1", "payload": payload})
        yield _news(socket)


async def _news(socket: ClientConnection) -> News:
    async for frame in socket:
        match orjson.loads(frame):
            case {"type": "next", "payload": {"data": dict(data)}}:
                yield data
            case {"type": "ping"}:
                await _send(socket, {"type": "pong"})
            case message:
                raise Told(message)


async def _send(socket: ClientConnection, message: dict[str, object]) -> None:
    await socket.send(orjson.dumps(message).decode())
