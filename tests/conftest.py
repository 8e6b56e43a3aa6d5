"""A real server on a real port with a real database and bus, and keys to it. Each test has an account of its
own. Whoever uses any of this runs twice: see `tests.backends`."""

import asyncio
import contextlib
import functools
import itertools
import socket
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from typing import Any, TypeVar

import httpx
import pytest
import uvicorn

from models.database import Database
from resolvers import context, events, keys, races
from resolvers.callers import Callers
from resolvers.context import Caller, Context
from resolvers.courses import NewRace
from resolvers.leaderboards import Boards
from server.app import build, now
from server.protocol import Protocol
from server.settings import Settings
from server.sockets import Sockets
from tests import factories as make
from tests.backends import Backends, apart

pytest_plugins = ["tests.matrix"]

T = TypeVar("T")
_names = itertools.count(1)


class Server:
    """A running server. `operate` runs an operation with the operator's rights, on a connection of its own."""

    def __init__(self, http: Any = Protocol, ws: Any = Sockets, **settings: Any) -> None:
        self.settings = Settings(_env_file=None, **settings)
        self._config = uvicorn.Config(
            build(self.settings),
            http=http,
            ws=ws,
            ws_per_message_deflate=False,
            log_config=None,
            access_log=False,
            proxy_headers=False,
            timeout_graceful_shutdown=5,
        )
        self._server = uvicorn.Server(self._config)
        self._socket = socket.socket()
        self._socket.bind(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.ws_url = f"ws://127.0.0.1:{self.port}/graphql"
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._database: Database | None = None

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=self._config.get_loop_factory()) as runner:
            runner.run(self._server.serve(sockets=[self._socket]))

    def start(self) -> "Server":
        self._thread.start()
        deadline = time.monotonic() + 20
        while not self._server.started:
            assert time.monotonic() < deadline and self._thread.is_alive(), "the server did not start"
            time.sleep(0.01)
        return self

    def stop(self) -> None:
        self._server.should_exit = True
        self._thread.join(20)
        self._socket.close()
        if self._database is not None:
            apart.run(self._database.close())
            self._database = None

    def operate(self, operation: Callable[[Context], Awaitable[T]]) -> T:
        async def run() -> T:
            if self._database is None:
                self._database = Database(self.settings.database_url)
            callers = Callers(self._database, self.settings.hash_key, now)
            operator = Caller(scopes=context.OPERATOR)
            texts = make.unjudged(self._database, now)
            return await operation(
                Context(operator, self._database, None, None, callers, Boards(), texts, now)
            )  # type: ignore[arg-type]

        return apart.run(run())


@pytest.fixture(scope="session")
def servers(backends: Backends) -> Iterator[Callable[[str], Server]]:
    """The server of each backend; it goes on while tests of the other one run."""

    @functools.cache
    def running(backend: str) -> Server:
        made = Server(
            database_url=backends.make(backend), broker_url=backends.bus(backend), watch_interval=0.1
        )
        stack.callback(made.start().stop)
        return made

    with contextlib.ExitStack() as stack:
        yield running


@pytest.fixture(scope="session")
def server(backend: str, servers: Callable[[str], Server]) -> Server:
    return servers(backend)


@pytest.fixture
def make_server(url: str, broker_url: str) -> Iterator[Callable[..., Server]]:
    """Servers of the test's own, on one database and one bus unless told otherwise."""
    running: list[Server] = []

    def make(**settings: Any) -> Server:
        running.append(Server(**{"database_url": url, "broker_url": broker_url} | settings).start())
        return running[-1]

    yield make
    for each in running:
        each.stop()


def make_account(server: Server) -> int:
    return server.operate(lambda ctx: keys.create_account(ctx, f"account {next(_names)}")).id


def make_key_of(server: Server, account: int, **wanted: Any) -> str:
    new = keys.NewKey(**({"access": "READ_WRITE"} | wanted))
    return server.operate(lambda ctx: keys.create(ctx, new, account))[1]


def make_event(server: Server, account_id: int, *race_names: str, **fields: Any) -> str:
    """The token of an event of the account."""

    async def make(ctx: Context) -> str:
        own = replace(ctx, caller=Caller(account_id, scopes=frozenset({"events:write"})))
        event = await events.create(
            own, events.NewEvent(**{"name": "Run", "start_date": "2026-06-01"} | fields)
        )
        for name in race_names:
            await races.create(own, event.token, NewRace(name=name))
        return event.token

    return server.operate(make)


@pytest.fixture
def account(server: Server) -> int:
    return make_account(server)


@pytest.fixture
def make_key(server: Server, account: int) -> Callable[..., str]:
    def make(
        access: str = "READ_WRITE",
        unbind: bool = False,
        v0_shape: str = "BOTH",
        account: int = account,
        scopes: tuple[str, ...] | None = None,
    ) -> str:
        wanted = {"access": access, "may_unbind": unbind, "v0_shape": v0_shape, "scopes": scopes}
        return make_key_of(server, account, **wanted)

    return make


@pytest.fixture
def key(make_key: Callable[..., str]) -> str:
    return make_key(unbind=True)


@pytest.fixture
def other_key(server: Server) -> str:
    """Another account's."""
    return make_key_of(server, make_account(server), may_unbind=True)


class Desk:
    """What a timing desk does: send to v0, ask GraphQL."""

    def __init__(self, server: Server, key: str | None) -> None:
        headers = {"x-api-key": key} if key else {}
        self.http = httpx.Client(base_url=server.url, headers=headers, timeout=20, verify=False)

    def v0(self, method: str, path: str, body: Any = None) -> httpx.Response:
        return self.http.request(method, f"/v0{path}", json=body)

    def ask(self, query: str, **variables: Any) -> dict[str, Any]:
        """The whole answer: data and errors."""
        answer = self.http.post("/graphql", json={"query": query, "variables": variables})
        return dict(answer.json())

    def data(self, query: str, **variables: Any) -> dict[str, Any]:
        """The data; fails on errors."""
        answer = self.ask(query, **variables)
        assert "errors" not in answer, answer["errors"]
        return dict(answer["data"])

    def device(self, serial_number: str = "S1", **more: Any) -> str:
        body = {"model": "M", "serial_number": serial_number} | more
        return str(self.v0("POST", "/devices", body).json()["deviceid"])

    def session(self, device_id: str, alias: str | None = None) -> str:
        body = {"deviceid": device_id} | ({"alias": alias} if alias else {})
        return str(self.v0("POST", "/sessions", body).json()["token_session"])

    def post(self, token: str, *passings: dict[str, Any]) -> httpx.Response:
        return self.v0("POST", "/passings", {"token_session": token, "passings_list": list(passings)})


def passing(
    number: int, bib: str = "7", timestamp: str = "2026-06-01T10:00:00.000Z", **more: Any
) -> dict[str, Any]:
    """A v0 passing."""
    return {"num_passing": number, "bib": bib, "timestamp": timestamp} | more


@pytest.fixture
def desk(server: Server, key: str) -> Iterator[Desk]:
    made = Desk(server, key)
    yield made
    made.http.close()


@pytest.fixture
def make_desk(server: Server) -> Iterator[Callable[[str | None], Desk]]:
    made: list[Desk] = []

    def make(key: str | None) -> Desk:
        made.append(Desk(server, key))
        return made[-1]

    yield make
    for each in made:
        each.http.close()
