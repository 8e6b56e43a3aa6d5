"""Races over GraphQL, with their waves, categories and checkpoints."""

import pytest

from tests.schema.conftest import NOBODY, code, fields
from tests.schema.racing import CREATE_RACE, make_event, make_public_event, make_race

UPDATE = """mutation($id: ID!, $input: RacePatch!) { updateRace(id: $id, input: $input) { name mode laps overallBy
    durationSeconds waves { id name gunTime } categories { id name gender oldest }
    checkpoints { id name distance bounceSeconds } } }"""
GUN = """mutation($id: ID!, $wave: String, $at: Instant!) { setGunTime(raceId: $id, wave: $wave, at: $at) {
    waves { name gunTime } } }"""
RACE = """query($id: ID!) { race(id: $id) { id name event { name changes { totalCount } }
    checkpoints { name servings { id } } waves { name } categories { name } } }"""
SEEN = "query($id: ID!) { race(id: $id) { id name event { name } checkpoints { name } waves { name } } }"
AT = "2026-06-01T10:00:00Z"


def test_a_race_is_made_with_what_is_usual(desk):
    event = make_event(desk)
    race = make_race(desk, event)
    assert {name: race[name] for name in ("mode", "laps", "durationSeconds", "overallBy", "teamSize")} == {
        "mode": "COURSE", "laps": 1, "durationSeconds": None, "overallBy": "GUN", "teamSize": 3
    }  # fmt: skip
    assert (race["event"], race["categories"]) == ({"token": event["token"]}, [])
    assert [(wave["name"], wave["gunTime"]) for wave in race["waves"]] == [("10K", None)]
    start, finish = race["checkpoints"]
    assert start | {"id": ""} == {
        "id": "", "name": "Start", "kind": "START", "distance": 0, "bounceSeconds": 0, "minimumSeconds": 0,
        "cutoffSeconds": None, "counts": "LAST", "race": {"name": "10K"},
    }  # fmt: skip
    assert (finish["name"], finish["bounceSeconds"], finish["counts"]) == ("Finish", 60, "FIRST")


def test_a_race_is_kept_as_it_was_said(desk):
    given = {
        "name": "6 h", "mode": "TIMED", "durationSeconds": 21600.5, "overallBy": "NET", "genderBy": "NET",
        "categoryBy": "GUN", "teamSize": 5, "teamByRank": True,
        "waves": [{"name": "A", "gunTime": "2026-06-01T12:00:00+02:00"}, {"name": "B", "gunTime": None}],
        "categories": [{"name": "W40", "gender": "F", "youngest": 40, "oldest": 49}],
        "checkpoints": [
            {"distance": 750, "minimumSeconds": 0.5},
            {"kind": "FINISH", "name": "Mat", "distance": 1500, "bounceSeconds": 2, "cutoffSeconds": 9, "counts": "LAST"},
        ],
    }  # fmt: skip
    race = make_race(desk, make_event(desk), **given)
    plain = (
        "name",
        "mode",
        "durationSeconds",
        "overallBy",
        "genderBy",
        "categoryBy",
        "teamSize",
        "teamByRank",
    )
    assert {name: race[name] for name in plain} == {name: given[name] for name in plain}
    assert [wave["gunTime"] for wave in race["waves"]] == ["2026-06-01T10:00:00.000Z", None]
    (category,) = race["categories"]
    assert category | {"id": ""} == given["categories"][0] | {"id": ""}
    middle, mat = race["checkpoints"]
    assert (middle["name"], middle["kind"], middle["minimumSeconds"]) == ("750 m", "INTERMEDIATE", 0.5)
    assert (mat["name"], mat["bounceSeconds"], mat["cutoffSeconds"], mat["counts"]) == ("Mat", 2, 9, "LAST")


@pytest.mark.parametrize(
    ("bad", "field"),
    [
        ({"name": ""}, "name"),
        ({"laps": 2}, "laps"),
        ({"mode": "TIMED"}, "durationSeconds"),
        ({"teamSize": 0}, "teamSize"),
        ({"waves": [{"name": "A"}, {"name": "A"}]}, "waves[1].name"),
        ({"waves": [{"name": "A", "gunTime": "noon"}]}, "waves[0].gunTime"),
        ({"categories": [{"name": "A", "youngest": 9, "oldest": 8}]}, "categories[0].oldest"),
        ({"checkpoints": [{"kind": "START"}]}, "checkpoints[0].kind"),
        (
            {"checkpoints": [{"distance": 9}, {"distance": 8}, {"kind": "FINISH"}]},
            "checkpoints[1].distance",
        ),
        ({"checkpoints": [{"bounceSeconds": -1}, {"kind": "FINISH"}]}, "checkpoints[0].bounceSeconds"),
    ],
)
def test_nonsense_in_a_race_is_named_in_the_clients_words(desk, bad, field):
    event = make_event(desk)
    answer = desk.ask(CREATE_RACE, event=event["token"], input={"name": "A"} | bad)
    assert list(fields(answer)) == [field]
    assert desk.data("query($t: String!) { event(token: $t) { races { id } } }", t=event["token"]) == {
        "event": {"races": []}
    }


def test_a_race_of_an_event_that_is_not_there_is_not_made(desk):
    assert code(desk.ask(CREATE_RACE, event=NOBODY, input={"name": "A"})) == "NOT_FOUND"


def test_a_patch_changes_what_was_written_and_adds_what_is_new(desk):
    race = make_race(desk, make_event(desk), categories=[{"name": "M", "gender": "M", "oldest": 39}])
    start, finish = race["checkpoints"]
    patch = {
        "overallBy": "NET",
        "waves": [{"id": race["waves"][0]["id"], "name": "A", "gunTime": AT}, {"name": "B"}],
        "categories": [{"id": race["categories"][0]["id"], "oldest": None}],
        "checkpoints": [{"id": finish["id"], "distance": 10_000, "bounceSeconds": 5}, {"distance": 5000}],
    }
    changed = desk.data(UPDATE, id=race["id"], input=patch)["updateRace"]
    assert (changed["name"], changed["overallBy"]) == ("10K", "NET")
    assert [(wave["name"], wave["gunTime"]) for wave in changed["waves"]] == [
        ("A", "2026-06-01T10:00:00.000Z"), ("B", None)
    ]  # fmt: skip
    (category,) = changed["categories"]
    assert (category["gender"], category["oldest"]) == ("M", None)
    assert [(each["name"], each["distance"], each["bounceSeconds"]) for each in changed["checkpoints"]] == [
        ("Start", 0, 0), ("5 km", 5000, 60), ("Finish", 10_000, 5)
    ]  # fmt: skip
    assert changed["checkpoints"][0]["id"] == start["id"]


def test_nonsense_in_a_patch_is_named_in_the_clients_words(desk):
    race = make_race(desk, make_event(desk))
    for bad, field in (
        ({"name": None}, "name"),
        ({"waves": [{"id": race["checkpoints"][0]["id"], "name": "A"}]}, "waves[0].id"),
        ({"checkpoints": [{"id": "x", "distance": 5}]}, "checkpoints[0].id"),
        ({"checkpoints": [{"id": race["checkpoints"][1]["id"], "distance": -5}]}, "checkpoints[0].distance"),
    ):
        assert list(fields(desk.ask(UPDATE, id=race["id"], input=bad))) == [field]
    assert desk.data(UPDATE, id=race["id"], input={"waves": None})["updateRace"]["waves"] == race["waves"]


def test_the_gun_of_a_wave_is_set_and_corrected(desk):
    race = make_race(desk, make_event(desk), waves=[{"name": "A"}, {"name": "B"}])
    assert list(fields(desk.ask(GUN, id=race["id"], at=AT))) == ["wave"]
    assert list(fields(desk.ask(GUN, id=race["id"], wave="A", at="soon"))) == ["at"]
    desk.data(GUN, id=race["id"], wave="B", at="2026-06-01T10:00:01Z")
    waves = desk.data(GUN, id=race["id"], wave="B", at="2026-06-01T12:00:00.000001+02:00")["setGunTime"][
        "waves"
    ]
    assert waves == [{"name": "A", "gunTime": None}, {"name": "B", "gunTime": "2026-06-01T10:00:00.000001Z"}]


@pytest.mark.parametrize("id", ["", "x", "é", "UmFjZTow", "UmFjZTo5OTk5OTk5OTk5OTk5OTk5OTk=", "RXZlbnQ6MQ=="])
def test_a_race_that_is_not_there_is_null(desk, id):
    assert desk.data(SEEN, id=id) == {"race": None}
    for query, more in ((UPDATE, {"input": {}}), (GUN, {"at": AT})):
        answer = desk.ask(query, id=id, **more)
        assert code(answer) == "NOT_FOUND" and answer["errors"][0]["message"] == "Race not found"


def test_strangers_see_a_public_race_but_not_who_serves_nor_who_changed_it(desk, make_desk):
    stranger = make_desk(None)
    race = make_race(desk, make_public_event(desk), categories=[{"name": "All"}])
    assert stranger.data(SEEN, id=race["id"])["race"]["checkpoints"] == [
        {"name": "Start"},
        {"name": "Finish"},
    ]
    answer = stranger.ask(RACE, id=race["id"])
    assert {error["extensions"]["code"] for error in answer["errors"]} == {"UNAUTHENTICATED"}
    assert answer["data"]["race"]["event"] == {"name": "Run", "changes": None}
    assert [each["servings"] for each in answer["data"]["race"]["checkpoints"]] == [None, None]


def test_another_account_sees_a_public_race_but_not_who_serves(desk, make_desk, other_key):
    race = make_race(desk, make_public_event(desk))
    found = make_desk(other_key).data(RACE, id=race["id"])["race"]
    assert found["event"]["changes"] is None
    assert [each["servings"] for each in found["checkpoints"]] == [None, None]


def test_a_race_of_a_hidden_event_is_null_to_all_others(desk, make_desk, other_key):
    race = make_race(desk, make_event(desk))
    for who in (make_desk(None), make_desk(other_key)):
        assert who.data(SEEN, id=race["id"]) == {"race": None}
        for id in (race["id"], race["waves"][0]["id"], race["checkpoints"][0]["id"]):
            assert who.data("query($id: ID!) { node(id: $id) { id } }", id=id) == {"node": None}
    other = make_desk(other_key)
    assert code(other.ask(UPDATE, id=race["id"], input={"name": "Mine"})) == "NOT_FOUND"
    assert code(other.ask(GUN, id=race["id"], at=AT)) == "NOT_FOUND"
