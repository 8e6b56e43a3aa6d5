"""Binding tokens, a sentence each: made in the account, single use, short-lived, stored hashed; over HTTP."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from resolvers import bindings
from tests.backends import execute
from tests.conftest import Desk
from tests.journeys.exchanges import CREATE, exchange, made, said
from timing import clocks

TOKENS = """query($usable: Boolean!) { viewer { bindingTokens(usable: $usable, first: 5) { totalCount
    edges { node { token hint usedAt revokedAt device { deviceId } madeBy { hint } } } } } }"""
REVOKE = "mutation($id: ID!) { revokeBindingToken(id: $id) { usedAt revokedAt } }"
DEVICE = "query($id: String!) { device(deviceId: $id) { bindingStatus alias firmware } }"


@pytest.fixture
def stranger(make_desk) -> Desk:
    return make_desk(None)


def test_a_binding_token_is_made_in_the_account_and_shown_once(desk):
    token = desk.data(CREATE, alias="Finish")["createBindingToken"]
    assert token["token"].startswith("bind-") and token["token"].endswith(token["hint"])
    assert (token["alias"], token["usedAt"], token["revokedAt"], token["device"]) == (
        "Finish",
        None,
        None,
        None,
    )
    (listed,) = desk.data(TOKENS, usable=True)["viewer"]["bindingTokens"]["edges"]
    assert listed["node"]["token"] is None and listed["node"]["hint"] == token["hint"]
    assert listed["node"]["madeBy"]["hint"] == desk.http.headers["x-api-key"][-4:]


def test_it_expires_after_24_hours_unless_told(desk):
    for wanted, seconds in (({}, 86_400), ({"expiresIn": 60}, 60), ({"expiresIn": 604_800}, 604_800)):
        token = desk.data(CREATE, **wanted)["createBindingToken"]
        life = clocks.instant(token["expiresAt"]) - clocks.instant(token["createdAt"])
        assert life == seconds * 10**6


def test_it_is_stored_hashed(server, desk):
    token = made(desk)
    rows = repr(execute(server.settings.database_url, "SELECT * FROM binding_tokens"))
    assert token[5:] not in rows and token[5:].encode().hex() not in rows


def test_a_device_exchanges_it_without_a_key_for_its_name_and_a_key(desk, stranger, make_desk):
    answer = exchange(stranger, made(desk, alias="Finish"), type="READER", firmware="2.4.1")
    assert answer.status_code == 201
    fields = answer.json()
    assert list(fields) == ["description", "deviceid", "api_key", "body"]
    assert fields["body"] == {name: fields[name] for name in ("description", "deviceid", "api_key")}
    device = desk.data(DEVICE, id=fields["deviceid"])["device"]
    assert (device["bindingStatus"], device["alias"], device["firmware"]) == ("BOUND", "Finish", "2.4.1")
    assert make_desk(fields["api_key"]).v0("GET", "/devices").json()["pagination"]["total"] == 1


def test_it_is_exchanged_once(desk, stranger):
    token = made(desk)
    device = exchange(stranger, token).json()["deviceid"]
    for serial in ("S1", "S2"):
        assert said(exchange(stranger, token, serial)) == (403, "Forbidden: binding token already used")
    (listed,) = desk.data(TOKENS, usable=False)["viewer"]["bindingTokens"]["edges"]
    assert listed["node"]["usedAt"] and listed["node"]["device"] == {"deviceId": device}


def test_an_expired_token_binds_nothing(server, account, stranger):
    async def make(ctx):
        day = 86_400 * 10**6
        ctx.clock = lambda now=ctx.clock: now() - day - 10**6
        return await bindings.create(ctx, account_id=account)

    _, text = server.operate(make)
    assert said(exchange(stranger, text)) == (403, "Forbidden: expired binding token")


def test_a_revoked_token_binds_nothing(desk, stranger):
    token = desk.data(CREATE)["createBindingToken"]
    assert desk.data(REVOKE, id=token["id"])["revokeBindingToken"]["revokedAt"]
    assert said(exchange(stranger, token["token"])) == (403, "Forbidden: unknown binding token")
    assert desk.data(TOKENS, usable=True)["viewer"]["bindingTokens"]["totalCount"] == 0


def test_a_token_of_another_account_can_neither_be_seen_nor_revoked(desk, make_desk, other_key):
    token = desk.data(CREATE)["createBindingToken"]
    other = make_desk(other_key)
    assert other.data(TOKENS, usable=False)["viewer"]["bindingTokens"]["totalCount"] == 0
    answer = other.ask(REVOKE, id=token["id"])
    assert answer["errors"][0]["extensions"]["code"] == "NOT_FOUND"
    assert other.data("query($id: ID!) { node(id: $id) { id } }", id=token["id"]) == {"node": None}
    assert desk.data("query($id: ID!) { node(id: $id) { id } }", id=token["id"])["node"]


def test_only_who_may_write_devices_makes_tokens(make_desk, make_key):
    for key in (make_key("READ"), make_key(scopes=("passings:write",)), None):
        answer = make_desk(key).ask(CREATE)
        assert answer["errors"][0]["extensions"]["code"] in ("FORBIDDEN", "UNAUTHENTICATED")


@pytest.mark.parametrize("rounds", [3])
def test_a_race_between_exchanges_of_one_token_has_one_winner(server, desk, rounds):
    for place in range(rounds):
        token, start = made(desk), threading.Barrier(8)

        def run(number, token=token, start=start, place=place):
            with Desk(server, None).http as http:
                start.wait()
                body = {"token": token, "model": "M", "serial_number": f"S{place}-{number % 4}"}
                return http.post("/v0/bind", json=body)

        with ThreadPoolExecutor(8) as threads:
            answers = list(threads.map(run, range(8)))
        assert sorted(answer.status_code for answer in answers) == [201] + [403] * 7
        devices = desk.v0("GET", "/devices").json()["pagination"]["total"]
        assert devices == place + 1, "who lost left no device behind"
