"""A raw `graphql-transport-ws` socket: every frame is seen."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Subprotocol

PROTOCOL = Subprotocol("graphql-transport-ws")
FOLLOW = """subscription($session: String, $device: String, $after: String) {
    passings(sessionToken: $session, deviceId: $device, after: $after) { cursor passing { number bib } } }"""


class Socket:
    """One connection. Operations are told apart by their id."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection

    async def send(self, **message: Any) -> None:
        await self.connection.send(json.dumps(message))

    async def receive(self) -> dict[str, Any]:
        """The next message that is not a ping."""
        while True:
            message: dict[str, Any] = json.loads(await self.connection.recv())
            if message["type"] != "ping":
                return message
            await self.send(type="pong")

    async def introduce(self, key: str | None) -> None:
        await self.send(type="connection_init", payload={"apiKey": key} if key else {})
        assert (await self.receive())["type"] == "connection_ack"

    async def ask(self, query: str, id: str = "1", **variables: Any) -> None:
        await self.send(type="subscribe", id=id, payload={"query": query, "variables": variables})

    async def follow(self, id: str = "1", **which: Any) -> None:
        """Subscribes to passings."""
        await self.ask(FOLLOW, id, **which)

    async def settle(self) -> None:
        """Returns when what was asked before is being worked on: a later question has its answer."""
        await self.ask("{ viewer { authenticated } }", "settled")
        assert (await self.receive())["type"] == "next"
        assert (await self.receive())["type"] == "complete"

    async def delivery(self) -> tuple[str, int]:
        """Cursor and number of the next passing; fails on anything else."""
        message = await self.receive()
        assert message["type"] == "next" and "errors" not in message["payload"], message
        delivered = message["payload"]["data"]["passings"]
        return delivered["cursor"], delivered["passing"]["number"]

    async def numbers(self, count: int) -> list[int]:
        return [(await self.delivery())[1] for _ in range(count)]

    async def failure(self) -> dict[str, Any]:
        """The only error of the next message."""
        message = await self.receive()
        assert message["type"] in ("next", "error"), message
        errors = message["payload"] if message["type"] == "error" else message["payload"]["errors"]
        (error,) = errors
        return dict(error)


@asynccontextmanager
async def open_socket(
    url: str, key: str | None = None, introduced: bool = True, **more: Any
) -> AsyncIterator[Socket]:
    """A socket that has shown its key, unless it is to do that itself. Left with much unread, it does not wait long."""
    async with connect(url, subprotocols=[PROTOCOL], close_timeout=0.3, **more) as connection:
        socket = Socket(connection)
        if introduced:
            await socket.introduce(key)
        yield socket
