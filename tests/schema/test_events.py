"""Events over GraphQL."""

import pytest

from tests.schema.conftest import NOBODY, code, fields, nodes
from tests.schema.racing import CREATE_EVENT, make_event, make_public_event, make_race

UPDATE = """mutation($token: String!, $input: EventPatch!, $reason: String) {
    updateEvent(token: $token, input: $input, reason: $reason) { name edition startDate endDate status public
    revision } }"""
PAGE = """query($first: Int, $after: String) { events(first: $first, after: $after) { totalCount
    pageInfo { hasNextPage hasPreviousPage endCursor } edges { cursor node { token } } } }"""
EVENT = "query($token: String!) { event(token: $token) { id token name races { name } } }"
CHANGES = """query($token: String!, $first: Int, $after: String) { event(token: $token) {
    changes(first: $first, after: $after) { totalCount pageInfo { hasNextPage hasPreviousPage endCursor }
    edges { cursor node { revision at kind subject reason keyAlias keyHint } } } } }"""


@pytest.fixture
def stranger(make_desk):
    return make_desk(None)


def test_an_event_is_made_with_what_is_usual(desk):
    made = make_event(desk)
    assert made | {"id": "", "token": ""} == {
        "id": "", "token": "", "name": "Run", "edition": None, "location": None, "startDate": "2026-06-01",
        "endDate": "2026-06-01", "timeZone": "UTC", "referenceDate": None, "status": "DRAFT", "public": False,
        "revision": 1, "races": [],
    }  # fmt: skip
    assert desk.data(EVENT, token=made["token"])["event"]["id"] == made["id"]


def test_an_event_is_kept_as_it_was_said_and_null_is_what_is_usual(desk):
    given = {
        "name": "Run", "edition": "45th", "location": "Here", "startDate": "2026-06-01", "endDate": "2026-06-03",
        "timeZone": "Europe/Madrid", "referenceDate": "2026-12-31", "status": "PUBLISHED", "public": True,
    }  # fmt: skip
    made = make_event(desk, **given)
    assert {name: made[name] for name in given} == given
    usual = make_event(desk, endDate=None, timeZone=None, status=None, public=None)
    assert (usual["endDate"], usual["timeZone"], usual["status"], usual["public"]) == (
        "2026-06-01", "UTC", "DRAFT", False
    )  # fmt: skip


@pytest.mark.parametrize(
    ("bad", "field"),
    [
        ({"name": " "}, "name"),
        ({"startDate": "tomorrow"}, "startDate"),
        ({"endDate": "2026-05-31"}, "endDate"),
        ({"referenceDate": "2026"}, "referenceDate"),
        ({"timeZone": "Mars/Olympus"}, "timeZone"),
    ],
)
def test_nonsense_in_an_event_is_named_in_the_clients_words(desk, bad, field):
    answer = desk.ask(CREATE_EVENT, input={"name": "Run", "startDate": "2026-06-01"} | bad)
    assert list(fields(answer)) == [field]
    event = make_event(desk)
    assert list(fields(desk.ask(UPDATE, token=event["token"], input=bad))) == [field]


def test_a_patch_changes_what_was_written_and_null_empties(desk):
    event = make_event(desk, edition="45th", endDate="2026-06-03")
    changed = desk.data(UPDATE, token=event["token"], input={"edition": None, "status": "PUBLISHED"})
    assert changed["updateEvent"] == {
        "name": "Run", "edition": None, "startDate": "2026-06-01", "endDate": "2026-06-03",
        "status": "PUBLISHED", "public": False, "revision": 2,
    }  # fmt: skip
    assert list(fields(desk.ask(UPDATE, token=event["token"], input={"name": None}))) == ["name"]


def test_events_come_oldest_first_in_pages(desk):
    tokens = [make_event(desk)["token"] for _ in range(5)]
    first = desk.data(PAGE, first=2)["events"]
    assert (nodes(first, "token"), first["totalCount"]) == (tokens[:2], 5)
    assert first["pageInfo"]["hasNextPage"] and not first["pageInfo"]["hasPreviousPage"]
    rest = desk.data(PAGE, after=first["pageInfo"]["endCursor"])["events"]
    assert nodes(rest, "token") == tokens[2:]
    assert rest["pageInfo"]["hasPreviousPage"] and not rest["pageInfo"]["hasNextPage"]


@pytest.mark.parametrize(("name", "value"), [("first", -1), ("first", 1001), ("after", "x")])
def test_nonsense_in_a_page_is_named(desk, name, value):
    event = make_event(desk)
    assert list(fields(desk.ask(PAGE, **{name: value}))) == [name]
    assert list(fields(desk.ask(CHANGES, token=event["token"], **{name: value}))) == [name]


def test_strangers_see_public_events_once_they_are_published(desk, stranger):
    event = make_event(desk, public=True)
    make_race(desk, event)
    token = event["token"]
    assert stranger.data(EVENT, token=token) == {"event": None}
    desk.data(UPDATE, token=token, input={"status": "PUBLISHED"})
    assert stranger.data(EVENT, token=token)["event"]["races"] == [{"name": "10K"}]
    seen = stranger.data(PAGE, first=1000)["events"]
    assert token in nodes(seen, "token")
    desk.data(UPDATE, token=token, input={"public": False})
    assert stranger.data(EVENT, token=token) == {"event": None}
    assert token not in nodes(stranger.data(PAGE, first=1000)["events"], "token")


def test_another_account_sees_a_public_event_by_its_name_but_not_in_its_list(desk, make_desk, other_key):
    event, other = make_public_event(desk), make_desk(other_key)
    assert other.data(EVENT, token=event["token"])["event"]["id"] == event["id"]
    assert other.data(PAGE)["events"]["totalCount"] == 0
    assert code(other.ask(UPDATE, token=event["token"], input={"name": "Mine"})) == "NOT_FOUND"


def test_a_wrong_key_does_not_see_even_what_is_public(desk, make_desk):
    event = make_public_event(desk)
    wrong = make_desk("ror-" + "0" * 20)
    assert code(wrong.ask(EVENT, token=event["token"])) == "UNAUTHENTICATED"


@pytest.mark.parametrize("token", [NOBODY, "", "a b", "é", "a\0", "x" * 10_000])
def test_an_event_that_is_not_there_is_null(desk, stranger, token):
    assert desk.data(EVENT, token=token) == stranger.data(EVENT, token=token) == {"event": None}
    assert code(desk.ask(UPDATE, token=token, input={})) == "NOT_FOUND"


def test_the_list_of_changes_tells_who_when_what_and_why(desk, make_desk, make_key):
    event = make_event(desk)
    desk.data(UPDATE, token=event["token"], input={"name": "Race"}, reason="a better name")
    race = make_race(desk, event)
    gun = (
        'mutation($id: ID!) { setGunTime(raceId: $id, at: "2026-06-01T10:00:00Z", reason: "heard") { name } }'
    )
    desk.data(gun, id=race["id"])
    page = desk.data(CHANGES, token=event["token"])["event"]["changes"]
    assert (nodes(page, "kind"), page["totalCount"]) == (["EVENT", "EVENT", "RACE", "GUN"], 4)
    assert nodes(page, "reason") == [None, "a better name", None, "heard"]
    assert nodes(page, "revision") == [1, 2, 3, 4]
    assert set(nodes(page, "keyHint")) == {desk.http.headers["x-api-key"][-4:]}
    first = desk.data(CHANGES, token=event["token"], first=1)["event"]["changes"]
    assert first["pageInfo"]["hasNextPage"]
    rest = desk.data(CHANGES, token=event["token"], after=first["pageInfo"]["endCursor"])["event"]["changes"]
    assert nodes(rest, "revision") == [2, 3, 4] and rest["pageInfo"]["hasPreviousPage"]


def test_the_list_of_changes_is_for_the_account_only(desk, stranger, make_desk, other_key):
    event = make_public_event(desk)
    answer = stranger.ask(CHANGES, token=event["token"])
    assert code(answer) == "UNAUTHENTICATED" and answer["data"] == {"event": {"changes": None}}
    assert make_desk(other_key).data(CHANGES, token=event["token"]) == {"event": {"changes": None}}


def test_a_reason_is_at_most_500_characters(desk):
    event = make_event(desk)
    answer = desk.ask(UPDATE, token=event["token"], input={"name": "X"}, reason="x" * 501)
    assert list(fields(answer)) == ["reason"]
