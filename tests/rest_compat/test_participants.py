"""Events and participants over v0: key-scoped, all or nothing, never changed."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.conftest import make_account, make_event, make_key_of


@pytest.fixture(scope="module")
def account(server):
    return make_account(server)


@pytest.fixture(scope="module")
def key(server, account):
    return make_key_of(server, account)


@pytest.fixture
def event(server, account):
    return make_event(server, account, "10K", "5K", public=True, status="PUBLISHED")


def add(v0, event, *entries):
    return v0.post(f"/v0/events/{event}/participants", {"participants": list(entries)})


def listed(v0, event, **params):
    answer = v0.get(f"/v0/events/{event}/participants", **params)
    assert answer.status_code == 200, answer.text
    return answer.json()["result"]


def test_participants_come_in_the_order_of_entering_and_page_by_page(v0, event):
    add(v0, event, *({"bib": f"{bib:03}", "name": "Ann"} for bib in reversed(range(5))))
    assert [each["bib"] for each in listed(v0, event)] == ["004", "003", "002", "001", "000"]
    seen, page, more = [], 1, True
    while more:
        answer = v0.get(f"/v0/events/{event}/participants", page=page, limit=2).json()
        seen += [each["bib"] for each in answer["result"]]
        assert answer["pagination"]["total"] == 5
        page, more = page + 1, answer["pagination"]["has_more"]
    assert seen == ["004", "003", "002", "001", "000"] and page == 4
    assert listed(v0, event, page=99) == []


def test_events_come_oldest_first_and_page_by_page(server, speak):
    account = make_account(server)
    v0 = speak(make_key_of(server, account))
    tokens = [make_event(server, account, name=f"Run {number}") for number in range(3)]
    assert [each["event_token"] for each in v0.get("/v0/events").json()["result"]] == tokens
    second = v0.get("/v0/events", page=2, limit=2).json()
    assert [each["event_token"] for each in second["result"]] == tokens[2:]
    assert second["pagination"] == {"page": 2, "limit": 2, "total": 3, "has_more": False}


def test_another_account_finds_no_event_however_public_it_is(v0, other, event):
    add(v0, event, {"bib": "7", "name": "Ann", "birth_date": "1990-12-31"})
    missing = {"description": "Event not found", "event_token": event}
    for answer in (
        other.get(f"/v0/events/{event}"),
        other.get(f"/v0/events/{event}/participants"),
        add(other, event, {"bib": "8", "name": "Eve"}),
    ):
        assert (answer.status_code, answer.json()["body"]) == (404, missing)
        assert "Ann" not in answer.text and "1990" not in answer.text
    assert other.get("/v0/events").json()["result"] == []
    assert [each["bib"] for each in listed(v0, event)] == ["7"]


@pytest.mark.parametrize(
    ("wanted", "reads", "writes"),
    [
        ({"access": "READ"}, 200, 403),
        ({"access": "WRITE"}, 403, 201),
        ({"scopes": ("events:read",)}, 403, 403),
        ({"scopes": ("participants:read",)}, 200, 403),
        ({"scopes": ("participants:write",)}, 403, 201),
    ],
)
def test_reading_and_entering_need_a_right_each(server, account, speak, event, wanted, reads, writes):
    v0 = speak(make_key_of(server, make_account(server)))  # only to have one more caller around
    assert v0.get(f"/v0/events/{event}/participants").status_code == 404
    mine = speak(make_key_of(server, account, **wanted))
    assert mine.get(f"/v0/events/{event}/participants").status_code == reads
    assert add(mine, event, {"bib": "7", "name": "Ann"}).status_code == writes


def test_nothing_is_stored_beside_a_bad_one(v0, event):
    add(v0, event, {"bib": "1", "name": "Ann"})
    for bad, status in (
        ({"bib": "1", "name": "Eve"}, 409),
        ({"bib": "2", "name": "Eve"}, 409),
        ({"bib": "3"}, 400),
        ({"bib": "3", "name": "Eve", "race": "Marathon"}, 400),
    ):
        assert add(v0, event, {"bib": "2", "name": "Bob"}, bad).status_code == status
    assert [(each["bib"], each["name"]) for each in listed(v0, event)] == [("1", "Ann")]


def test_v0_never_changes_a_participant(v0, event):
    add(v0, event, {"bib": "1", "name": "Ann"})
    (ann,) = listed(v0, event)
    assert add(v0, event, ann | {"name": "Eve"}).status_code == 409
    assert listed(v0, event) == [ann]


def test_what_is_listed_can_be_entered_elsewhere(server, account, v0, event):
    add(
        v0,
        event,
        {"bib": "07", "name": "Ann", "chip": "E2", "race": "5K", "status": "DNS"},
        {"bib": 8, "name": "Bob"},
    )
    elsewhere = make_event(server, account, "10K", "5K")
    assert add(v0, elsewhere, *listed(v0, event)).status_code == 201
    there = [each | {"participant_id": None} for each in listed(v0, elsewhere)]
    assert there == [each | {"participant_id": None} for each in listed(v0, event)]


def test_5000_are_entered_in_one_call_and_5001_are_too_many(v0, event):
    entries = [{"bib": str(bib), "name": "Ann"} for bib in range(5_001)]
    refused = add(v0, event, *entries)
    assert (refused.status_code, refused.json()["description"]) == (413, "Payload too large")
    answer = add(v0, event, *entries[:5_000]).json()
    assert answer["inserted_count"] == 5_000
    assert [each["bib"] for each in answer["result"]] == [str(bib) for bib in range(5_000)]
    assert len({each["participant_id"] for each in answer["result"]}) == 5_000
    assert len(listed(v0, event)) == 5_000


def test_of_many_who_take_a_bib_at_once_one_gets_it(v0, event):
    with ThreadPoolExecutor(8) as together:
        statuses = list(
            together.map(
                lambda number: add(v0, event, {"bib": "7", "name": f"N{number}"}).status_code, range(16)
            )
        )
    assert sorted(statuses) == [201] + [409] * 15
    assert len(listed(v0, event)) == 1


@pytest.mark.parametrize(
    "field",
    [
        "lastname",
        "chip",
        "gender",
        "birth_date",
        "race",
        "category",
        "club",
        "team",
        "country",
        "city",
        "status",
    ],
)
@pytest.mark.parametrize("value", [[], {}, True, 1.5], ids=["a list", "an object", "a truth", "a fraction"])
def test_a_field_of_the_wrong_kind_is_named(v0, event, field, value):
    answer = v0.post(f"/v0/events/{event}/participants", {"bib": "7", "name": "Ann", field: value})
    assert (answer.status_code, answer.json()["description"]) == (400, f"Invalid parameter: {field}")
    listed_one = add(v0, event, {"bib": "7", "name": "Ann", field: value})
    assert listed_one.json()["description"] == f"Invalid parameter: participants[0].{field}"
    assert listed(v0, event) == []


def test_text_of_any_script_comes_back_as_sent(v0, event):
    names = ["Zürich 🏁", "\u202eright to left", "a\u0301", "line\nbreak", 'quote " and \\']
    add(v0, event, *({"bib": str(n), "name": name} for n, name in enumerate(names)))
    assert [each["name"] for each in listed(v0, event)] == names


def test_slashes_and_head_make_no_difference(v0, event):
    for path in ("/v0/events/", f"/v0/events/{event}/", f"/v0/events/{event}/participants/"):
        assert v0.get(path).status_code == 200
        assert v0.call("HEAD", path).status_code == 200
    assert v0.call("DELETE", f"/v0/events/{event}").status_code == 405


@pytest.mark.parametrize("token", ["0", "x" * 2_000, "é", "%00", "a b", "..", "F" * 64])
def test_a_senseless_token_is_no_event(v0, token):
    for answer in (v0.get(f"/v0/events/{token}/participants"), add(v0, token, {"bib": "1", "name": "A"})):
        assert answer.status_code == 404, answer.text
