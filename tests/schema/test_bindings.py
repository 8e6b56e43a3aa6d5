"""Binding tokens, narrow keys, rotation and the audit trail over GraphQL."""

import re
from pathlib import Path

import pytest

from resolvers import context
from schema import keys
from tests.conftest import passing
from tests.schema.conftest import code, fields
from tests.schema.racing import make_event

CREATE = """mutation($input: ApiKeyInput!) { createApiKey(input: $input) { key apiKey {
    id scopes expiresAt ofBinding device { deviceId } event { token } madeBy { hint } } } }"""
ROTATE = """mutation($id: ID!, $overlap: Int) { rotateApiKey(id: $id, overlap: $overlap) {
    key apiKey { id hint expiresAt } replaced { id expiresAt revokedAt replacedBy { id } } } }"""
VIEWER = """{ viewer { scopes expiresAt device { deviceId } event { token } } }"""
AUDIT = """query($first: Int, $after: String) { viewer { audit(first: $first, after: $after) { totalCount
    pageInfo { hasNextPage hasPreviousPage endCursor } edges { cursor node { action detail
    actor { hint } apiKey { id hint } bindingToken { hint } device { deviceId } } } } } }"""
TOKEN = "mutation { createBindingToken { id token hint } }"
DOCUMENT = Path(__file__).parents[2] / "docs" / "keys.md"


def create(desk, **wanted):
    return desk.data(CREATE, input={"access": "READ_WRITE"} | wanted)["createApiKey"]


def scopes_in(text):
    return set(re.findall(r"`(\w+:\w+)`", text))


def test_every_scope_is_named_in_the_schema_and_in_the_documents(desk):
    assert set(keys.SCOPES) == context.SCOPES and set(keys.BUNDLES) == set(context.BUNDLES)
    assert scopes_in(keys.NARROW) == context.FOR_ONE_DEVICE | context.FOR_ONE_EVENT
    for kind, field in (("ApiKey", "fields"), ("ApiKeyInput", "inputFields")):
        query = f'{{ __type(name: "{kind}") {{ {field} {{ name description }} }} }}'
        shown = {each["name"]: each["description"] for each in desk.data(query)["__type"][field]}
        assert scopes_in(shown["scopes"]) == context.SCOPES
    document = DOCUMENT.read_text()
    assert all(f"| `{scope}` | {what} |" in document for scope, what in keys.SCOPES.items())
    narrow = document.partition("* **one device**")[2]
    one_device, _, rest = narrow.partition("* **one event**")
    assert scopes_in(one_device) == context.FOR_ONE_DEVICE
    assert scopes_in(rest.partition("* **a life**")[0]) == context.FOR_ONE_EVENT


def test_a_key_for_one_device(desk, make_desk):
    device, sibling = desk.device("S1"), desk.device("S2")
    made = create(desk, deviceId=device, expiresIn=3600)
    assert made["apiKey"]["device"] == {"deviceId": device} and made["apiKey"]["event"] is None
    assert made["apiKey"]["scopes"] == sorted(context.FOR_ONE_DEVICE)
    assert made["apiKey"]["madeBy"]["hint"] == desk.http.headers["x-api-key"][-4:]
    holder = make_desk(made["key"])
    viewer = holder.data(VIEWER)["viewer"]
    assert (viewer["device"], viewer["event"]) == ({"deviceId": device}, None)
    assert viewer["expiresAt"] == made["apiKey"]["expiresAt"]
    listed = holder.data("{ devices { totalCount edges { node { deviceId } } } }")["devices"]
    assert listed == {"totalCount": 1, "edges": [{"node": {"deviceId": device}}]}
    assert holder.data("query($d: String!) { device(deviceId: $d) { id } }", d=sibling) == {"device": None}
    refused = holder.ask("query($d: String!) { passings(deviceId: $d) { totalCount } }", d=sibling)
    assert code(refused) == "NOT_FOUND"
    token = desk.session(sibling)
    desk.post(token, passing(1))
    assert holder.data("{ passings { totalCount } }") == {"passings": {"totalCount": 0}}
    query = "query($t: String!) { session(token: $t) { id } }"
    assert holder.data(query, t=token) == {"session": None}
    node = desk.data(query, t=token)["session"]["id"]
    assert holder.data("query($id: ID!) { node(id: $id) { id } }", id=node) == {"node": None}


def test_a_key_for_one_event(desk, make_desk):
    event, sibling = make_event(desk, name="Own"), make_event(desk, name="Other")
    made = create(desk, eventToken=event["token"])
    assert made["apiKey"]["scopes"] == sorted(context.FOR_ONE_EVENT)
    assert made["apiKey"]["event"] == {"token": event["token"]}
    holder = make_desk(made["key"])
    assert holder.data(VIEWER)["viewer"]["event"] == {"token": event["token"]}
    listed = holder.data("{ events { edges { node { token } } } }")["events"]["edges"]
    assert listed == [{"node": {"token": event["token"]}}]
    assert holder.data("query($t: String!) { event(token: $t) { id } }", t=sibling["token"]) == {
        "event": None
    }
    update = 'mutation($t: String!) { updateEvent(token: $t, input: {name: "X"}) { name } }'
    assert holder.data(update, t=event["token"]) == {"updateEvent": {"name": "X"}}
    assert code(holder.ask(update, t=sibling["token"])) == "NOT_FOUND"
    new = 'mutation { createEvent(input: {name: "R", startDate: "2026-06-01"}) { token } }'
    assert code(holder.ask(new)) == "FORBIDDEN"
    assert code(holder.ask("{ devices { totalCount } }")) == "FORBIDDEN"


@pytest.mark.parametrize(
    ("wanted", "field"),
    [
        ({"expiresIn": 0}, "expires_in"),
        ({"expiresAt": "2020-01-01T00:00:00Z"}, "expires_at"),
        ({"expiresIn": 60, "expiresAt": "2999-01-01T00:00:00Z"}, "expires_at"),
        ({"deviceId": "F" * 64, "eventToken": "F" * 64}, "event_token"),
        ({"deviceId": "F" * 64, "unbind": True}, "unbind"),
    ],
)
def test_nonsense_in_a_narrow_key_is_named(desk, wanted, field):
    named = list(fields(desk.ask(CREATE, input={"access": "READ_WRITE"} | wanted)))
    assert [re.sub("([A-Z])", r"_\1", name).lower() for name in named] == [field]


def test_what_a_narrow_key_is_for_must_be_there(desk, make_desk, other_key):
    other = make_desk(other_key)
    for wanted in ({"deviceId": other.device()}, {"eventToken": make_event(other)["token"]}):
        assert code(desk.ask(CREATE, input={"access": "READ"} | wanted)) == "NOT_FOUND"


def test_a_rotated_key_works_beside_its_successor_until_its_overlap_is_over(desk, make_desk):
    made = create(desk, alias="Gate")
    rotated = desk.data(ROTATE, id=made["apiKey"]["id"], overlap=3600)["rotateApiKey"]
    assert rotated["replaced"]["id"] == made["apiKey"]["id"]
    assert rotated["replaced"]["replacedBy"] == {"id": rotated["apiKey"]["id"]}
    assert rotated["replaced"]["expiresAt"] and rotated["apiKey"]["expiresAt"] is None
    for key in (made["key"], rotated["key"]):
        assert make_desk(key).data("{ viewer { keyAlias } }") == {"viewer": {"keyAlias": "Gate"}}
    assert code(desk.ask(ROTATE, id=made["apiKey"]["id"])) == "CONFLICT"
    gone = desk.data(ROTATE, id=rotated["apiKey"]["id"], overlap=0)["rotateApiKey"]
    answer = make_desk(rotated["key"]).ask("{ devices { totalCount } }")
    assert code(answer) == "UNAUTHENTICATED" and answer["errors"][0]["message"] == "expired api key"
    make_desk(gone["key"]).data("{ devices { totalCount } }")
    assert code(desk.ask(ROTATE, id="bm9uc2Vuc2U=")) == "NOT_FOUND"


def test_the_audit_trail_is_paged_newest_first(desk):
    token = desk.data(TOKEN)["createBindingToken"]
    body = {"token": token["token"], "model": "M", "serial_number": "S1"}
    device = desk.v0("POST", "/bind", body).json()["deviceid"]
    seen, after = [], None
    while True:
        page = desk.data(AUDIT, first=2, after=after)["viewer"]["audit"]
        seen += [edge["node"] for edge in page["edges"]]
        assert page["totalCount"] == 5 and page["pageInfo"]["hasPreviousPage"] == (after is not None)
        after = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            break
    assert [each["action"] for each in seen] == [
        "KEY_MADE", "TOKEN_USED", "DEVICE_BOUND", "TOKEN_MADE", "KEY_MADE"
    ]  # fmt: skip
    assert {(each["device"] or {}).get("deviceId") for each in seen[:3]} == {device}
    assert {(each["bindingToken"] or {}).get("hint") for each in seen[:4]} == {token["hint"]}
    assert seen[3]["actor"]["hint"] == desk.http.headers["x-api-key"][-4:] and seen[0]["actor"] is None


def test_the_audit_trail_is_for_who_manages_keys(make_desk, make_key):
    narrow = make_desk(make_key(scopes=("devices:read", "devices:write")))
    assert code(narrow.ask(AUDIT)) == "FORBIDDEN"


def test_keys_of_bindings_are_listed_when_asked_for(desk):
    token = desk.data(TOKEN)["createBindingToken"]["token"]
    desk.v0("POST", "/bind", {"token": token, "model": "M", "serial_number": "S1"})
    assert len(desk.data("{ viewer { apiKeys { id } } }")["viewer"]["apiKeys"]) == 1
    query = "{ viewer { apiKeys(bindings: true) { id ofBinding alias uses { day count } } } }"
    own, bound = desk.data(query)["viewer"]["apiKeys"]
    assert (own["ofBinding"], bound["ofBinding"], bound["alias"], bound["uses"]) == (False, True, "S1", [])
    kept = desk.data("query($id: ID!) { node(id: $id) { ... on ApiKey { ofBinding } } }", id=bound["id"])
    assert kept == {"node": {"ofBinding": True}}
