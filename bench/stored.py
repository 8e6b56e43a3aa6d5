"""The server's own database, read from outside: are the right rows in it?"""

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import asyncpg

from bench.disk import Disk, Row

OF_SESSION = """
    SELECT number FROM passings JOIN sessions ON sessions.id = session_row
    WHERE token = ? ORDER BY passings.position
"""
OF_ALL = "SELECT number FROM passings ORDER BY position"
EVERY = """
    SELECT token, number FROM passings JOIN sessions ON sessions.id = session_row ORDER BY passings.position
"""
WHERES = """
    SELECT position, number, token, device_id FROM passings JOIN sessions ON sessions.id = session_row
    JOIN devices ON devices.id = sessions.device_row ORDER BY position
"""
SPAN = "SELECT max(received_at) - min(received_at) FROM passings"
DIFFERENT = "SELECT count(*) FROM (SELECT DISTINCT session_row, number FROM passings)"
NEWS = "SELECT position, * FROM passings WHERE position > ? ORDER BY position LIMIT ?"
MAKING = "SELECT sql FROM sqlite_master WHERE tbl_name = 'passings' AND sql IS NOT NULL ORDER BY type DESC"


def numbers(path: Path, token: str | None = None) -> list[int]:
    """The numbers of a session's rows, or of all rows, in the order in which they were stored."""
    return [number for (number,) in (ask(path, OF_SESSION, token) if token else ask(path, OF_ALL))]


def everywhere(path: Path) -> list[tuple[int, int, str, str]]:
    """Position, number, session's token and device's name of every row, in the order of storing."""
    return [(row[0], row[1], str(row[2]), str(row[3])) for row in ask(path, WHERES)]


async def in_postgres(dsn: str) -> list[tuple[str, int]]:
    """Session's token and number of every row of the one account, in the order in which they were stored."""
    connection = await asyncpg.connect(dsn)
    try:
        return [(row[0], row[1]) for row in await connection.fetch(EVERY)]
    finally:
        await connection.close()


def seconds(path: Path) -> float:
    """From the first passing that the server received to the last."""
    return ask(path, SPAN)[0][0] / 1_000_000


def any_yet(path: Path) -> bool:
    return bool(ask(path, "SELECT 1 FROM passings LIMIT 1"))


def problems(path: Path, expected: int) -> list[str]:
    """What is wrong with the rows, in sentences; nothing when there are exactly so many, all different."""
    rows, different = len(numbers(path)), ask(path, DIFFERENT)[0][0]
    wrong = [] if rows == expected else [f"{expected:,} passings were acknowledged, {rows:,} are stored"]
    return wrong if rows == different else [*wrong, f"{rows - different:,} rows are doubled"]


def ask(path: Path, query: str, *values: object) -> list[tuple[int, ...]]:
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
        return database.execute(query, values).fetchall()


class SameTable:
    """A table with the server's columns and indexes, given the very rows that it has just stored."""

    def __init__(self, server: Path, directory: Path) -> None:
        self._server = server
        self._seen = 0
        with closing(sqlite3.connect(f"file:{server}?mode=ro", uri=True)) as database:
            making = [str(statement) for (statement,) in database.execute(MAKING)]
            self.columns = len(database.execute("PRAGMA table_info(passings)").fetchall())
            self.keys = len(database.execute("PRAGMA index_list(passings)").fetchall())
        self.disk = Disk(directory / "same.db", making, "passings", self.columns)

    def fill(self, size: int) -> float:
        return self.disk.fill(self._news(size))

    def _news(self, size: int) -> Sequence[Row]:
        """The oldest rows of the server that are not copied yet."""
        fresh = ask(self._server, NEWS, self._seen, size)
        if len(fresh) < size:
            raise RuntimeError("the server has stored fewer rows than it acknowledged")
        self._seen = fresh[-1][0]
        return [row[1:] for row in fresh]
