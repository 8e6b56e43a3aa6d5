"""Participants over GraphQL: entering, changing, importing, correcting, and what strangers never see."""

import pytest

from tests.conftest import make_event
from tests.schema.conftest import NOBODY, code, fields, nodes

ADD = """mutation($event: String!, $participants: [ParticipantInput!]!) {
    addParticipants(eventToken: $event, participants: $participants) { createdCount refusedCount
    results { index bib outcome participant { id bib } errors { field reason } } } }"""
UPDATE = """mutation($id: ID!, $patch: ParticipantPatch!, $reason: String) {
    updateParticipant(id: $id, patch: $patch, reason: $reason) { bib name status club wave { name } race { name }
    chips { code from to } } }"""
WHOLE = """query($event: String!) { event(token: $event) { participants { totalCount edges { node { id participantId bib name
    lastName gender age birthDate category club team country city email phone status race { name } wave { name }
    event { token } chips { code from to } adjustments { seconds reason } } } } } }"""
PAGE = """query($event: String!, $first: Int, $after: String, $race: ID, $search: String) { event(token: $event) {
    participants(first: $first, after: $after, raceId: $race, search: $search) { totalCount
    pageInfo { hasNextPage hasPreviousPage endCursor } edges { cursor node { bib } } } } }"""
IMPORT = """mutation($event: String!, $csv: String!, $mapping: [ColumnInput!], $dry: Boolean! = false) {
    importParticipants(eventToken: $event, csv: $csv, mapping: $mapping, dryRun: $dry) { dryRun createdCount refusedCount
    errors { line bib field reason } columns { field column } unusedColumns } }"""
ANN = {
    "bib": "007", "name": "Ann", "lastName": "Bell", "gender": "F", "birthDate": "1990-06-02", "category": "Elite", "club": "C",
    "team": "T", "country": "ESP", "city": "Vigo", "email": "ann@secret.org", "phone": "+34 SECRET", "status": "DNS",
    "chips": [{"code": "SECRETCHIP", "from": "2026-06-01T10:00:00.000Z", "to": None}],
}  # fmt: skip
PERSONAL = ("birthDate", "email", "phone", "chips { code }", "adjustments { reason }")


@pytest.fixture
def event(server, account):
    return make_event(server, account, "10K", "5K")


@pytest.fixture
def public(server, account):
    return make_event(server, account, "10K", public=True, status="PUBLISHED")


def add(desk, event, *participants):
    return desk.data(ADD, event=event, participants=list(participants))["addParticipants"]


def race_of(desk, event, name="10K"):
    found = desk.data(
        "query($t: String!) { event(token: $t) { races { id name checkpoints { id } } } }", t=event
    )
    return next(race for race in found["event"]["races"] if race["name"] == name)


def test_a_participant_is_entered_with_everything(desk, event):
    made = add(desk, event, ANN | {"race": "10k", "wave": "10K"})
    assert (made["createdCount"], made["refusedCount"]) == (1, 0)
    (found,) = nodes_of(desk, event)
    expected = ANN | {"race": {"name": "10K"}, "wave": {"name": "10K"}, "event": {"token": event}, "age": 35}
    assert {name: found[name] for name in expected} == expected
    assert len(found["participantId"]) == 64 and found["adjustments"] == []
    node = desk.data(
        "query($id: ID!) { node(id: $id) { ... on Participant { bib birthDate } } }", id=found["id"]
    )
    assert node["node"] == {"bib": "007", "birthDate": "1990-06-02"}
    asked = desk.data('query($t: String!) { participant(eventToken: $t, bib: "007") { name } }', t=event)
    assert asked["participant"] == {"name": "Ann"}


def nodes_of(desk, event):
    return [edge["node"] for edge in desk.data(WHOLE, event=event)["event"]["participants"]["edges"]]


def test_each_row_has_a_result_and_the_good_ones_are_stored(desk, event):
    bad = {
        "bib": "007",
        "name": "",
        "birthDate": "2.6.1990",
        "raceId": "eA==",
        "chips": [{"code": "A", "from": "x"}],
    }
    made = add(
        desk,
        event,
        {"bib": "7", "name": "Ann"},
        bad,
        {"bib": "7", "name": "Eve"},
        {"bib": "8", "name": "Bob"},
    )
    assert (made["createdCount"], made["refusedCount"]) == (2, 2)
    assert [(row["index"], row["bib"], row["outcome"]) for row in made["results"]] == [
        (0, "7", "CREATED"), (1, "007", "REFUSED"), (2, "7", "REFUSED"), (3, "8", "CREATED"),
    ]  # fmt: skip
    assert [wrong["field"] for wrong in made["results"][1]["errors"]] == [
        "name",
        "birthDate",
        "raceId",
        "chips[0].from",
    ]
    assert made["results"][2]["errors"] == [{"field": "bib", "reason": "is already in use"}]
    assert made["results"][1]["participant"] is None and made["results"][0]["participant"]["bib"] == "7"
    assert [found["bib"] for found in nodes_of(desk, event)] == ["7", "8"]


def test_a_race_is_named_by_its_id_or_its_name(desk, event):
    race = race_of(desk, event, "5K")
    add(
        desk, event, {"bib": "1", "name": "A", "raceId": race["id"]}, {"bib": "2", "name": "B", "race": "10k"}
    )
    assert [found["race"]["name"] for found in nodes_of(desk, event)] == ["5K", "10K"]
    page = desk.data(PAGE, event=event, race=race["id"])["event"]["participants"]
    assert (nodes(page, "bib"), page["totalCount"]) == (["1"], 1)
    for other in ("eA==", "", desk.data("{ viewer { account { id } } }")["viewer"]["account"]["id"]):
        assert desk.data(PAGE, event=event, race=other)["event"]["participants"]["totalCount"] == 0


def test_participants_come_in_pages_and_are_searched(desk, event):
    add(desk, event, *({"bib": f"{n:03}", "name": f"Ann {n}"} for n in range(5)))
    seen, after = [], None
    for more in (True, True, False):
        page = desk.data(PAGE, event=event, first=2, after=after)["event"]["participants"]
        assert (page["totalCount"], page["pageInfo"]["hasNextPage"]) == (5, more)
        assert page["pageInfo"]["hasPreviousPage"] == (after is not None)
        seen += nodes(page, "bib")
        after = page["pageInfo"]["endCursor"]
    assert seen == ["000", "001", "002", "003", "004"]
    assert nodes(desk.data(PAGE, event=event, search="ann 3")["event"]["participants"], "bib") == ["003"]
    assert list(fields(desk.ask(PAGE, event=event, first=-1))) == ["first"]
    assert list(fields(desk.ask(PAGE, event=event, after="x"))) == ["after"]
    assert desk.data(PAGE, event=event, after="9" * 18)["event"]["participants"]["edges"] == []


def test_a_patch_changes_what_it_names(desk, event):
    (result,) = add(desk, event, ANN | {"race": "10K"})["results"]
    id = result["participant"]["id"]
    patch = {"status": "DNF", "club": None, "chips": [{"code": "B", "to": "2026-06-01T10:00:00Z"}]}
    changed = desk.data(UPDATE, id=id, patch=patch, reason="sat down")["updateParticipant"]
    assert (changed["status"], changed["club"], changed["name"]) == ("DNF", None, "Ann")
    assert changed["chips"] == [{"code": "B", "from": None, "to": "2026-06-01T10:00:00.000Z"}]
    assert changed["race"] == {"name": "10K"}
    back = desk.data(UPDATE, id=id, patch={"status": None, "raceId": race_of(desk, event, "5K")["id"]})
    assert (back["updateParticipant"]["status"], back["updateParticipant"]["race"]) == (
        "REGISTERED",
        {"name": "5K"},
    )
    changes = desk.data(
        "query($t: String!) { event(token: $t) { changes { edges { node { kind reason } } } } }", t=event
    )
    assert changes["event"]["changes"]["edges"][-2]["node"] == {"kind": "PARTICIPANTS", "reason": "sat down"}


def test_a_refused_patch_names_the_field_or_the_bib(desk, event):
    first, _ = add(desk, event, {"bib": "7", "name": "A"}, {"bib": "8", "name": "B"})["results"]
    id = first["participant"]["id"]
    assert list(fields(desk.ask(UPDATE, id=id, patch={"birthDate": "x"}))) == ["birthDate"]
    taken = desk.ask(UPDATE, id=id, patch={"bib": "8"})
    assert code(taken) == "CONFLICT" and taken["errors"][0]["extensions"]["bib"] == "8"
    for other in ("eA==", "", NOBODY, race_of(desk, event)["id"]):
        assert code(desk.ask(UPDATE, id=other, patch={"name": "Eve"})) == "NOT_FOUND"


def test_a_file_is_looked_at_and_then_imported(desk, event):
    csv = "Dorsal;Wer;DOB;Shoe\n007;Ann;1990-06-02;43\n8;;x;\n007;Eve;;\n"
    mapping = [{"field": "name", "column": "Wer"}]
    dry = desk.data(IMPORT, event=event, csv=csv, mapping=mapping, dry=True)["importParticipants"]
    assert dry["dryRun"] and nodes_of(desk, event) == []
    wet = desk.data(IMPORT, event=event, csv=csv, mapping=mapping)["importParticipants"]
    assert dry == wet | {"dryRun": True}
    assert (wet["createdCount"], wet["refusedCount"], wet["unusedColumns"]) == (1, 2, ["Shoe"])
    assert [(wrong["line"], wrong["bib"], wrong["field"]) for wrong in wet["errors"]] == [
        (3, "8", "birthDate"), (3, "8", "name"), (4, "007", "bib"),
    ]  # fmt: skip
    assert {"field": "birthDate", "column": "DOB"} in wet["columns"]
    assert [found["name"] for found in nodes_of(desk, event)] == ["Ann"]
    named = [{"field": "lastName", "column": "Name"}]
    assert list(fields(desk.ask(IMPORT, event=event, csv="bib,name\n", mapping=named))) == ["mapping"]
    assert list(fields(desk.ask(IMPORT, event=event, csv=""))) == ["csv"]


def everything_of(desk, event, path):
    """What a caller gets of each personal field, one by one."""
    kind = "ID!" if path.startswith("node") else "String!"
    given = f"query($t: {kind})" if "$t" in path else ""
    for field in PERSONAL:
        yield field, desk.ask(f"{given} {{ {path % field} }}", t=event)


PATHS = [
    "event(token: $t) { participants { edges { node { bib %s } } } }",
    'participant(eventToken: $t, bib: "007") { bib %s }',
    "events { edges { node { token participants { edges { node { bib %s } } } } } }",
]


def test_strangers_and_other_accounts_see_who_runs_in_public_and_nothing_personal(
    desk, make_desk, other_key, public
):
    (result,) = add(desk, public, ANN)["results"]
    desk.data(
        'mutation($id: ID!) { adjustTime(participantId: $id, seconds: 5, reason: "SECRET") { bib } }',
        id=result["participant"]["id"],
    )
    node = "node(id: $t) { ... on Participant { bib %s } }"
    for asking in (make_desk(None), make_desk(other_key)):
        found = asking.data(
            'query($t: String!) { participant(eventToken: $t, bib: "007") { name age club } }', t=public
        )
        assert found["participant"] == {"name": "Ann", "age": 35, "club": "C"}
        for path, name in [(path, public) for path in PATHS[:2]] + [(node, result["participant"]["id"])]:
            for field, answer in everything_of(asking, name, path):
                assert code(answer) in ("UNAUTHENTICATED", "FORBIDDEN"), (path, field, answer)
                assert (
                    "SECRET" not in str(answer) and "secret" not in str(answer) and "1990" not in str(answer)
                )
        for hint in ("secret", "SECRET", "1990"):
            page = asking.data(PAGE, event=public, search=hint)["event"]["participants"]
            assert page["totalCount"] == 0


def test_a_leaderboard_leads_to_nothing_personal(desk, make_desk, other_key, public):
    add(desk, public, ANN)
    race = race_of(desk, public)["id"]
    for asking in (make_desk(None), make_desk(other_key)):
        for field in PERSONAL:
            query = f"query($r: ID!) {{ leaderboard(raceId: $r) {{ edges {{ node {{ bib participant {{ {field} }} }} }} }} }}"
            answer = asking.ask(query, r=race)
            assert code(answer) in ("UNAUTHENTICATED", "FORBIDDEN")
            assert "SECRET" not in str(answer) and "secret" not in str(answer) and "1990" not in str(answer)


def test_a_key_without_participants_read_sees_nothing_personal(desk, make_desk, make_key, public, event):
    for token in (public, event):
        add(desk, token, ANN)
    for scopes in (("events:read",), ("events:read", "participants:write"), ("events:read", "events:write")):
        narrow = make_desk(make_key("READ_WRITE", scopes=scopes))
        for path in PATHS:
            for field, answer in everything_of(narrow, public, path):
                assert {error["extensions"]["code"] for error in answer["errors"]} == {"FORBIDDEN"}, (
                    path,
                    field,
                )
                assert (
                    "SECRET" not in str(answer) and "secret" not in str(answer) and "1990" not in str(answer)
                )
        assert code(narrow.ask(PAGE, event=event)) == "FORBIDDEN"
    allowed = make_desk(make_key("READ"))
    for path in PATHS[:2]:
        for _, answer in everything_of(allowed, event, path):
            assert "errors" not in answer, answer


def test_a_private_event_hides_who_runs(desk, make_desk, other_key, event):
    (result,) = add(desk, event, ANN)["results"]
    for asking in (make_desk(None), make_desk(other_key)):
        assert asking.data(PAGE, event=event) == {"event": None}
        query = 'query($t: String!, $id: ID!) { participant(eventToken: $t, bib: "007") { bib } node(id: $id) { id } }'
        found = asking.data(query, t=event, id=result["participant"]["id"])
        assert found == {"participant": None, "node": None}


def test_other_accounts_change_nothing(desk, make_desk, make_key, other_key, public):
    (result,) = add(desk, public, ANN)["results"]
    id = result["participant"]["id"]
    asked = [
        (ADD, {"event": public, "participants": [{"bib": "8", "name": "Eve"}]}),
        (IMPORT, {"event": public, "csv": "bib,name\n8,Eve\n"}),
        (UPDATE, {"id": id, "patch": {"name": "Eve"}}),
        (
            'mutation($id: ID!) { adjustTime(participantId: $id, seconds: 5, reason: "R") { bib } }',
            {"id": id},
        ),
    ]
    for query, variables in asked:
        assert code(make_desk(other_key).ask(query, **variables)) == "NOT_FOUND"
        assert code(make_desk(make_key("READ")).ask(query, **variables)) == "FORBIDDEN"
        assert code(make_desk(None).ask(query, **variables)) == "UNAUTHENTICATED"
    (found,) = nodes_of(desk, public)
    assert (found["name"], found["adjustments"]) == ("Ann", [])


def test_a_write_key_enters_without_reading(make_desk, make_key, event):
    desk = make_desk(make_key("WRITE"))
    assert add(desk, event, ANN)["createdCount"] == 1
    assert (
        code(desk.ask('query($t: String!) { participant(eventToken: $t, bib: "007") { bib } }', t=event))
        == "FORBIDDEN"
    )
