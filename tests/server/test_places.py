"""How many sockets may be open: from one address, and with one key."""

import asyncio
import socket

import pytest
from websockets.exceptions import ConnectionClosed

from tests.conftest import make_account, make_key_of
from tests.journeys.sockets import open_socket


async def test_an_address_has_so_many_sockets(make_server):
    server = make_server(address_sockets=2)
    async with open_socket(server.ws_url), open_socket(server.ws_url):
        with pytest.raises(ConnectionClosed) as closed:
            async with open_socket(server.ws_url):
                pass
        assert (closed.value.rcvd.code, closed.value.rcvd.reason) == (4429, "Too many connections")
        elsewhere = socket.create_connection(("127.0.0.1", server.port), source_address=("127.0.0.2", 0))
        async with open_socket(server.ws_url, sock=elsewhere):
            pass
    await until_open(server.ws_url, None)


async def test_a_key_has_so_many_sockets(make_server):
    server = make_server(key_sockets=1)
    account = await asyncio.to_thread(make_account, server)
    key, other = [await asyncio.to_thread(make_key_of, server, account) for _ in range(2)]
    async with open_socket(server.ws_url, key):
        with pytest.raises(ConnectionClosed) as closed:
            async with open_socket(server.ws_url, key):
                pass
        assert (closed.value.rcvd.code, closed.value.rcvd.reason) == (4429, "Too many connections")
        async with open_socket(server.ws_url, other), open_socket(server.ws_url), open_socket(server.ws_url):
            pass
    await until_open(server.ws_url, key)


async def until_open(url, key):
    """The place of a socket that was closed is given back soon."""
    async with asyncio.timeout(5):
        while True:
            try:
                async with open_socket(url, key):
                    return
            except ConnectionClosed:
                await asyncio.sleep(0.02)
