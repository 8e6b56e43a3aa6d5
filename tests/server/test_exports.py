"""Exports: results and passings of a running server, for those who may have them."""

import csv
import io
import re
import time
from pathlib import Path

import httpx
import pytest

from resolvers import results
from server import exports, tables
from tests.conftest import Desk, make_account, make_key_of
from tests.server.racing import Meeting

DOCUMENT = Path(__file__).parents[2] / "docs" / "results.md"


def table(answer):
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("text/csv; charset=utf-8")
    return list(csv.DictReader(io.StringIO(answer.content.decode(), newline="")))


def refused(answer, status, code):
    """Plain JSON with a sentence and a code, nothing else."""
    assert answer.status_code == status, answer.text
    assert set(answer.json()) == {"description", "code"} and answer.json()["code"] == code
    return answer.json()["description"]


def wait_until(true):
    """The server has sent the end of an answer a moment before it has done with it."""
    deadline = time.monotonic() + 5
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.fixture
def meeting(desk):
    """1 wins, 2 has a penalty to come, 3 gave up behind 5 km, 4 did not come."""
    made = Meeting(desk, categories=[{"name": "Masters", "youngest": 40}, {"name": "M"}])
    made.enter(
        {
            "bib": "007",
            "name": "Ada",
            "lastName": "Ng",
            "gender": "F",
            "age": 41,
            "club": "AC",
            "country": "SGP",
        },
        {"bib": "2", "name": "Bo, Li", "gender": "M", "age": 20, "team": 'The "Fast"'},
        {"bib": "3", "name": "Cy", "gender": "M", "status": "DNF"},
        {"bib": "4", "name": "Di", "gender": "F", "status": "DNS"},
    )
    made.run("007", 2.5, 1200, 2400.25)
    made.run("2", 1, 1300, 3725.000001)
    made.run("3", 4, 1100)
    return made


def test_results_as_a_table(desk, meeting):
    lines = table(desk.http.get(meeting.path("csv")))
    assert [line["bib"] for line in lines] == ["007", "2", "3", "4"]
    assert lines[0] == {
        "rank": "1", "gender_rank": "1", "category_rank": "1", "bib": "007", "name": "Ada Ng", "gender": "F",
        "category": "Masters", "club": "AC", "team": "", "country": "SGP", "state": "FINISHED",
        "time": "0:40:00.25", "gun_time": "0:40:00.25", "net_time": "0:39:57.75", "net_is_gun": "",
        "adjustment": "", "laps": "1",
        "split: Start": "0:00:02.5", "split: 5 km": "0:20:00", "split: Finish": "0:40:00.25",
    }  # fmt: skip
    assert (lines[1]["time"], lines[1]["name"], lines[1]["team"]) == (
        "1:02:05.000001",
        "Bo, Li",
        'The "Fast"',
    )
    assert (lines[2]["rank"], lines[2]["state"], lines[2]["time"]) == ("", "DNF", "")
    assert (lines[2]["split: 5 km"], lines[2]["split: Finish"]) == ("0:18:20", "")
    assert (lines[3]["state"], lines[3]["split: Start"]) == ("DNS", "")


def test_results_as_a_document(desk, meeting):
    meeting.read(2, "007", 2405)
    answer = desk.http.get(meeting.path("json"))
    assert answer.headers["content-type"] == "application/json"
    found = answer.json()
    assert found["event"] == {"token": meeting.event, "name": "Run", "edition": None}
    assert (found["race"]["id"], found["race"]["name"], found["race"]["mode"]) == (
        meeting.id,
        "10K",
        "COURSE",
    )
    assert [point["name"] for point in found["checkpoints"]] == ["Start", "5 km", "Finish"]
    assert found["waves"] == [{"name": "1", "gunTime": "2026-06-01T10:00:00.000Z"}]
    assert found["verdicts"] == {"VALID": 8, "BOUNCED": 1}
    first, _, third, _ = found["results"]
    assert first["splits"].pop() == {
        "checkpoint": "Finish", "lap": 1, "at": "2026-06-01T10:40:00.250Z", "gunTime": 2400.25, "netTime": 2397.75,
    }  # fmt: skip
    assert len(first.pop("splits")) == 2
    assert first == {
        "rank": 1, "genderRank": 1, "categoryRank": 1, "bib": "007", "name": "Ada Ng", "gender": "F",
        "category": "Masters", "club": "AC", "team": None, "country": "SGP", "state": "FINISHED",
        "time": 2400.25, "gunTime": 2400.25, "netTime": 2397.75, "netIsGun": False, "adjustment": 0.0, "laps": 1,
    }  # fmt: skip
    assert (third["rank"], third["time"], third["gunTime"]) == (None, None, None)


def test_an_acknowledged_passing_is_in_the_very_next_export(desk):
    meeting = Meeting(desk)
    meeting.enter({"bib": "1", "name": "A"})
    for seconds, mat in ((0.5, 0), (600, 1), (1200, 2)):
        meeting.read(mat, "1", seconds)
        line = table(desk.http.get(meeting.path("csv")))[0]
        assert sum(bool(cell) for name, cell in line.items() if name.startswith("split")) == mat + 1


def test_laps_have_a_column_for_each_visit(desk):
    course = [{"kind": "START"}, {"kind": "FINISH", "distance": 400.0}]
    meeting = Meeting(desk, mode="LAPS", laps=3, checkpoints=course)
    meeting.enter({"bib": "1", "name": "A"}, {"bib": "2", "name": "B"})
    for mat, seconds in ((0, 0), (1, 100), (1, 200)):
        meeting.read(mat, "1", seconds)
    line = table(desk.http.get(meeting.path("csv")))[0]
    splits = {name: cell for name, cell in line.items() if name.startswith("lap ")}
    assert splits == {"lap 1: Start": "0:00:00", "lap 1: Finish": "0:01:40", "lap 2: Finish": "0:03:20"}
    assert (line["laps"], line["state"], line["time"]) == ("2", "ON_COURSE", "")


@pytest.mark.parametrize("beginning", ["=", "+", "-", "@", "\t", "\r"])
def test_a_formula_is_only_text(desk, beginning):
    meeting = Meeting(desk)
    text = f"{beginning}cmd|' /C calc'!A0"
    meeting.enter(
        {"bib": f"{beginning}1" if beginning.strip() else "1", "name": f"x{text}", "club": f"y{text}"}
    )
    meeting.enter({"bib": "7", "name": "B", "lastName": "C", "club": text.strip(), "gender": "M"})
    lines = {line["name"]: line for line in table(desk.http.get(meeting.path("csv")))}
    for line in lines.values():
        assert not any((cell or "").startswith(("=", "+", "-", "@", "\t", "\r")) for cell in line.values())
    if beginning.strip():
        assert lines["B C"]["club"] == f"'{text}"
        clubs = {each["club"] for each in desk.http.get(meeting.path("json")).json()["results"]}
        assert text in clubs


@pytest.mark.parametrize("text", ["=1", "+1", "-1", "@a", "\ta", "\ra", "\na"])
def test_what_a_spreadsheet_computes_is_marked(text):
    assert tables.text(text) == f"'{text}"


@pytest.mark.parametrize(
    ("time", "shown"),
    [(None, ""), (0, "0:00:00"), (1, "0:00:00.000001"), (59_999_000, "0:00:59.999"), (3_600_000_000, "1:00:00"),
     (100 * 3_600_000_000 + 61_500_000, "100:01:01.5"), (-30_000_000, "-0:00:30")],
)  # fmt: skip
def test_a_duration_has_the_decimals_that_it_needs(time, shown):
    assert tables.duration(time) == shown


def test_a_private_race_is_not_there_for_others(desk, make_desk, other_key, meeting):
    unknown = refused(desk.http.get("/exports/races/UmFjZTo5OTk5OTk=/results.csv"), 404, "NOT_FOUND")
    for key in (None, other_key):
        for kind in ("csv", "json"):
            assert refused(make_desk(key).http.get(meeting.path(kind)), 404, "NOT_FOUND") == unknown


def test_the_key_needs_the_right(make_desk, make_key, meeting):
    for scopes, status in ((("participants:read", "passings:read"), 403), (("events:read",), 200)):
        answer = make_desk(make_key(scopes=scopes)).http.get(meeting.path("csv"))
        assert answer.status_code == status
        if status == 403:
            refused(answer, 403, "FORBIDDEN")


def test_a_public_race_needs_no_key_and_takes_no_wrong_one(desk, make_desk, other_key):
    meeting = Meeting(desk, public=True)
    meeting.enter({"bib": "1", "name": "A"})
    for key in (None, other_key):
        http = make_desk(key).http
        assert [line["bib"] for line in table(http.get(meeting.path("csv")))] == ["1"]
        document = http.get(meeting.path("json")).json()
        assert ([line["bib"] for line in document["results"]], document["verdicts"]) == (["1"], None)
    wrong = make_desk("ror-00000000000000000000").http.get(meeting.path("csv"))
    refused(wrong, 401, "UNAUTHENTICATED")


@pytest.mark.parametrize(
    "race", ["x", "UmFjZTox" * 50, "RXZlbnQ6MQ==", "UmFjZTotMQ==", "%00", "%F0%9F%8F%83", "="]
)
def test_what_is_no_race_is_not_found(desk, race):
    refused(desk.http.get(f"/exports/races/{race}/results.csv"), 404, "NOT_FOUND")


@pytest.mark.parametrize(
    "path", ["/exports", "/exports/", "/exports/races/x", "/exports/races/x/results.xml", "/exports/x"]
)
def test_another_path_is_not_found(desk, path):
    refused(desk.http.get(path, follow_redirects=True), 404, "NOT_FOUND")


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
def test_exports_are_only_read(desk, meeting, method):
    refused(desk.http.request(method, meeting.path("csv")), 405, "BAD_USER_INPUT")


def test_a_head_is_the_answer_without_its_body(desk, meeting):
    answer = desk.http.head(meeting.path("csv"))
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["content-type"].startswith("text/csv")


def test_an_export_is_a_file_that_nobody_keeps_or_guesses_at(desk, meeting):
    for kind in ("csv", "json"):
        headers = desk.http.get(meeting.path(kind)).headers
        assert headers["content-disposition"] == "attachment"
        assert (headers["cache-control"], headers["x-content-type-options"]) == ("no-store", "nosniff")


def test_a_page_of_another_origin_may_ask(make_desk, desk):
    meeting = Meeting(desk, public=True)
    answer = make_desk(None).http.get(meeting.path("json"), headers={"origin": "https://club.example"})
    assert answer.headers["access-control-allow-origin"] == "*"


def test_more_than_so_many_at_once_are_told_to_come_back(make_server, monkeypatch):
    server = make_server()
    desk = Desk(server, make_key_of(server, make_account(server)))
    meeting = Meeting(desk, public=True)
    monkeypatch.setattr(exports, "MOST_AT_ONCE", 0)
    answer = desk.http.get(meeting.path("csv"))
    refused(answer, 503, "BUSY")
    assert int(answer.headers["retry-after"]) > 0
    monkeypatch.setattr(exports, "MOST_AT_ONCE", 1)
    for _ in range(3):
        wait_until(lambda: desk.http.get(meeting.path("csv")).status_code == 200)
    desk.http.close()


def test_an_export_that_takes_too_long_is_cut_off_and_gives_way(desk, meeting, monkeypatch):
    monkeypatch.setattr(exports, "LONGEST", 0.3)
    with monkeypatch.context() as patch:
        patch.setattr(tables, "result_rows", lambda *_: time.sleep(1) or b"")
        with pytest.raises(httpx.RemoteProtocolError):
            desk.http.get(meeting.path("csv"))
        patch.setattr(results, "_results", lambda *_: time.sleep(1))
        refused(desk.http.get(meeting.path("csv")), 503, "BUSY")
    for _ in range(exports.MOST_AT_ONCE + 1):
        wait_until(lambda: desk.http.get(meeting.path("csv")).status_code == 200)


def test_a_fault_of_ours_says_nothing_of_itself(desk, meeting, monkeypatch):
    def fail(*_):
        raise RuntimeError("secret")

    monkeypatch.setattr(results, "_results", fail)
    refused(desk.http.get(meeting.path("csv")), 500, "INTERNAL_SERVER_ERROR")


@pytest.mark.parametrize("at_once", [1, 2, 3, 7])
def test_pieces_make_up_the_whole(desk, meeting, monkeypatch, at_once):
    tables_whole, whole = (
        table(desk.http.get(meeting.path("csv"))),
        desk.http.get(meeting.path("json")).json(),
    )
    monkeypatch.setattr(exports, "LINES", at_once)
    assert table(desk.http.get(meeting.path("csv"))) == tables_whole
    assert desk.http.get(meeting.path("json")).json()["results"] == whole["results"]


def test_a_race_without_participants_is_an_empty_table_and_a_whole_document(desk):
    meeting = Meeting(desk)
    assert table(desk.http.get(meeting.path("csv"))) == []
    assert desk.http.get(meeting.path("json")).json()["results"] == []


def test_each_column_of_results_is_described(desk, meeting):
    header = desk.http.get(meeting.path("csv")).text.splitlines()[0].split(",")
    real = [name for name in header if not name.startswith("split: ")]
    assert described("results.csv") == [*real, "split: CHECKPOINT", "lap N: CHECKPOINT"]


def test_each_field_of_the_document_is_described(desk, meeting):
    found = desk.http.get(meeting.path("json")).json()
    line = found["results"][0]
    names = [*found, *line, *line["splits"][0]]
    assert set(described("results.json")) == {name for name in names}


def described(heading):
    """The first column of the table under a heading."""
    section = re.split(r"^## ", DOCUMENT.read_text(), flags=re.MULTILINE)
    rows = next(each for each in section if heading in each.splitlines()[0]).splitlines()
    return [
        name for row in rows if row.startswith("| `") for name in re.findall(r"`([^`]+)`", row.split("|")[1])
    ]
