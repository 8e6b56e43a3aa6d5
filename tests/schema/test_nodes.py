"""`node(id:)`: everything that has a global id is found again by it."""

import base64

import pytest

from tests.conftest import passing
from tests.schema.conftest import code
from tests.schema.racing import make_event, make_race

NODE = "query($id: ID!) { node(id: $id) { __typename id } }"


def made_up(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode()


def test_each_kind_is_found_by_its_global_id(desk):
    token = desk.session(desk.device())
    desk.post(token, passing(1))
    everything = desk.data(
        """{ viewer { account { id } apiKeys { id } } devices { edges { node { id activeSession { id
        passings { edges { node { id } } } } } } } }"""
    )
    device = everything["devices"]["edges"][0]["node"]
    ids = {
        "Account": everything["viewer"]["account"]["id"],
        "ApiKey": everything["viewer"]["apiKeys"][0]["id"],
        "Device": device["id"],
        "Session": device["activeSession"]["id"],
        "Passing": device["activeSession"]["passings"]["edges"][0]["node"]["id"],
    }
    race = make_race(desk, event := make_event(desk), categories=[{"name": "All"}])
    ids |= {"Event": event["id"], "Race": race["id"]}
    ids |= {
        kind: race[parts][0]["id"]
        for kind, parts in (("Wave", "waves"), ("Category", "categories"), ("Checkpoint", "checkpoints"))
    }
    assert len(set(ids.values())) == 10
    for kind, id in ids.items():
        assert desk.data(NODE, id=id)["node"] == {"__typename": kind, "id": id}


def test_a_node_has_the_fields_of_its_kind(desk):
    token = desk.session(desk.device("S1"))
    desk.post(token, passing(1, bib="42"))
    (edge,) = desk.data("{ passings { edges { node { id } } } }")["passings"]["edges"]
    query = """query($id: ID!) { node(id: $id) { ... on Passing { bib device { serialNumber }
        session { token passingCount } } } }"""
    assert desk.data(query, id=edge["node"]["id"])["node"] == {
        "bib": "42", "device": {"serialNumber": "S1"}, "session": {"token": token, "passingCount": 1}
    }  # fmt: skip


GARBAGE = [
    "", "x", "%%%", "é", "\0", "=", "A" * 10_000, made_up(""), made_up(":"), made_up("Nothing:1"), made_up("Device"),
    made_up("Device:"), made_up("Device:\0"), made_up("Session:é"), made_up("Passing:²"), made_up("Passing:-1"),
    made_up("Passing:1.5"), made_up("Passing:٣"), made_up("Passing:" + "9" * 30), made_up("Passing:" + "9" * 5000),
    made_up("ApiKey:²"), made_up("ApiKey:" + "9" * 30), made_up("Account:x"), made_up("Account:999999"),
    *(made_up(f"{kind}:{key}") for kind in ("Alarm", "Race", "Wave", "Category", "Checkpoint", "Serving")
      for key in ("", "x", "0", "-1", "999999", "9" * 10, "9" * 30)), made_up("Event:\0"), made_up("Event:1"), made_up("Participant:\0"), made_up("Participant:1"), made_up("Participant:é"),
    base64.urlsafe_b64encode(b"\xff\xfe:1").decode(),
]  # fmt: skip


@pytest.mark.parametrize("id", GARBAGE, ids=range(len(GARBAGE)))
def test_an_id_of_nothing_is_null_and_nothing_that_could_be_revoked(desk, id):
    assert desk.data(NODE, id=id) == {"node": None}
    assert code(desk.ask("mutation($id: ID!) { revokeApiKey(id: $id) { id } }", id=id)) == "NOT_FOUND"


def test_an_id_is_no_other_kinds_id(desk):
    account = desk.data("{ viewer { account { id } } }")["viewer"]["account"]["id"]
    assert code(desk.ask("mutation($id: ID!) { revokeApiKey(id: $id) { id } }", id=account)) == "NOT_FOUND"


def test_a_stranger_finds_nothing(desk, make_desk):
    desk.device()
    (edge,) = desk.data("{ devices { edges { node { id } } } }")["devices"]["edges"]
    assert code(make_desk(None).ask(NODE, id=edge["node"]["id"])) == "UNAUTHENTICATED"
