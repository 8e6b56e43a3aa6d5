"""The writer for PostgreSQL: one connection, arrays instead of rows,
the account's counter as the order of commit."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import asyncpg
from sqlalchemy.engine import URL

from models import outcomes
from models.outcomes import Stored, Submission, Target, Written
from models.passings import COLUMNS, Content

# Locked in one order, so that two servers cannot wait for each other; the lock makes positions equal commit
# order.
TARGETS = """
    SELECT token, id, device_row, account_id FROM sessions
    WHERE closed_at IS NULL AND token = ANY($1::text[]) ORDER BY id FOR UPDATE
"""
POSITIONS = """
    UPDATE accounts SET position = position + new.rows
    FROM (SELECT * FROM unnest($1::bigint[], $2::bigint[]) AS each(id, rows) ORDER BY id) AS new
    WHERE accounts.id = new.id RETURNING accounts.id, accounts.position
"""
TYPES = ("bigint",) * 7 + ("text",) * 4 + ("double precision",) * 2 + ("text",) * 3
INSERT = f"""
    INSERT INTO passings ({", ".join(COLUMNS)})
    SELECT * FROM unnest({", ".join(f"${i}::{kind}[]" for i, kind in enumerate(TYPES, 1))})
    ON CONFLICT (session_row, number) DO NOTHING
"""
STORED = f"""
    SELECT position, session_row, {", ".join(Content._fields)} FROM passings
    WHERE (session_row, number) IN (SELECT * FROM unnest($1::bigint[], $2::bigint[]))
"""
TALLIES = """
    UPDATE sessions SET
        passing_count = sessions.passing_count + new.inserted,
        first_passing_at = least(sessions.first_passing_at, new.first_at),
        last_passing_at = greatest(sessions.last_passing_at, new.last_at),
        last_position = greatest(sessions.last_position, new.last_position),
        last_received_at = new.received_at
    FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[])
        AS new(session_row, inserted, first_at, last_at, last_position, received_at)
    WHERE sessions.id = new.session_row
"""
CONFLICTS = """
    INSERT INTO conflicts (session_row, number, digest, received_at, claimed)
    SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::bigint[], $5::text[]) ON CONFLICT DO
    NOTHING
"""
CONFLICT_COUNT = "UPDATE sessions SET conflict_count = conflict_count + $1 WHERE id = $2"


class PostgresWriter:
    """Writes batches through one connection of its own, which is made anew when it was lost."""

    def __init__(self, url: URL) -> None:
        self._dsn = url.set(drivername="postgresql").render_as_string(hide_password=False)
        self._connection: Any = None

    async def write(self, submissions: Sequence[Submission]) -> list[Written | None]:
        if self._connection is None or self._connection.is_closed():
            self._connection = await asyncpg.connect(self._dsn)
        async with self._connection.transaction():
            return await _write(self._connection, submissions)

    async def close(self) -> None:
        if self._connection is not None:
            await self._connection.close()


async def _write(connection: Any, submissions: Sequence[Submission]) -> list[Written | None]:
    targets = await _targets(connection, submissions)
    valid = [(sub, target) for sub, target in zip(submissions, targets, strict=True) if target is not None]
    if not valid:
        return [None] * len(submissions)
    rows = [
        (sub.account_id, place, target.session_row, target.device_row, sub.received_at, *passing)
        for sub, target in valid
        for place, passing in enumerate(sub.passings, target.position)
    ]
    status = await connection.execute(INSERT, *zip(*rows, strict=True)) if rows else "INSERT 0 0"
    stored = None if int(status.split()[-1]) == len(rows) else await _stored(connection, valid)
    settled = [
        (sub, outcomes.settle(sub, target, None if stored is None else stored[target.session_row]))
        for sub, target in valid
    ]
    await connection.execute(TALLIES, *zip(*outcomes.tallies(settled), strict=True))
    for session_row, conflicts in outcomes.conflict_rows(settled).items():
        columns = zip(*(row.values() for row in conflicts), strict=True)
        fresh = (await connection.execute(CONFLICTS, *columns)).split()[-1]
        await connection.execute(CONFLICT_COUNT, int(fresh), session_row)
    answers = iter(settled)
    return [None if target is None else next(answers)[1] for target in targets]


async def _targets(connection: Any, submissions: Sequence[Submission]) -> list[Target | None]:
    tokens = list({submission.token for submission in submissions})
    found = {row["token"]: row for row in await connection.fetch(TARGETS, tokens)}
    rows: dict[int, int] = defaultdict(int)
    offsets: list[int | None] = []
    for submission in submissions:
        session = found.get(submission.token)
        if session is None or not _is_of(session, submission):
            offsets.append(None)
            continue
        offsets.append(rows[submission.account_id])
        rows[submission.account_id] += len(submission.passings)
    ends = dict(await connection.fetch(POSITIONS, sorted(rows), [rows[id] for id in sorted(rows)]))
    return [
        None
        if offset is None
        else Target(
            found[sub.token]["id"],
            found[sub.token]["device_row"],
            ends[sub.account_id] - rows[sub.account_id] + offset + 1,
        )
        for sub, offset in zip(submissions, offsets, strict=True)
    ]


def _is_of(session: Any, submission: Submission) -> bool:
    """Whether the session is one that the submission may go to."""
    mine: bool = session["account_id"] == submission.account_id
    return mine and submission.device_row in (None, session["device_row"])


async def _stored(
    connection: Any, valid: Sequence[tuple[Submission, Target]]
) -> dict[int, dict[int, Stored]]:
    sessions = [target.session_row for sub, target in valid for _ in sub.passings]
    numbers = [passing.number for sub, _ in valid for passing in sub.passings]
    stored: dict[int, dict[int, Stored]] = defaultdict(dict)
    for row in await connection.fetch(STORED, sessions, numbers):
        stored[row["session_row"]][row["number"]] = Stored(row["position"], Content(*tuple(row)[2:]))
    return stored
