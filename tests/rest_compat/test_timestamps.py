"""Every way that devices write a time, and the ones that are refused."""

import pytest

from tests.rest_compat.conftest import passing


def stored(v0, **fields):
    token = v0.open()
    answer = v0.send(token, passing(1, **fields))
    assert answer.status_code == 201, answer.text
    [found] = v0.passings(token)
    return found


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2023-02-03T16:08:18.263Z", "2023-02-03T16:08:18.263Z"),
        ("2023-02-03T16:08:18.263+00:00", "2023-02-03T16:08:18.263Z"),
        ("2023-02-03T17:08:18.263+01:00", "2023-02-03T16:08:18.263Z"),
        ("2023-02-03T21:53:18.263+05:45", "2023-02-03T16:08:18.263Z"),
        ("2023-02-03T07:08:18.263-09:00", "2023-02-03T16:08:18.263Z"),
        ("2023-02-04T00:30:00+01:00", "2023-02-03T23:30:00.000Z"),
        ("2023-02-03 16:08:18.263Z", "2023-02-03T16:08:18.263Z"),
        ("2023-02-03 16:08:18.263", "2023-02-03T16:08:18.263Z"),
        ("2023-02-03T16:08:18Z", "2023-02-03T16:08:18.000Z"),
        ("2023-02-03T16:08:18.2Z", "2023-02-03T16:08:18.200Z"),
        ("2023-02-03T16:08:18.26Z", "2023-02-03T16:08:18.260Z"),
        ("2023-02-03T16:08:18.2631Z", "2023-02-03T16:08:18.263Z"),
        ("2023-02-03T16:08:18.26312Z", "2023-02-03T16:08:18.263Z"),
        ("2023-02-03T16:08:18.263123Z", "2023-02-03T16:08:18.263Z"),
        ("2023-02-03T16:08:18.2631234Z", "2023-02-03T16:08:18.263Z"),
        ("2023-02-03T16:08:18.26312345Z", "2023-02-03T16:08:18.263Z"),
        ("2023-02-03T16:08:18.263123456Z", "2023-02-03T16:08:18.263Z"),
        ("2024-02-29T00:00:00Z", "2024-02-29T00:00:00.000Z"),
        ("1999-12-31T23:59:59.999Z", "1999-12-31T23:59:59.999Z"),
    ],
)
def test_a_time_is_read_whatever_its_spelling(text, instant, v0):
    assert stored(v0, timestamp=text)["timestamp"] == instant


@pytest.mark.parametrize(
    ("text", "timezone", "instant"),
    [
        ("2023-02-03T17:08:18.263", "CET", "2023-02-03T16:08:18.263Z"),
        ("2023-02-03T11:08:18.263", "EST", "2023-02-03T16:08:18.263Z"),
        ("2023-07-03 18:08:18", "CEST", "2023-07-03T16:08:18.000Z"),
        ("2023-07-03 18:08:18", "Europe/Madrid", "2023-07-03T16:08:18.000Z"),
        ("2023-02-03 17:08:18", "Europe/Madrid", "2023-02-03T16:08:18.000Z"),
        ("2023-02-03T21:53:18", "Asia/Kathmandu", "2023-02-03T16:08:18.000Z"),
        ("2023-02-03T16:08:18", "UTC", "2023-02-03T16:08:18.000Z"),
        ("2023-02-03T16:08:18", None, "2023-02-03T16:08:18.000Z"),
        ("2023-02-03T17:08:18+01:00", "Asia/Kathmandu", "2023-02-03T16:08:18.000Z"),
        ("2023-02-03T16:08:18Z", "CET", "2023-02-03T16:08:18.000Z"),
    ],
)
def test_a_time_without_a_zone_takes_that_of_the_passing(text, timezone, instant, v0):
    found = stored(v0, timestamp=text, timezone=timezone)
    assert (found["timestamp"], found["timezone"]) == (instant, timezone)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "now",
        "16:08:18",
        "2023-02-03",
        "2023-02-30T00:00:00Z",
        "2023-13-01T00:00:00Z",
        "2023-02-03T25:00:00Z",
        "2023-02-03T16:61:00Z",
        "2023-02-03T16:08:18.1234567890Z",
        "2023-02-03T16:08:18+99:00",
        "2023-02-03T16:08:18 CET",
        "03/02/2023 16:08:18",
        "1675440498",
        "0000-01-01T00:00:00Z",
        "9999-12-31T23:59:59-23:59",
        "٢٠٢٣-٠٢-٠٣T16:08:18Z",
        "2023-02-03T16:08:18Z\n",
        "2023-02-03T16:08:18Z" + " " * 100_000,
        1675440498,
        None,
        ["2023-02-03T16:08:18Z"],
    ],
    ids=lambda value: repr(value)[:32],
)
def test_a_time_that_is_none_is_named(text, v0):
    token = v0.open()
    answer = v0.send(token, passing(1), passing(2, timestamp=text))
    assert answer.status_code == 400
    word = "Missing" if text is None else "Invalid"
    accepted = {
        f"{word} parameter: passings_list[1].timestamp",
        "Invalid parameter: passings_list[1].timestamp",
    }
    assert answer.json()["description"] in accepted
    assert v0.passings(token) == []


@pytest.mark.parametrize("timezone", ["Mars/Olympus", "../UTC", "Europe", "\x00", "x" * 128, "/UTC"])
def test_a_zone_that_is_none_is_named_where_it_is_needed(timezone, v0):
    token = v0.open()
    answer = v0.send(token, passing(1, timestamp="2023-02-03T16:08:18", timezone=timezone))
    assert answer.status_code == 400
    assert answer.json()["description"] in (
        "Invalid parameter: passings_list[0].timezone",
        "Invalid parameter: passings_list[0].timestamp",
    )


def test_a_clock_change_is_no_harm(v0):
    twice = stored(v0, timestamp="2023-10-29T02:30:00", timezone="Europe/Madrid")["timestamp"]
    never = stored(v0, timestamp="2023-03-26T02:30:00", timezone="Europe/Madrid")["timestamp"]
    assert twice == "2023-10-29T00:30:00.000Z"
    assert never == "2023-03-26T01:30:00.000Z"
