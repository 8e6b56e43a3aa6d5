"""One request at a time, with its answer in hand; gives up only when the connection does."""

import asyncio
from dataclasses import dataclass

import orjson


@dataclass
class Answer:
    status: int
    body: bytes
    retry_after: float = 0.0
    """Seconds after which to ask again, where the answer says so."""

    def json(self) -> dict[str, object]:
        found: dict[str, object] = orjson.loads(self.body)
        return found


class Caller:
    """A keep-alive connection that is opened when it is needed."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def call(self, request: bytes, patience: float = 10.0) -> Answer:
        """Raises OSError when no whole answer came; whether the request was carried out is then unknown."""
        try:
            return await asyncio.wait_for(self._call(request), patience)
        except (OSError, EOFError, TimeoutError) as error:
            self.close()
            raise ConnectionError(str(error)) from error

    def close(self) -> None:
        if self._streams:
            self._streams[1].close()
            self._streams = None

    async def _call(self, request: bytes) -> Answer:
        if self._streams is None:
            self._streams = await asyncio.open_connection("127.0.0.1", self._port)
        reader, writer = self._streams
        writer.write(request)
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        answer = Answer(int(head[9:12]), b"", float(_header(head, b"retry-after") or 0))
        answer.body = await reader.readexactly(int(_header(head, b"content-length")))
        if _header(head, b"connection") == b"close":
            self.close()
        return answer


def _header(head: bytes, name: bytes) -> bytes:
    return head.partition(b"\r\n%s: " % name)[2].partition(b"\r")[0]
