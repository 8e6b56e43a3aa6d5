"""Rates through every way in: short and ordinary v0, GraphQL over HTTP and sockets, exports, strangers."""

import asyncio
import json

import httpx
import pytest

from tests.conftest import Desk, make_account, make_event, make_key_of, passing
from tests.journeys.sockets import open_socket
from tests.rest_compat.wire import Line, request

pytestmark = pytest.mark.alone("sqlite", "a rate is counted in memory, whatever is asked for")
HARD = {"key_rate": 0.01, "key_burst": 40, "stranger_rate": 0.01, "stranger_burst": 40}
"""What is spent does not come back while a test runs."""
OPENED: list[Desk] = []
DEVICES = "{ devices { totalCount } }"


@pytest.fixture
def server(make_server):
    return make_server(**HARD)


@pytest.fixture
def account(server):
    return make_account(server)


@pytest.fixture(autouse=True)
def opened():
    """Every desk of a test is closed when it ends."""
    yield
    while OPENED:
        OPENED.pop().http.close()


def desk_of(server, key):
    OPENED.append(Desk(server, key))
    return OPENED[-1]


@pytest.fixture
def desk(server, account):
    return desk_of(server, make_key_of(server, account))


async def desks_of(server, count=1):
    """Of one new account, from within a loop."""

    def make():
        account = make_account(server)
        return [desk_of(server, make_key_of(server, account)) for _ in range(count)]

    return await asyncio.to_thread(make)


def left(desk):
    return desk.ask("{ viewer { limits { left } } }")["data"]["viewer"]["limits"]["left"]


def exhaust(desk):
    """Until nothing is let in any more."""
    for _ in range(100):
        if desk.v0("GET", "/devices").status_code == 429:
            return
    pytest.fail("everything is let in")


def errors_of(answer):
    return [error["extensions"] for error in answer["errors"]]


def posted(desk, *numbers, token="T" * 64, headers=()):
    body = {"token_session": token, "passings_list": [passing(number) for number in numbers]}
    key = b"x-api-key: " + desk.http.headers["x-api-key"].encode()
    return request(json.dumps(body).encode(), (key, *headers))


def test_v0_says_429_with_the_time_to_come_again_in_every_shape(server, account):
    for shape in ("BOTH", "BARE", "BODY"):
        desk = desk_of(server, make_key_of(server, account, v0_shape=shape))
        exhaust(desk)
        answer = desk.v0("GET", "/devices")
        assert answer.status_code == 429 and int(answer.headers["retry-after"]) >= 90
        fields = {"description": "Too many requests"}
        told = {"BOTH": fields | {"body": fields}, "BARE": fields, "BODY": {"body": fields}}
        assert answer.json() == told[shape]


@pytest.mark.parametrize("more", [(), (b"Expect: nothing",)], ids=["short", "ordinary"])
def test_passings_pay_on_both_ways_and_a_flood_gets_the_same_words(server, desk, more):
    token = desk.session(desk.device())
    with Line(server.port) as line:
        answers = []
        for number in range(60):
            line.send(posted(desk, number, token=token, headers=more))
            answers.append(line.answer())
    taken = [answer for answer in answers if answer.startswith(b"HTTP/1.1 201")]
    refused = answers[len(taken) :]
    assert 10 < len(taken) < 30, "a device and a session were paid for before"
    assert {answer[:12] for answer in refused} == {b"HTTP/1.1 429"}
    assert b"retry-after: 1" in refused[0] and b'{"description":"Too many requests"' in refused[0]
    assert b"connection: close" not in refused[0]


def test_a_batch_pays_for_each_hundred_and_for_its_length(server, account):
    desk = desk_of(server, make_key_of(server, account))
    token = desk.session(desk.device())
    before = left(desk)
    assert desk.post(token, *(passing(number) for number in range(500))).status_code == 201
    paid = before - left(desk)
    assert 9 < paid < 16


def test_one_key_that_is_refused_keeps_no_other_out(server, account, desk):
    exhaust(desk)
    other = desk_of(server, make_key_of(server, account))
    assert other.v0("GET", "/devices").status_code == 200
    assert other.ask("{ __typename }") == {"data": {"__typename": "Query"}}
    assert desk_of(server, None).ask("{ __typename }") == {"data": {"__typename": "Query"}}


def test_an_address_has_a_limit_for_all_its_keys(make_server):
    server = make_server(address_rate=0.01, address_burst=40)
    account = make_account(server)
    desks = [desk_of(server, make_key_of(server, account)) for _ in range(3)]
    answers = ["errors" in desk.ask("{ __typename }") for _ in range(20) for desk in desks]
    assert answers.count(False) in (38, 39, 40) and answers[-1]
    elsewhere = httpx.HTTPTransport(local_address="127.0.0.2")
    with httpx.Client(transport=elsewhere, headers=desks[0].http.headers) as client:
        assert client.get(f"{server.url}/v0/devices").status_code == 200


def test_graphql_says_rate_limited_with_the_header_as_well(server, desk):
    exhaust(desk)
    answer = desk.http.post("/graphql", json={"query": DEVICES})
    (extensions,) = errors_of(answer.json())
    assert extensions["code"] == "RATE_LIMITED" and extensions["retryAfter"] >= 90
    assert answer.json()["data"] is None
    assert int(answer.headers["retry-after"]) >= 90


def test_what_is_refused_within_a_document_leaves_the_rest_of_it(server, desk):
    query = " ".join(f'a{number}: device(deviceId: "{number}") {{ alias }}' for number in range(30))
    desk.data("{ __typename }")
    first = desk.ask(f"{{ {query} }}")
    assert "errors" not in first, "an operation each"
    second = desk.ask(f"{{ {query} }}")
    assert {error["code"] for error in errors_of(second)} == {"RATE_LIMITED"}


def test_each_alias_of_a_mutation_pays(server, desk):
    token = desk.session(desk.device())
    given = '[{number: %d, bib: "1", timestamp: "2026-06-01T10:00:00Z"}]'
    calls = [
        f'a{number}: recordPassings(sessionToken: "{token}", passings: {given % number}) {{ insertedCount }}'
        for number in range(25)
    ]
    answer = desk.ask(f"mutation {{ {' '.join(calls)} }}")
    assert {error["code"] for error in errors_of(answer)} == {"RATE_LIMITED"}


def test_viewer_tells_what_is_left(server, desk):
    (first, second) = (desk.data("{ viewer { limits { perSecond burst left } } }") for _ in range(2))
    limits = first["viewer"]["limits"]
    assert (limits["perSecond"], limits["burst"]) == (0.01, 40)
    assert limits["left"] == pytest.approx(39, abs=0.2)
    assert 1 < limits["left"] - second["viewer"]["limits"]["left"] < 1.5
    stranger = desk_of(server, None)
    assert left(stranger) == pytest.approx(39, abs=0.2)


def test_without_a_rate_there_is_nothing_left_to_tell(make_server):
    server = make_server(key_rate=0, address_rate=0, stranger_rate=0)
    stranger = desk_of(server, None)
    assert stranger.data("{ viewer { limits { left } } }") == {"viewer": {"limits": None}}


def test_strangers_of_an_address_share_a_limit_that_keys_do_not_touch(server, desk, account):
    event = make_event(server, account, status="PUBLISHED", public=True)
    query = f'{{ event(token: "{event}") {{ name }} }}'
    strangers = [desk_of(server, None) for _ in range(2)]
    answers = [stranger.ask(query) for _ in range(15) for stranger in strangers]
    assert answers[0] == {"data": {"event": {"name": "Run"}}}
    assert errors_of(answers[-1])[0]["code"] == "RATE_LIMITED"
    assert desk.ask(query) == answers[0]


def test_long_documents_and_large_bodies_are_paid_for_before_they_are_read(server, desk):
    before = left(desk)
    desk.ask("{ __typename #" + "x" * 12_000 + "\n}")
    assert before - left(desk) > 7
    nonsense = desk.http.post(
        "/graphql", content=b"[" * 200_000, headers={"content-type": "application/json"}
    )
    assert nonsense.status_code == 400
    again = desk.http.post("/graphql", content=b"[" * 200_000, headers={"content-type": "application/json"})
    assert again.status_code == 429 and again.json()["errors"][0]["extensions"]["code"] == "RATE_LIMITED"
    assert desk.v0("POST", "/sessions", {"deviceid": "x" * 200_000}).status_code == 429


def test_an_export_pays_and_says_429(server, desk):
    token = desk.session(desk.device())
    exhaust(desk)
    answer = desk.http.get(f"/exports/sessions/{token}/passings.csv")
    assert answer.status_code == 429 and answer.json()["code"] == "RATE_LIMITED"
    assert int(answer.headers["retry-after"]) >= 1


async def test_a_socket_refuses_the_operation_and_stays(server, desk):
    key = desk.http.headers["x-api-key"]
    async with open_socket(server.ws_url, key) as shown:
        await shown.ask("subscription { passings { cursor } }")
        exhaust(desk)
        for number in ("2", "3"):
            await shown.ask(DEVICES, number)
            message = await shown.receive()
            assert message["id"] == number
            (error,) = message["payload"] if message["type"] == "error" else message["payload"]["errors"]
            assert error["extensions"]["code"] == "RATE_LIMITED" and error["extensions"]["retryAfter"] >= 1
            if message["type"] == "next":
                assert (await shown.receive())["type"] == "complete"
        await shown.send(type="ping")
        assert json.loads(await shown.connection.recv())["type"] == "pong"


async def test_a_feed_is_free_once_it_has_begun(make_server):
    server = make_server(key_rate=0.01, key_burst=60)
    follower, sender = await desks_of(server, 2)
    token = sender.session(sender.device())
    async with open_socket(server.ws_url, follower.http.headers["x-api-key"]) as heard:
        told = "cursor passing { number session { alias device { model } } }"
        await heard.ask(f'subscription {{ passings(after: "0") {{ {told} }} }}')
        before = left(follower)
        for number in range(30):
            assert sender.post(token, passing(number)).status_code == 201
            message = await heard.receive()
            assert "errors" not in message["payload"], message
        assert before - left(follower) < 20, "its beginning and this question: 30 times two looks were more"


async def test_what_was_missed_is_paid_for_when_it_is_read(make_server):
    server = make_server(key_rate=0.01, key_burst=100)
    desk, sender = await desks_of(server, 2)
    token = desk.session(desk.device())
    assert sender.post(token, *(passing(number) for number in range(600))).status_code == 201
    before = left(desk)
    async with open_socket(server.ws_url, desk.http.headers["x-api-key"]) as heard:
        await heard.follow(after="0")
        assert await heard.numbers(600) == list(range(600))
    assert before - left(desk) > 20


@pytest.mark.parametrize("more", [(), (b"Expect: nothing",)], ids=["short", "ordinary"])
def test_behind_a_trusted_proxy_the_client_pays_and_not_the_proxy(make_server, more):
    server = make_server(address_rate=0.01, address_burst=40, trusted_proxies="127.0.0.1")
    desk = desk_of(server, make_key_of(server, make_account(server)))
    desk.http.headers["x-forwarded-for"] = "198.51.100.99"
    token = desk.session(desk.device())
    with Line(server.port) as line:

        def statuses(client, count):
            for number in range(count):
                line.send(posted(desk, number, token=token, headers=(b"X-Forwarded-For: " + client, *more)))
                yield line.answer()[9:12]

        first = list(statuses(b"6.6.6.6, 198.51.100.1", 45))
        assert (first.count(b"201"), first.count(b"429")) == (40, 5)
        assert set(statuses(b"7.7.7.7, 198.51.100.1", 3)) == {b"429"}, "what the client wrote is not believed"
        assert set(statuses(b"198.51.100.2", 3)) == {b"201"}
    desk.http.headers["x-forwarded-for"] = "198.51.100.1"
    assert desk.v0("GET", "/devices").status_code == 429, "and so says the other door"


def test_an_untrusted_client_cannot_name_another_address(make_server):
    server = make_server(address_rate=0.01, address_burst=40)
    desk = desk_of(server, make_key_of(server, make_account(server)))
    statuses = []
    for number in range(45):
        headers = {"x-forwarded-for": f"198.51.100.{number}"}
        statuses.append(desk.http.get("/v0/events", headers=headers).status_code)
    assert statuses == [200] * 40 + [429] * 5
