"""The modules of the checks that are written for Node: installed once for each list of them, and kept."""

import fcntl
import hashlib
import os
import shutil
import subprocess
from pathlib import Path

import pytest

CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "passline-tests"
NO_NETWORK = ("ENOTFOUND", "EAI_AGAIN", "ECONNREFUSED", "ECONNRESET", "ETIMEDOUT", "ENETUNREACH")
"""What npm says where there is none."""


def installed(folder: Path) -> Path:
    """A copy of the folder with everything that its package.json names. Skips the test where that cannot be
    had."""
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        pytest.skip("no Node: install nodejs and npm")
    wanted = (folder / "package.json").read_bytes()
    place = CACHE / f"node-{hashlib.sha256(wanted).hexdigest()[:12]}"
    place.mkdir(parents=True, exist_ok=True)
    with (place / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # several processes of tests may want them at once
        for source in folder.glob("*.*"):
            shutil.copy(source, place)
        if not (place / "complete").exists():
            _install(npm, place)
            (place / "complete").touch()
    return place


def _install(npm: str, place: Path) -> None:
    command = [npm, "install", "--no-audit", "--no-fund", "--no-package-lock", "--loglevel=error"]
    run = subprocess.run(command, cwd=place, capture_output=True, text=True, timeout=300)
    if run.returncode and any(sign in run.stderr for sign in NO_NETWORK):
        pytest.skip("the modules of Node's checks are not there, and neither is a network to fetch them by")
    assert run.returncode == 0, run.stderr[-2000:]
