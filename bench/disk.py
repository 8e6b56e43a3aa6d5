"""What SQLite itself can do on this disk: `executemany`, durable, with nobody asking over HTTP."""

import sqlite3
import time
from collections.abc import Sequence
from itertools import count
from pathlib import Path

from bench import wire

Row = tuple[object, ...]

BARE_TABLE = """
CREATE TABLE passings (
    session INTEGER NOT NULL, number INTEGER NOT NULL, at INTEGER NOT NULL, received_at INTEGER NOT NULL,
    text TEXT NOT NULL, bib TEXT NOT NULL, chip TEXT, latitude REAL, longitude REAL, status TEXT,
    UNIQUE (session, number)
)
"""


class Disk:
    """A durable database of one table, filled by one thread."""

    def __init__(self, path: Path, statements: Sequence[str], table: str, width: int) -> None:
        self._connection = sqlite3.connect(path, isolation_level=None)
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = FULL")
        for statement in statements:
            self._connection.execute(statement)
        marks = ", ".join("?" * width)
        self._insert = f'INSERT INTO "{table}" VALUES ({marks}) ON CONFLICT DO NOTHING'

    def fill(self, rows: Sequence[Row], at_once: int = 1000) -> float:
        """Rows per second, with so many in each transaction."""
        began = time.perf_counter()
        for at in range(0, len(rows), at_once):
            self._connection.execute("BEGIN IMMEDIATE")
            self._connection.executemany(self._insert, rows[at : at + at_once])
            self._connection.execute("COMMIT")
        return len(rows) / (time.perf_counter() - began)

    def close(self) -> None:
        self._connection.close()


class BareTable:
    """Ten columns and one unique key."""

    def __init__(self, directory: Path) -> None:
        self.disk = Disk(directory / "bare.db", [BARE_TABLE], "passings", 10)
        self._numbers = count(1)

    def fill(self, size: int) -> float:
        return self.disk.fill([self._row(next(self._numbers)) for _ in range(size)])

    def fill_one_by_one(self, size: int) -> list[float]:
        """How long each of so many commits of a single row takes, in seconds."""
        return [1 / self.disk.fill([self._row(next(self._numbers))]) for _ in range(size)]

    def _row(self, number: int) -> Row:
        moment, text = number * 37_000, wire.instant(number)
        return (
            number // 100 % 8,
            number,
            moment,
            moment,
            text,
            wire.bib(number),
            wire.chip(number),
            None,
            None,
            None,
        )
