"""A server of its own, and sockets that follow its devices."""

import asyncio
import contextlib
import json

import pytest

from tests.conftest import make_account, make_key_of
from tests.journeys.conftest import Field
from tests.journeys.sockets import open_socket

FIELDS = "deviceId alias bindingStatus connection activeSession { token device { model } }"
SHARED = f"subscription {{ devices {{ {FIELDS} }} }}"
ALONE = f"subscription {{ ... on Subscription {{ devices {{ {FIELDS} }} }} }}"
"""The same, asked in a way that is executed for its socket alone."""


class Crowd:
    """A server of its own, keys to it, and sockets that follow."""

    def __init__(self, server) -> None:
        self.server = server
        self.account = make_account(server)
        self.key = self.new_key()
        self.field = Field(server.url, self.key)
        self.stack = contextlib.AsyncExitStack()
        self.stack.push_async_callback(self.field.http.aclose)

    def new_key(self, **wanted) -> str:
        return make_key_of(self.server, self.account, **({"access": "READ_WRITE"} | wanted))

    async def follow(self, query=SHARED, id="1", key=None, opening=None, **variables):
        """Returns when the operation is under way."""
        before = await self.operations()
        opened = await self.stack.enter_async_context(
            open_socket(self.server.ws_url, key or self.key, **(opening or {}))
        )
        await opened.ask(query, id, **variables)
        await self.until(lambda counts: sum(counts[1:]) == before + 1)
        return opened

    async def counts(self) -> tuple[int, int, int]:
        """Shared executions, those who follow them, and operations that are executed alone."""
        text = (await self.field.http.get("/metrics")).text
        lines = dict(line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))
        names = ("shared_executions", "shared_followers", "own_executions")
        return tuple(int(float(lines[f"passline_{name}"])) for name in names)

    async def operations(self) -> int:
        return sum((await self.counts())[1:])

    async def until(self, true) -> None:
        async with asyncio.timeout(10):
            while not true(await self.counts()):
                await asyncio.sleep(0.01)

    async def bind(self, name: str) -> str:
        device = {"model": "M", "serial_number": name, "alias": name}
        answer = await self.field.http.post("/v0/devices", json=device)
        assert answer.status_code == 201
        return answer.json()["deviceid"]


@pytest.fixture
def make_crowd(make_server):
    """Asynchronous tests make servers and keys in a thread: they have loops of their own."""
    made = []

    async def make(**settings) -> Crowd:
        settings = {"fleet_interval": 0.02} | settings
        made.append(await asyncio.to_thread(lambda: Crowd(make_server(**settings))))
        return made[-1]

    return make


@pytest.fixture
async def crowd(make_crowd):
    made = await make_crowd()
    async with made.stack:
        yield made


async def frames(socket, count: int) -> list[str]:
    """As they came, but for the operation's id."""
    texts = []
    for _ in range(count):
        text = await asyncio.wait_for(socket.connection.recv(), 10)
        beginning = '{"id":' + json.dumps(json.loads(text)["id"], ensure_ascii=False)
        assert text.startswith(beginning)
        texts.append('{"id":"?"' + text.removeprefix(beginning))
    return texts


async def alike(*followed, count: int) -> list[str]:
    """The frames, which are the same at each socket."""
    first, *others = [await frames(socket, count) for socket in followed]
    assert all(other == first for other in others)
    return first
