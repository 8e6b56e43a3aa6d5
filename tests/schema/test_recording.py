"""Recording passings over GraphQL: an outcome for each row, or a refusal that names the field."""

import pytest

from tests.conftest import passing
from tests.schema.conftest import NOBODY, code, fields

AT = "2026-06-01T10:00:00Z"
RECORD = """mutation($token: String!, $passings: [PassingInput!]!) {
    recordPassings(sessionToken: $token, passings: $passings) { insertedCount duplicateCount
    results { number outcome passing { number bib } } } }"""
COUNT = "{ passings { totalCount } }"


def new(number, bib="7", timestamp=AT, **more):
    return {"number": number, "bib": bib, "timestamp": timestamp} | more


@pytest.fixture
def token(desk):
    return desk.session(desk.device())


def record(desk, token, *passings):
    return desk.data(RECORD, token=token, passings=passings)["recordPassings"]


def outcomes(recorded):
    return [(each["number"], each["outcome"]) for each in recorded["results"]]


def test_each_passing_is_told_what_became_of_it(desk, token):
    first = record(desk, token, new(1), new(2))
    assert (first["insertedCount"], first["duplicateCount"]) == (2, 0)
    assert outcomes(first) == [(1, "INSERTED"), (2, "INSERTED")]
    mixed = record(desk, token, new(3), new(2), new(1, bib="8"), new(4), new(4), new(4, bib="9"))
    assert (mixed["insertedCount"], mixed["duplicateCount"]) == (2, 4)
    assert outcomes(mixed) == [
        (3, "INSERTED"), (2, "DUPLICATE"), (1, "CONFLICT"), (4, "INSERTED"), (4, "DUPLICATE"), (4, "CONFLICT"),
    ]  # fmt: skip
    assert [each["passing"]["bib"] for each in mixed["results"]] == ["7"] * 6
    assert desk.data(COUNT)["passings"]["totalCount"] == 4


def test_what_v0_stored_is_a_duplicate_in_graphql_and_the_other_way_round(desk, token):
    desk.post(token, passing(1, bib="7", timestamp="2026-06-01T12:00:00.000+02:00"))
    assert outcomes(record(desk, token, new(1), new(2))) == [(1, "DUPLICATE"), (2, "INSERTED")]
    answer = desk.post(token, passing(2, bib="7", timestamp="2026-06-01T10:00:00.000Z")).json()
    assert (answer["inserted_count"], answer["duplicate_count"]) == (0, 1)


def test_everything_of_a_passing_is_kept(desk, token):
    sent = new(
        2**63 - 1, "007", "2026-06-01T10:00:00.123456Z", chip="C1", latitude=-90, longitude=180.0,
        participantRef="P", status="OK", gender="X", timeZone="Europe/Madrid",
    )  # fmt: skip
    query = """mutation($token: String!, $passings: [PassingInput!]!) { recordPassings(sessionToken: $token,
        passings: $passings) { results { passing { number bib timestamp chip latitude longitude participantRef
        status gender timeZone } } } }"""
    (result,) = desk.data(query, token=token, passings=[sent])["recordPassings"]["results"]
    assert result["passing"] == sent


@pytest.mark.parametrize(
    ("timestamp", "zone", "instant"),
    [
        ("2026-06-01T10:00:00", None, "2026-06-01T10:00:00.000Z"),
        ("2026-06-01 10:00:00.5", "Europe/Madrid", "2026-06-01T08:00:00.500Z"),
        ("2026-06-01T10:00:00.123456789-05:00", None, "2026-06-01T15:00:00.123456Z"),
    ],
)
def test_loose_timestamps_are_taken_with_their_zone(desk, token, timestamp, zone, instant):
    record(desk, token, new(1, timestamp=timestamp, timeZone=zone))
    found = desk.data("{ passings { edges { node { timestamp timestampText } } } }")["passings"]["edges"]
    assert [edge["node"] for edge in found] == [{"timestamp": instant, "timestampText": timestamp}]


def test_a_timestamp_without_a_zone_is_in_the_devices(desk):
    bind = """mutation { bindDevice(input: {serialNumber: "S9", model: "M", timeZone: "America/New_York"}) {
        device { deviceId } } }"""
    token = desk.session(desk.data(bind)["bindDevice"]["device"]["deviceId"])
    record(desk, token, new(1, timestamp="2026-06-01T10:00:00"))
    page = desk.data("{ passings { edges { node { timestamp device { timeZone } } } } }")["passings"]
    node = page["edges"][0]["node"]
    assert node["timestamp"] == "2026-06-01T14:00:00.000Z"


@pytest.mark.parametrize(
    ("bad", "field"),
    [
        (new(-1), "passings[1].number"),
        (new(2**63), "passings[1].number"),
        (new(9, timestamp="yesterday"), "passings[1].timestamp"),
        (new(9, timestamp="x" * 200), "passings[1].timestamp"),
        (new(9, timestamp="2026-06-01T10:00:00", timeZone="Mars"), "passings[1].timeZone"),
        (new(9, bib=None), "passings[1].bib"),
        (new(9, bib="x" * 129), "passings[1].bib"),
        (new(9, chip="a\0"), "passings[1].chip"),
        (new(9, participantRef="x" * 129), "passings[1].participantRef"),
        (new(9, status="x" * 129), "passings[1].status"),
    ],
)
def test_one_passing_that_is_nonsense_refuses_all_and_is_named(desk, token, bad, field):
    answer = desk.ask(RECORD, token=token, passings=[new(1), bad])
    assert list(fields(answer)) == [field]
    assert answer["errors"][0]["message"].startswith(f"{field}: ")
    assert desk.data(COUNT)["passings"]["totalCount"] == 0


@pytest.mark.parametrize(
    "bad",
    [new("1"), new(1.5), new(True), new(None), new(1, bib=7), new(1, timestamp=5), {"number": 1}, None, "x"],
)
def test_a_variable_of_the_wrong_kind_is_named(desk, token, bad):
    assert list(fields(desk.ask(RECORD, token=token, passings=[bad]))) == ["passings"]


def test_no_and_too_many_passings_are_refused(desk, token):
    assert list(fields(desk.ask(RECORD, token=token, passings=[]))) == ["passings"]
    many = [new(number) for number in range(5001)]
    assert list(fields(desk.ask(RECORD, token=token, passings=many))) == ["passings"]
    assert record(desk, token, *many[:5000])["insertedCount"] == 5000


def test_a_passing_may_have_a_chip_instead_of_a_bib(desk, token):
    assert outcomes(record(desk, token, {"number": 1, "chip": "C", "timestamp": AT})) == [(1, "INSERTED")]


def test_a_session_that_is_closed_or_not_there_takes_nothing(desk, token):
    desk.v0("PATCH", f"/sessions/close/{token}")
    for name in (token, NOBODY, "é", "a\0"):
        answer = desk.ask(RECORD, token=name, passings=[new(1)])
        assert code(answer) in ("NOT_FOUND", "BAD_USER_INPUT"), name
    assert list(fields(desk.ask(RECORD, token="", passings=[new(1)]))) == ["sessionToken"]


def test_several_mutations_of_one_document_run_one_after_the_other(desk, token):
    query = """mutation($t: String!, $p: [PassingInput!]!) {
        a: recordPassings(sessionToken: $t, passings: $p) { insertedCount }
        close: closeSession(token: $t) { active }
        b: recordPassings(sessionToken: $t, passings: $p) { insertedCount } }"""
    answer = desk.ask(query, t=token, p=[new(1)])
    assert code(answer) == "NOT_FOUND" and answer["errors"][0]["path"] == ["b"]
    assert desk.data(COUNT)["passings"]["totalCount"] == 1
