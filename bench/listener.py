"""A subscriber on a socket, who remembers how far he has heard and resumes from there."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import orjson
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException
from websockets.typing import Subprotocol

PROTOCOL = Subprotocol("graphql-transport-ws")
FROM_THE_BEGINNING = ""
QUERY = "subscription($s:String,$a:String){passings(sessionToken:$s,after:$a){cursor passing{number}}}"


@dataclass
class Listener:
    """Hears the passings of a session, or of the whole account, across as many sockets as it takes."""

    url: str
    key: str
    session: str | None = None
    after: str | None = FROM_THE_BEGINNING
    numbers: list[int] = field(default_factory=list)
    sockets: int = 0

    async def hear(self) -> AsyncIterator[int]:
        """The numbers, from the last cursor on, until the socket breaks."""
        address = self.url.replace("http", "ws", 1) + "/graphql"
        async with connect(
            address, subprotocols=[PROTOCOL], compression=None, max_size=None, ping_interval=None, proxy=None
        ) as socket:
            self.sockets += 1
            await self._subscribe(socket)
            async for frame in socket:
                number = await self._heard(socket, orjson.loads(frame))
                if number is not None:
                    yield number

    async def hear_while_up(self) -> None:
        """Listens until the socket breaks; a server that dies is no error here."""
        try:
            async for _ in self.hear():
                pass
        except (OSError, EOFError, WebSocketException):
            pass

    async def _subscribe(self, socket: ClientConnection) -> None:
        await send(socket, {"type": "connection_init", "payload": {"apiKey": self.key}})
        answer = orjson.loads(await socket.recv())
        if answer["type"] != "connection_ack":
            raise RuntimeError(f"not acknowledged: {answer}")
        variables = {"s": self.session, "a": self.after}
        payload = {"query": QUERY, "variables": variables}
        await send(socket, {"type": "subscribe", "id": "1", "payload": payload})

    async def _heard(self, socket: ClientConnection, message: dict[str, object]) -> int | None:
        match message:
            case {
                "type": "next",
                "payload": {"data": {"passings": {"cursor": str(cursor), "passing": passing}}},
            }:
                assert isinstance(passing, dict)
                number = int(passing["number"])
                self.after = cursor
                self.numbers.append(number)
                return number
            case {"type": "ping"}:
                await send(socket, {"type": "pong"})
                return None
            case _:
                raise RuntimeError(f"the subscription said {message}")


async def send(socket: ClientConnection, message: dict[str, object]) -> None:
    await socket.send(orjson.dumps(message).decode())
