"""The command line of a replay: what it refuses, and that the server's counts decide the exit code."""

import asyncio
import re
import sys

import pytest
import typer
from typer import testing

from replay import cli

app = typer.Typer()
app.command()(cli.replay)
CREATE = """mutation { createEvent(input: {name: "Other gun", startDate: "2026-05-03"}) { token } }"""
RACE = """mutation ($token: String!) {
  createRace(eventToken: $token, input: {
    name: "results", waves: [{name: "All", gunTime: "2999-01-01T00:00:00Z"}]
    checkpoints: [{name: "5k"}, {kind: FINISH}]
  }) { id }
}"""
SPLITS = "bib,5k,finish\n1,0:15:09,0:31:00\n2,0:16:00,\n3,0:17:00,0:35:00\n"


@pytest.fixture
def results(tmp_path):
    path = tmp_path / "results.csv"
    path.write_text(SPLITS)
    return str(path)


async def run(*words):
    """Exit code and output of the command, in a process of its own: it brings its own event loop."""
    code = "import sys, typer; from replay import cli; a = typer.Typer(); a.command()(cli.replay); a()"
    pipe = asyncio.subprocess.PIPE
    done = await asyncio.create_subprocess_exec(sys.executable, "-c", code, *words, stdout=pipe, stderr=pipe)
    out, err = await done.communicate()
    return done.returncode, out.decode() + err.decode()


async def test_a_race_that_arrives_whole_exits_with_0(results, moody):
    status, said = await run(results, "--url", moody.url, "--key", "ror-0", "--repeats", "0.5")
    assert (status, moody.count()) == (0, 5)
    assert "Each of the 5 passings is stored once." in said


async def test_a_race_that_does_not_exits_with_1(results, moody):
    moody.moods = ["lossy"]
    status, said = await run(results, "--url", moody.url, "--key", "ror-0")
    assert status == 1
    assert "the session holds" in said


async def test_a_new_event_gets_the_race_and_its_board_is_compared(results, server, key):
    words = ("--url", server.url, "--key", key, "--new-event", "Rehearsal", "--start", "2026-05-03T10:00:00")
    status, said = await run(results, *words)
    assert status == 0, said
    [token] = re.findall("^Event ([0-9A-F]{64})$", said, re.M)
    assert "Races made: results." in said
    assert "3 of 3 competitors enrolled" in said
    assert "results: 2 finishers on the board, as in the file." in said
    status, said = await run(results, *words[:4], "--event", token, "--start", "2026-05-03T10:00:00")
    assert status == 0, said
    assert "Races of the event: results." in said
    assert "0 of 3 competitors enrolled" in said
    assert "results: 2 finishers on the board, as in the file." in said


async def test_a_board_with_other_finishers_exits_with_1(results, server, key, desk):
    token = desk.data(CREATE)["createEvent"]["token"]
    desk.data(RACE, token=token)
    status, said = await run(results, "--url", server.url, "--key", key, "--event", token)
    assert status == 1, said
    assert "results: the board has 0 finishers, the file 2." in said
    assert "Each of the 5 passings is stored once." in said


async def test_an_event_that_is_not_there_exits_with_2(results, server, key):
    status, said = await run(results, "--url", server.url, "--key", key, "--event", "0" * 64)
    assert status == 2
    assert "There is no event" in said


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["--speed", "fast"], "a positive number or max"),
        (["--speed", "0"], "a positive number or max"),
        (["--speed", "nan"], "a positive number or max"),
        (["--devices-offline", "3"], "the race has 2 devices"),
        (["--event", "E1", "--new-event", "Run"], "do not go together"),
        (["--url", "localhost"], "not the http"),
    ],
)
def test_nonsense_is_refused_before_anything_is_sent(results, words, why):
    done = testing.CliRunner(env={"COLUMNS": "200"}).invoke(app, [results, "--key", "ror-0", *words])
    assert done.exit_code == 2
    assert why in " ".join(done.output.split())


def test_a_file_that_is_none_exits_with_2(tmp_path):
    done = testing.CliRunner().invoke(app, [str(tmp_path / "none.csv"), "--key", "ror-0"])
    assert done.exit_code == 2
    assert "No such file" in done.output
