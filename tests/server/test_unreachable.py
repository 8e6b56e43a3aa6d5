"""Every door while the database is away, and when it is back: Busy, and never a fault or a hang."""

import asyncio

import pytest
from websockets.exceptions import ConnectionClosed

from models import ingest_postgres, postgres
from resolvers import callers
from tests.conftest import Desk, make_account, make_key_of, passing
from tests.journeys.events import open_stream
from tests.journeys.sockets import open_socket
from tests.line import Line

pytestmark = pytest.mark.alone("postgresql", "a file does not go away")
BUSY = {"code": "BUSY", "retryAfter": 1}
COUNT = "{ devices { totalCount } }"


@pytest.fixture
def line(url):
    made = Line(url)
    yield made
    made.close()


@pytest.fixture
def server(line, make_server, monkeypatch):
    monkeypatch.setattr(postgres, "CONNECT", 1.0)
    monkeypatch.setattr(postgres, "STATEMENT", 1.0)
    monkeypatch.setattr(ingest_postgres, "PATIENCE", 1.0)
    return make_server(database_url=line.url)


@pytest.fixture
def keys(server):
    """One that is believed when the database goes away, and one that nobody has shown before."""
    account = make_account(server)
    return make_key_of(server, account), make_key_of(server, account)


@pytest.fixture
def desks(server, keys):
    made = [Desk(server, key) for key in keys]
    yield made
    for desk in made:
        desk.http.close()


def body_of(token, *passings):
    return {"token_session": token, "passings_list": list(passings)}


def is_busy(answer, statuses=(503,)):
    assert answer.status_code in statuses, answer.text
    assert answer.headers["retry-after"] == "1"
    return True


def test_every_door_says_when_to_come_again_and_opens_again(line, desks):
    desk, newcomer = desks
    token = desk.session(desk.device())
    asked = {
        "short way": lambda at: at.post(token, passing(2)),
        "passings": lambda at: at.http.post("/v0/passings?", json=body_of(token, passing(3))),
        "devices": lambda at: at.v0("GET", "/devices"),
        "export": lambda at: at.http.get(f"/exports/sessions/{token}/passings.csv"),
    }
    assert desk.post(token, passing(1)).status_code == 201
    line.cut()
    for ask in asked.values():
        assert is_busy(ask(desk)) and is_busy(ask(newcomer))
    for at in desks:
        told = at.http.post("/graphql", json={"query": COUNT})
        assert is_busy(told, (200, 503)) and told.json()["errors"][0]["extensions"] == BUSY
    assert is_busy(newcomer.http.post("/graphql", json={"query": COUNT}))
    assert desk.http.get("/healthz").status_code == 200
    assert desk.http.get("/readyz").status_code == 503
    line.mend()
    for at in desks:
        assert at.data(COUNT) == {"devices": {"totalCount": 1}}
        assert {ask(at).status_code for ask in asked.values()} <= {200, 201}
    assert desk.data("{ passings { totalCount } }") == {"passings": {"totalCount": 3}}


def test_nobody_waits_for_a_database_that_does_not_answer(line, desks):
    desk, newcomer = desks
    token = desk.session(desk.device())
    line.hang()
    assert is_busy(desk.post(token, passing(1)))
    assert is_busy(newcomer.v0("GET", "/devices"))
    line.mend()
    assert desk.post(token, passing(1)).status_code == 201


async def test_sockets_are_told_to_come_again(line, server, keys):
    known, newcomer = keys
    async with open_socket(server.ws_url, known) as socket:
        await socket.settle()
        await asyncio.to_thread(line.cut)
        async with open_socket(server.ws_url, introduced=False) as other:
            await other.send(type="connection_init", payload={"apiKey": newcomer})
            with pytest.raises(ConnectionClosed):
                await other.receive()
            assert other.connection.close_code == 1013
        shown = {"x-api-key": newcomer}
        async with open_socket(server.ws_url, introduced=False, additional_headers=shown) as other:
            with pytest.raises(ConnectionClosed):
                await other.receive()
            assert other.connection.close_code == 1013
        while True:  # until the key is not believed any more
            await socket.ask(COUNT)
            answer = await socket.receive()
            if answer["type"] == "error":
                break
            assert answer["payload"]["errors"][0]["extensions"] == BUSY
            assert (await socket.receive())["type"] == "complete"
        assert answer["payload"][0]["extensions"] == BUSY
        await asyncio.to_thread(line.mend)
        await socket.ask(COUNT)
        assert (await socket.receive())["payload"] == {"data": {"devices": {"totalCount": 0}}}


async def test_an_event_stream_begins_without_it_and_goes_on_with_it(line, server, keys, desks, monkeypatch):
    monkeypatch.setattr(callers, "TRUSTED", 3_600_000_000)  # however long the first refusal takes
    known, newcomer = keys
    desk, _ = desks
    token = await asyncio.to_thread(lambda: desk.session(desk.device()))
    await asyncio.to_thread(line.cut)
    async with open_stream(server.url, newcomer) as refused:
        assert refused.answer.status_code == 503 and refused.answer.headers["retry-after"] == "1"
    async with open_stream(server.url, known, after="0") as stream:
        assert stream.answer.status_code == 200 and (await stream.any()).retry
        await asyncio.to_thread(line.mend)
        await asyncio.to_thread(desk.post, token, passing(1))
        assert await stream.numbers(1) == [1]
