"""Who serves a checkpoint, over GraphQL."""

import pytest

from tests.schema.conftest import NOBODY, code, fields
from tests.schema.racing import make_event, make_public_event, make_race

SHOWN = "{ name servings { id from to role device { deviceId } session { token } } }"
SERVE = f"mutation($input: ServeCheckpointInput!) {{ serveCheckpoint(input: $input) {SHOWN} }}"
UPDATE = f"mutation($id: ID!, $patch: ServingPatch!) {{ updateServing(id: $id, patch: $patch) {SHOWN} }}"
END = f"mutation($id: ID!, $at: Instant) {{ endServing(id: $id, at: $at) {SHOWN} }}"
REMOVE = f'mutation($id: ID!) {{ removeServing(id: $id, reason: "wrong mat") {SHOWN} }}'
TEN, NOON = "2026-06-01T10:00:00.000Z", "2026-06-01T12:00:00.000Z"


@pytest.fixture
def finish(desk):
    return make_race(desk, make_event(desk))["checkpoints"][-1]["id"]


def serve(desk, checkpoint, **more):
    return desk.data(SERVE, input={"checkpointId": checkpoint} | more)["serveCheckpoint"]["servings"]


def test_a_device_and_a_session_serve_a_checkpoint(desk, finish):
    device = desk.device()
    token = desk.session(device)
    (first,) = serve(desk, finish, deviceId=device, to=NOON)
    assert first | {"id": ""} == {
        "id": "", "from": None, "to": NOON, "role": "PRIMARY", "device": {"deviceId": device}, "session": None
    }  # fmt: skip
    both = serve(desk, finish, sessionToken=token, role="BACKUP", **{"from": TEN})
    assert both[0] == first
    assert both[1] | {"id": ""} == {
        "id": "", "from": TEN, "to": None, "role": "BACKUP", "device": None, "session": {"token": token}
    }  # fmt: skip


def test_nonsense_in_a_serving_is_named_in_the_clients_words(desk, finish):
    device = desk.device()
    for bad, field in (
        ({}, "deviceId"),
        ({"deviceId": device, "sessionToken": "X"}, "sessionToken"),
        ({"deviceId": device, "from": "x"}, "from"),
        ({"deviceId": device, "from": NOON, "to": TEN}, "to"),
    ):
        assert list(fields(desk.ask(SERVE, input={"checkpointId": finish} | bad))) == [field]
    for bad in ({"checkpointId": "x", "deviceId": device}, {"checkpointId": finish, "deviceId": NOBODY}):
        assert code(desk.ask(SERVE, input=bad)) == "NOT_FOUND"


def test_who_serves_already_is_a_conflict(desk, finish):
    device = desk.device()
    serve(desk, finish, deviceId=device)
    assert code(desk.ask(SERVE, input={"checkpointId": finish, "deviceId": device})) == "CONFLICT"


def test_a_serving_is_changed_ended_and_taken_back(desk, finish):
    (serving,) = serve(desk, finish, deviceId=desk.device(), **{"from": TEN})
    id = serving["id"]
    (changed,) = desk.data(UPDATE, id=id, patch={"role": "BACKUP"})["updateServing"]["servings"]
    assert (changed["from"], changed["to"], changed["role"]) == (TEN, None, "BACKUP")
    (changed,) = desk.data(UPDATE, id=id, patch={"from": None})["updateServing"]["servings"]
    assert (changed["from"], changed["role"]) == (None, "BACKUP")
    (ended,) = desk.data(END, id=id, at=NOON)["endServing"]["servings"]
    assert ended["to"] == NOON
    (ended,) = desk.data(END, id=id)["endServing"]["servings"]
    assert ended["to"] != NOON
    assert desk.data(REMOVE, id=id)["removeServing"] == {"name": "Finish", "servings": []}
    for query, more in ((UPDATE, {"patch": {}}), (END, {}), (REMOVE, {})):
        assert code(desk.ask(query, id=id, **more)) == "NOT_FOUND"


def test_a_serving_of_a_public_race_is_found_and_changed_by_its_account_only(desk, make_desk, other_key):
    checkpoint = make_race(desk, make_public_event(desk))["checkpoints"][-1]["id"]
    (serving,) = serve(desk, checkpoint, deviceId=desk.device())
    node = "query($id: ID!) { node(id: $id) { __typename id } }"
    assert desk.data(node, id=serving["id"]) == {"node": {"__typename": "Serving", "id": serving["id"]}}
    other, stranger = make_desk(other_key), make_desk(None)
    assert other.data(node, id=serving["id"]) == {"node": None}
    assert code(stranger.ask(node, id=serving["id"])) == "UNAUTHENTICATED"
    for query, more in ((UPDATE, {"patch": {"role": "BACKUP"}}), (END, {}), (REMOVE, {})):
        assert code(other.ask(query, id=serving["id"], **more)) == "NOT_FOUND"
        assert code(stranger.ask(query, id=serving["id"], **more)) == "UNAUTHENTICATED"
    input = {"checkpointId": checkpoint, "deviceId": other.device()}
    assert code(other.ask(SERVE, input=input)) == "NOT_FOUND"


def test_the_device_of_a_serving_needs_its_own_right(desk, make_desk, make_key, finish):
    serve(desk, finish, deviceId=desk.device())
    narrow = make_desk(make_key("READ", scopes=("events:read",)))
    query = f"query($id: ID!) {{ node(id: $id) {{ ... on Checkpoint {SHOWN} }} }}"
    answer = narrow.ask(query, id=finish)
    assert code(answer) == "FORBIDDEN" and answer["data"]["node"]["servings"][0]["device"] is None
