"""The command line, called as its script does, with settings of the test's own."""

import contextlib
import io
import os
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from server import cli
from tests.server.crowd import crowd as crowd
from tests.server.crowd import make_crowd as make_crowd


class Result(NamedTuple):
    """As a shell sees it."""

    code: int
    stdout: str
    stderr: str


@pytest.fixture
def passline(
    url: str, broker_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Result]:
    for name in os.environ:
        if name.startswith("PASSLINE_"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)

    def run(*words: str, **settings: str) -> Result:
        for name, text in ({"database_url": url, "broker_url": broker_url} | settings).items():
            monkeypatch.setenv(f"PASSLINE_{name.upper()}", text)
        monkeypatch.setattr(sys, "argv", ["passline", *words])
        code = 0
        with (
            contextlib.redirect_stdout(io.StringIO()) as out,
            contextlib.redirect_stderr(io.StringIO()) as err,
        ):
            try:
                cli.main()
            except SystemExit as end:
                code = end.code if isinstance(end.code, int) else int(end.code is not None)
            except Exception:  # nobody above would catch it: the interpreter shows it and ends with 1
                traceback.print_exc()
                code = 1
        return Result(code, out.getvalue(), err.getvalue())

    return run
