"""All passings of a session as a table."""

import csv
import io

import pytest

from server import exports, tables
from tests.conftest import passing
from tests.server.test_exports import described, refused, table


@pytest.fixture
def session(desk):
    return desk.session(desk.device("export"))


def path(token):
    return f"/exports/sessions/{token}/passings.csv"


def test_passings_come_by_number_as_they_were_sent(desk, session):
    desk.post(
        session, passing(9, "0042", "2026-06-01T12:00:00.5+02:00", chip="E1", lat=1.5, participant_id="p")
    )
    desk.post(session, passing(2, "7", status="OK", gender="F"))
    first, second = table(desk.http.get(path(session)))
    assert (first["number"], second["number"]) == ("2", "9")
    assert (first["bib"], first["status"], first["gender"], first["chip"]) == ("7", "OK", "F", "")
    assert (second["bib"], second["timestamp"]) == ("0042", "2026-06-01T10:00:00.500Z")
    assert second["timestamp_text"] == "2026-06-01T12:00:00.5+02:00"
    assert second["received_at"].endswith("Z")


@pytest.mark.parametrize("at_once", [1, 2, 3, 5, 100])
def test_a_long_session_comes_in_pages_without_a_gap_or_a_repeat(desk, session, monkeypatch, at_once):
    monkeypatch.setattr(exports, "PASSINGS", at_once)
    numbers = [0, 5, 1, 9, 3, 2**63 - 1]
    desk.post(session, *[passing(number) for number in numbers])
    found = [int(line["number"]) for line in table(desk.http.get(path(session)))]
    assert found == sorted(numbers)


def test_a_session_without_passings_is_a_header(desk, session):
    answer = desk.http.get(path(session))
    assert table(answer) == []
    assert next(csv.reader(io.StringIO(answer.text))) == list(tables.PASSING)


def test_what_a_device_wrote_is_no_formula(desk, session):
    desk.post(session, passing(1, "=1+1", chip="@x", status="-1", participant_id="+2"))
    line = table(desk.http.get(path(session)))[0]
    assert (line["bib"], line["chip"], line["status"]) == ("'=1+1", "'@x", "'-1")


def test_passings_are_for_keys_of_the_account_that_may_read_them(make_desk, make_key, other_key, session):
    refused(make_desk(None).http.get(path(session)), 401, "UNAUTHENTICATED")
    refused(make_desk("ror-00000000000000000000").http.get(path(session)), 401, "UNAUTHENTICATED")
    other = make_desk(other_key).http
    assert refused(other.get(path(session)), 404, "NOT_FOUND") == refused(
        other.get(path("x")), 404, "NOT_FOUND"
    )
    refused(make_desk(make_key(scopes=("events:read",))).http.get(path(session)), 403, "FORBIDDEN")
    assert make_desk(make_key(scopes=("passings:read",))).http.get(path(session)).status_code == 200


def test_each_column_of_passings_is_described():
    assert described("passings.csv") == list(tables.PASSING)
