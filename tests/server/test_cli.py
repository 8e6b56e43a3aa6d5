"""The command line: prints what scripts need, says no in one sentence."""

import re
import sqlite3

import pytest

KEY = re.compile(r"ror-[0-9a-f]{20}")


@pytest.fixture
def account(passline):
    return passline("accounts", "create", "An account").stdout.strip()


def new_key(passline, account, *more):
    return passline("keys", "create", "--account", account, "--access", "READ_WRITE", *more)


def refused(result):
    """One sentence on standard error, exit code 1, nothing on standard output."""
    assert result.code == 1, result
    assert result.stdout == ""
    lines = result.stderr.strip().splitlines()
    assert len(lines) == 1 and "Traceback" not in result.stderr, result.stderr
    return lines[0]


def test_an_account_and_a_key_are_printed_alone(passline, account, tmp_path):
    assert account.isdigit()
    made = new_key(passline, account)
    assert made.code == 0 and KEY.fullmatch(made.stdout.strip()) and made.stdout.count("\n") == 1
    assert made.stderr == ""
    assert made.stdout.strip().encode() not in (tmp_path / "own.db").read_bytes()
    listed = passline("keys", "list")
    assert made.stdout.strip()[-4:] in listed.stdout and not KEY.search(listed.stdout + listed.stderr)
    assert made.stdout.strip() not in listed.stdout


def test_a_list_is_whole_also_where_it_is_read_by_a_program(passline, account):
    new_key(passline, account, "--alias", "The scoreboard at the finish line", "--scope", "passings:read")
    listed = passline("keys", "list", "--account", account).stdout
    assert "The scoreboard at the finish line" in listed and "passings:read" in listed


def test_a_keys_options_are_kept(passline, account, tmp_path):
    made = new_key(
        passline, account, "--unbind", "--alias", "A", "--scope", "devices:read", "--scope", "passings:read",
        "--v0-shape", "BODY",
    )  # fmt: skip
    assert made.code == 0
    database = sqlite3.connect(tmp_path / "own.db")
    columns = "alias, access, may_unbind, scopes, v0_shape"
    rows = database.execute(f"SELECT {columns} FROM api_keys").fetchall()
    database.close()
    assert rows == [("A", "READ_WRITE", 1, "devices:read passings:read", "BODY")]


def test_a_revoked_key_is_shown_as_revoked(passline, account):
    new_key(passline, account)
    assert passline("keys", "revoke", "1").code == 0
    assert re.search(r"20\d\d-\d\d-", passline("keys", "list").stdout)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("keys", "create", "--account", "99", "--access", "READ"), "Account not found"),
        (("keys", "create", "--account", "1", "--access", "EVERYTHING"), "access: must be one of"),
        (("keys", "create", "--account", "1", "--access", "READ", "--unbind"), "unbind"),
        (("keys", "create", "--account", "1", "--access", "READ", "--scope", "x"), "scopes: must be one of"),
        (("keys", "create", "--account", "1", "--access", "READ", "--v0-shape", "x"), "must be one of"),
        (("keys", "revoke", "99"), "Key not found"),
        (("accounts", "create", ""), "name"),
        (("accounts", "create", "x" * 200), "name"),
    ],
)
def test_a_no_is_one_sentence(passline, account, words, sentence):
    assert sentence in refused(passline(*words))


def test_an_account_that_no_database_can_have_is_not_found(passline, account):
    assert "not found" in refused(new_key(passline, str(2**70)))


def test_an_11th_live_key_is_refused(passline, account, tmp_path):
    new_key(passline, account)
    database = sqlite3.connect(tmp_path / "own.db")
    names = "account_id, hint, access, may_unbind, v0_shape, created_at"
    for number in range(9):
        database.execute(
            f"INSERT INTO api_keys (hash, {names}) SELECT x'0{number}', {names} FROM api_keys WHERE id = 1"
        )
    database.commit()
    database.close()
    assert "10 live keys" in refused(new_key(passline, account))


def test_migrating_twice_is_no_mistake(passline, tmp_path):
    for _ in range(2):
        assert passline("migrate").code == 0
    database = sqlite3.connect(tmp_path / "own.db")
    tables = {row[0] for row in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    database.close()
    assert {"accounts", "api_keys", "devices", "sessions", "passings", "conflicts"} <= tables


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
@pytest.mark.parametrize(
    "settings",
    [
        {"database_url": "sqlite+aiosqlite:////nowhere/at/all/x.db"},
        {"database_url": "nonsense"},
        {"database_url": "postgresql+asyncpg://nobody@127.0.0.1:1/x"},
        {"port": "x"},
        {"log_level": "LOUD"},
    ],
)
@pytest.mark.parametrize("words", [("accounts", "create", "x"), ("migrate",)])
def test_a_setting_that_cannot_be_used_is_one_sentence_too(passline, settings, words):
    refused(passline(*words, **settings))
