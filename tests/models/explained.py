"""What a database does for a statement of the product's own: by which way it looks, and how much it looks at."""

import json
import re
import sqlite3
from collections.abc import Awaitable, Callable
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from sqlalchemy.engine import make_url

from tests.backends import Backends, execute

PLAN = re.compile(r"  plan:\n((?:\t.*\n)+)")
TELL = (
    "session_preload_libraries = auto_explain",
    "auto_explain.log_min_duration = 0",
    "auto_explain.log_analyze = on",
    "auto_explain.log_timing = off",
    "auto_explain.log_buffers = on",
    "auto_explain.log_format = json",
    "auto_explain.log_level = log",
)
BIG = {"passings", "telemetry", "conflicts", "alarms", "audit_entries", "documents"}
STEPS = 10


class Seen(NamedTuple):
    """Of one operation: which big tables were read from end to end, and pages or machine steps that it took."""

    scanned: dict[str, str]
    work: int


Operation = Callable[[], Awaitable[Any]]
Look = Callable[[Operation], Awaitable[Seen]]


def look(url: str, backends: Backends, patch: pytest.MonkeyPatch) -> Look:
    """Has to be called before the database is opened."""
    if url.startswith("sqlite"):
        return _Sqlite(str(make_url(url).database), patch).look
    name = make_url(url).database
    execute(url, *(f"ALTER DATABASE {name} SET {setting}" for setting in TELL))
    return _Postgres(Path(backends.postgres.place) / "log").look


class _Postgres:
    """Reads the plans that the server writes into its log: those that were run, with what they met."""

    def __init__(self, log: Path) -> None:
        self._log = log

    async def look(self, operation: Operation) -> Seen:
        for _ in range(6):  # then the server has settled for a plan that serves any values
            await operation()
        start = self._log.stat().st_size
        await operation()
        with self._log.open(encoding="utf-8") as log:
            log.seek(start)
            plans = [json.loads(found) for found in PLAN.findall(log.read())]
        assert plans, "the server has not told its plans"
        tops = [plan["Plan"] for plan in plans]
        work = sum(top["Shared Hit Blocks"] + top["Shared Read Blocks"] for top in tops)
        found = {plan["Query Text"]: json.dumps(plan["Plan"]) for plan in plans if _scans(plan["Plan"])}
        return Seen(found, work)


def _scans(node: dict[str, Any]) -> bool:
    mine = node["Node Type"] == "Seq Scan" and node["Relation Name"] in BIG
    return mine or any(map(_scans, node.get("Plans", ())))


class _Sqlite:
    """Listens to every connection: which statements run, and how many steps of its machine they take."""

    def __init__(self, path: str, patch: pytest.MonkeyPatch) -> None:
        self._path = path
        self._asked: list[str] = []
        self._steps = 0
        self._connect = sqlite3.connect
        for module in (sqlite3, sqlite3.dbapi2):
            patch.setattr(module, "connect", self._heard)

    def _heard(self, *given: Any, **more: Any) -> sqlite3.Connection:
        made = self._connect(*given, **more)
        made.set_trace_callback(self._asked.append)
        made.set_progress_handler(self._step, STEPS)
        return made

    def _step(self) -> None:
        self._steps += STEPS

    async def look(self, operation: Operation) -> Seen:
        await operation()
        self._asked.clear()
        self._steps = 0
        await operation()
        work, found = self._steps, {}
        with closing(self._connect(self._path)) as apart:
            for statement in set(self._asked):
                if statement.split()[0] in ("SELECT", "WITH", "INSERT", "UPDATE", "DELETE"):
                    plan = [row[3] for row in apart.execute(f"EXPLAIN QUERY PLAN {statement}")]
                    if any(_scanned(line) for line in plan):
                        found[statement] = "; ".join(plan)
        return Seen(found, work)


def _scanned(line: str) -> bool:
    words = line.split()
    return words[0] == "SCAN" and words[1] in BIG
