"""A flood of wrong keys: it is slowed down where it comes from, and nobody else notices it."""

import asyncio
import secrets
from collections import Counter

import pytest

from models import keys as rows
from tests.conftest import Desk, make_account, make_key_of
from tests.journeys.sockets import open_socket
from tests.rest_compat.wire import request

FEW = {"bad_key_rate": 0.01, "bad_key_burst": 50}


@pytest.fixture
def server(make_server):
    return make_server(**FEW)


@pytest.fixture
def keys(server):
    """As many as are asked for, of new accounts: nobody has looked them up yet."""

    def make(count):
        return [make_key_of(server, make_account(server)) for _ in range(count)]

    return make


@pytest.fixture
def look_ups(monkeypatch):
    """How many keys each look into a database was about, of every server of this process."""
    told = []
    by_hashes = rows.by_hashes

    async def tell(database, hashes):
        told.append(len(hashes))
        return await by_hashes(database, hashes)

    monkeypatch.setattr(rows, "by_hashes", tell)
    return told


def wrong():
    return "ror-" + secrets.token_hex(10)


def asking(key):
    return request(method=b"GET", target=b"/v0/devices", headers=(b"x-api-key: " + key.encode(),))


async def ask(port, *shown, address="127.0.0.1"):
    """One connection: the statuses of a request with each key."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, local_addr=(address, 0))
    statuses = []
    for key in shown:
        writer.write(asking(key))
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(line for line in head.split(b"\r\n") if line.startswith(b"content-length: "))
        await reader.readexactly(int(length[16:]))
        statuses.append(head[9:12])
    writer.close()
    return statuses


async def test_good_keys_of_the_same_and_of_another_address_are_let_in_all_the_while(server, keys, look_ups):
    old, fresh, elsewhere = await asyncio.to_thread(lambda: (keys(5), keys(10), keys(10)))
    for key in old:
        assert await ask(server.port, key) == [b"200"]
    look_ups.clear()
    bad = [ask(server.port, *(wrong() for _ in range(40))) for _ in range(50)]
    good = [ask(server.port, *[key] * 5) for key in [*old, *fresh]]
    good += [ask(server.port, *[key] * 5, address="127.0.0.2") for key in elsewhere]
    found = await asyncio.gather(*bad, *good)
    refused = Counter(status for statuses in found[: len(bad)] for status in statuses)
    assert set(refused) == {b"403", b"429"} and refused[b"403"] <= 51
    assert {status for statuses in found[len(bad) :] for status in statuses} == {b"200"}
    assert 0 < len(look_ups) < 500, "for 2,000 wrong keys and 25 good ones"


def test_a_refusal_says_when_a_wrong_key_may_be_shown_again(server, keys):
    desk = Desk(server, None)
    statuses = []
    for _ in range(52):
        answer = desk.http.get("/v0/devices", headers={"x-api-key": wrong()})
        statuses.append(answer.status_code)
    assert statuses == [403] * 50 + [429] * 2
    assert answer.json()["description"] == "Too many requests" and int(answer.headers["retry-after"]) >= 1
    answer = desk.http.post("/graphql", json={"query": "{ __typename }"}, headers={"x-api-key": wrong()})
    assert answer.status_code == 429 and int(answer.headers["retry-after"]) >= 1
    assert answer.json()["errors"][0]["extensions"]["code"] == "RATE_LIMITED"
    assert desk.http.get("/v0/devices").status_code == 403, "without one it is a stranger who asks"
    assert desk.http.get("/v0/devices", headers={"x-api-key": keys(1)[0]}).status_code == 200
    desk.http.close()


async def test_a_socket_with_a_wrong_key_is_closed_as_ever(server, keys):
    for _ in range(2):
        await ask(server.port, *(wrong() for _ in range(40)))
    async with open_socket(server.ws_url, introduced=False) as shown:
        await shown.send(type="connection_init", payload={"apiKey": wrong()})
        await shown.connection.wait_closed()
        assert shown.connection.close_code == 4403
    async with open_socket(server.ws_url, additional_headers={"x-api-key": wrong()}) as shown:
        await shown.ask("{ devices { totalCount } }")
        assert (await shown.failure())["extensions"]["code"] == "UNAUTHENTICATED"
    (key,) = await asyncio.to_thread(keys, 1)
    async with open_socket(server.ws_url, key) as shown:
        await shown.ask("{ __typename }")
        assert (await shown.receive())["payload"]["data"] == {"__typename": "Query"}
