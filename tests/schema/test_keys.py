"""The viewer and API keys over GraphQL."""

import pytest

from tests.schema.conftest import code, fields

VIEWER = "{ viewer { authenticated keyAlias access scopes account { id name createdAt } } }"
CREATE = """mutation($input: ApiKeyInput!) { createApiKey(input: $input) { key apiKey {
    id alias hint access mayUnbind scopes v0Shape createdAt lastUsedAt revokedAt } } }"""
REVOKE = "mutation($id: ID!) { revokeApiKey(id: $id) { id revokedAt } }"
LIST = "{ viewer { apiKeys { id alias hint revokedAt } } }"


def create(desk, **wanted):
    return desk.data(CREATE, input={"access": "READ"} | wanted)["createApiKey"]


def test_the_viewer_is_the_key_and_its_account(desk):
    viewer = desk.data(VIEWER)["viewer"]
    assert viewer["authenticated"] and viewer["access"] == "READ_WRITE"
    assert viewer["account"]["name"].startswith("account ")
    assert viewer["scopes"] == sorted(viewer["scopes"]) and "devices:unbind" in viewer["scopes"]


def test_a_stranger_is_a_viewer_too_and_may_see_nothing(make_desk):
    stranger = make_desk(None)
    assert stranger.data(VIEWER)["viewer"] == {
        "authenticated": False, "keyAlias": None, "access": None, "scopes": [], "account": None
    }  # fmt: skip
    assert code(stranger.ask(LIST)) == "UNAUTHENTICATED"


def test_a_new_key_is_shown_once_and_lets_its_holder_in(desk, make_desk):
    made = create(desk, access="READ", alias="Scoreboard", v0Shape="BARE")
    assert made["key"].startswith("ror-") and made["key"].endswith(made["apiKey"]["hint"])
    assert made["apiKey"]["scopes"] == [
        "devices:read",
        "events:read",
        "participants:read",
        "passings:read",
        "sessions:read",
        "telemetry:read",
    ]
    assert (made["apiKey"]["alias"], made["apiKey"]["v0Shape"]) == ("Scoreboard", "BARE")
    assert made["apiKey"]["revokedAt"] is made["apiKey"]["lastUsedAt"] is None
    viewer = make_desk(made["key"]).data(VIEWER)["viewer"]
    assert (viewer["keyAlias"], viewer["access"]) == ("Scoreboard", "READ")
    assert made["key"] not in str(desk.data(LIST))


def test_a_key_may_be_given_less_than_its_access_type(desk, make_desk):
    made = create(desk, access="READ_WRITE", scopes=["passings:read", "passings:read"])
    assert made["apiKey"]["scopes"] == ["passings:read"]
    narrow = make_desk(made["key"])
    narrow.data("{ passings { totalCount } }")
    assert code(narrow.ask("{ devices { totalCount } }")) == "FORBIDDEN"
    assert code(narrow.ask(LIST)) == "FORBIDDEN"


def test_a_key_gives_no_rights_that_it_lacks(make_desk, make_key):
    desk = make_desk(make_key())
    assert code(desk.ask(CREATE, input={"access": "WRITE", "unbind": True})) == "FORBIDDEN"
    create(desk, access="WRITE")


@pytest.mark.parametrize(
    ("wanted", "field"),
    [
        ({"scopes": ["everything"]}, "scopes"),
        ({"scopes": ["accounts:admin"]}, "scopes"),
        ({"unbind": True}, "unbind"),
        ({"alias": "x" * 129}, "alias"),
        ({"access": "ADMIN"}, "input"),
        ({"v0Shape": "X"}, "input"),
        ({"nope": 1}, "input"),
    ],
)
def test_nonsense_in_a_key_is_named(desk, wanted, field):
    assert list(fields(desk.ask(CREATE, input={"access": "READ"} | wanted))) == [field]


def test_an_account_has_at_most_10_live_keys_and_revoking_makes_room(desk):
    made = [create(desk) for _ in range(9)]
    assert code(desk.ask(CREATE, input={"access": "READ"})) == "CONFLICT"
    revoked = desk.data(REVOKE, id=made[0]["apiKey"]["id"])["revokeApiKey"]
    assert revoked["revokedAt"]
    create(desk)
    keys = desk.data(LIST)["viewer"]["apiKeys"]
    assert len(keys) == 11 and sum(key["revokedAt"] is None for key in keys) == 10


def test_a_revoked_key_is_out_at_once(desk, make_desk):
    made = create(desk)
    holder = make_desk(made["key"])
    holder.data("{ devices { totalCount } }")
    first = desk.data(REVOKE, id=made["apiKey"]["id"])
    answer = holder.ask("{ devices { totalCount } }")
    assert code(answer) == "UNAUTHENTICATED"
    assert holder.http.get("/v0/devices").status_code == 403
    assert desk.data(REVOKE, id=made["apiKey"]["id"]) == first


@pytest.mark.parametrize("key", ["ror-" + "0" * 20, "x", "ror-" + "g" * 20, "é", "a" * 5000])
def test_a_key_that_nobody_has_is_unauthenticated(make_desk, server, key):
    desk = make_desk(None)
    headers = {"x-api-key": key.encode()}
    answer = desk.http.post("/graphql", json={"query": "{ devices { totalCount } }"}, headers=headers)
    assert code(answer.json()) == "UNAUTHENTICATED"
    assert "unknown api key" in answer.json()["errors"][0]["message"]


@pytest.mark.parametrize("query", ["{ devices { totalCount } }", "{ passings { totalCount } }", LIST])
def test_without_a_key_nothing_of_an_account_is_told(make_desk, query):
    answer = make_desk(None).ask(query)
    assert code(answer) == "UNAUTHENTICATED"
    assert "missing api key" in answer["errors"][0]["message"]
