"""The black-box protocol checks of a folder beside the repository, run against our own server.

The folder is named by PASSLINE_CONFORMANCE, else `../shared/conformance`. Without it there is nothing to run.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conformance.modules import installed
from tests.conftest import make_account, make_key_of

HOME = Path(__file__).parents[2]
FOLDER = Path(os.environ.get("PASSLINE_CONFORMANCE") or HOME.parent / "shared" / "conformance")
KNOWN = Path(__file__).parent / "known.json"
"""Rules that we do not keep yet, by suite. The list only gets shorter: one that is kept must be taken off."""

pytestmark = pytest.mark.skipif(
    not (FOLDER / "py").is_dir(), reason=f"no protocol checks: set PASSLINE_CONFORMANCE (no {FOLDER.name}/py)"
)
DEVICES = 16
"""So many are on more than three of the pages that are turned."""
HASTE = 1
"""Seconds that a socket has for its first message: each of those that say nothing is waited for."""


@pytest.fixture
def server(make_server):
    return make_server(init_seconds=HASTE)


@pytest.fixture
def key(server):
    return make_key_of(server, make_account(server), may_unbind=True)


@pytest.fixture
def profile(desk, tmp_path):
    """Ours, with a session and a device that there are."""
    device = desk.device("conformance")
    text = (Path(__file__).parent / "profile.json").read_text()
    text = text.replace("$session", desk.session(device)).replace("$device", device)
    path = tmp_path / "profile.json"
    path.write_text(text)
    return path


@pytest.mark.alone("sqlite", "what goes over a socket hangs on no database")
@pytest.mark.parametrize(
    ("suite", "options"), [("ws_protocol", ["--init-timeout", str(HASTE)]), ("gql_client", [])]
)
def test_the_rules_of_the_protocol_are_kept(server, key, profile, suite, options):
    command = [sys.executable, str(FOLDER / "py" / f"{suite}.py"), server.url, "--profile", str(profile)]
    command += ["--header", f"x-api-key: {key}", "--json", *options]
    run = subprocess.run(command, capture_output=True, text=True, timeout=110)
    report = json.loads(run.stdout.splitlines()[-1])
    failed = {label: reason for label, reason in report["failed"]}
    known = set(json.loads(KNOWN.read_text())[suite])
    assert set(failed) - known == set(), {label: failed[label] for label in set(failed) - known}
    assert known - set(failed) == set(), "these are kept now: take them off the list"
    assert len(report["passed"]) > 5


@pytest.mark.alone("sqlite", "what goes over HTTP hangs on no database")
@pytest.mark.parametrize(("suite", "checks"), [("http_audit", 61), ("typed_clients", 22)])
def test_clients_written_for_node_find_what_they_expect(server, key, desk, profile, suite, checks):
    modules = installed(FOLDER / "node")
    for number in range(DEVICES):
        desk.device(f"conformance {number}")
    command = ["node", str(modules / f"{suite}.mjs"), server.url, "--profile", str(profile), "--strict"]
    command += ["--header", f"x-api-key: {key}"]
    run = subprocess.run(command, capture_output=True, text=True, timeout=110)
    assert run.returncode == 0, run.stdout + run.stderr
    assert f"] {checks} passed, 0 failed" in run.stdout and "skipped" not in run.stdout, run.stdout
