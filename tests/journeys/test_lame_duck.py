"""A planned stop that nobody behind a proxy notices, and one on a socket that outlives the server."""

import asyncio
import signal
import socket
import subprocess
import sys

import httpx
import pytest
from websockets.exceptions import ConnectionClosed

from tests.journeys.sockets import open_socket

PROCESS = pytest.mark.alone("sqlite", "it is about the process, whatever its database")
LAME_DUCK = "PASSLINE_LAME_DUCK_SECONDS"


async def readiness(field, wanted):
    """The answer of /readyz once it has this status."""
    while (answer := await field.http.get("/readyz")).status_code != wanted:
        await asyncio.sleep(0.01)
    return answer


@pytest.fixture
async def served(process, make_field):
    """A server that serves on for a second after it was told to stop; a device at it, and its session."""
    process.environment[LAME_DUCK] = "1"
    key = process.new_key()
    process.start()
    field = make_field(process.url, key)
    return process, key, field, await field.session("S1")


async def test_a_server_that_stops_says_so_at_once_and_serves_on_for_a_while(served, make_field):
    process, key, field, token = served
    assert (await field.send(token, 1)).headers.get("connection") != "close"
    async with open_socket(process.ws_url, key) as ear:
        await ear.follow(after="0")
        assert await ear.numbers(1) == [1]
        process.signal(signal.SIGTERM)
        told = await readiness(field, 503)
        assert told.json() == {"stopping": True}
        assert (await field.http.get("/healthz")).status_code == 503
        known = await field.send(token, 2)
        short, new = await field.send(token, 3), make_field(process.url, key)
        late = await new.send(token, 4)
        asked = await field.http.post("/graphql", json={"query": "{ viewer { authenticated } }"})
        for answer in (known, short, late):
            assert (answer.status_code, answer.headers["connection"]) == (201, "close")
        assert (asked.status_code, asked.headers["connection"]) == (200, "close")
        assert await ear.numbers(3) == [2, 3, 4]
        with pytest.raises(ConnectionClosed) as closed:
            await ear.receive()
        assert closed.value.rcvd.code == 1012
    assert await asyncio.to_thread(process.wait) == 0
    with pytest.raises(httpx.ConnectError):
        await field.send(token, 5)


@PROCESS
async def test_a_second_signal_ends_it_at_once_and_what_was_acknowledged_is_there(served):
    process, key, field, token = served
    process.signal(signal.SIGTERM)
    await readiness(field, 503)
    assert (await field.send(token, 1)).status_code == 201
    process.signal(signal.SIGTERM)
    assert await asyncio.to_thread(process.wait) == 128 + signal.SIGTERM
    process.start()
    answer = (await field.send(token, 1, 2)).json()
    assert (answer["inserted_count"], answer["duplicate_count"]) == (1, 1)


@PROCESS
async def test_nobody_is_refused_while_a_server_restarts_on_a_socket_that_stays(process, make_field):
    key = process.new_key()
    with socket.socket() as listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(("127.0.0.1", process.port))
        listening.listen(100)
        process.start(fd=listening.fileno())
        field = make_field(process.url, key)
        token = await field.session("S1")  # waited for: the server was not up yet
        process.signal(signal.SIGTERM)
        assert await asyncio.to_thread(process.wait) == 0
        waiting = [asyncio.create_task(make_field(process.url, key).send(token, n)) for n in range(5)]
        process.start(fd=listening.fileno())
        answers = await asyncio.gather(*waiting)
        assert [answer.status_code for answer in answers] == [201] * 5


@PROCESS
def test_a_socket_that_is_none_is_one_sentence(process):
    def said(fd, **more):
        words = [sys.executable, "-m", "server.cli", "serve", "--fd", str(fd)]
        done = subprocess.run(words, env=process.environment, capture_output=True, text=True, **more)
        return done.returncode, done.stdout, done.stderr.count("\n")

    assert said(0, stdin=subprocess.DEVNULL) == (1, "", 1)
    with socket.socket(type=socket.SOCK_DGRAM) as datagrams:
        assert said(datagrams.fileno(), pass_fds=[datagrams.fileno()]) == (1, "", 1)


@PROCESS
def test_ctrl_c_is_a_planned_stop_too(process):
    process.start()
    process.signal(signal.SIGINT)
    assert process.wait() == 0
