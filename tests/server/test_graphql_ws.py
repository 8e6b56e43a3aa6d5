"""Conversations over real sockets: whom they are held with, what ends them, and what does not."""

import asyncio
import contextlib
import gc
import json
import random
import socket as sockets
import weakref

import httpx
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from server.sockets import Sockets
from tests.conftest import make_account, make_key_of
from tests.journeys.sockets import open_socket

ONCE = pytest.mark.alone("sqlite", "what is said is the same on both")
QUICK, BROKEN, LASTING = "{ __typename }", "{ oops", "subscription { passings { cursor } }"


async def closed(socket) -> tuple[int, str]:
    """Code and reason with which the server closes the socket, whatever it says before."""
    with pytest.raises(ConnectionClosed) as lost:
        while True:
            await asyncio.wait_for(socket.connection.recv(), 10)
    assert lost.value.rcvd is not None, "there was no close frame"
    return lost.value.rcvd.code, lost.value.rcvd.reason


@ONCE
async def test_hostile_messages_close_their_own_socket_with_a_sentence(server):
    asked = {"query": QUICK}
    hostile = [
        ("[]", "the message must be an object"),
        ('{"type":' + "[" * 200_000, "the message is not JSON"),
        (b'{"type":"ping"}', "a message must be a text"),
        (json.dumps({"type": "ping", "payload": 1}), "payload must be an object"),
        (json.dumps({"type": "ü" * 500}), "type is none that clients send: üü"),
        (json.dumps({"type": "subscribe", "id": {}, "payload": asked}), "id must be a text"),
        (json.dumps({"type": "subscribe", "id": "1", "payload": {"query": 5}}), "query must be a text"),
    ]
    async with open_socket(server.ws_url) as other:
        await other.settle()
        for text, sentence in hostile:
            async with open_socket(server.ws_url) as socket:
                await socket.connection.send(text)
                code, reason = await closed(socket)
                assert code == 4400 and reason.startswith(sentence) and len(reason.encode()) <= 123
        await other.settle()


@ONCE
async def test_what_comes_at_the_wrong_time_closes_it_too(server, key):
    init = {"type": "connection_init", "payload": {"apiKey": key}}
    early = {"type": "subscribe", "id": "1", "payload": {"query": QUICK}}
    for messages, code, word in (
        ([early], 4401, "connection_ack"),
        ([init, init], 4429, "twice"),
        ([init, early | {"payload": {"query": LASTING}}, early], 4409, "1"),
    ):
        async with open_socket(server.ws_url, introduced=False) as socket:
            for message in messages:
                await socket.send(**message)
            found, reason = await closed(socket)
            assert found == code and word in reason
    for offered in (None, ["graphql-ws"]):
        async with connect(server.ws_url, subprotocols=offered) as connection:
            await connection.wait_closed()
            assert connection.close_code == 4406 and connection.subprotocol is None


class Model:
    """What a socket should do, beside one that does it."""

    def __init__(self, socket) -> None:
        self.socket = socket
        self.running: set[str] = set()

    async def ask(self, query: str, id: str) -> None:
        await self.socket.ask(query, id)
        if query == LASTING:
            self.running.add(id)
        expected = {QUICK: ["next", "complete"], BROKEN: ["error"], LASTING: []}[query]
        assert [await self.heard() for _ in expected] == [(kind, id) for kind in expected]

    async def complete(self, id: str) -> None:
        await self.socket.send(type="complete", id=id)
        self.running.discard(id)

    async def ping(self) -> None:
        await self.socket.send(type="ping", payload={"n": 1})
        assert await self.heard() == ("pong", None)

    async def heard(self) -> tuple[str, str | None]:
        message = json.loads(await asyncio.wait_for(self.socket.connection.recv(), 10))
        return message["type"], message.get("id")


async def test_any_conversation_goes_on_as_its_rules_say(server, key):
    """Ids are free again when an operation ended, from whichever side; nothing else is told."""
    chance = random.Random(6)
    for _ in range(10):
        async with open_socket(server.ws_url, key) as socket:
            model = Model(socket)
            for _ in range(20):
                id = chance.choice("abc")
                step = chance.choice([QUICK, QUICK, BROKEN, LASTING, LASTING, "complete", "ping"])
                if step == "complete":
                    await model.complete(id)
                elif step == "ping":
                    await model.ping()
                elif id not in model.running:
                    await model.ask(step, id)
            await model.ping()
            if model.running:
                await socket.ask(QUICK, taken := model.running.pop())
                code, reason = await closed(socket)
                assert code == 4409 and reason.endswith(f": {taken}")


async def test_a_socket_has_a_hundred_operations(server, key):
    async with open_socket(server.ws_url, key) as socket:
        for number in range(250):  # those that are completed at once take no place
            await socket.ask(LASTING, str(number))
            await socket.send(type="complete", id=str(number))
        for number in range(100):
            await socket.ask(LASTING, str(number))
        await socket.ask(QUICK, "one more")
        message = await socket.receive()
        assert (message["type"], message["id"]) == ("error", "one more")
        assert message["payload"][0]["extensions"]["code"] == "BAD_USER_INPUT"
        await socket.send(type="complete", id="50")
        await socket.settle()


@ONCE
async def test_who_says_nothing_is_closed_and_who_follows_is_not(make_server):
    server = make_server(init_seconds=0.2, idle_seconds=0.3)
    key = await asyncio.to_thread(lambda: make_key_of(server, make_account(server)))
    async with contextlib.AsyncExitStack() as stack:
        silent, pinging = [
            await stack.enter_async_context(open_socket(server.ws_url, introduced=False)) for _ in range(2)
        ]
        idle, done, following = [
            await stack.enter_async_context(open_socket(server.ws_url, key)) for _ in range(3)
        ]
        await following.ask(LASTING)
        await done.ask(LASTING)
        await done.send(type="complete", id="1")
        with pytest.raises(ConnectionClosed):
            while True:
                await pinging.send(type="ping")
                assert (await pinging.receive())["type"] == "pong"
        for socket in (silent, pinging):
            assert await closed(socket) == (4408, "connection_init did not come in time")
        for socket in (idle, done):
            assert await closed(socket) == (4408, "idle")
        await following.settle()
        async with httpx.AsyncClient() as http:
            figures = (await http.get(f"{server.url}/metrics")).text
        for figure in (
            'passline_dismissed{reason="idle"} 2.0',
            'passline_refused{reason="init_time"} 2.0',
            "passline_audience 1.0",
        ):
            assert figure in figures


class Hasty(Sockets):
    """Waits less long for the answer to a ping."""

    def __init__(self, *arguments, **more) -> None:
        super().__init__(*arguments, **more)
        self.ping_interval = self.ping_timeout = 0.2


def kept_small(line) -> None:
    for buffer in (sockets.SO_RCVBUF, sockets.SO_SNDBUF):
        line.setsockopt(sockets.SOL_SOCKET, buffer, 4096)


class Strict(Sockets):
    """Its system keeps little of what waits, and it waits less long for the answer to a close."""

    def connection_made(self, transport) -> None:
        super().connection_made(transport)
        self.close_timeout = 0.2
        kept_small(transport.get_extra_info("socket"))


def framed(text: str) -> bytes:
    """A client's frame. Its mask is of zeros."""
    encoded = text.encode()
    assert len(encoded) < 126
    return bytes((0x81, 0x80 | len(encoded))) + bytes(4) + encoded


def raw(server) -> sockets.socket:
    """A socket of which its client's system keeps little, and which nobody reads or answers by itself."""
    made = sockets.socket()
    kept_small(made)
    made.settimeout(10)
    made.connect(("127.0.0.1", server.port))
    made.sendall(
        b"GET /graphql HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
        b"Sec-WebSocket-Protocol: graphql-transport-ws\r\n\r\n"
    )
    while not made.recv(4096).endswith(b"\r\n\r\n"):
        pass
    made.sendall(framed('{"type":"connection_init"}'))
    return made


@ONCE
def test_a_peer_that_is_gone_without_a_word_is_noticed(make_server):
    with raw(make_server(ws=Hasty)) as line:
        heard = b""
        with contextlib.suppress(ConnectionResetError):
            while more := line.recv(4096):  # and nothing is answered
                heard += more
        assert b"connection_ack" in heard and b"\x89\x04" in heard, "there was no ping"


@ONCE
def test_who_asks_without_reading_is_not_heard_for_long(make_server):
    """A flood of pings fills what the system keeps for a connection, and no memory of ours."""
    with raw(make_server(ws=Strict, unread_seconds=0.3)) as line:
        flood = framed('{"type":"ping"}') * 3_000
        sent = 0
        with pytest.raises(ConnectionError):
            while True:
                line.sendall(flood)
                sent += len(flood)
                assert sent < 50_000_000, "it is heard all the same"


class Noted(Sockets):
    """Known as long as anything refers to it."""

    alive: weakref.WeakSet[Sockets] = weakref.WeakSet()

    def __init__(self, *arguments, **more) -> None:
        super().__init__(*arguments, **more)
        self.alive.add(self)


@ONCE
async def test_a_socket_that_is_gone_leaves_nothing_for_a_search_of_garbage(make_server):
    """Such a search is rare: with thousands that come and go much would gather until then."""
    server = await asyncio.to_thread(make_server, ws=Noted)
    key = await asyncio.to_thread(lambda: make_key_of(server, make_account(server)))
    gc.disable()
    try:
        for leaves in ("close", "abort"):
            async with open_socket(server.ws_url, key) as socket:
                await socket.ask(LASTING)
                await socket.send(type="ping")
                assert (await socket.receive())["type"] == "pong" and len(Noted.alive) == 1
                if leaves == "abort":
                    socket.connection.transport.abort()
            async with asyncio.timeout(10):
                while Noted.alive:
                    await asyncio.sleep(0.01)
    finally:
        gc.enable()
