"""`kill -9` in the middle of everything: what was acknowledged is there, exactly once."""

import asyncio
import contextlib
import itertools
import signal

import httpx

from tests.journeys.sockets import open_socket

ROUNDS = 3
CLIENTS = 8


async def test_what_was_acknowledged_survives_kill_9_exactly_once(process, make_field):
    key = process.new_key()
    process.start()
    field = make_field(process.url, key)
    tokens = [await field.session(f"S{number}") for number in range(CLIENTS)]
    await field.http.aclose()
    acknowledged: dict[str, set[int]] = {token: set() for token in tokens}
    tried: dict[str, set[int]] = {token: set() for token in tokens}
    counters = {token: itertools.count() for token in tokens}

    async def send(field, token: str) -> None:
        for first in counters[token]:
            numbers = range(first * 3, first * 3 + 1 + first % 3)
            tried[token].update(numbers)
            answer = await field.send(token, *numbers)
            if answer.status_code == 201:
                acknowledged[token].update(numbers)

    for round_ in range(ROUNDS):
        if round_:
            process.start()
        field = make_field(process.url, key)
        clients = [asyncio.create_task(send(field, token)) for token in tokens]
        wanted = sum(map(len, acknowledged.values())) + 40
        async with asyncio.timeout(30):
            while sum(map(len, acknowledged.values())) < wanted:
                await asyncio.sleep(0.02)
        await asyncio.sleep(0.13 * round_)
        process.signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
        for client in clients:
            with contextlib.suppress(httpx.HTTPError):
                await client
    assert sum(map(len, acknowledged.values())) > 100

    process.start()
    stored: dict[str, list[int]] = {}
    async with open_socket(process.ws_url, key) as socket:
        for token in tokens:
            query = "query($t: String!) { session(token: $t) { passingCount } }"
            await socket.ask(query, "count", t=token)
            count = (await socket.receive())["payload"]["data"]["session"]["passingCount"]
            assert (await socket.receive())["type"] == "complete"
            await socket.follow("read", session=token, after="0")
            stored[token] = await socket.numbers(count)
            await socket.send(type="complete", id="read")
    for token in tokens:
        assert len(stored[token]) == len(set(stored[token]))
        assert acknowledged[token] <= set(stored[token]) <= tried[token]

    field = make_field(process.url, key)
    for token in tokens:  # a device that heard no answer sends again: nothing is doubled
        again = sorted(tried[token])[-500:]
        answer = (await field.send(token, *again)).json()
        assert answer["inserted_count"] + answer["duplicate_count"] == len(again)
        assert answer["inserted_count"] == len(set(again) - set(stored[token]))
