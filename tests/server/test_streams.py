"""One execution for all sockets that ask the same with the same rights; nobody can tell the difference."""

import asyncio
import json

import pytest
from websockets.exceptions import ConnectionClosed

from schema import joining
from tests.conftest import make_account, make_key_of
from tests.journeys.sockets import open_socket
from tests.server.crowd import ALONE, SHARED, alike, frames


async def test_who_asks_the_same_shares_one_execution_and_gets_the_same_frames(crowd):
    shared = [await crowd.follow(id=id) for id in ("1", "x", 'ü"\\', "a" * 300)]
    alone = await crowd.follow(ALONE)
    assert await crowd.counts() == (1, 4, 1)
    device = await crowd.bind("A")
    told = await alike(*shared, alone, count=1)
    await crowd.bind("B")
    told += await alike(*shared, alone, count=1)
    await crowd.field.http.post("/v0/sessions", json={"deviceid": device})
    told += await alike(*shared, alone, count=1)
    devices = [json.loads(text)["payload"]["data"]["devices"] for text in told]
    assert [device["alias"] for device in devices] == ["A", "B", "A"]
    assert devices[2]["activeSession"]["device"] == {"model": "M"}


async def test_only_the_same_question_with_the_same_rights_is_shared(crowd):
    account = await asyncio.to_thread(make_account, crowd.server)
    keys = [
        (crowd.key, SHARED),
        (await asyncio.to_thread(crowd.new_key, alias="another"), SHARED),  # the same rights
        (await asyncio.to_thread(crowd.new_key, access="READ"), SHARED),
        (await asyncio.to_thread(crowd.new_key, scopes=("devices:read",)), SHARED),
        (crowd.key, SHARED + " "),
        (await asyncio.to_thread(make_key_of, crowd.server, account), SHARED),
    ]
    followed = [await crowd.follow(query, key=key) for key, query in keys]
    assert await crowd.counts() == (5, 6, 0)
    await crowd.bind("A")
    told = [json.loads((await frames(socket, 1))[0])["payload"] for socket in followed[:5]]
    assert [payload["data"]["devices"]["alias"] for payload in told] == ["A"] * 5
    assert ["errors" in payload for payload in told] == [False, False, False, True, False]
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(followed[5].connection.recv(), 0.2)


async def test_variables_count_as_they_are_meant(crowd):
    query = "subscription($s: Boolean!, $n: [String!]) { devices(snapshot: $s, deviceIds: $n) { deviceId } }"
    async with open_socket(crowd.server.ws_url, crowd.key) as socket:
        await socket.ask(query, "1", s=False)
        await socket.ask(query, "2", s=False, n=None)
        await socket.ask(query, "3", n=None, s=False)
        await socket.ask(query, "4", s=True)
        await crowd.until(lambda counts: counts == (3, 4, 0))


@pytest.mark.parametrize(
    "query",
    [
        "subscription { devices { nothing } }",
        'subscription { devices(deviceIds: ["F"]) { deviceId } }',
        "subscription { devices(deviceIds: []) { deviceId } }",
        "subscription { devices }",
        "subscription { devices { ...F } }",
        "subscription($a: Int!) { devices { deviceId } }",
    ],
)
async def test_what_is_wrong_is_said_as_to_one_alone(crowd, query):
    alone = query.replace("{ devices", "{ ... on Subscription { devices", 1) + " }"
    async with open_socket(crowd.server.ws_url, crowd.key) as socket:
        answers = []
        for id, asked in (("1", query), ("2", alone)):
            await socket.ask(asked, id)
            answers.append([await socket.receive()])
            if answers[-1][0]["type"] == "next":
                answers[-1].append(await socket.receive())
        for message in (message for messages in answers for message in messages):
            del message["id"]
            for error in message.get("payload", ()) if message["type"] == "error" else ():
                del error["locations"]
        assert answers[0] == answers[1] and "extensions" in str(answers[0])
        await crowd.until(lambda counts: counts == (0, 0, 0))
        await socket.settle()


async def test_a_key_without_the_right_is_refused_as_one_alone(crowd):
    key = await asyncio.to_thread(crowd.new_key, scopes=("passings:read",))
    async with open_socket(crowd.server.ws_url, key) as blind, open_socket(crowd.server.ws_url) as stranger:
        for socket, code in ((blind, "FORBIDDEN"), (stranger, "UNAUTHENTICATED")):
            told = []
            for query in (SHARED, ALONE):
                await socket.ask(query)
                told.append([await socket.receive(), await socket.receive()])
            assert told[0] == told[1] and code in str(told[0]) and told[0][1]["type"] == "complete"


async def test_an_error_in_a_field_is_part_of_what_all_are_told(crowd):
    key = await asyncio.to_thread(crowd.new_key, scopes=("devices:read",))
    query = "subscription { devices { alias activeSession { token } } }"
    alone = "subscription { ... on Subscription { devices { alias activeSession { token } } } }"
    followed = [await crowd.follow(asked, key=key) for asked in (query, query, alone)]
    await crowd.bind("A")
    told = [json.loads(text)["payload"] for socket in followed for text in await frames(socket, 1)]
    for payload in told:
        del payload["errors"][0]["locations"]
    assert told[0] == told[1] == told[2]
    assert told[0]["data"] == {"devices": {"alias": "A", "activeSession": None}}
    assert told[0]["errors"][0]["extensions"]["code"] == "FORBIDDEN"


async def test_one_goes_and_the_others_stay_and_the_last_one_ends_the_execution(crowd):
    staying, leaving, breaking = [await crowd.follow() for _ in range(3)]
    await leaving.send(type="complete", id="1")
    await crowd.until(lambda counts: counts == (1, 2, 0))
    breaking.connection.transport.abort()
    await crowd.until(lambda counts: counts == (1, 1, 0))
    await crowd.bind("A")
    assert "A" in (await frames(staying, 1))[0]
    await leaving.ask(SHARED)  # under the same id, which is free again
    await crowd.until(lambda counts: counts == (1, 2, 0))
    await crowd.bind("B")
    for socket in (staying, leaving):
        assert "B" in (await frames(socket, 1))[0]
    await leaving.send(type="complete", id="1")
    await staying.send(type="complete", id="1")
    await crowd.until(lambda counts: counts == (0, 0, 0))
    await staying.ask(SHARED)
    await crowd.until(lambda counts: counts == (1, 1, 0))
    await crowd.bind("C")
    assert "C" in (await frames(staying, 1))[0]


async def test_a_revoked_key_ends_its_own_followers_alone(crowd):
    made = await crowd.field.http.post(
        "/graphql",
        json={"query": "mutation { createApiKey(input: {access: READ_WRITE}) { key apiKey { id } } }"},
    )
    new = made.json()["data"]["createApiKey"]
    revoked, alone = [await crowd.follow(query, key=new["key"]) for query in (SHARED, ALONE)]
    staying = await crowd.follow()
    assert await crowd.counts() == (1, 2, 1)
    revoke = "mutation($id: ID!) { revokeApiKey(id: $id) { id } }"
    variables = {"id": new["apiKey"]["id"]}
    await crowd.field.http.post("/graphql", json={"query": revoke, "variables": variables})
    for socket in (revoked, alone):
        with pytest.raises(ConnectionClosed) as closed:
            await asyncio.wait_for(socket.connection.recv(), 10)
        assert closed.value.rcvd.code == 4403
    await crowd.until(lambda counts: counts == (1, 1, 0))
    await crowd.bind("A")
    assert "A" in (await frames(staying, 1))[0]


def test_what_is_known_of_questions_is_bounded():
    """An operation's name may be as long as a body."""
    known = joining._asks.cache_info().currsize
    assert joining.joint(f"subscription {'x' * 8_000} {{ devices {{ id }} }}", None, {}) is None
    assert joining.joint("subscription { devices { id } }", "n" * 8_000, {}) is None
    assert joining._asks.cache_info().currsize == known
    assert joining.joint(f"subscription {{ devices {{ {'id ' * 2_500} }} }}", None, {}) is None, (
        "too many tokens"
    )
    assert joining.joint(f"subscription {{ devices {{ {'id ' * 1_500} }} }}", None, {}) is not None
