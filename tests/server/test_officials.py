"""The commands of officials, asking a running server."""

import json

import pytest

from resolvers import leaderboards
from tests.server.racing import Meeting

pytestmark = pytest.mark.alone("sqlite", "a command is a client of the public API")


@pytest.fixture
def meeting(desk):
    made = Meeting(desk)
    made.enter({"bib": "1", "name": "[red]Ada"}, {"bib": "2", "name": "Bo"})
    made.run("1", 1, 600, 1200)
    made.run("2", 2, 700, 1400)
    return made


@pytest.fixture
def ask(passline, server, key):
    """Runs a command on the server with the account's key, unless it is given another."""

    def run(command, race, *words, key=key, url=server.url):
        return passline(command, race, "--url", url, *(["--key", key] if key else []), *words)

    return run


def refused(result):
    """One sentence on standard error, exit code 2."""
    assert (result.code, result.stdout) == (2, ""), result
    lines = result.stderr.strip().splitlines()
    assert len(lines) == 1 and "Traceback" not in result.stderr, result.stderr
    return lines[0]


def test_results_are_printed_as_the_route_gives_them(ask, desk, meeting):
    found = ask("results", meeting.id)
    assert (found.code, found.stderr) == (0, "")
    assert found.stdout == desk.http.get(meeting.path("csv")).text
    document = json.loads(ask("results", meeting.id, "--format", "json").stdout)
    assert [line["bib"] for line in document["results"]] == ["1", "2"]


def test_results_go_into_a_file(ask, desk, meeting, tmp_path):
    file = tmp_path / "out.csv"
    for _ in range(2):
        found = ask("results", meeting.id, "-o", str(file))
        assert (found.code, found.stdout) == (0, "")
        assert file.read_bytes() == desk.http.get(meeting.path("csv")).content
    assert "out.csv.part" not in [each.name for each in tmp_path.iterdir()]


def test_a_refusal_leaves_the_file_as_it_was(ask, meeting, tmp_path, other_key):
    file = tmp_path / "out.csv"
    file.write_text("before")
    assert refused(ask("results", meeting.id, "-o", str(file), key=other_key))
    assert file.read_text() == "before"


def test_a_folder_that_is_not_there_is_one_sentence(ask, meeting, tmp_path):
    found = ask("results", meeting.id, "-o", str(tmp_path / "none" / "out.csv"))
    assert found.code != 0 and len(found.stderr.strip().splitlines()) == 1


def test_public_results_need_no_key(ask, desk):
    meeting = Meeting(desk, public=True)
    meeting.enter({"bib": "1", "name": "A"})
    assert "\r\n" in ask("results", meeting.id, key="").stdout


def test_a_board_that_is_what_its_passings_say_is_equal(ask, meeting):
    assert ask("rescore", meeting.id) == (0, "equal\n", "")


def test_what_differs_is_a_table_and_exit_code_1(ask, meeting, monkeypatch):
    monkeypatch.setattr(
        leaderboards, "_differences", lambda *_: ["participant 1: [bold]running", "verdicts: x"]
    )
    found = ask("rescore", meeting.id)
    assert found.code == 1
    assert "participant 1: [bold]running" in found.stdout and "verdicts: x" in found.stdout


def test_a_race_without_anything_doubtful(ask, meeting):
    assert ask("anomalies", meeting.id) == (0, "nothing to look at\n", "")


def test_what_is_doubtful_is_a_table_and_exit_code_1(ask, desk, meeting):
    meeting.enter({"bib": "3", "name": "[red]Cy"})
    meeting.read(0, "3", 3)
    meeting.read(2, "3", 1500)
    found = ask("anomalies", meeting.id)
    assert found.code == 1
    assert "[red]Cy" in found.stdout


@pytest.mark.parametrize("command", ["results", "rescore", "anomalies"])
@pytest.mark.parametrize("race", ["x", "UmFjZTo5OTk5OTk=", "a/b", "?", "Ünï"])
def test_what_is_no_race_is_one_sentence(ask, meeting, command, race):
    assert "not found" in refused(ask(command, race)).lower()


@pytest.mark.parametrize("command", ["results", "rescore", "anomalies"])
def test_who_may_not_is_told_so_in_one_sentence(ask, meeting, make_key, other_key, command):
    assert "not found" in refused(ask(command, meeting.id, key=other_key))
    assert "unknown api key" in refused(ask(command, meeting.id, key="ror-00000000000000000000"))
    assert "may not read" in refused(ask(command, meeting.id, key=make_key(scopes=("devices:read",))))
    assert refused(ask(command, meeting.id, key="kéy"))


@pytest.mark.parametrize("command", ["results", "rescore", "anomalies"])
@pytest.mark.parametrize("url", ["http://127.0.0.1:1", "nonsense", "http://", "http://[", "ftp://127.0.0.1"])
def test_no_server_is_one_sentence(ask, command, url):
    refused(ask(command, "x", url=url))


def test_an_unknown_format_is_refused(ask, meeting):
    found = ask("results", meeting.id, "--format", "xml")
    assert found.code == 2 and "csv or json" in found.stderr
