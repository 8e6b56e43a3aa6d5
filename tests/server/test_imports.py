"""`passline participants import`: a file into an event."""

import asyncio

import pytest

from models import events, races
from models.database import Database
from tests.backends import execute


@pytest.fixture
def event(passline, url):
    """The token of an event with a race."""
    account = int(passline("accounts", "create", "An account").stdout)

    async def make():
        database = Database(url)
        new = events.Event(
            account_id=account,
            token="E" * 64,
            name="Run",
            start_date="2026-06-01",
            end_date="2026-06-01",
            created_at=1,
        )
        async with database.transaction() as session:
            event = await events.add(session, new)
            await races.add(session, races.Race(event_id=event.id, name="10K"))
        await database.close()

    asyncio.run(make())
    return "E" * 64


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "entries.csv"
    path.write_bytes("\ufeffDorsal;Wer;DOB;Schuh\r\n007;Zoë;1990-12-31;43\r\n8;;x;\r\n".encode())
    return path


def stored(url, columns="bib, name, birth_date"):
    return execute(url, f"SELECT {columns} FROM participants ORDER BY id")


def test_good_lines_are_entered_and_bad_ones_shown(passline, event, file, url):
    done = passline("participants", "import", str(file), "--event", event, "--map", "name=Wer")
    assert (done.code, done.stdout) == (1, "entered 1, refused 1\n")
    assert "birth_date" in done.stderr and "not used: Schuh" in done.stderr and "name=Wer" in done.stderr
    assert stored(url) == [("007", "Zoë", "1990-12-31")]
    assert execute(url, "SELECT kind, key_id FROM changes") == [("PARTICIPANTS", None)]


def test_a_dry_run_stores_nothing(passline, event, file, url):
    done = passline("participants", "import", str(file), "--event", event, "--map", "name=Wer", "--dry-run")
    assert (done.code, done.stdout) == (1, "would enter 1, refused 1\n")
    assert stored(url) == []


def test_a_clean_file_ends_with_0(passline, event, tmp_path, url):
    path = tmp_path / "many.csv"
    path.write_text("bib,name\n" + "".join(f"{bib:05},Ann\n" for bib in range(2_500)))
    done = passline("participants", "import", str(path), "--event", event)
    assert (done.code, done.stdout) == (0, "entered 2500, refused 0\n")
    found = stored(url, "bib, race_id")
    assert len(found) == 2_500 and found[7] == ("00007", 1)


def test_another_encoding_may_be_named(passline, event, tmp_path, url):
    path = tmp_path / "old.csv"
    path.write_bytes("bib,name\n7,Zoë\n".encode("cp1252"))
    refused = passline("participants", "import", str(path), "--event", event)
    assert refused.code == 1 and "not written in utf-8-sig" in refused.stderr
    assert passline("participants", "import", str(path), "--event", event, "--encoding", "cp1252").code == 0
    assert stored(url, "name") == [("Zoë",)]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--event", "F" * 64), "Event not found"),
        (("--map", "name"), "must be FIELD=COLUMN"),
        (("--map", "name=Nobody"), "no column is called Nobody"),
        (("--map", "shoe=Schuh"), "no field is called shoe"),
        ((), "has no column for name"),
        (("--encoding", "klingon"), "not written in klingon"),
    ],
)
def test_what_cannot_be_is_said_in_a_sentence(passline, event, file, words, sentence, url):
    given = words if "--event" in words else ("--event", event, *words)
    done = passline("participants", "import", str(file), *given)
    assert (done.code, done.stdout) == (1, "")
    assert sentence in done.stderr and "Traceback" not in done.stderr
    assert stored(url) == []
