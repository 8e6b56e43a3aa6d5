"""A passing goes in at one side and comes out at the other: v0 or GraphQL in, a socket out."""

import asyncio

import pytest
from gql import Client, GraphQLRequest
from gql.transport.websockets import WebsocketsTransport
from websockets.exceptions import ConnectionClosed

from tests.journeys.conftest import new_key
from tests.journeys.sockets import FOLLOW, open_socket

AT = "2026-06-01T10:00:00Z"


async def test_what_a_device_posts_to_v0_reaches_a_frontend_that_uses_gql(server, key, field):
    transport = WebsocketsTransport(
        url=server.ws_url,
        init_payload={"apiKey": key},
        subprotocols=[WebsocketsTransport.GRAPHQLWS_SUBPROTOCOL],
    )
    token = await field.session("S1")
    async with Client(transport=transport) as frontend:
        request = GraphQLRequest(FOLLOW, variable_values={"session": token, "after": "0"})
        followed = frontend.subscribe(request)
        await field.send(token, 1, 2)
        first, second = await anext(followed), await anext(followed)
        assert [each["passings"]["passing"]["number"] for each in (first, second)] == [1, 2]
        await field.send(token, 3)
        third = await anext(followed)
        assert third["passings"]["passing"] == {"number": 3, "bib": "7"}
        assert int(third["passings"]["cursor"]) > int(second["passings"]["cursor"])
        answer = await frontend.execute(GraphQLRequest("{ passings { totalCount } }"))
        assert answer == {"passings": {"totalCount": 3}}
        await followed.aclose()


async def test_what_graphql_records_is_heard_as_well(server, key, field):
    token = await field.session("S1")
    async with open_socket(server.ws_url, key) as socket:
        await socket.follow(after="0")
        await socket.ask(
            f"""mutation($t: String!) {{ recordPassings(sessionToken: $t, passings: [{{number: 5, bib: "1",
            timestamp: "{AT}"}}]) {{ insertedCount }} }}""",
            "2",
            t=token,
        )
        messages = [await socket.receive() for _ in range(3)]
        assert sorted((m["id"], m["type"]) for m in messages) == [
            ("1", "next"),
            ("2", "complete"),
            ("2", "next"),
        ]


async def test_without_after_nothing_old_comes(server, key, field):
    token = await field.session("S1")
    await field.send(token, *range(100))
    async with open_socket(server.ws_url, key) as socket:
        await socket.follow()
        await socket.settle()
        await asyncio.sleep(0.2)
        await field.send(token, 100, 101)
        assert await socket.numbers(2) == [100, 101]


async def test_a_cursor_of_the_list_goes_on_in_the_subscription_and_back(server, key, field, desk):
    token = await field.session("S1")
    await field.send(token, *range(10))
    cursor = desk.data("{ passings(first: 4) { pageInfo { endCursor } } }")["passings"]["pageInfo"][
        "endCursor"
    ]
    async with open_socket(server.ws_url, key) as socket:
        await socket.follow(after=cursor)
        got = [await socket.delivery() for _ in range(6)]
    assert [number for _, number in got] == list(range(4, 10))
    rest = desk.data("query($a: String) { passings(after: $a) { edges { cursor } } }", a=got[2][0])
    assert len(rest["passings"]["edges"]) == 3


async def test_a_session_and_a_device_can_be_followed_alone(server, key, field, desk):
    device = desk.device("S1")
    first, other = desk.session(device), await field.session("S2")
    async with open_socket(server.ws_url, key) as socket:
        await socket.follow("session", session=first, after="0")
        await field.send(other, 9)
        await field.send(first, 1)
        assert await socket.numbers(1) == [1]
        await socket.send(type="complete", id="session")
        await socket.follow("device", device=device, after="0")
        assert await socket.numbers(1) == [1]
        second = desk.session(device)
        await field.send(other, 10)
        await field.send(second, 2)
        assert await socket.numbers(1) == [2]


async def test_another_account_hears_nothing(server, key, other_key, field, make_field):
    theirs = make_field(server.url, other_key)
    mine_token, their_token = await field.session("S1"), await theirs.session("S1")
    async with open_socket(server.ws_url, key) as mine, open_socket(server.ws_url, other_key) as other:
        await mine.follow(after="0")
        await other.follow(after="0")
        await theirs.send(their_token, 666)
        await field.send(mine_token, 1)
        assert await mine.numbers(1) == [1] and await other.numbers(1) == [666]
        await field.send(mine_token, 2)
        assert await mine.numbers(1) == [2]
        await theirs.send(their_token, 667)
        assert await other.numbers(1) == [667]
        await other.follow("2", session=mine_token, after="0")
        assert (await other.failure())["extensions"]["code"] == "NOT_FOUND"


async def test_a_bad_key_closes_the_socket(server):
    for key in ("ror-" + "0" * 20, "x", 5, ["a"]):
        async with open_socket(server.ws_url, introduced=False) as socket:
            await socket.send(type="connection_init", payload={"apiKey": key})
            with pytest.raises(ConnectionClosed) as closed:
                await socket.receive()
            assert closed.value.rcvd.code == 4403, key


async def test_without_a_key_there_is_nothing_to_hear(server):
    async with open_socket(server.ws_url) as socket:
        await socket.follow(after="0")
        assert (await socket.failure())["extensions"]["code"] == "UNAUTHENTICATED"
        assert (await socket.receive())["type"] == "complete"
        await socket.ask("{ viewer { authenticated } }", "2")
        assert (await socket.receive())["payload"]["data"] == {"viewer": {"authenticated": False}}


async def test_a_key_that_may_not_read_hears_nothing(server, make_key):
    async with open_socket(server.ws_url, await asyncio.to_thread(make_key, "WRITE")) as socket:
        await socket.follow(after="0")
        assert (await socket.failure())["extensions"]["code"] == "FORBIDDEN"


@pytest.mark.parametrize("name", ["x-api-key", "api_key", "authorization"])
async def test_the_key_may_come_with_the_handshake(server, key, name):
    shown = f"Bearer {key}" if name == "authorization" else key
    async with open_socket(server.ws_url, additional_headers={name: shown}) as socket:
        await socket.ask("{ viewer { authenticated } }")
        assert (await socket.receive())["payload"]["data"] == {"viewer": {"authenticated": True}}


async def test_a_revoked_key_hears_no_more(server, desk, make_desk, make_key, field):
    token = await field.session("S1")
    made = desk.data("mutation { createApiKey(input: {access: READ}) { key apiKey { id } } }")["createApiKey"]
    async with open_socket(server.ws_url, made["key"]) as socket:
        await socket.follow(after="0")
        await field.send(token, 1)
        assert await socket.numbers(1) == [1]
        desk.data("mutation($id: ID!) { revokeApiKey(id: $id) { id } }", id=made["apiKey"]["id"])
        await field.send(token, 2)
        with pytest.raises(ConnectionClosed) as closed:
            while True:  # what is told before it was revoked
                await socket.delivery()
        assert (closed.value.rcvd.code, closed.value.rcvd.reason) == (4403, "unknown api key")


@pytest.mark.parametrize("after", ["x", "-1", "9" * 30])
async def test_a_cursor_that_is_none_is_bad_input(server, key, after):
    async with open_socket(server.ws_url, key) as socket:
        await socket.follow(after=after)
        error = await socket.failure()
        assert error["extensions"] == {
            "code": "BAD_USER_INPUT",
            "fields": {"after": "is not a cursor of this list"},
        }


async def test_sockets_that_go_away_leave_nobody_who_listens_or_follows(make_server, make_field):
    server = make_server()
    key = await asyncio.to_thread(new_key, server)
    field = make_field(server.url, key)

    async def counts() -> list[float]:
        text = (await field.http.get("/metrics")).text
        names = ("listeners", "shared_followers", "audience")
        return [float(text.split(f"\npassline_{name} ")[1].split()[0]) for name in names]

    async def until(followers: int) -> None:
        """All who follow the same share one listener."""
        some = min(followers, 1)
        async with asyncio.timeout(5):
            while await counts() != [some, followers, some]:
                await asyncio.sleep(0.02)

    async with open_socket(server.ws_url, key) as socket:
        for id in "abc":
            await socket.follow(id)
        await until(3)
        await socket.send(type="complete", id="a")
        await until(2)
    await until(0)
    async with open_socket(server.ws_url, key) as socket:
        for id in range(20):
            await socket.follow(str(id))
        await until(20)
        socket.connection.transport.abort()
    await until(0)
