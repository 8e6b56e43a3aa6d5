"""Settings: from the environment, judged at start, described."""

import re
from pathlib import Path

import pydantic
import pytest

from server.settings import Settings

DOCUMENT = Path(__file__).parents[2] / "docs" / "settings.md"


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("name", Settings.model_fields)
def test_each_setting_has_a_row_with_its_default(name):
    rows = [line for line in DOCUMENT.read_text().splitlines() if line.startswith("|")]
    found = [row for row in rows if f"`PASSLINE_{name.upper()}`" in row.split("|")[1]]
    assert len(found) == 1
    default = Settings.model_fields[name].default
    shown = str(default).lower() if isinstance(default, bool) else str(default)
    assert shown in found[0].split("|")[2]


def test_no_row_is_about_a_setting_that_is_gone():
    named = re.findall(r"^\| `PASSLINE_(\w+)`", DOCUMENT.read_text(), re.MULTILINE)
    assert sorted(named) == sorted(name.upper() for name in Settings.model_fields)


def test_the_environment_wins_over_the_file(monkeypatch, tmp_path):
    (tmp_path / ".env").write_text("PASSLINE_PORT=1234\nPASSLINE_HOST=example\nOTHER=1\n")
    assert Settings().port == 1234
    monkeypatch.setenv("PASSLINE_PORT", "4321")
    assert (Settings().port, Settings().host) == (4321, "example")


def test_settings_do_not_change_once_read():
    settings = Settings()
    with pytest.raises(pydantic.ValidationError):
        settings.port = 1


@pytest.mark.parametrize("place", ["host:port", "[host", "host:70000"])
def test_a_wrong_database_is_a_sentence_without_its_password(place):
    with pytest.raises(pydantic.ValidationError) as wrong:
        Settings(database_url=f"postgresql+asyncpg://user:secret@{place}/name")
    (error,) = wrong.value.errors()
    assert error["loc"] == ("database_url",) and "host and port" in error["msg"]
    assert "secret" not in error["msg"]


def test_a_wrong_bus_is_a_sentence_without_its_password():
    with pytest.raises(pydantic.ValidationError) as wrong:
        Settings(broker_url="redis://:sec/ret@host:6379")
    (error,) = wrong.value.errors()
    assert error["loc"] == ("broker_url",) and "%2F" in error["msg"] and "ret" not in error["msg"]


@pytest.mark.parametrize(
    ("name", "bad"),
    [("port", "70000"), ("port", "x"), ("body_limit", "10"), ("drain_seconds", "0"), ("ingest_queue", "5"),
     ("head_limit", "10"), ("head_seconds", "0"), ("key_rate", "-1"), ("stranger_burst", "0"),
     ("broker_url", "kafka://host"), ("broker_url", "localhost:6379"), ("trusted_proxies", "localhost"), ("log_level", "LOUD"), ("log_format", "xml"), ("graphiql", "maybe")],
)  # fmt: skip
def test_nonsense_in_a_setting_is_refused(monkeypatch, name, bad):
    monkeypatch.setenv(f"PASSLINE_{name.upper()}", bad)
    with pytest.raises(pydantic.ValidationError):
        Settings()
