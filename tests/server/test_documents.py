"""Documents that are named instead of sent: the same on every way in, on several servers, and at the command line."""

import hashlib
import json
from itertools import count

import httpx
import pytest
from websockets.exceptions import ConnectionClosed

from tests.conftest import Desk, make_account, make_key_of
from tests.journeys.events import EVENTS
from tests.journeys.sockets import open_socket
from tests.schema.test_documents import register

VIEWER = {"data": {"viewer": {"authenticated": False}}}
_names = count(1)


def new_text() -> str:
    """One that no server has seen."""
    return f"query N{next(_names)} {{ viewer {{ authenticated }} }}"


def hash_of(text):
    return hashlib.sha256(text.encode()).hexdigest()


def by_id(text):
    return {"documentId": f"sha256:{hash_of(text)}"}


def by_extension(text, hash=None):
    return {"extensions": {"persistedQuery": {"version": 1, "sha256Hash": hash or hash_of(text)}}}


async def post(server, asked, key=None):
    async with httpx.AsyncClient(verify=False) as http:
        headers = {"x-api-key": key} if key else {}
        return (await http.post(f"{server.url}/graphql", json=asked, headers=headers)).json()


def in_address(asked):
    return {name: each if isinstance(each, str) else json.dumps(each) for name, each in asked.items()}


async def get(server, asked, key=None):
    async with httpx.AsyncClient(verify=False) as http:
        headers = {"x-api-key": key} if key else {}
        return (await http.get(f"{server.url}/graphql", params=in_address(asked), headers=headers)).json()


async def on_socket(server, asked, key=None):
    async with open_socket(server.ws_url, key) as socket:
        await socket.send(type="subscribe", id="1", payload=asked)
        told = await socket.receive()
        return told["payload"] if told["type"] == "next" else {"errors": told["payload"]}


async def as_events(server, asked, key=None):
    async with httpx.AsyncClient(verify=False) as http:
        headers = EVENTS | ({"x-api-key": key} if key else {})
        answer = await http.get(f"{server.url}/graphql/stream", params=in_address(asked), headers=headers)
        if answer.headers["content-type"].startswith("text/event-stream"):
            (told,) = (line[6:] for line in answer.text.splitlines() if line.startswith("data: {"))
            return json.loads(told)
        return answer.json()


WAYS = [post, get, on_socket, as_events]


def code(answer):
    (error,) = answer["errors"]
    return error["extensions"]["code"]


@pytest.mark.parametrize("ask", WAYS)
async def test_a_registered_document_is_asked_by_its_name(server, desk, ask):
    text = new_text()
    for named in (by_id(text), by_extension(text)):
        answer = await ask(server, named)
        assert code(answer) == "PERSISTED_QUERY_NOT_FOUND"
        assert answer["errors"][0]["message"] == "PersistedQueryNotFound"
    register(desk, text)
    for named in (by_id(text), by_extension(text), by_id(text) | by_extension(text)):
        assert await ask(server, named) == VIEWER


@pytest.mark.parametrize("ask", WAYS)
async def test_a_text_that_was_sent_with_its_hash_is_known_on_every_way_in(server, ask):
    text = new_text()
    assert code(await ask(server, by_extension(text))) == "PERSISTED_QUERY_NOT_FOUND"
    assert await ask(server, by_extension(text) | {"query": text}) == VIEWER
    for other in WAYS:
        assert await other(server, by_extension(text)) == VIEWER


@pytest.mark.parametrize("ask", WAYS)
async def test_a_hash_of_another_text_is_refused(server, ask):
    text = new_text()
    answer = await ask(server, by_extension(text) | {"query": new_text()})
    assert code(answer) == "BAD_USER_INPUT"
    assert answer["errors"][0]["message"] == "query: its SHA-256 is not the one that is given with it"


async def test_a_name_that_nobody_can_mean_is_told_by_its_field(server):
    sentence, asked = "documentId must be sha256: and 64 hexadecimal digits", {"documentId": "board"}
    for ask in (post, get, as_events):
        assert (await ask(server, asked))["errors"][0]["message"] == sentence
    async with open_socket(server.ws_url) as socket:
        await socket.send(type="subscribe", id="1", payload=asked)
        with pytest.raises(ConnectionClosed):
            await socket.receive()
        assert (socket.connection.close_code, socket.connection.close_reason) == (4400, sentence)


def test_variables_and_the_operation_go_along(server, desk):
    text = "query A { viewer { authenticated } } query B($n: Int) { events(first: $n) { totalCount } }"
    register(desk, text)
    asked = by_id(text) | {"variables": {"n": 2}, "operationName": "B"}
    assert desk.http.post("/graphql", json=asked).json() == {"data": {"events": {"totalCount": 0}}}


def test_a_mutation_is_not_asked_by_address_under_its_name_either(server, desk, key):
    text = "mutation { createBindingToken { hint } }"
    register(desk, text)
    answer = desk.http.get("/graphql", params=by_id(text))
    assert answer.status_code == 405 and code(answer.json()) == "BAD_USER_INPUT"
    assert desk.http.post("/graphql", json=by_id(text)).json()["data"]["createBindingToken"]["hint"]


async def test_a_subscription_is_followed_by_its_name(server, desk, key):
    text = "subscription Named($a: String) { passings(after: $a) { passing { number } } }"
    register(desk, text)
    token = desk.session(desk.device())
    desk.post(token, {"num_passing": 4, "bib": "7", "timestamp": "2026-06-01T10:00:00Z"})
    assert await on_socket(server, by_id(text) | {"variables": {"a": "0"}}, key) == {
        "data": {"passings": {"passing": {"number": 4}}}
    }


async def test_only_registered_documents_are_executed_where_that_is_wanted(make_server):
    server = make_server(documents_only=True)
    account = make_account(server)
    key, reader = (make_key_of(server, account, access=access) for access in ("READ_WRITE", "READ"))
    text, other = new_text(), new_text()
    desk = Desk(server, key)
    register(desk, text)
    desk.http.close()
    ours = "query Newest { passings(last: 1) { pageInfo { endCursor } } }"
    for ask in WAYS:
        for asked in ({"query": other}, by_extension(other) | {"query": other}, {"query": "{ __typename }"}):
            assert code(await ask(server, asked)) == "FORBIDDEN"
            assert code(await ask(server, asked, reader)) == "FORBIDDEN"
        assert code(await ask(server, by_extension(other))) == "PERSISTED_QUERY_NOT_FOUND"
        assert await ask(server, by_id(text)) == await ask(server, {"query": text}) == VIEWER
        assert (await ask(server, {"query": other}, key))["data"]["viewer"]["authenticated"]
        assert "errors" not in await ask(server, {"query": ours}, reader)


@pytest.mark.alone("postgresql", "a file has one server")
async def test_what_is_registered_on_one_server_is_known_to_the_other(make_server):
    one, other = make_server(), make_server()
    key = make_key_of(one, make_account(one))
    text = new_text()
    desk = Desk(one, key)
    register(desk, text)
    desk.http.close()
    assert await post(other, by_id(text)) == VIEWER


def test_the_figures_tell_what_is_in_memory(server, desk):
    text = new_text()
    desk.http.post("/graphql", json=by_extension(text) | {"query": text})
    rows = dict(line.rsplit(" ", 1) for line in desk.http.get("/metrics").text.splitlines())
    assert float(rows['passline_documents{kind="sent"}']) >= 1
    assert float(rows['passline_documents_forgotten{kind="sent"}']) >= 0


def test_documents_are_kept_at_the_command_line(passline, tmp_path):
    account = passline("accounts", "create", "An account").stdout.strip()
    good, bad = tmp_path / "events.graphql", tmp_path / "bad.graphql"
    good.write_text("{ events { totalCount } }\n")
    bad.write_text("{ qqqqqq }")
    refused = passline("documents", "add", str(good), str(bad), "--account", account)
    sentence = f"{bad}: line 1, column 3: Cannot query field 'qqqqqq' on type 'Query'.\n"
    assert (refused.code, refused.stdout, refused.stderr) == (1, "", sentence)
    added = passline("documents", "add", str(good), "--account", account)
    name = f"sha256:{hash_of(good.read_text())}"
    assert (added.code, added.stdout) == (0, f"{name}  events.graphql\n")
    listed = passline("documents", "list", "--account", account).stdout
    assert name.removeprefix("sha256:") in listed and listed.count("events.graphql") == 1
    assert passline("documents", "remove", name, "--account", account).code == 0
    again = passline("documents", "remove", name, "--account", account)
    assert (again.code, again.stderr) == (1, "Document not found\n")
    assert passline("documents", "add", str(good), "--account", "99").stderr == "Account not found\n"
