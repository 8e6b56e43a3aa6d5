"""What `/graphql/stream` answers: forms, statuses, headers, and what it refuses before anything has begun."""

import asyncio
import json
import re
import socket
from urllib.parse import quote

import httpx
import pytest

from schema.prepared import Documents
from server.auth import Door
from tests.conftest import passing
from tests.journeys.events import EVENTS, Event, open_stream
from tests.schema.racing import make_public_event, make_race

PASSINGS = "subscription { passings { cursor } }"
VIEWER = "{ viewer { authenticated } }"
OPEN = "mutation($device: String!) { openSession(deviceId: $device) { token } }"
PARTS = {"accept": "multipart/mixed;boundary=graphql;subscriptionSpec=1.0,application/json"}
PAGE = {"origin": "https://runners.example"}


def stream(desk, method="POST", headers=None, **more):
    """An answer that ends by itself."""
    return desk.http.request(method, "/graphql/stream", headers=EVENTS | (headers or {}), **more)


def asked(query, **variables):
    return {"query": query, "variables": variables}


async def test_a_query_and_a_mutation_have_one_result(server, key, desk):
    device = await asyncio.to_thread(desk.device)
    for query, variables in ((VIEWER, {}), (OPEN, {"device": device}), (OPEN, {"device": "nobody"})):
        async with open_stream(server.url, key, query, "POST", **variables) as answer:
            assert answer.answer.status_code == 200
            opening, result, complete = await answer.rest()
        assert opening.retry and result.id is None
        assert (result.kind, complete) == ("next", Event("complete", ""))
        assert ("errors" in result.data) == (variables.get("device") == "nobody")


async def test_a_stranger_follows_a_public_race(server, desk):
    race = make_race(desk, make_public_event(desk))["id"]
    query = "subscription($race: ID!) { race(raceId: $race) { race { id } } }"
    async with open_stream(server.url, query=query, race=race) as answer:
        event = await answer.event()
    assert event.kind == "next" and event.data["data"]["race"]["race"]["id"] == race


def test_headers_keep_proxies_and_caches_out_and_let_pages_in(desk):
    answer = stream(desk, json=asked(VIEWER), headers=PAGE)
    told = answer.headers
    assert told["content-type"] == "text/event-stream"
    assert (told["cache-control"], told["x-accel-buffering"]) == ("no-store", "no")
    assert told["access-control-allow-origin"] == "*"
    before = desk.http.options(
        "/graphql/stream",
        headers=PAGE
        | {
            "access-control-request-method": "GET",
            "access-control-request-headers": "last-event-id,x-api-key",
        },
    )
    assert before.status_code == 200 and before.headers["access-control-allow-origin"] == "*"


@pytest.mark.parametrize(
    ("request_", "status", "code"),
    [
        ({"json": {}}, 400, "BAD_USER_INPUT"),
        ({"json": [asked(VIEWER)]}, 400, "BAD_USER_INPUT"),
        ({"json": asked("{")}, 400, "BAD_USER_INPUT"),
        ({"json": asked("{ nothing }")}, 400, "BAD_USER_INPUT"),
        ({"json": asked("{" * 17 + "viewer" + "}" * 17)}, 400, "BAD_USER_INPUT"),
        ({"json": asked("subscription { passings(after: 1) { cursor } }")}, 400, "BAD_USER_INPUT"),
        ({"json": asked('subscription { passings(after: "x") { cursor } }')}, 400, "BAD_USER_INPUT"),
        ({"json": {"documentId": "sha256:" + "0" * 64}}, 404, "PERSISTED_QUERY_NOT_FOUND"),
        ({"json": asked('subscription { passings(sessionToken: "x") { cursor } }')}, 404, "NOT_FOUND"),
        ({"json": asked(PASSINGS), "headers": {"x-api-key": ""}}, 401, "UNAUTHENTICATED"),
        ({"json": asked(PASSINGS), "headers": {"x-api-key": "ror-wrong"}}, 401, "UNAUTHENTICATED"),
        ({"json": asked(PASSINGS), "headers": {"last-event-id": ""}}, 400, "BAD_USER_INPUT"),
        ({"json": asked(PASSINGS), "headers": {"last-event-id": "seven"}}, 400, "BAD_USER_INPUT"),
        ({"json": asked(PASSINGS), "headers": {"last-event-id": "9" * 18}}, 400, "BAD_USER_INPUT"),
        ({"content": "query=x", "headers": {"content-type": "text/plain"}}, 415, "BAD_USER_INPUT"),
        ({"json": asked(VIEWER), "headers": {"accept": "application/json"}}, 406, "BAD_USER_INPUT"),
        ({"method": "GET"}, 400, "BAD_USER_INPUT"),
        ({"method": "GET", "params": {"query": OPEN, "variables": "{}"}}, 405, "BAD_USER_INPUT"),
        ({"method": "GET", "params": {"query": VIEWER, "variables": "[]"}}, 400, "BAD_USER_INPUT"),
        ({"method": "PUT", "json": asked(VIEWER)}, 405, "BAD_USER_INPUT"),
    ],
)
def test_what_is_refused_has_a_status_and_says_why(desk, request_, status, code):
    answer = stream(desk, **request_)
    (error,) = answer.json()["errors"]
    assert (answer.status_code, error["extensions"]["code"]) == (status, code), error
    assert answer.headers["content-type"].startswith("application/json")
    assert ("allow" in answer.headers) == (status == 405)


@pytest.mark.alone("sqlite", "it is about documents")
def test_what_nobody_may_know_is_not_told_here_either(make_server):
    server = make_server(introspection=False)
    for query in ("{ __schema { types { name } } }", "{ viewerr { authenticated } }"):
        answer = httpx.post(f"{server.url}/graphql/stream", json=asked(query))
        assert answer.status_code == 400 and "viewer " not in answer.text and "mean" not in answer.text


@pytest.mark.alone("sqlite", "no database is asked")
def test_nothing_is_parsed_for_who_cannot_pay(make_server, monkeypatch):
    parsed, read = [], Documents.read
    monkeypatch.setattr(Documents, "read", lambda self, text: parsed.append(text) or read(self, text))
    server = make_server(stranger_rate=0.001, stranger_burst=5)
    refused = 0
    for number in range(20):
        params = {"query": f"{{ __typename }} # mutation {number}"}
        answer = httpx.get(f"{server.url}/graphql/stream", params=params)
        refused += answer.status_code == 429
    assert refused > 10 and len(parsed) <= 20 - refused + 1


def test_head_is_refused(desk):
    assert stream(desk, "HEAD").status_code == 405


def test_multipart_is_what_apollo_reads(desk):
    answer = stream(desk, json=asked(VIEWER), headers=PARTS)
    assert answer.headers["content-type"] == 'multipart/mixed;boundary="graphql";subscriptionSpec=1.0'
    assert parts(answer.text) == [{}, {"payload": {"data": {"viewer": {"authenticated": True}}}}]
    refused = stream(desk, json=asked("{"), headers=PARTS)
    assert refused.status_code == 400 and refused.json()["errors"]


def parts(text):
    """Of a whole answer."""
    head, *found, end = text.split("\r\n--graphql")
    assert head == "" and end == "--\r\n"
    told = [re.fullmatch(r"\r\ncontent-type: application/json\r\n\r\n(.*)", part) for part in found]
    return [json.loads(part[1]) for part in told]


@pytest.mark.parametrize("accept", ["text/event-stream", PARTS["accept"]])
def test_the_usual_address_streams_for_those_who_ask_for_it(desk, accept):
    answer = desk.http.post("/graphql", json=asked(VIEWER), headers={"accept": accept})
    assert answer.status_code == 200 and answer.headers["content-type"].split(";")[0] == accept.split(";")[0]


def test_an_old_proxy_gets_a_body_that_ends_with_the_connection(server, key, desk):
    token = desk.session(desk.device())
    desk.post(token, passing(1))
    with socket.create_connection(("127.0.0.1", server.port), 5) as line:
        query = 'subscription{passings(after:"0"){passing{number}}}'
        line.sendall(f"GET /graphql/stream?query={query} HTTP/1.0\r\nx-api-key: {key}\r\n\r\n".encode())
        told = b""
        while b"data:" not in told:
            told += line.recv(4096)
    head, _, body = told.partition(b"\r\n\r\n")
    assert b"chunked" not in head and b"connection: close" in head
    assert body.startswith(b"retry: ") and b'data: {"data":{"passings":{"passing":{"number":1}}}}\n\n' in body


async def test_a_connection_that_went_before_its_stream_began_keeps_nothing(make_crowd, monkeypatch):
    """Though another request had begun behind it."""
    crowd = await make_crowd()
    let_in = Door.graphql

    async def slowly(door, scope):
        await asyncio.sleep(0.3)
        return await let_in(door, scope)

    async with crowd.stack:
        monkeypatch.setattr(Door, "graphql", slowly)
        query = quote("subscription { devices { deviceId } }")
        head = f"GET /graphql/stream?query={query} HTTP/1.1\r\nhost: h\r\nx-api-key: {crowd.key}\r\n\r\n"
        _, writer = await asyncio.open_connection("127.0.0.1", crowd.server.port)
        writer.write(head.encode() + b"GET / HTTP/1.1\r\nhost:")
        await asyncio.sleep(0.1)
        writer.transport.abort()
        await asyncio.sleep(0.5)
        assert await crowd.counts() == (0, 0, 0)
