"""Clients of live boards who stop reading for a while, or for good."""

import asyncio
import socket
import time
from dataclasses import dataclass, field

import orjson

from bench import event_streams
from bench.event_streams import Events
from bench.filtered import Line, Screen
from bench.frames import CLOSE, PING, PONG, TEXT, Frames, Refused, ending, handshake, masked

LITTLE, MUCH = 32 * 1024, 4 * 1024 * 1024
"""Bytes that the system takes for one who does not read, and for one who does."""
CHUNK = 256 * 1024
NOT_YET, BROKEN, ENDED = "open", "broken", "ended"


@dataclass
class Stalled:
    """One connection with one subscription to a board, by socket or by event stream. Nothing is read until
    `read_on`."""

    port: int
    key: str
    query: str
    by_socket: bool
    screen: Screen = field(default_factory=Screen)
    end: str = NOT_YET
    """How it ended for one who read on: the code of its close, or in words."""
    since: float = 0.0
    """When it stopped to read."""

    def begin(self) -> None:
        self._line = socket.socket()
        self._line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, LITTLE)
        self._line.settimeout(30)
        self._line.connect(("127.0.0.1", self.port))
        self._frames, self._events = Frames(), Events()
        if self.by_socket:
            self._line.sendall(handshake())
            while not self._frames.opened(self._line.recv(CHUNK)):
                pass
            self._say({"type": "connection_init", "payload": {"apiKey": self.key}})
            while not self._frames.whole(self._line.recv(CHUNK)):
                pass
            self._say({"type": "subscribe", "id": "1", "payload": {"query": self.query}})
        else:
            self._line.sendall(event_streams.request(self.query, {}, self.key))
        self._line.setblocking(False)
        self.since = time.time()

    async def read_on(self) -> None:
        """Until the end of the connection."""
        self._line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, MUCH)
        loop = asyncio.get_running_loop()
        try:
            while self.end == NOT_YET:
                data = await loop.sock_recv(self._line, CHUNK)
                if not data:
                    self.end = BROKEN
                elif self.by_socket:
                    self._read(data)
                else:
                    self._hear(data)
        except Refused as refused:
            self.end = str(refused)
        except OSError:
            self.end = BROKEN

    def close(self) -> None:
        self._line.close()

    def _read(self, data: bytes) -> None:
        for opcode, payload in self._frames.whole(data):
            if opcode == TEXT:
                message = orjson.loads(payload)
                if message["type"] == "next":
                    self._show(message["payload"])
                else:
                    self.end = str(message)
            elif opcode == CLOSE:
                self.end = str(ending(payload)[0])
            elif opcode == PING:
                self._line.send(masked(PONG, payload))

    def _hear(self, data: bytes) -> None:
        if not self._events.open:
            if not self._events.opened(data):
                return
            data = b""
        for event in self._events.whole(data):
            if event.get(b"event") == b"next":
                self._show(orjson.loads(event[b"data"]))
        if self._events.ended:
            self.end = ENDED

    def _show(self, result: Line) -> None:
        if "errors" in result:
            self.end = str(result["errors"])
        else:
            self.screen.show(result["data"]["leaderboard"])

    def _say(self, message: dict[str, object]) -> None:
        self._line.sendall(masked(TEXT, orjson.dumps(message)))
