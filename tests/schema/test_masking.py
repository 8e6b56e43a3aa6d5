"""What nobody expected says nothing of our insides. The unexpected here: somebody dropped a table."""

import httpx
import pytest

from tests.backends import drop_table
from tests.conftest import Desk, make_account, make_key_of
from tests.journeys.sockets import open_socket

MASKED = {"message": "Internal server error", "extensions": {"code": "INTERNAL_SERVER_ERROR"}}


@pytest.fixture
def broken(make_server, url):
    """Breaks a table of its server when told."""
    server = make_server()
    desk = Desk(server, make_key_of(server, make_account(server)))
    desk.token = desk.session(desk.device())

    def drop(table):
        drop_table(url, table)

    desk.drop = drop
    desk.server = server
    yield desk
    desk.http.close()


def masked(error):
    return {name: error[name] for name in MASKED} == MASKED and "sql" not in str(error).lower()


def test_queries_and_mutations_over_http_are_masked(broken):
    broken.drop("passings")
    answer = broken.ask('{ passings(bib: "7") { totalCount edges { cursor } } }')
    assert answer["data"] is None
    assert broken.ask("{ viewer { authenticated } }")["data"]["viewer"]["authenticated"]
    broken.drop("devices")
    for query in (
        "{ devices { totalCount } }",
        'mutation { bindDevice(input: {serialNumber: "S", model: "M"}) { alreadyBound } }',
    ):
        (error,) = broken.ask(query)["errors"]
        assert masked(error), error


def test_a_recording_that_the_database_does_not_take_is_busy_and_says_when_to_try_again(broken):
    broken.drop("passings")
    query = """mutation($t: String!) { recordPassings(sessionToken: $t, passings: [{number: 1, bib: "7",
        timestamp: "2026-06-01T10:00:00Z"}]) { insertedCount } }"""
    (error,) = broken.ask(query, t=broken.token)["errors"]
    assert error["extensions"] == {"code": "BUSY", "retryAfter": 1}


async def test_operations_on_a_socket_are_masked(broken):
    async with open_socket(broken.server.ws_url, broken.http.headers["x-api-key"]) as socket:
        broken.drop("devices")
        await socket.ask("{ devices { totalCount } }")
        assert masked(await socket.failure())


async def test_a_subscription_that_was_running_is_masked(broken):
    async with open_socket(broken.server.ws_url, broken.http.headers["x-api-key"]) as socket:
        await socket.follow()
        await socket.settle()
        broken.drop("accounts")
        assert masked(await socket.failure())


def test_a_subscription_over_plain_http_is_the_clients_mistake(server, key):
    with httpx.Client(base_url=server.url, headers={"x-api-key": key}, verify=False) as http:
        for answer in (
            http.post("/graphql", json={"query": "subscription { passings { cursor } }"}),
            http.get("/graphql", params={"query": "subscription { passings { cursor } }"}),
        ):
            assert "INTERNAL_SERVER_ERROR" not in answer.text
