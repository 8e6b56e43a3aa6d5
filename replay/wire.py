"""A persistent HTTP/1.1 connection to the server under rehearsal, as lean as a device's own.

Our own because a general client costs more than the server it should load: docs/replay.md has the figures.
"""

import asyncio
import ssl
import urllib.parse
from typing import NamedTuple

TIMEOUT = 8.0  # seconds, as devices in the field have it


class NoServer(Exception):
    """What was given as a server's address or key cannot be one."""


class Dropped(Exception):
    """No answer came. `sent` tells whether the server may have acted on the request all the same."""

    def __init__(self, reason: str, sent: bool) -> None:
        super().__init__(reason)
        self.sent = sent


class Answer(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes


class Server(NamedTuple):
    """Where the server is and the key to call it with."""

    host: str
    port: int
    tls: ssl.SSLContext | None
    path: str
    key: str


def server(url: str, key: str) -> Server:
    """The server at a URL such as http://127.0.0.1:8000; NoServer when it is none."""
    parts = urllib.parse.urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise NoServer(f"{url} is not the http:// or https:// address of a server.")
    if not key.isascii() or not key.isprintable():
        raise NoServer("The key holds characters that no key has.")
    tls = ssl.create_default_context() if parts.scheme == "https" else None
    return Server(parts.hostname, parts.port or (443 if tls else 80), tls, parts.path.rstrip("/"), key)


class Wire:
    """One connection, opened when first needed and again after it was lost. For one request at a time."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        host = f"[{server.host}]" if ":" in server.host else server.host
        self.common = (
            f"host: {host}:{server.port}\r\nx-api-key: {server.key}\r\ncontent-type: application/json\r\n"
        )

    async def ask(self, method: str, path: str, body: bytes = b"") -> Answer:
        """The server's answer, whatever its status; Dropped when there is none within 8 seconds."""
        sent = False
        try:
            async with asyncio.timeout(TIMEOUT):
                reader, writer = await self.open()
                first = f"{method} {self.server.path}{path} HTTP/1.1\r\n"
                head = f"{first}{self.common}content-length: {len(body)}\r\n\r\n"
                sent = True
                writer.write(head.encode() + body)
                await writer.drain()
                answer = await read(reader)
        except TimeoutError:
            self.close()
            raise Dropped(f"no answer within {TIMEOUT:.0f} s", sent) from None
        except (OSError, EOFError, ValueError, asyncio.LimitOverrunError) as error:
            self.close()
            raise Dropped(str(error) or type(error).__name__, sent) from None
        except asyncio.CancelledError:
            self.close()
            raise
        if answer.headers.get("connection", "").lower() == "close":
            self.close()
        return answer

    async def open(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if self.streams and (self.streams[0].at_eof() or self.streams[1].is_closing()):
            self.close()
        if not self.streams:
            here = self.server
            self.streams = await asyncio.open_connection(here.host, here.port, ssl=here.tls)
        return self.streams

    def close(self) -> None:
        if self.streams:
            self.streams[1].close()
            self.streams = None


async def read(reader: asyncio.StreamReader) -> Answer:
    """One whole answer; EOFError or ValueError when it breaks off or is no HTTP."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    first, *lines = head[:-4].split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    status = int(first.split(" ")[1])
    if headers.get("transfer-encoding", "").lower() == "chunked":
        body = await chunks(reader)
    else:
        body = await reader.readexactly(int(headers["content-length"]))
    return Answer(status, headers, body)


async def chunks(reader: asyncio.StreamReader) -> bytes:
    """The body of a proxy that does not tell the length beforehand."""
    body = b""
    while size := int((await reader.readline()).split(b";")[0], 16):
        body += await reader.readexactly(size)
        await reader.readexactly(2)
    while await reader.readline() not in (b"\r\n", b""):
        continue
    return body
