"""Sessions over GraphQL: opening, closing, what is missing, what is in conflict."""

import pytest

from tests.conftest import passing
from tests.schema.conftest import NOBODY, code, fields, nodes

OPEN = """mutation($id: String!, $alias: String) { openSession(deviceId: $id, alias: $alias) {
    id token alias active createdAt closedAt passingCount conflictCount firstPassingAt lastPassingAt
    device { deviceId } } }"""
CLOSE = "mutation($token: String!) { closeSession(token: $token) { active closedAt } }"
SESSION = """query($token: String!, $first: Int) { session(token: $token) { active passingCount conflictCount
    firstPassingAt lastPassingAt missingCount missingNumbers(first: $first)
    conflicts { number bib chip timestamp receivedAt } } }"""
PASSINGS = """query($token: String!, $first: Int, $after: String, $last: Int, $before: String) {
    session(token: $token) { passings(first: $first, after: $after, last: $last, before: $before) {
    totalCount pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
    edges { cursor node { number } } } } }"""


@pytest.fixture
def token(desk):
    return desk.session(desk.device())


def test_a_session_opens_and_closes_the_one_before(desk):
    device = desk.device()
    first = desk.data(OPEN, id=device, alias="Morning")["openSession"]
    assert (first["alias"], first["active"], first["closedAt"]) == ("Morning", True, None)
    assert first["passingCount"] == first["conflictCount"] == 0
    assert first["firstPassingAt"] is first["lastPassingAt"] is None
    assert first["device"] == {"deviceId": device}
    second = desk.data(OPEN, id=device)["openSession"]
    assert second["token"] != first["token"]
    assert not desk.data(SESSION, token=first["token"])["session"]["active"]
    assert desk.data(SESSION, token=second["token"])["session"]["active"]


def test_closing_twice_changes_nothing(desk, token):
    first = desk.data(CLOSE, token=token)["closeSession"]
    assert not first["active"] and first["closedAt"]
    assert desk.data(CLOSE, token=token)["closeSession"] == first


@pytest.mark.parametrize("name", [NOBODY, "", "é", "x y"])
def test_a_session_that_is_not_there_is_null_to_look_at_and_an_error_to_close(desk, name):
    assert desk.data("query($t: String!) { session(token: $t) { id } }", t=name) == {"session": None}
    assert code(desk.ask(CLOSE, token=name)) == "NOT_FOUND"
    assert code(desk.ask(OPEN, id=name)) == "NOT_FOUND"


def test_a_session_needs_a_device_that_is_bound(desk):
    device = desk.device()
    desk.v0("DELETE", f"/devices/{device}")
    assert code(desk.ask(OPEN, id=device)) == "NOT_FOUND"


def test_a_sessions_alias_is_judged(desk):
    assert list(fields(desk.ask(OPEN, id=desk.device(), alias="x" * 129))) == ["alias"]


def test_a_session_counts_and_knows_its_first_and_last_time(desk, token):
    desk.post(
        token, passing(1, timestamp="2026-06-01T10:00:00.5Z"), passing(2, timestamp="2026-06-01T09:00:00Z")
    )
    desk.post(token, passing(3, timestamp="2026-06-01T11:00:00.000001Z"))
    found = desk.data(SESSION, token=token)["session"]
    assert found["passingCount"] == 3
    assert found["firstPassingAt"] == "2026-06-01T09:00:00.000Z"
    assert found["lastPassingAt"] == "2026-06-01T11:00:00.000001Z"


def test_missing_numbers_lie_between_the_lowest_and_the_highest(desk, token):
    assert desk.data(SESSION, token=token)["session"]["missingNumbers"] == []
    desk.post(token, *(passing(number) for number in (5, 6, 9, 12)))
    found = desk.data(SESSION, token=token)["session"]
    assert (found["missingNumbers"], found["missingCount"]) == ([7, 8, 10, 11], 4)
    assert desk.data(SESSION, token=token, first=3)["session"]["missingNumbers"] == [7, 8, 10]
    desk.post(token, passing(8), passing(7), passing(10), passing(11))
    found = desk.data(SESSION, token=token)["session"]
    assert (found["missingNumbers"], found["missingCount"]) == ([], 0)


def test_a_device_that_jumps_far_misses_many_and_they_are_counted_not_listed(desk, token):
    desk.post(token, passing(0), passing(2**63 - 1))
    found = desk.data(SESSION, token=token)["session"]
    assert found["missingCount"] == 2**63 - 2
    assert found["missingNumbers"] == list(range(1, 1001))
    assert list(fields(desk.ask(SESSION, token=token, first=1001))) == ["first"]


def test_conflicts_keep_what_the_other_content_claimed(desk, token):
    desk.post(token, passing(1, bib="7"))
    desk.post(token, passing(1, bib="8", chip="C8", timestamp="2026-06-01T10:00:01Z"))
    desk.post(token, passing(1, bib="8", chip="C8", timestamp="2026-06-01T10:00:01Z"), passing(1, bib="7"))
    found = desk.data(SESSION, token=token)["session"]
    assert (found["passingCount"], found["conflictCount"]) == (1, 1)
    (conflict,) = found["conflicts"]
    assert conflict.pop("receivedAt") > "2026"
    assert conflict == {"number": 1, "bib": "8", "chip": "C8", "timestamp": "2026-06-01T10:00:01.000Z"}


def test_a_sessions_passings_page_forwards_and_backwards(desk, token):
    desk.post(token, *(passing(number) for number in range(7)))

    def page(**which):
        return desk.data(PASSINGS, token=token, **which)["session"]["passings"]

    first = page(first=3)
    assert (nodes(first, "number"), first["totalCount"]) == ([0, 1, 2], 7)
    assert first["pageInfo"]["hasNextPage"] and not first["pageInfo"]["hasPreviousPage"]
    second = page(first=3, after=first["pageInfo"]["endCursor"])
    assert nodes(second, "number") == [3, 4, 5]
    assert second["pageInfo"]["hasNextPage"] and second["pageInfo"]["hasPreviousPage"]
    last = page(last=3)
    assert nodes(last, "number") == [4, 5, 6]
    assert last["pageInfo"]["hasPreviousPage"] and not last["pageInfo"]["hasNextPage"]
    before = page(last=3, before=last["pageInfo"]["startCursor"])
    assert nodes(before, "number") == [1, 2, 3]
    assert before["pageInfo"]["hasPreviousPage"] and before["pageInfo"]["hasNextPage"]
    start = page(last=3, before=before["pageInfo"]["startCursor"])
    assert nodes(start, "number") == [0]
    assert not start["pageInfo"]["hasPreviousPage"] and start["pageInfo"]["hasNextPage"]


@pytest.mark.parametrize(
    ("which", "field"),
    [
        ({"first": 1, "last": 1}, "last"),
        ({"last": 1, "after": "1"}, "last"),
        ({"before": "1"}, "before"),
        ({"first": 1, "before": "1"}, "before"),
        ({"last": -1}, "last"),
        ({"last": 1001}, "last"),
    ],
)
def test_a_page_that_cannot_be_is_refused_rather_than_guessed(desk, token, which, field):
    assert list(fields(desk.ask(PASSINGS, token=token, **which))) == [field]
