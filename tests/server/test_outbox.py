"""Sockets whose peers do not read: they delay nobody, keep little, and are closed."""

import asyncio
import socket as sockets

import pytest
from websockets.exceptions import ConnectionClosed

from server.sockets import Sockets
from tests.server.crowd import alike


def deaf(crowd) -> sockets.socket:
    """A connection for which its system keeps little."""
    made = sockets.socket()
    made.setsockopt(sockets.SOL_SOCKET, sockets.SO_RCVBUF, 4096)
    made.connect(("127.0.0.1", crowd.server.port))
    return made


LARGE = " ".join(f"a{place}:alias" for place in range(150))
"""Of a device with a long alias: 20 kB."""


async def test_one_who_does_not_read_delays_nobody_and_is_closed(make_crowd):
    """More is told than the outbox and what the system keeps for a connection hold."""
    crowd = await make_crowd(socket_outbox=1024 * 1024)
    query = f"subscription {{ devices {{ {LARGE} }} }}"
    async with crowd.stack:
        slow = await crowd.follow(query, sock=deaf(crowd), max_queue=1)
        reading = [await crowd.follow(query) for _ in range(3)]
        told = 0
        while (await crowd.counts())[1] == 4:
            assert told < 1000, "20 MB are left unread"
            await asyncio.gather(*(crowd.bind(f"{n:0128}") for n in range(told, told + 20)))
            assert all(len(text) > 19_000 for text in await alike(*reading, count=20))
            told += 20
        assert (await crowd.counts())[:2] == (1, 3) and told > 100
        with pytest.raises(ConnectionClosed) as closed:
            for _ in range(told):
                await asyncio.wait_for(slow.connection.recv(), 10)
        assert "passline_unread_sockets 1.0" in (await crowd.field.http.get("/metrics")).text
        assert closed.value.rcvd.code == 4429 and "not read" in closed.value.rcvd.reason


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
        slow = await crowd.follow(query, sock=deaf(crowd), max_queue=1)
        slow.connection.transport.pause_reading()
        for at in range(0, 400, 50):
            await asyncio.gather(*(crowd.bind(f"{n:0128}") for n in range(at, at + 50)))
        await crowd.until(lambda counts: counts == (0, 0, 0))
