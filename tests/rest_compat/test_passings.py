"""Sending passings as devices in the field do, and reading them back."""

import json
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from http.client import HTTPConnection

import pytest

from tests.rest_compat.conftest import AT, passing


def stored(v0, **fields):
    """One passing sent, and what is read back of it."""
    token = v0.open()
    assert v0.sent(token, passing(1, **fields)) == (1, 0)
    [found] = v0.passings(token)
    return found


def refusal(v0, *passings):
    """The words of a 400, after making sure that nothing was stored."""
    token = v0.open()
    answer = v0.send(token, *passings)
    assert answer.status_code == 400, answer.text
    assert v0.passings(token) == []
    return answer.json()["description"]


def test_a_passing_with_the_least_has_every_key(v0):
    token = v0.open(device := v0.bind())
    v0.sent(token, {"timestamp": AT, "num_passing": 0, "bib": "7"})
    assert v0.passings(token) == [
        {
            "token_session": token,
            "timestamp": AT,
            "num_passing": 0,
            "latitude": "0.0",
            "longitude": "0.0",
            "status": None,
            "participant_id": None,
            "chip": None,
            "bib": "7",
            "timezone": None,
            "gender": None,
            "deviceid": device,
        }
    ]


@pytest.mark.parametrize(
    ("sent", "kept"), [("0007", "0007"), (7, "7"), ("E28011606000", "E28011606000"), (0, "0")]
)
def test_a_bib_is_text_with_its_leading_zeros(sent, kept, v0):
    assert stored(v0, bib=sent)["bib"] == kept


@pytest.mark.parametrize(
    ("sent", "shown"),
    [
        (41.3879, "41.3879"),
        ("41.3879", "41.3879"),
        (-2.5, "-2.5"),
        ("-2.5", "-2.5"),
        (None, "0.0"),
        (0, "0.0"),
        ("0.0", "0.0"),
    ],
)
def test_coordinates_are_shown_as_text(sent, shown, v0):
    found = stored(v0, latitude=sent, longitude=sent)
    assert (found["latitude"], found["longitude"]) == (shown, shown)


@pytest.mark.parametrize("field", ["chip", "chips"])
def test_a_chip_comes_under_either_name(field, v0):
    assert stored(v0, **{field: "E2801160"})["chip"] == "E2801160"


def test_a_null_chip_beside_a_chip_does_not_hide_it(v0):
    assert stored(v0, chip="E2801160", chips=None)["chip"] == "E2801160"
    assert stored(v0, chip=None, chips="E2801160")["chip"] == "E2801160"


@pytest.mark.parametrize("field", ["chip", "participant_id", "status", "gender"])
def test_text_up_to_128_characters_is_kept_and_more_is_refused(field, v0):
    assert stored(v0, **{field: "x" * 128})[field] == "x" * 128
    assert stored(v0, **{field: None})[field] is None
    assert (
        refusal(v0, passing(1), passing(2, **{field: "x" * 129}))
        == f"Invalid parameter: passings_list[1].{field}"
    )


def test_a_number_may_come_as_text(v0):
    token = v0.open()
    assert v0.sent(token, passing("12"), passing(12), passing("012")) == (1, 2)
    assert v0.numbers(token) == [12]


def test_numbers_need_no_order(v0):
    token = v0.open()
    assert v0.sent(token, passing(900), passing(3), passing(41)) == (3, 0)
    assert v0.numbers(token) == [3, 41, 900]


def test_unknown_fields_are_ignored(v0):
    token = v0.open()
    body = {
        "token_session": token,
        "passings_list": [passing(1, rssi=-61, antenna={"port": [1]})],
        "sent_at": 5,
    }
    assert v0.post("/v0/passings", body).status_code == 201


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("timestamp", 5),
        ("timestamp", "yesterday"),
        ("timestamp", ""),
        ("num_passing", -1),
        ("num_passing", "-1"),
        ("num_passing", "--5"),
        ("num_passing", "x"),
        ("num_passing", ""),
        ("num_passing", 1.5),
        ("num_passing", True),
        ("num_passing", 10**30),
        ("num_passing", "9" * 5000),
        ("bib", []),
        ("bib", True),
        ("latitude", "north"),
        ("latitude", "nan"),
        ("longitude", "inf"),
        ("longitude", []),
        ("latitude", True),
        ("chip", 5.5),
        ("chips", []),
        ("timezone", {}),
    ],
)
def test_a_bad_field_is_named_with_its_index_and_nothing_is_stored(field, value, v0):
    bad = passing(4, **{field: value})
    words = refusal(v0, passing(1), passing(2), passing(3), bad, passing(5))
    assert words == f"Invalid parameter: passings_list[3].{field}"


@pytest.mark.parametrize("field", ["timestamp", "num_passing", "bib"])
def test_a_missing_field_is_named_with_its_index_and_nothing_is_stored(field, v0):
    bad = passing(2)
    del bad[field]
    assert refusal(v0, passing(1), bad) == f"Missing parameter: passings_list[1].{field}"


def test_what_is_not_a_passing_is_named(v0):
    assert refusal(v0, passing(1), 7) == "Invalid parameter: passings_list[1]"


def test_an_empty_list_is_refused(v0):
    assert refusal(v0) == "Invalid parameter: passings_list"


def test_5000_passings_are_taken_and_5001_are_too_large(v0):
    token = v0.open()
    answer = v0.send(token, *(passing(number) for number in range(5001)))
    assert answer.status_code == 413
    assert answer.json()["description"] == "Payload too large"
    assert v0.passings(token) == []
    assert v0.sent(token, *(passing(number) for number in range(5000))) == (5000, 0)
    assert v0.sent(token, passing(4999), passing(5000)) == (1, 1)
    assert v0.numbers(token) == list(range(5000))
    assert v0.numbers(token, page=2) == [5000]
    assert v0.numbers(token, page=3) == []
    assert v0.numbers(token, first=10, page=2) == []
    device = v0.passings(token, page=2)[0]["deviceid"]
    for page, count in ((1, 5000), (2, 1), (3, 0)):
        assert len(v0.get(f"/v0/passings/device/{device}", page=page).json()["result"]) == count


def test_the_first_of_two_with_the_same_number_wins(v0):
    token = v0.open()
    assert v0.sent(token, passing(1, bib="1"), passing(1, bib="2"), passing(2, bib="3")) == (2, 1)
    assert v0.sent(token, passing(2, bib="4"), passing(1, bib="5")) == (0, 2)
    assert [found["bib"] for found in v0.passings(token)] == ["1", "3"]


@pytest.mark.parametrize("degrees", [41.38791234567891, 1e16, 5e-324, -1.7976931348623157e308])
def test_repeating_a_passing_answers_alike_whatever_its_coordinates(degrees, v0):
    token = v0.open()
    sent = passing(1, latitude=degrees, longitude=degrees)
    statuses = {v0.send(token, sent).status_code for _ in range(3)}
    assert statuses in ({201}, {400})


def test_the_same_number_in_another_session_is_another_passing(v0):
    device = v0.bind()
    assert v0.sent(v0.open(device), passing(1)) == (1, 0)
    assert v0.sent(v0.open(device), passing(1)) == (1, 0)
    assert v0.get(f"/v0/devices/{device}").json()["result"]["passings"] == 2


def test_first_and_last_are_both_included(v0):
    token = v0.open()
    v0.sent(token, *(passing(number) for number in (1, 3, 5, 7)))
    assert v0.numbers(token, first=3) == [3, 5, 7]
    assert v0.numbers(token, last=5) == [1, 3, 5]
    assert v0.numbers(token, first=3, last=5) == [3, 5]
    assert v0.numbers(token, first=6, last=4) == []


def test_a_devices_passings_come_by_time_across_its_sessions(v0):
    device = v0.bind()
    times = [f"2023-02-03T16:00:0{second}.000Z" for second in range(5)]
    v0.sent(v0.open(device), passing(1, timestamp=times[3]), passing(2, timestamp=times[0]))
    v0.sent(v0.open(device), passing(1, timestamp=times[2]), passing(9, timestamp=times[1]))

    def seen(**params):
        answer = v0.get(f"/v0/passings/device/{device}", **params)
        return [found["timestamp"] for found in answer.json()["result"]]

    assert seen() == times[:4]
    assert seen(from_=times[1]) == times[1:4]
    assert seen(to=times[2]) == times[:3]
    assert seen(from_=times[1], to=times[2]) == times[1:3]
    assert seen(from_=times[4]) == []
    assert seen(from_="2023-02-03T17:00:01+01:00", to="2023-02-03 16:00:02") == times[1:3]


def test_fifty_threads_with_a_new_connection_for_each_passing(server, v0, key):
    token, address = v0.open(), server.url.removeprefix("http://")

    def send(number):
        body = json.dumps({"token_session": token, "passings_list": [passing(number)]})
        with closing(HTTPConnection(address, timeout=8)) as connection:
            connection.request("POST", "/v0/passings", body, {"api_key": key, "Connection": "close"})
            return json.loads(connection.getresponse().read())

    with ThreadPoolExecutor(50) as threads:
        answers = list(threads.map(send, [*range(200), *range(100)]))
    assert sum(answer["inserted_count"] for answer in answers) == 200
    assert sum(answer["duplicate_count"] for answer in answers) == 100
    assert v0.numbers(token) == list(range(200))
