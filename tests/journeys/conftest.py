"""Devices that send all at once, and servers in processes of their own that can be killed."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from models.database import Database
from resolvers import context, keys
from resolvers.callers import Callers
from resolvers.context import Caller, Context
from resolvers.leaderboards import Boards
from server.app import now
from tests.backends import apart
from tests.conftest import Server, make_account, make_key_of, passing
from tests.servers import free_port


def new_key(server: Server) -> str:
    """A key of an account of its own."""
    return make_key_of(server, make_account(server))


class Field:
    """Devices out in the field, over one pool of connections."""

    def __init__(self, url: str, key: str) -> None:
        self.http = httpx.AsyncClient(
            base_url=url, headers={"x-api-key": key}, timeout=20, verify=False, trust_env=False
        )

    async def session(self, serial_number: str) -> str:
        """The token of a new session of a device."""
        device = {"model": "M", "serial_number": serial_number}
        answer = (await self.http.post("/v0/devices", json=device)).json()
        return str(
            (await self.http.post("/v0/sessions", json={"deviceid": answer["deviceid"]})).json()[
                "token_session"
            ]
        )

    async def send(self, token: str, *numbers: int) -> httpx.Response:
        body = {"token_session": token, "passings_list": [passing(number) for number in numbers]}
        return await self.http.post("/v0/passings", json=body)

    async def race(self, tokens: list[str], calls: int, each: int = 1, start: int = 0) -> None:
        """Every session sends so many calls of so many passings, all at the same time; numbers are unique."""

        async def play(place: int, token: str) -> None:
            for call in range(calls):
                first = start + place * 100_000 + call * each
                answer = await self.send(token, *range(first, first + each))
                assert answer.status_code == 201, answer.text

        await asyncio.gather(*(play(place, token) for place, token in enumerate(tokens)))


@pytest.fixture
async def make_field() -> AsyncIterator[Callable[[str, str], Field]]:
    fields: list[Field] = []

    def make(url: str, key: str) -> Field:
        fields.append(Field(url, key))
        return fields[-1]

    yield make
    for field in fields:
        await field.http.aclose()


@pytest.fixture
def field(make_field: Callable[[str, str], Field], server: Any, key: str) -> Field:
    return make_field(server.url, key)


class Process:
    """`passline serve` in a process of its own, on a database and at a port that it keeps."""

    def __init__(self, folder: Path, url: str, broker_url: str) -> None:
        self.folder = folder
        self.environment = {
            name: text for name, text in os.environ.items() if not name.startswith("PASSLINE_")
        }
        self.database_url = self.environment["PASSLINE_DATABASE_URL"] = url
        self.environment["PASSLINE_BROKER_URL"] = broker_url
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.ws_url = f"ws://127.0.0.1:{self.port}/graphql"
        self.log = folder / "log"
        self._process: subprocess.Popen[bytes] | None = None

    def run(self, *words: str) -> str:
        """What a command of the command line prints."""
        return subprocess.run(
            [sys.executable, "-m", "server.cli", *words],
            env=self.environment, cwd=self.folder, check=True, stdout=subprocess.PIPE, text=True,
        ).stdout.strip()  # fmt: skip

    def new_key(self) -> str:
        """A key of an account of its own; made here, as a process for it would take a second."""

        async def make() -> str:
            database = Database(self.database_url)
            ctx = Context(
                Caller(scopes=context.OPERATOR),
                database,
                None,
                None,
                Callers(database, "", now),
                Boards(),
                None,
                now,  # type: ignore[arg-type]
            )
            try:
                account = await keys.create_account(ctx, "an account")
                return (await keys.create(ctx, keys.NewKey(access="READ_WRITE"), account.id))[1]
            finally:
                await database.close()

        return apart.run(make())

    def start(self, *, fd: int | None = None) -> None:
        """At its port, or on a socket that listens already; there it may not have begun when this returns."""
        where = ("--port", str(self.port)) if fd is None else ("--fd", str(fd))
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "server.cli", "serve", *where],
                env=self.environment, cwd=self.folder, stdout=log, stderr=log,
                pass_fds=() if fd is None else (fd,),
            )  # fmt: skip
        deadline = time.monotonic() + 30
        while True:
            assert time.monotonic() < deadline and self._process.poll() is None, self.log.read_text()[-2000:]
            try:
                with socket.create_connection(("127.0.0.1", self.port), 1):
                    return
            except OSError:
                time.sleep(0.02)

    def signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(number)

    def wait(self, seconds: float = 20) -> int:
        """The exit code."""
        assert self._process is not None
        code = self._process.wait(seconds)
        self._process = None
        return code

    def end(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait()


@pytest.fixture
def process(tmp_path: Path, url: str, broker_url: str) -> Iterator[Process]:
    made = Process(tmp_path, url, broker_url)
    yield made
    made.end()
