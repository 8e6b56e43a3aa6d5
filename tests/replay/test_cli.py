"""The command line of a replay: what it refuses, and that the server's counts decide the exit code."""

import asyncio
import sys

import pytest
import typer
from typer import testing

from replay import cli

app = typer.Typer()
app.command()(cli.replay)
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


async def test_competitors_are_enrolled_on_request(results, moody):
    status, said = await run(results, "--url", moody.url, "--key", "ror-0", "--event", "E1")
    assert (status, set(moody.entrants)) == (0, {"1", "2", "3"})
    assert "3 of 3 competitors enrolled" in said


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["--speed", "fast"], "a positive number or max"),
        (["--speed", "0"], "a positive number or max"),
        (["--speed", "nan"], "a positive number or max"),
        (["--devices-offline", "3"], "the race has 2 devices"),
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
