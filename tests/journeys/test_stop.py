"""SIGTERM: what is under way is answered, what was acknowledged is kept, and the process ends in time."""

import asyncio
import itertools
import re
import signal
import time

import httpx
import pytest
from websockets.exceptions import ConnectionClosed

from tests.backends import execute
from tests.journeys.sockets import open_socket

REFUSED = (httpx.ConnectError, httpx.RemoteProtocolError, httpx.ReadError, httpx.WriteError)
"""How a server that is gone shows. Only a request that got no byte of an answer may end so."""

ENDED = (0, -signal.SIGTERM)


def test_a_planned_stop_ends_with_0(process):
    process.start()
    process.signal(signal.SIGTERM)
    assert process.wait() == 0


async def test_a_stop_under_load_answers_what_is_under_way_and_loses_nothing(process, make_field):
    key = process.new_key()
    process.start()
    field = make_field(process.url, key)
    tokens = [await field.session(f"S{number}") for number in range(8)]
    acknowledged: dict[str, set[int]] = {token: set() for token in tokens}
    statuses: list[int] = []
    stopping = asyncio.Event()

    async def send(token: str) -> None:
        for number in itertools.count():
            try:
                answer = await field.send(token, number)
            except REFUSED:
                assert stopping.is_set()
                return
            statuses.append(answer.status_code)
            if answer.status_code == 201:
                acknowledged[token].add(number)

    async def hear(after_stop: list[int]) -> None:
        async with open_socket(process.ws_url, key) as socket:
            await socket.follow(after="0")
            with pytest.raises(ConnectionClosed) as closed:
                while True:
                    await socket.receive()
            after_stop.append(closed.value.rcvd.code if closed.value.rcvd else 1006)

    closes: list[int] = []
    clients = [asyncio.create_task(send(token)) for token in tokens]
    listeners = [asyncio.create_task(hear(closes)) for _ in range(3)]
    async with asyncio.timeout(30):
        while statuses.count(201) < 100:
            await asyncio.sleep(0.02)
    stopping.set()
    stopped = time.monotonic()
    process.signal(signal.SIGTERM)
    code = await asyncio.to_thread(process.wait)
    assert code in ENDED, process.log.read_text()[-3000:]
    assert time.monotonic() - stopped < 8
    await asyncio.gather(*clients, *listeners)
    assert set(statuses) <= {201, 503} and statuses.count(201) >= 100
    assert set(closes) <= {1001, 1012}, closes

    query = "SELECT sessions.token, number FROM passings JOIN sessions ON sessions.id = session_row"
    stored = execute(process.database_url, query)
    assert len(stored) == len(set(stored))
    assert {(token, n) for token in tokens for n in acknowledged[token]} <= set(stored)
    assert "Traceback" not in process.log.read_text(), process.log.read_text()[-3000:]


async def test_an_idle_server_with_open_sockets_ends_soon_and_says_when_to_come_back(process):
    key = process.new_key()
    process.start()

    async def hear(opened: asyncio.Event, key: str | None) -> tuple[int, str]:
        async with open_socket(process.ws_url, key) as socket:
            if key:
                await socket.follow()
                await socket.settle()
            opened.set()
            with pytest.raises(ConnectionClosed) as closed:
                await socket.receive()
            assert closed.value.rcvd is not None
            return closed.value.rcvd.code, closed.value.rcvd.reason

    opened = [asyncio.Event() for _ in range(30)]
    hearing = [asyncio.create_task(hear(each, key if n % 3 else None)) for n, each in enumerate(opened)]
    await asyncio.gather(*(each.wait() for each in opened))
    stopped = time.monotonic()
    process.signal(signal.SIGTERM)
    told = await asyncio.gather(*hearing)
    assert await asyncio.to_thread(process.wait) in ENDED
    assert time.monotonic() - stopped < 5
    waits = [re.fullmatch(r"restarting, come back in (\d+\.\d) s", reason) for _, reason in told]
    assert {code for code, _ in told} == {1012} and all(waits), told
    assert len({wait[1] for wait in waits if wait}) > 3, "all are to come at once"


async def test_a_key_revoked_on_the_command_line_is_out_when_the_command_returns(process, make_field):
    key = process.new_key()
    process.start()
    field = make_field(process.url, key)
    token = await field.session("S1")
    assert (await field.send(token, 1)).status_code == 201
    await asyncio.to_thread(process.run, "keys", "revoke", "1")
    assert (await field.send(token, 2)).status_code == 403
