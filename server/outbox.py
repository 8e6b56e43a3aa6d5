"""What waits to be sent to one socket."""

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable
from typing import Protocol

from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketDisconnected

from server.sockets import MANY

AT_ONCE = 64 * 1024
"""Bytes that are handed to the connection together; it takes no more before its peer reads."""
ENTRY = 100
"""Bytes that a waiting message costs beside its text, which others may wait for too."""
NOT_READ = 4429, "messages were not read in time"
"""The code and the reason with which a socket is closed that leaves too much unread."""


class Reader(Protocol):
    """For whom a message is; `gone` when nobody waits for it any more."""

    gone: bool

    def framed(self, payload: bytes) -> bytes:
        """The message around a payload."""
        ...

    def finished(self) -> None:
        """Called when everything was handed to the connection."""
        ...


class Outbox:
    """Takes at once what is told and sends it in its own time, so that one who does not read delays nobody.
    Whoever leaves more than so many bytes unread is closed, and counted by `overflowed`."""

    def __init__(self, socket: WebSocket, most: int, overflowed: Callable[[], None]) -> None:
        self._socket = socket
        self._most = most
        self._overflowed = overflowed
        self._over = False
        self._many = MANY in socket.scope.get("extensions", {})
        self._waiting: deque[tuple[Reader, bytes | None]] = deque()
        self._size = 0
        self._rung = asyncio.Event()
        self._task = asyncio.create_task(self._run())

    def put(self, reader: Reader, payload: bytes | None) -> None:
        """A payload for the reader; None: that was the last."""
        if self._over:
            return
        self._waiting.append((reader, payload))
        self._size += _size(payload)
        self._rung.set()
        if self._size > self._most:
            self._part()

    async def close(self) -> None:
        """Nothing is sent any more."""
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task

    async def _run(self) -> None:
        # A socket may close between an event and its message; whoever reads it ends the rest.
        with contextlib.suppress(WebSocketDisconnect, WebSocketDisconnected):
            while True:
                await self._rung.wait()
                self._rung.clear()
                while texts := self._taken():
                    await self._send(texts)

    def _part(self) -> None:
        self._over = True
        self._overflowed()
        self._waiting.clear()
        self._task.cancel()
        self._task = asyncio.create_task(self._close())

    async def _close(self) -> None:
        code, reason = NOT_READ
        with contextlib.suppress(WebSocketDisconnect, WebSocketDisconnected):
            await self._socket.close(code, reason)

    async def _send(self, texts: list[bytes]) -> None:
        if self._many:
            await self._socket.send({"type": "websocket.send", "texts": texts})
            return
        for text in texts:
            await self._socket.send_text(text.decode())

    def _taken(self) -> list[bytes]:
        """The messages that are sent next, in the order in which they came."""
        texts: list[bytes] = []
        size = 0
        while self._waiting and size < AT_ONCE:
            reader, payload = self._waiting[0]
            if payload is None and texts:  # its last ones first
                break
            self._waiting.popleft()
            self._size -= _size(payload)
            if reader.gone:
                continue
            if payload is None:
                reader.finished()
            else:
                texts.append(reader.framed(payload))
                size += len(texts[-1])
        return texts


def _size(payload: bytes | None) -> int:
    return ENTRY + len(payload or b"")
