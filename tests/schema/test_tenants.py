"""Nothing of one account is visible to another, and nothing of it can be changed by another."""

from typing import Any, NamedTuple

import pytest

from tests.conftest import Desk, passing
from tests.schema.conftest import code
from tests.schema.racing import make_event, make_race

AT = "2026-06-01T10:00:00Z"


class Mine(NamedTuple):
    desk: Desk
    ids: dict[str, str]


@pytest.fixture
def mine(desk) -> Mine:
    device = desk.device("SECRET-1", alias="SECRET")
    token = desk.session(device)
    desk.post(token, passing(1, bib="SECRET"))
    found = desk.data(
        """{ viewer { account { id } apiKeys { id } }
        devices { edges { node { id activeSession { id } } } } passings { edges { node { id } } } }"""
    )
    race = make_race(desk, event := make_event(desk, name="SECRET"), name="SECRET")
    checkpoint = race["checkpoints"][0]["id"]
    served = desk.data(
        "mutation($input: ServeCheckpointInput!) { serveCheckpoint(input: $input) { servings { id } } }",
        input={"checkpointId": checkpoint, "deviceId": device},
    )
    ids = {
        "event": event["token"],
        "event_id": event["id"],
        "race_id": race["id"],
        "wave_id": race["waves"][0]["id"],
        "checkpoint_id": checkpoint,
        "serving_id": served["serveCheckpoint"]["servings"][0]["id"],
        "device": device,
        "token": token,
        "account_id": found["viewer"]["account"]["id"],
        "key_id": found["viewer"]["apiKeys"][0]["id"],
        "device_id": found["devices"]["edges"][0]["node"]["id"],
        "session_id": found["devices"]["edges"][0]["node"]["activeSession"]["id"],
        "passing_id": found["passings"]["edges"][0]["node"]["id"],
    }
    return Mine(desk, ids)


@pytest.fixture
def other(make_desk, other_key) -> Desk:
    return make_desk(other_key)


def picture(mine: Mine) -> Any:
    return mine.desk.data(
        """{ viewer { apiKeys { id revokedAt } } devices { edges { node { alias bindingStatus sessionCount
        passingCount activeSession { token active passingCount conflictCount } } } } events { edges { node {
        name revision races { name waves { gunTime } checkpoints { name servings { to role } } } } } } }"""
    )


@pytest.mark.parametrize(
    "kind",
    [
        *("device_id", "session_id", "passing_id", "key_id", "account_id"),
        *("event_id", "race_id", "wave_id", "checkpoint_id", "serving_id"),
    ],
)
def test_anothers_node_is_null(mine, other, kind):
    found = other.ask("query($id: ID!) { node(id: $id) { id } }", id=mine.ids[kind])
    if kind == "passing_id":  # positions are counted in each account
        other.post(other.session(other.device()), passing(1, bib="OTHER"))
        query = "query($id: ID!) { node(id: $id) { ... on Passing { bib } } }"
        assert other.data(query, id=mine.ids[kind]) == {"node": {"bib": "OTHER"}}
    assert found == {"data": {"node": None}}


def test_anothers_lists_are_empty(mine, other):
    answer = other.data(
        "{ devices { totalCount edges { cursor } } passings { totalCount edges { cursor } } }"
    )
    assert answer == {"devices": {"totalCount": 0, "edges": []}, "passings": {"totalCount": 0, "edges": []}}
    assert len(other.data("{ viewer { apiKeys { id } } }")["viewer"]["apiKeys"]) == 1
    assert other.data('{ devices(search: "SECRET") { totalCount } }')["devices"]["totalCount"] == 0
    assert other.data('{ passings(bib: "SECRET") { totalCount } }')["passings"]["totalCount"] == 0
    page = other.data(
        '{ passings(last: 5, before: "999") { edges { cursor } } devices(after: "0") { edges { cursor } } }'
    )
    assert page == {"passings": {"edges": []}, "devices": {"edges": []}}


@pytest.mark.parametrize(
    "query",
    [
        "query($device: String!, $token: String!) { device(deviceId: $device) { id } session(token: $token) "
        "{ id } }",
        "query($event: String!, $race_id: ID!) { event(token: $event) { id } race(id: $race_id) { id } }",
    ],
)
def test_anothers_device_session_event_and_race_are_null(mine, other, query):
    assert set(other.data(query, **mine.ids).values()) == {None}


@pytest.mark.parametrize(
    "query",
    [
        "query($token: String!) { passings(sessionToken: $token) { totalCount } }",
        "query($device: String!) { passings(deviceId: $device) { totalCount } }",
        "mutation($device: String!) { unbindDevice(deviceId: $device) { id } }",
        "mutation($device: String!) { openSession(deviceId: $device) { id } }",
        "mutation($token: String!) { closeSession(token: $token) { id } }",
        "mutation($key_id: ID!) { revokeApiKey(id: $key_id) { id } }",
        'mutation($event: String!) { updateEvent(token: $event, input: {name: "X"}) { id } }',
        'mutation($event: String!) { createRace(eventToken: $event, input: {name: "X"}) { id } }',
        'mutation($race_id: ID!) { updateRace(id: $race_id, input: {name: "X"}) { id } }',
        f'mutation($race_id: ID!) {{ setGunTime(raceId: $race_id, at: "{AT}") {{ id }} }}',
        "mutation($checkpoint_id: ID!, $device: String!) { serveCheckpoint(input: {"
        "checkpointId: $checkpoint_id, deviceId: $device}) { id } }",
        "mutation($serving_id: ID!) { updateServing(id: $serving_id, patch: {role: BACKUP}) { id } }",
        "mutation($serving_id: ID!) { endServing(id: $serving_id) { id } }",
        "mutation($serving_id: ID!) { removeServing(id: $serving_id) { id } }",
        "mutation($token: String!) { recordPassings(sessionToken: $token, "
        f'passings: [{{number: 2, bib: "X", timestamp: "{AT}"}}]) {{ insertedCount }} }}',
        "mutation($token: String!) { recordPassings(sessionToken: $token, "
        f'passings: [{{number: 1, bib: "X", timestamp: "{AT}"}}]) {{ insertedCount }} }}',
    ],
)
def test_what_another_names_is_not_found_and_stays_as_it_is(mine, other, query):
    before = picture(mine)
    assert code(other.ask(query, **mine.ids)) == "NOT_FOUND"
    assert picture(mine) == before


def test_the_same_serial_number_is_another_device_in_another_account(mine, other):
    query = 'mutation { bindDevice(input: {serialNumber: "SECRET-1", model: "M"}) { alreadyBound device { deviceId } } }'
    bound = other.data(query)["bindDevice"]
    assert not bound["alreadyBound"] and bound["device"]["deviceId"] != mine.ids["device"]
    assert picture(mine)["devices"]["edges"][0]["node"]["alias"] == "SECRET"


def test_a_new_key_belongs_to_the_account_that_made_it(mine, other, make_desk):
    made = other.data("mutation { createApiKey(input: {access: READ}) { key } }")["createApiKey"]["key"]
    assert make_desk(made).data("{ devices { totalCount } }") == {"devices": {"totalCount": 0}}
