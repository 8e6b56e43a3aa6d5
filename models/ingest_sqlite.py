"""The writer for SQLite: one connection, used by one at a time.

The driver lets other threads run during every step of a statement and then waits for its turn, which in a
busy
process costs more than the step. So a transaction is a few statements with many rows each, an answer is one
row
of JSON, and small transactions run where no thread waits: in the event loop, all but the COMMIT. That waits
for
the disk, and does it in a thread of its own.
"""

import asyncio
import contextlib
import sqlite3
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any, TypeVar

import msgspec

from models import outcomes
from models.database import PRAGMAS
from models.outcomes import Stored, Submission, Target, Written
from models.passings import COLUMNS, Content

CHUNKS = (1024, 256, 64, 16, 4, 1)
"""Rows per INSERT. Few sizes, so that each is compiled once;
1024 rows stay under SQLite's limit of variables."""
WIDTH = len(COLUMNS)
SMALL = 300
"""Rows that are written in the event loop: about a millisecond. More go to the thread."""
PATIENCE = 10_000
"""Milliseconds to wait for another process that writes."""

TARGETS = """
    SELECT json_group_array(
        json_array(sessions.token, sessions.id, sessions.device_row, accounts.id, accounts.position)
    )
    FROM sessions JOIN accounts ON accounts.id = sessions.account_id
    WHERE sessions.closed_at IS NULL AND sessions.token IN (SELECT value FROM json_each(?))
"""
INSERTED = """
    SELECT json_group_array(position) FROM passings WHERE account_id = ? AND position BETWEEN ? AND ?
"""
STORED = f"""
    SELECT json_group_array(json_array(position, {", ".join(Content._fields)}))
    FROM passings WHERE session_row = ? AND number IN (SELECT value FROM json_each(?))
"""
TALLIES = """
    UPDATE sessions SET
        passing_count = sessions.passing_count + new.inserted,
        first_passing_at = coalesce(
            min(sessions.first_passing_at, new.first_at), sessions.first_passing_at, new.first_at
        ),
        last_passing_at = coalesce(
            max(sessions.last_passing_at, new.last_at), sessions.last_passing_at, new.last_at
        ),
        last_position = max(sessions.last_position, new.last_position),
        last_received_at = new.received_at
    FROM (
        SELECT json_extract(value, '$[0]') AS session_row, json_extract(value, '$[1]') AS inserted,
            json_extract(value, '$[2]') AS first_at, json_extract(value, '$[3]') AS last_at,
            json_extract(value, '$[4]') AS last_position, json_extract(value, '$[5]') AS received_at
        FROM json_each(?)
    ) AS new WHERE sessions.id = new.session_row
"""
POSITIONS = """
    UPDATE accounts SET position = json_extract(new.value, '$[1]')
    FROM json_each(?) AS new WHERE accounts.id = json_extract(new.value, '$[0]')
"""
CONFLICTS = """
    INSERT INTO conflicts (session_row, number, digest, received_at, claimed)
    SELECT json_extract(value, '$.session_row'), json_extract(value, '$.number'),
        json_extract(value, '$.digest'), json_extract(value, '$.received_at'),
        json_extract(value, '$.claimed')
    FROM json_each(?) WHERE true ON CONFLICT DO NOTHING
"""
CONFLICT_COUNT = "UPDATE sessions SET conflict_count = conflict_count + ? WHERE id = ?"

Valid = tuple[Submission, Target]
T = TypeVar("T")


class SqliteWriter:
    """Writes batches to the file at `path`."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="ingest")
        self._connection: sqlite3.Connection | None = None

    async def write(self, submissions: Sequence[Submission]) -> list[Written | None]:
        small = sum(len(submission.passings) for submission in submissions) <= SMALL
        if not (small and self._begin_at_once()):
            return await self._in_thread(self._write, submissions)
        with self._rolled_back_on_error() as connection:
            answer = _write(connection, submissions)
            await self._in_thread(connection.execute, "COMMIT")
        return answer

    async def close(self) -> None:
        await self._in_thread(self._disconnect)
        self._thread.shutdown()

    async def _in_thread(self, work: Callable[..., T], *values: Any) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work, *values)

    def _begin_at_once(self) -> bool:
        """False where it would have to wait:
        for another process that writes, or for the file to be opened."""
        if self._connection is None:
            return False
        try:
            self._connection.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError:
            return False
        return True

    def _write(self, submissions: Sequence[Submission]) -> list[Written | None]:
        connection = self._connection = self._connection or _connect(self._path)
        connection.execute(f"PRAGMA busy_timeout={PATIENCE}")
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("PRAGMA busy_timeout=0")
        with self._rolled_back_on_error():
            answer = _write(connection, submissions)
            connection.execute("COMMIT")
        return answer

    @contextlib.contextmanager
    def _rolled_back_on_error(self) -> Iterator[sqlite3.Connection]:
        assert self._connection is not None
        try:
            yield self._connection
        except BaseException:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            raise

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def _connect(path: str) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    for pragma in PRAGMAS:
        connection.execute(f"PRAGMA {pragma}")
    return connection


def _write(connection: sqlite3.Connection, submissions: Sequence[Submission]) -> list[Written | None]:
    targets, positions = _targets(connection, submissions)
    valid = [(sub, target) for sub, target in zip(submissions, targets, strict=True) if target is not None]
    if not valid:
        return [None] * len(submissions)
    doubtful = _insert(connection, valid)
    stored = _stored(connection, [valid[index] for index in sorted(doubtful)])
    settled = [
        (sub, outcomes.settle(sub, target, stored[target.session_row] if index in doubtful else None))
        for index, (sub, target) in enumerate(valid)
    ]
    connection.execute(TALLIES, (_json(outcomes.tallies(settled)),))
    connection.execute(POSITIONS, (_json(list(positions.items())),))
    for session_row, conflicts in outcomes.conflict_rows(settled).items():
        fresh = connection.execute(CONFLICTS, (_json(conflicts),)).rowcount
        connection.execute(CONFLICT_COUNT, (fresh, session_row))
    answers = iter(settled)
    return [None if target is None else next(answers)[1] for target in targets]


def _targets(
    connection: sqlite3.Connection, submissions: Sequence[Submission]
) -> tuple[list[Target | None], dict[int, int]]:
    """Where each submission goes, and the position of each account behind the last of its rows."""
    tokens = list({submission.token for submission in submissions})
    found = {row[0]: row[1:] for row in _answer(connection, TARGETS, _json(tokens))}
    positions: dict[int, int] = {}
    targets: list[Target | None] = []
    for submission in submissions:
        session_row, device_row, account_id, position = found.get(submission.token, (0, 0, None, 0))
        wanted = submission.device_row
        if account_id != submission.account_id or (wanted is not None and wanted != device_row):
            targets.append(None)
            continue
        last = positions.get(account_id, position)
        targets.append(Target(session_row, device_row, last + 1))
        positions[account_id] = last + len(submission.passings)
    return targets, positions


def _insert(connection: sqlite3.Connection, valid: Sequence[Valid]) -> set[int]:
    """Inserts what is new; returns the indexes of the submissions that may hold a row that was not."""
    values: list[Any] = []
    ends: list[int] = []
    for (account_id, _, received_at, passings, _), (session_row, device_row, position) in valid:
        for place, passing in enumerate(passings, position):
            values += (account_id, place, session_row, device_row, received_at)
            values += passing
        ends.append(len(values) // WIDTH)
    doubted: list[range] = []
    start, total = 0, len(values) // WIDTH
    for size in CHUNKS:
        while total - start >= size:
            cursor = connection.execute(_insert_of(size), values[start * WIDTH : (start + size) * WIDTH])
            if cursor.rowcount != size:
                doubted.append(range(start, start + size))
            start += size
    return {
        index
        for index, (first, end) in enumerate(zip([0, *ends], ends, strict=False))
        if any(first < rows.stop and rows.start < end for rows in doubted)
    }


@cache
def _insert_of(rows: int) -> str:
    """OR FAIL is for a row that the table cannot hold at all, after which everything is rolled back: without
    it SQLite copies every page before it changes it, so that it could take back this one statement."""
    row = f"({', '.join('?' * WIDTH)})"
    values = ", ".join([row] * rows)
    return f"INSERT OR FAIL INTO passings ({', '.join(COLUMNS)}) VALUES {values} ON CONFLICT DO NOTHING"


def _stored(connection: sqlite3.Connection, doubtful: Iterable[Valid]) -> dict[int, dict[int, Stored]]:
    """Who holds the numbers that were taken: session row to number to what is stored."""
    numbers: dict[int, set[int]] = defaultdict(set)
    for submission, target in doubtful:
        last = target.position + len(submission.passings) - 1
        inserted = set(_answer(connection, INSERTED, submission.account_id, target.position, last))
        numbers[target.session_row].update(
            passing.number
            for place, passing in enumerate(submission.passings, target.position)
            if place not in inserted
        )
    return {
        session_row: {
            row[1]: Stored(row[0], Content(*row[1:]))
            for row in _answer(connection, STORED, session_row, _json(list(wanted)))
        }
        for session_row, wanted in numbers.items()
    }


def _answer(connection: sqlite3.Connection, statement: str, *values: Any) -> list[Any]:
    answer: list[Any] = msgspec.json.decode(connection.execute(statement, values).fetchone()[0])
    return answer


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()
