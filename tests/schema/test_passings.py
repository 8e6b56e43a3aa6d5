"""Reading passings over GraphQL: filters, pages, totals."""

import pytest

from tests.conftest import passing
from tests.schema.conftest import NOBODY, code, fields, nodes

PAGE = """query($session: String, $device: String, $bib: String, $chip: String, $from: Instant, $to: Instant,
    $fromNumber: BigInt, $toNumber: BigInt, $first: Int, $after: String, $last: Int, $before: String) {
    passings(sessionToken: $session, deviceId: $device, bib: $bib, chip: $chip, from: $from, to: $to,
    fromNumber: $fromNumber, toNumber: $toNumber, first: $first, after: $after, last: $last, before: $before) {
    totalCount pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
    edges { cursor node { number } } } }"""


@pytest.fixture
def race(desk):
    """Three passings in each of two sessions of one device, and one of another device."""
    one, two = desk.device("S1"), desk.device("S2")
    first = desk.session(one)
    desk.post(
        first,
        passing(1, bib="007", timestamp="2026-06-01T10:00:01Z"),
        passing(2, bib="7", chip="C7", timestamp="2026-06-01T10:00:02.5Z"),
        passing(3, bib="8", timestamp="2026-06-01T10:00:03Z"),
    )
    second = desk.session(one)
    desk.post(second, *(passing(n, bib="9", timestamp=f"2026-06-01T11:00:0{n}+01:00") for n in (4, 5, 6)))
    third = desk.session(two)
    desk.post(third, passing(7, bib="7", timestamp="2026-06-01T12:00:00Z"))
    return {"one": one, "two": two, "first": first, "second": second, "third": third}


@pytest.mark.parametrize(
    ("which", "numbers"),
    [
        ({}, [1, 2, 3, 4, 5, 6, 7]),
        ({"session": "first"}, [1, 2, 3]),
        ({"device": "one"}, [1, 2, 3, 4, 5, 6]),
        ({"device": "two", "session": "third"}, [7]),
        ({"device": "two", "session": "first"}, []),
        ({"bib": "7"}, [2, 7]),
        ({"bib": "007"}, [1]),
        ({"bib": ""}, []),
        ({"chip": "C7"}, [2]),
        ({"chip": "c7"}, []),
        ({"from": "2026-06-01T10:00:03Z"}, [3, 4, 5, 6, 7]),
        ({"to": "2026-06-01T10:00:02.5Z"}, [1, 2]),
        ({"from": "2026-06-01T12:00:02.500000+02:00", "to": "2026-06-01T10:00:02.5Z"}, [2]),
        ({"from": "2026-06-01T10:00:02.500001Z", "to": "2026-06-01T10:00:03Z"}, [3]),
        ({"from": "2026-06-01T10:00:06Z", "to": "2026-06-01T11:00:06+01:00"}, [6]),
        ({"from": "2026-06-01T13:00:00Z", "to": "2026-06-01T09:00:00Z"}, []),
        ({"fromNumber": 6}, [6, 7]),
        ({"fromNumber": 2, "toNumber": 4}, [2, 3, 4]),
        ({"toNumber": 2**63 - 1, "fromNumber": 7}, [7]),
        ({"bib": "7", "device": "two"}, [7]),
    ],
)
def test_a_filter_gives_what_it_names_and_counts_it(desk, race, which, numbers):
    which = which | {name: race[which[name]] for name in ("session", "device") if name in which}
    found = desk.data(PAGE, **which)["passings"]
    assert (nodes(found, "number"), found["totalCount"]) == (numbers, len(numbers))


def test_pages_go_forwards_and_backwards_within_a_filter(desk, race):
    first = desk.data(PAGE, device=race["one"], first=4)["passings"]
    assert (nodes(first, "number"), first["totalCount"]) == ([1, 2, 3, 4], 6)
    rest = desk.data(PAGE, device=race["one"], first=4, after=first["pageInfo"]["endCursor"])["passings"]
    assert nodes(rest, "number") == [5, 6]
    assert rest["pageInfo"]["hasPreviousPage"] and not rest["pageInfo"]["hasNextPage"]
    last = desk.data(PAGE, bib="7", last=1)["passings"]
    assert nodes(last, "number") == [7] and last["pageInfo"]["hasPreviousPage"]
    before = desk.data(PAGE, bib="7", last=1, before=last["edges"][0]["cursor"])["passings"]
    assert nodes(before, "number") == [2] and not before["pageInfo"]["hasPreviousPage"]
    for how, there in (({"first": 0}, "hasNextPage"), ({"last": 0}, "hasPreviousPage")):
        empty = desk.data(PAGE, bib="7", **how)["passings"]
        assert (empty["edges"], empty["pageInfo"][there]) == ([], True)


def test_a_page_has_50_entries_unless_told(desk):
    desk.post(desk.session(desk.device()), *(passing(number) for number in range(60)))
    found = desk.data(PAGE)["passings"]
    assert nodes(found, "number") == list(range(50)) and found["totalCount"] == 60
    assert nodes(desk.data(PAGE, first=1000)["passings"], "number") == list(range(60))


def test_walking_the_pages_meets_each_passing_once_though_more_arrive(desk):
    token = desk.session(desk.device())
    seen, after = [], None
    for step in range(10):
        desk.post(token, *(passing(step * 5 + number) for number in range(5)))
        page = desk.data(PAGE, first=3, after=after)["passings"]
        seen += nodes(page, "number")
        after = page["pageInfo"]["endCursor"]
    seen += nodes(desk.data(PAGE, first=1000, after=after)["passings"], "number")
    assert seen == list(range(50))


def test_an_empty_account_has_an_empty_page(desk):
    found = desk.data(PAGE)["passings"]
    assert (found["edges"], found["totalCount"]) == ([], 0)
    assert found["pageInfo"] == {
        "hasNextPage": False, "hasPreviousPage": False, "startCursor": None, "endCursor": None
    }  # fmt: skip


def test_a_passing_is_shown_as_it_was_sent(desk):
    token = desk.session(desk.device("S1"))
    sent = passing(
        5, bib="0042", timestamp="2023-02-03T17:08:18.263456+01:00", chip="AA", latitude=41.5, longitude=-2.25,
        participant_id="P-1", status="OK", timezone="CET", gender="F",
    )  # fmt: skip
    assert desk.post(token, sent).status_code == 201
    query = """{ passings { edges { node { number bib chip timestamp timestampText timeZone latitude longitude
        participantRef status gender receivedAt session { token } device { serialNumber } } } } }"""
    (edge,) = desk.data(query)["passings"]["edges"]
    assert edge["node"].pop("receivedAt") > "2026"
    assert edge["node"] == {
        "number": 5,
        "bib": "0042",
        "chip": "AA",
        "timestamp": "2023-02-03T16:08:18.263456Z",
        "timestampText": "2023-02-03T17:08:18.263456+01:00",
        "timeZone": "CET",
        "latitude": 41.5,
        "longitude": -2.25,
        "participantRef": "P-1",
        "status": "OK",
        "gender": "F",
        "session": {"token": token},
        "device": {"serialNumber": "S1"},
    }


@pytest.mark.parametrize("name", ["session", "device"])
@pytest.mark.parametrize("value", [NOBODY, "", "é"])
def test_a_filter_by_what_is_not_there_is_not_found(desk, name, value):
    assert code(desk.ask(PAGE, **{name: value})) == "NOT_FOUND"


@pytest.mark.parametrize(
    ("which", "field"),
    [
        ({"from": "yesterday"}, "from"),
        ({"to": "2026-13-01T00:00:00Z"}, "to"),
        ({"from": "2026-06-01T10:00:00 Mars"}, "from"),
        ({"fromNumber": -1}, "fromNumber"),
        ({"toNumber": 2**63}, "toNumber"),
        ({"bib": "x" * 129}, "bib"),
        ({"chip": "a\0"}, "chip"),
        ({"from": 5}, "from"),
        ({"fromNumber": "5"}, "fromNumber"),
        ({"fromNumber": 1.5}, "fromNumber"),
        ({"fromNumber": True}, "fromNumber"),
        ({"bib": 7}, "bib"),
    ],
)
def test_a_filter_that_is_nonsense_names_its_argument(desk, which, field):
    assert list(fields(desk.ask(PAGE, **which))) == [field]


@pytest.mark.parametrize(
    "argument",
    ["from: 5", "from: true", "from: [1]", "to: A", "fromNumber: true", 'fromNumber: "5"', "fromNumber: 1.5",
     "fromNumber: 1e999", f"fromNumber: {'9' * 1500}", "fromNumber: {a: 1}", "bib: 7", "first: 1.5", "nope: 1"],
)  # fmt: skip
def test_a_literal_of_the_wrong_kind_is_bad_input_not_a_failure_of_ours(desk, argument):
    fields(desk.ask(f"{{ passings({argument}) {{ totalCount }} }}"))


def test_whole_numbers_may_be_written_with_an_exponent(desk, race):
    assert desk.data("{ passings(fromNumber: 6e0) { totalCount } }") == {"passings": {"totalCount": 2}}
    assert desk.data(PAGE, fromNumber=6.0)["passings"]["totalCount"] == 2


@pytest.mark.parametrize(
    "cursor", ["x", "-1", "1.5", "²", "٣", " 1", "1 ", "MQ==", "9223372036854775808", "9" * 5000, "\0"]
)
@pytest.mark.parametrize("argument", ["after", "before"])
def test_a_cursor_of_no_list_is_refused(desk, cursor, argument):
    more = {"last": 1} if argument == "before" else {}
    assert list(fields(desk.ask(PAGE, **{argument: cursor}, **more))) == [argument]


def test_an_empty_cursor_is_the_beginning_and_the_highest_is_the_end(desk, race):
    assert len(desk.data(PAGE, after="")["passings"]["edges"]) == 7
    assert desk.data(PAGE, after=str(2**63 - 1))["passings"]["edges"] == []
    assert len(desk.data(PAGE, last=9, before=str(2**63 - 1))["passings"]["edges"]) == 7
