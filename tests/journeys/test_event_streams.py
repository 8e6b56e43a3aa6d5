"""Event streams as they live: what comes, how they go on after a break, and how they end."""

import asyncio
import itertools
import json
import os
import re
import shutil
import signal
import socket
from pathlib import Path

import httpx
import pytest

from tests.journeys.conftest import new_key
from tests.journeys.events import Event, open_stream
from tests.journeys.sockets import open_socket

KEYS = "{ viewer { apiKeys { id access } } }"
REVOKE = "mutation($id: ID!) { revokeApiKey(id: $id) { id } }"


async def figures(server, name):
    async with httpx.AsyncClient() as http:
        text = (await http.get(f"{server.url}/metrics")).text
    (row,) = [row for row in text.splitlines() if row.startswith(f"{name} ")]
    return float(row.split()[1])


async def test_passings_come_with_the_id_to_go_on_from(server, key, field):
    token = await field.session("S1")
    async with open_stream(server.url, key, after="0") as stream:
        assert (await stream.any()).retry is not None, "something comes at once"
        await field.send(token, 0, 1, 2)
        assert await stream.numbers(1) == [0]
        seen, _ = await stream.delivery()
        assert await stream.numbers(1) == [2]
    await field.send(token, 3, 4)
    async with open_stream(server.url, key, after="0", headers={"last-event-id": seen}) as stream:
        assert await stream.numbers(3) == [2, 3, 4]
        await field.send(token, 5)
        assert await stream.numbers(1) == [5]


async def test_a_reader_that_keeps_losing_its_connection_under_load_misses_and_repeats_nothing(
    server, key, field
):
    tokens = [await field.session(f"S{number}") for number in range(3)]
    total = 3 * 20 * 5
    racing = asyncio.create_task(field.race(tokens, calls=20, each=5))
    seen, numbers = "0", []
    while len(numbers) < total:
        method = "GET" if len(numbers) % 2 else "POST"
        async with open_stream(server.url, key, method=method, headers={"last-event-id": seen}) as stream:
            for _ in range(min(1 + len(numbers) % 40, total - len(numbers))):
                seen, number = await stream.delivery()
                numbers.append(number)
    await racing
    assert sorted(numbers) == sorted(set(numbers)) and len(numbers) == total
    for place in range(3):
        mine = [number for number in numbers if number // 100_000 == place]
        assert mine == sorted(mine)


async def test_streams_and_sockets_share_one_execution(make_server, make_field):
    server = make_server()
    key = await asyncio.to_thread(new_key, server)
    field = make_field(server.url, key)
    token = await field.session("S1")
    async with (
        open_stream(server.url, key, session=token) as one,
        open_stream(server.url, key, method="POST", session=token) as other,
        open_socket(server.ws_url, key) as on_socket,
    ):
        await one.any(), await other.any()
        await on_socket.follow(session=token)
        await on_socket.settle()
        await field.send(token, 1)
        assert await one.numbers(1) == await other.numbers(1) == await on_socket.numbers(1) == [1]
        assert await figures(server, "passline_shared_executions") == 1
        assert await figures(server, "passline_shared_followers") == 3
    async with asyncio.timeout(5):
        while await figures(server, "passline_shared_executions"):
            await asyncio.sleep(0.01)
    assert await figures(server, "passline_audience") == 0


async def test_a_quiet_stream_is_kept_alive_and_is_not_taken_for_unread(make_server, make_field):
    server = make_server(heartbeat_seconds=0.05, body_seconds=0.2, unread_seconds=0.2)
    key = await asyncio.to_thread(new_key, server)
    field = make_field(server.url, key)
    token = await field.session("S1")
    async with open_stream(server.url, key) as stream:
        await stream.any()
        assert [await stream.any() for _ in range(10)] == [Event(comment="")] * 10
        await field.send(token, 1)
        assert await stream.numbers(1) == [1]


async def test_one_who_does_not_read_is_cut_off_and_delays_nobody(make_server, make_field):
    server = make_server(unread_seconds=0.3)
    key = await asyncio.to_thread(new_key, server)
    field = make_field(server.url, key)
    tokens = [await field.session(f"S{number}") for number in range(2)]
    with deaf(server, key) as silent:
        async with open_stream(server.url, key) as stream, asyncio.timeout(30):
            await stream.any()
            for start in itertools.count(0, 500):
                await field.race(tokens, calls=1, each=500, start=start)
                await stream.numbers(1000)
                if await figures(server, "passline_unread_sockets"):
                    break
        with pytest.raises(ConnectionResetError):  # and what it left is not kept for it
            while silent.recv(1_000_000):
                pass


def deaf(server, key):
    """A connection that asks for much and reads nothing."""
    fields = "+".join(f"a{number}:timestampText" for number in range(45))
    query = "subscription{passings{passing{" + fields + "}}}"
    asked = socket.socket()
    asked.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    asked.connect(("127.0.0.1", server.port))
    head = f"GET /graphql/stream?query={query} HTTP/1.1\r\nhost: x\r\nx-api-key: {key}\r\n\r\n"
    asked.sendall(head.encode())
    return asked


async def test_a_revoked_key_is_told_and_let_go(server, desk, make_key):
    key = await asyncio.to_thread(make_key, "READ")
    async with open_stream(server.url, key) as stream:
        await stream.any()
        (id,) = [each["id"] for each in desk.data(KEYS)["viewer"]["apiKeys"] if each["access"] == "READ"]
        desk.data(REVOKE, id=id)
        said, complete = await stream.rest()
    (error,) = said.data["errors"]
    assert (said.kind, error["extensions"]["code"]) == ("next", "UNAUTHENTICATED")
    assert complete == Event("complete", "")


@pytest.mark.parametrize("setting", ["address_sockets", "key_sockets"])
async def test_streams_take_the_places_of_sockets(make_server, setting):
    server = make_server(**{setting: 1})
    key = await asyncio.to_thread(new_key, server)
    async with open_stream(server.url, key) as stream:
        await stream.any()
        async with open_stream(server.url, key) as refused:
            answer = refused.answer
            assert (answer.status_code, answer.headers["retry-after"]) == (429, "5")
            (error,) = json.loads(await answer.aread())["errors"]
            assert (error["message"], error["extensions"]["code"]) == (
                "Too many connections",
                "RATE_LIMITED",
            )
    async with asyncio.timeout(5):
        while True:
            async with open_stream(server.url, key) as again:
                if again.answer.status_code == 200:
                    break


@pytest.mark.alone("sqlite", "no database has a part in it, and a process takes a while")
async def test_a_planned_stop_says_when_to_come_back(process):
    key = process.new_key()
    process.start()
    async with open_stream(process.url, key, after="0") as stream:
        await stream.any()
        process.signal(signal.SIGTERM)
        last = await stream.rest()
    assert 500 <= last[-1].retry <= 10_000 and last[-1].kind is None
    assert process.wait() == 0


@pytest.mark.alone("sqlite", "it is about what the page says")
async def test_the_command_that_the_page_for_clients_shows_follows_passings(server, key, field):
    if shutil.which("curl") is None:
        pytest.skip("curl is not installed")
    await field.send(await field.session("S1"), 7)
    page = (Path(__file__).parents[2] / "docs" / "live.md").read_text()
    command, told = re.findall(r"```(?:sh)?\n(.*?)```", page, re.DOTALL)[:2]
    running = await asyncio.create_subprocess_shell(
        "exec " + command.replace("http://127.0.0.1:8000", server.url),
        env=os.environ | {"PASSLINE_KEY": key},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    assert running.stdout is not None
    async with asyncio.timeout(10):
        said = [(await running.stdout.readline()).decode() for _ in told.splitlines()]
    running.kill()
    await running.wait()
    assert [line.split(" ")[0].strip() for line in said] == [line.split(" ")[0] for line in told.splitlines()]
    assert '"number":7' in said[-1]
