"""Corrections over GraphQL."""

import pytest

from tests.conftest import make_event, passing
from tests.schema.conftest import code, fields

MANUAL = """mutation($checkpoint: ID!, $bib: String! = "007", $at: Instant! = "2026-06-01T12:00:00Z", $reason: String! = "seen") {
    addManualPassing(input: {checkpointId: $checkpoint, bib: $bib, at: $at, reason: $reason}) { id number bib timestamp
    device { type } session { alias } } }"""
JUDGE = """mutation($id: ID!, $verdict: OperatorVerdict!, $reason: String! = "why", $checkpoint: ID) {
    judgePassing(id: $id, verdict: $verdict, reason: $reason, checkpointId: $checkpoint) { id bib } }"""
ADJUST = """mutation($id: ID!, $seconds: Float!, $reason: String! = "why") {
    adjustTime(participantId: $id, seconds: $seconds, reason: $reason) { bib adjustments { seconds reason } } }"""
CHANGES = "query($t: String!) { event(token: $t) { changes { edges { node { kind reason keyHint } } } } }"


@pytest.fixture
def event(server, account):
    return make_event(server, account, "10K")


@pytest.fixture
def finish(desk, event):
    found = desk.data("query($t: String!) { event(token: $t) { races { checkpoints { id } } } }", t=event)
    return found["event"]["races"][0]["checkpoints"][-1]["id"]


@pytest.fixture
def ann(desk, event):
    query = """mutation($t: String!) { addParticipants(eventToken: $t, participants: [{bib: "007", name: "Ann"}]) {
        results { participant { id } } } }"""
    return desk.data(query, t=event)["addParticipants"]["results"][0]["participant"]["id"]


def last_change(desk, event):
    return desk.data(CHANGES, t=event)["event"]["changes"]["edges"][-1]["node"]


def test_a_manual_passing_is_recorded(desk, event, finish, ann):
    made = desk.data(MANUAL, checkpoint=finish)["addManualPassing"]
    assert (made["bib"], made["number"], made["timestamp"]) == ("007", 1, "2026-06-01T12:00:00.000Z")
    assert (made["device"], made["session"]) == ({"type": "MANUAL"}, {"alias": "manual entries of Run"})
    change = last_change(desk, event)
    assert (change["kind"], change["reason"]) == ("RULING", "seen") and len(change["keyHint"]) == 4
    voided = desk.data(JUDGE, id=made["id"], verdict="VOIDED")["judgePassing"]
    assert voided == {"id": made["id"], "bib": "007"}


@pytest.mark.parametrize(
    ("more", "field"), [({"bib": "7"}, "bib"), ({"at": "noon"}, "at"), ({"reason": " "}, "reason")]
)
def test_nonsense_on_a_manual_passing_is_named(desk, finish, ann, more, field):
    assert list(fields(desk.ask(MANUAL, checkpoint=finish, **more))) == [field]


def test_a_passing_is_judged(desk, event, finish):
    token = desk.session(desk.device())
    desk.post(token, passing(1, bib="9"))
    (edge,) = desk.data("{ passings { edges { node { id } } } }")["passings"]["edges"]
    id = edge["node"]["id"]
    assert code(desk.ask(JUDGE, id=id, verdict="VOIDED")) == "CONFLICT"
    assert desk.data(JUDGE, id=id, verdict="CONFIRMED", checkpoint=finish)["judgePassing"]["bib"] == "9"
    assert last_change(desk, event)["kind"] == "RULING"
    assert list(fields(desk.ask(JUDGE, id=id, verdict="VOIDED", reason=""))) == ["reason"]
    for other in ("eA==", "", finish):
        assert code(desk.ask(JUDGE, id=other, verdict="VOIDED")) == "NOT_FOUND"
        assert code(desk.ask(JUDGE, id=id, verdict="VOIDED", checkpoint="eA==")) == "NOT_FOUND"
    assert "errors" in desk.ask(JUDGE, id=id, verdict="VALID")


def test_a_penalty_and_a_bonus_are_kept_with_their_reasons(desk, event, ann):
    desk.data(ADJUST, id=ann, seconds=30, reason="cut a corner")
    given = desk.data(ADJUST, id=ann, seconds=-0.5)["adjustTime"]
    assert given == {
        "bib": "007",
        "adjustments": [{"seconds": 30.0, "reason": "cut a corner"}, {"seconds": -0.5, "reason": "why"}],
    }
    assert last_change(desk, event)["kind"] == "ADJUSTMENT"
    assert list(fields(desk.ask(ADJUST, id=ann, seconds=0))) == ["seconds"]
    assert code(desk.ask(ADJUST, id="eA==", seconds=1)) == "NOT_FOUND"


def test_officials_need_the_right_and_the_account(desk, make_desk, make_key, other_key, finish, ann):
    made = desk.data(MANUAL, checkpoint=finish)["addManualPassing"]
    asked = [
        (MANUAL, {"checkpoint": finish}),
        (ADJUST, {"id": ann, "seconds": 1}),
        (JUDGE, {"id": made["id"], "verdict": "VOIDED"}),
    ]
    for query, variables in asked:
        assert code(make_desk(other_key).ask(query, **variables)) == "NOT_FOUND"
        assert code(make_desk(make_key("READ")).ask(query, **variables)) == "FORBIDDEN"
        assert code(make_desk(None).ask(query, **variables)) == "UNAUTHENTICATED"
