"""A line to the tests' PostgreSQL, which can be cut and be mended: to its clients the database is away, while
everybody else goes on with it."""

import asyncio
import threading
from collections.abc import Coroutine
from typing import Any

from sqlalchemy.engine import make_url


class Line:
    """Takes connections at a port of 127.0.0.1 and carries them to the server's socket."""

    def __init__(self, url: str) -> None:
        there = make_url(url)
        self._socket = f"{there.query['host']}/.s.PGSQL.5432"
        self._loop = asyncio.new_event_loop()
        self._there, self._back = asyncio.Event(), asyncio.Event()
        self._ends: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None
        self._thread = threading.Thread(target=self._loop.run_forever, name="line", daemon=True)
        self._thread.start()
        self.port = 0
        self.mend()
        self.url = f"postgresql+asyncpg://{there.username}@127.0.0.1:{self.port}/{there.database}"

    def mend(self) -> None:
        """Everything goes through, also what waited."""
        self._do(self._mend())

    def cut(self) -> None:
        """Every connection is reset, and new ones are refused."""
        self._do(self._cut())

    def hang(self, *, answers_only: bool = False) -> None:
        """Connections stay and are made, but nothing goes through, or no answers do."""
        self._do(self._hang(answers_only))

    def close(self) -> None:
        self.cut()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _do(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(10)

    async def _mend(self) -> None:
        self._there.set()
        self._back.set()
        if self._server is None:
            self._server = await asyncio.start_server(self._carry, "127.0.0.1", self.port)
            self.port = self._server.sockets[0].getsockname()[1]

    async def _hang(self, answers_only: bool) -> None:
        self._back.clear()
        if not answers_only:
            self._there.clear()

    async def _cut(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None
        for end in self._ends:
            end.transport.abort()
        self._ends.clear()
        self._there.set()  # whoever waits to pass something on finds nobody there
        self._back.set()
        while len(asyncio.all_tasks()) > 1:
            await asyncio.sleep(0.001)

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        from_there, to_there = await asyncio.open_unix_connection(self._socket)
        self._ends |= {writer, to_there}
        await asyncio.gather(_pump(reader, to_there, self._there), _pump(from_there, writer, self._back))


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, flows: asyncio.Event) -> None:
    try:
        while data := await reader.read(65_536):
            await flows.wait()
            writer.write(data)
            await writer.drain()
    except OSError:
        pass
    finally:
        writer.transport.abort()
