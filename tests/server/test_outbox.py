"""Sockets whose peers do not read: they delay nobody, keep little, and are closed."""

import asyncio
import json
import socket as sockets

import pytest
from websockets.exceptions import ConnectionClosed

from server.sockets import Sockets
from tests.conftest import Desk, passing
from tests.journeys.sockets import open_socket
from tests.server.crowd import alike, frames


def deaf(crowd) -> sockets.socket:
    """A connection for which its system keeps little."""
    made = sockets.socket()
    made.setsockopt(sockets.SOL_SOCKET, sockets.SO_RCVBUF, 4096)
    made.connect(("127.0.0.1", crowd.server.port))
    return made


def opened(deaf: sockets.socket) -> None:
    """From now on its system keeps much."""
    deaf.setsockopt(sockets.SOL_SOCKET, sockets.SO_RCVBUF, 1024 * 1024)


LARGE = " ".join(f"a{place}:alias" for place in range(500))
"""Of a device with a long alias: 66 kB."""


async def test_one_who_does_not_read_delays_nobody_and_is_closed(make_crowd):
    """More is told than the outbox and what the system keeps for a connection hold."""
    crowd = await make_crowd(socket_outbox=64 * 1024, unread_seconds=1)
    query = f"subscription {{ devices {{ {LARGE} }} }}"
    async with crowd.stack:
        slow = await crowd.follow(query, opening={"sock": deaf(crowd), "max_queue": 1})
        reading = [await crowd.follow(query) for _ in range(3)]
        told = 0
        while "passline_unread_sockets 1.0" not in (await crowd.field.http.get("/metrics")).text:
            assert told < 1200, "80 MB are left unread"
            await asyncio.gather(*(crowd.bind(f"{n:0128}") for n in range(told, told + 10)))
            assert all(len(text) > 60_000 for text in await alike(*reading, count=10))
            told += 10
        assert (await crowd.counts())[:2] == (1, 3)
        with pytest.raises(ConnectionClosed) as closed:
            for _ in range(told):
                await asyncio.wait_for(slow.connection.recv(), 10)
        assert "passline_skipped 0.0" not in (await crowd.field.http.get("/metrics")).text
        assert closed.value.rcvd.code == 4429 and "not read" in closed.value.rcvd.reason


def news(frame: str) -> dict[str, str | None]:
    """The alias of a device's session."""
    device = json.loads(frame)["payload"]["data"]["devices"]
    return {device["deviceId"]: (device["activeSession"] or {}).get("alias")}


async def test_one_who_reads_late_gets_each_device_as_it_is_by_then(make_crowd):
    crowd = await make_crowd(socket_outbox=64 * 1024, unread_seconds=60)
    query = f"subscription {{ devices {{ deviceId activeSession {{ alias }} {LARGE} }} }}"
    async with crowd.stack:
        slow = await crowd.follow(query, opening={"sock": (line := deaf(crowd)), "max_queue": 1})
        reading = await crowd.follow(query)
        devices, last = [await crowd.bind(f"{n:0128}") for n in range(12)], {}
        for turn in range(6):
            for device in devices:
                await crowd.field.http.post("/v0/sessions", json={"deviceid": device, "alias": str(turn)})
        while len(last) < 12 or set(last.values()) != {"5"}:
            last |= news((await frames(reading, 1))[0])
        opened(line)
        heard, count = {}, 0
        while heard != last:
            heard |= news((await frames(slow, 1))[0])
            count += 1
        assert count < 84 and "passline_skipped 0.0" not in (await crowd.field.http.get("/metrics")).text


async def test_one_who_reads_late_gets_every_passing_once(make_crowd):
    crowd = await make_crowd(socket_outbox=64 * 1024)
    desk = Desk(crowd.server, crowd.key)
    async with crowd.stack:
        crowd.stack.callback(desk.http.close)
        token = await asyncio.to_thread(lambda: desk.session(desk.device()))
        many = " ".join(f"b{place}:bib" for place in range(400))
        query = f"subscription {{ passings {{ passing {{ number {many} }} }} }}"
        slow = await crowd.follow(query, opening={"sock": (line := deaf(crowd)), "max_queue": 1})
        reading = await crowd.follow(query)
        for first in range(1, 2001, 500):
            new = [passing(number) for number in range(first, first + 500)]
            assert (await asyncio.to_thread(desk.post, token, *new)).status_code == 201
        opened(line)
        for socket in (reading, slow):
            told = [json.loads(text) for text in await frames(socket, 2000)]
            numbers = [each["payload"]["data"]["passings"]["passing"]["number"] for each in told]
            assert numbers == list(range(1, 2001))
        assert "passline_skipped 0.0" not in (await crowd.field.http.get("/metrics")).text


class Impatient(Sockets):
    """Waits less long for the answer to a ping."""

    def __init__(self, *arguments, **more) -> None:
        super().__init__(*arguments, **more)
        self.ping_interval = self.ping_timeout = 1.0


async def test_one_who_neither_reads_nor_answers_is_parted_from(make_crowd):
    """What waits for the peer in the connection itself keeps nothing of it alive."""
    crowd = await make_crowd(ws=Impatient)
    async with crowd.stack:
        query = f"subscription {{ ... on Subscription {{ devices {{ {LARGE} }} }} }}"
        slow = await crowd.follow(query, opening={"sock": deaf(crowd), "max_queue": 1})
        slow.connection.transport.pause_reading()
        for at in range(0, 100, 25):
            await asyncio.gather(*(crowd.bind(f"{n:0128}") for n in range(at, at + 25)))
        await crowd.until(lambda counts: counts == (0, 0, 0))


class Seen(Sockets):
    """Can be looked at."""

    all: list[Sockets] = []

    def __init__(self, *arguments, **more) -> None:
        super().__init__(*arguments, **more)
        self.all.append(self)


async def test_pings_of_one_who_does_not_read_pile_up_nothing(make_crowd):
    """When it reads on, the last of them is answered."""
    crowd = await make_crowd(ws=Seen)
    async with crowd.stack:
        slow = await crowd.stack.enter_async_context(open_socket(crowd.server.ws_url, crowd.key))
        here, there = slow.connection.transport, Seen.all[-1]
        here.pause_reading()
        pings = (bytes((0x89, 0x80 | 125, 0, 0, 0, 0)) + b"p" * 125) * 1_000
        for _ in range(200):  # 26 MB
            here.write(pings)
            while here.get_write_buffer_size():
                await asyncio.sleep(0.001)
        assert not there.flowing and there.unsent() < 2 * 1024 * 1024
        last = await slow.connection.ping(b"last")
        while there.pong is None or not there.pong.endswith(b"last"):
            await asyncio.sleep(0.01)
        here.resume_reading()
        await asyncio.wait_for(last, 10)
