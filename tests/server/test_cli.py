"""The command line: prints what scripts need, says no in one sentence."""

import re

import pytest

from resolvers import callers
from tests.backends import execute

KEY = re.compile(r"ror-[0-9a-f]{20}")
TOKEN = re.compile(r"bind-[0-9a-f]{20}")


@pytest.fixture(autouse=True)
def nobody_serves(monkeypatch):
    """There is no server whose belief in a revoked key has to be waited out."""
    monkeypatch.setattr(callers, "SECONDS_TRUSTED", 0.0)


@pytest.fixture
def account(passline):
    return passline("accounts", "create", "An account").stdout.strip()


def everything(url, table):
    """All that the table holds, as text."""
    rows = execute(url, f"SELECT * FROM {table}")
    assert rows
    return repr(rows) + "".join(value.hex() for row in rows for value in row if isinstance(value, bytes))


def new_key(passline, account, *more):
    return passline("keys", "create", "--account", account, "--access", "READ_WRITE", *more)


def refused(result):
    """One sentence on standard error, exit code 1, nothing on standard output."""
    assert result.code == 1, result
    assert result.stdout == ""
    lines = result.stderr.strip().splitlines()
    assert len(lines) == 1 and "Traceback" not in result.stderr, result.stderr
    return lines[0]


def test_an_account_and_a_key_are_printed_alone(passline, account, url):
    assert account.isdigit()
    made = new_key(passline, account)
    assert made.code == 0 and KEY.fullmatch(made.stdout.strip()) and made.stdout.count("\n") == 1
    assert made.stderr == ""
    assert made.stdout.strip().removeprefix("ror-") not in everything(url, "api_keys")
    listed = passline("keys", "list")
    assert made.stdout.strip()[-4:] in listed.stdout and not KEY.search(listed.stdout + listed.stderr)
    assert made.stdout.strip() not in listed.stdout


def test_a_list_is_whole_also_where_it_is_read_by_a_program(passline, account):
    new_key(passline, account, "--alias", "The scoreboard at the finish line", "--scope", "passings:read")
    listed = passline("keys", "list", "--account", account).stdout
    assert "The scoreboard at the finish line" in listed and "passings:read" in listed


def test_a_keys_options_are_kept(passline, account, url):
    made = new_key(
        passline, account, "--unbind", "--alias", "A", "--scope", "devices:read", "--scope", "passings:read",
        "--v0-shape", "BODY",
    )  # fmt: skip
    assert made.code == 0
    columns = "alias, access, may_unbind, scopes, v0_shape"
    rows = execute(url, f"SELECT {columns} FROM api_keys")
    assert rows == [("A", "READ_WRITE", 1, "devices:read passings:read", "BODY")]


def test_a_revoked_key_is_shown_as_revoked(passline, account):
    new_key(passline, account)
    assert passline("keys", "revoke", "1").code == 0
    assert re.search(r"20\d\d-\d\d-", passline("keys", "list").stdout)


def test_a_key_for_one_device_or_event_names_one_that_the_account_has(passline, account):
    for option, noun in (("--device", "Device"), ("--event", "Event")):
        assert f"{noun} not found" in refused(new_key(passline, account, option, "F" * 64))


def test_a_rotated_key_goes_on_working_for_the_overlap(passline, account, url):
    first = new_key(passline, account, "--alias", "Gate", "--expires-in", "3600").stdout.strip()
    second = passline("keys", "rotate", "1", "--overlap", "60")
    assert KEY.fullmatch(second.stdout.strip()) and second.stdout.strip() != first
    rows = execute(url, "SELECT alias, replaced_by, expires_at - created_at FROM api_keys ORDER BY id")
    (old, new), hour = rows, 3600 * 10**6
    assert old[:2] == ("Gate", 2) and new[:2] == ("Gate", None) and old[2] < new[2] <= hour
    listed = passline("keys", "list").stdout
    assert re.search(r"Gate.*20\d\d-\d\d-.* 2 ", listed)
    assert "rotated already" in refused(passline("keys", "rotate", "1"))


def test_the_audit_trail_tells_what_was_done(passline, account):
    new_key(passline, account)
    passline("keys", "rotate", "1", "--overlap", "0")
    passline("keys", "revoke", "2")
    passline("bindings", "create", "--account", account)
    lines = passline("keys", "audit", "--account", account).stdout.splitlines()
    done = [word for line in lines for word in re.findall(r"(?:KEY|TOKEN)_\w+", line)]
    assert done == ["TOKEN_MADE", "KEY_REVOKED", "KEY_ROTATED", "KEY_MADE", "KEY_MADE"]
    assert "Account not found" in refused(passline("keys", "audit", "--account", "99"))


def test_a_binding_token_is_printed_alone_and_can_be_revoked(passline, account, url):
    made = passline("bindings", "create", "--account", account, "--expires-in", "60", "--alias", "Finish")
    assert made.code == 0 and TOKEN.fullmatch(made.stdout.strip()) and made.stdout.count("\n") == 1
    assert made.stdout.strip().removeprefix("bind-") not in everything(url, "binding_tokens")
    listed = passline("bindings", "list", "--account", account).stdout
    assert made.stdout.strip()[-4:] in listed and "Finish" in listed and not TOKEN.search(listed)
    assert passline("bindings", "revoke", "1").stdout.strip() == "binding token 1 is revoked"
    assert len(re.findall(r"20\d\d-\d\d-", passline("bindings", "list").stdout)) == 3


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("keys", "rotate", "99"), "Key not found"),
        (
            ("keys", "create", "--account", "1", "--access", "READ", "--expires-in", "0"),
            "expires_in: must be",
        ),
        (("bindings", "create", "--account", "99"), "Account not found"),
        (("bindings", "create", "--account", "1", "--expires-in", "59"), "expires_in: must be between 60"),
        (("bindings", "revoke", "99"), "Binding token not found"),
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


def test_an_11th_live_key_is_refused(passline, account, url):
    new_key(passline, account)
    names = "account_id, hint, access, may_unbind, v0_shape, created_at"
    for number in range(9):
        hashed = f"x'0{number}'" if url.startswith("sqlite") else f"'\\x0{number}'::bytea"
        execute(
            url, f"INSERT INTO api_keys (hash, {names}) SELECT {hashed}, {names} FROM api_keys WHERE id = 1"
        )
    assert "10 live keys" in refused(new_key(passline, account))


def test_migrating_twice_is_no_mistake(passline, bare_url):
    for _ in range(2):
        assert passline("migrate", database_url=bare_url).code == 0
    for table in ("accounts", "api_keys", "devices", "sessions", "passings", "conflicts"):
        assert execute(bare_url, f"SELECT count(*) FROM {table}") == [(0,)]


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
