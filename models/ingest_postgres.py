"""The writer for PostgreSQL: one connection, and one statement for a whole batch, which commits by itself.

Nothing is held between two round trips, as there is one. Servers that write to the same account take turns
for as long as the statement and its commit last.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy.engine import URL

from models import outcomes, postgres
from models.outcomes import Stored, Submission, Target, Written
from models.passings import COLUMNS, Content

PATIENCE = 10.0
"""Seconds until an answer is given up. The server has cancelled the statement before that."""
SETTINGS = {
    "statement_timeout": "8s",  # devices do not wait longer
    # Nothing here is looked up but by arrays, and what came with the batch is joined in memory. So the plan
    # is made once, and must be good for any size.
    "plan_cache_mode": "force_generic_plan",
    "enable_nestloop": "off",
}
TYPES = ("bigint",) * 2 + ("text",) * 4 + ("double precision",) * 2 + ("text",) * 3
"""Of the fields of Content."""
FIELDS = ", ".join(Content._fields)
ARRAYS = ", ".join(f"${place}::{kind}[]" for place, kind in enumerate(TYPES, 7))

# All parts see the database as it was when the statement began, but that a row which had to be waited for is
# read anew, and its conditions are asked again. Two servers that write at the same time wait at the account;
# the second one then goes on with the position that the first one left, and with sessions that are still
# active. So positions are the order of commit, and a session that was closed meanwhile takes nothing.
#
# held     accounts before sessions, each by id, as everywhere: nobody waits for each other in a ring
# targets  of each submission that has its active session: where it goes, and what to add to the number of a
#          row in the batch to get its position
# placed   the same as arrays, so that rows need no join, and stay in their order: the first one wins
WRITE = f"""
WITH sent AS MATERIALIZED (
    SELECT *, sum(size) OVER (ORDER BY place) - size AS before
    FROM unnest($1::bigint[], $2::text[], $3::bigint[], $4::bigint[], $5::bigint[])
        WITH ORDINALITY AS sent(account_id, token, device_row, received_at, size, place)
), held AS MATERIALIZED (
    SELECT id, position FROM accounts WHERE id = ANY($1) ORDER BY id FOR NO KEY UPDATE
), active AS MATERIALIZED (
    SELECT id, token, account_id, device_row FROM sessions
    WHERE closed_at IS NULL AND token = ANY($2) AND account_id = ANY(ARRAY(SELECT id FROM held))
    ORDER BY id FOR NO KEY UPDATE
), targets AS MATERIALIZED (
    SELECT sent.place, sent.size, sent.received_at, active.account_id, active.id, active.device_row,
        held.position - sent.before - sent.size
            + sum(sent.size) OVER (PARTITION BY active.account_id ORDER BY sent.place) AS shift
    FROM sent JOIN active ON active.token = sent.token AND active.account_id = sent.account_id
        AND active.device_row = coalesce(sent.device_row, active.device_row)
    JOIN held ON held.id = active.account_id
), placed AS MATERIALIZED (
    SELECT array_agg(coalesce(targets.account_id, 0) ORDER BY place) AS accounts,
        array_agg(coalesce(targets.shift, 0)::bigint ORDER BY place) AS shifts,
        array_agg(coalesce(targets.id, 0) ORDER BY place) AS sessions,
        array_agg(coalesce(targets.device_row, 0) ORDER BY place) AS devices,
        array_agg(sent.received_at ORDER BY place) AS received
    FROM sent LEFT JOIN targets USING (place)
), counted AS (
    UPDATE accounts SET position = accounts.position + new.rows
    FROM (SELECT account_id, sum(size) AS rows FROM targets GROUP BY account_id) AS new
    WHERE accounts.id = new.account_id AND accounts.id = ANY($1)
), stored AS (
    INSERT INTO passings ({", ".join(COLUMNS)})
    SELECT (SELECT accounts FROM placed)[place], (SELECT shifts FROM placed)[place] + nr,
        (SELECT sessions FROM placed)[place], (SELECT devices FROM placed)[place],
        (SELECT received FROM placed)[place], {FIELDS}
    FROM unnest($6::int[], {ARRAYS}) WITH ORDINALITY AS each(place, {FIELDS}, nr)
    WHERE (SELECT sessions FROM placed)[place] > 0 ORDER BY nr
    ON CONFLICT (session_row, number) DO NOTHING
    RETURNING session_row, position, at
), gained AS MATERIALIZED (
    SELECT session_row, count(*) AS inserted, min(at) AS first_at, max(at) AS last_at,
        max(position) AS last_position
    FROM stored GROUP BY session_row
), tallied AS (
    UPDATE sessions SET
        passing_count = sessions.passing_count + coalesce(new.inserted, 0),
        first_passing_at = least(sessions.first_passing_at, new.first_at),
        last_passing_at = greatest(sessions.last_passing_at, new.last_at),
        last_position = greatest(sessions.last_position, new.last_position),
        last_received_at = new.heard_at
    FROM (
        SELECT heard.id, heard_at, inserted, first_at, last_at, last_position
        FROM (SELECT id, max(received_at) AS heard_at FROM targets GROUP BY id) AS heard
        LEFT JOIN gained ON gained.session_row = heard.id
    ) AS new
    WHERE sessions.id = new.id AND sessions.id = ANY(ARRAY(SELECT id FROM active))
)
SELECT targets.place, targets.id, targets.device_row, (shift + before + 1)::bigint, coalesce(inserted, 0)
FROM targets JOIN sent USING (place) LEFT JOIN gained ON gained.session_row = targets.id
"""
# One look into the index for each, however few the database thinks that all passings are.
STORED = f"""
    SELECT found.* FROM unnest($1::bigint[], $2::bigint[]) AS sent(session_row, number)
    CROSS JOIN LATERAL (
        SELECT position, session_row, {FIELDS} FROM passings
        WHERE passings.session_row = sent.session_row AND passings.number = sent.number LIMIT 1
    ) AS found
"""
# A session is held before a claim on it is stored, by id, as everywhere.
CONFLICTS = """
    WITH held AS MATERIALIZED (
        SELECT id FROM sessions WHERE id = ANY($1) ORDER BY id FOR NO KEY UPDATE
    ), fresh AS (
        INSERT INTO conflicts (session_row, number, digest, received_at, claimed)
        SELECT new.* FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::bigint[], $5::text[])
            AS new(session_row, number, digest, received_at, claimed)
        JOIN held ON held.id = new.session_row
        ON CONFLICT DO NOTHING RETURNING session_row
    )
    UPDATE sessions SET conflict_count = conflict_count + new.rows
    FROM (SELECT session_row, count(*) AS rows FROM fresh GROUP BY session_row) AS new
    WHERE sessions.id = new.session_row AND sessions.id = ANY($1)
"""

Valid = tuple[Submission, Target]


class PostgresWriter:
    """Writes batches through one connection of its own, which is made anew when it was lost.

    When it is lost before the answer came, the rows may be stored or not: Unreachable. Whoever sent them
    sends them again, and then finds what is stored already.
    """

    def __init__(self, url: URL) -> None:
        self._url = url
        self._connection: Any = None

    async def write(self, submissions: Sequence[Submission]) -> list[Written | None]:
        with postgres.reached():
            if self._connection is None or self._connection.is_closed():
                self._connection = await postgres.connect(self._url, SETTINGS, PATIENCE)
            try:
                return await _write(self._connection, submissions)
            except postgres.SPOILT:
                self._connection.terminate()
                raise

    async def close(self) -> None:
        if self._connection is not None:
            self._connection.terminate()


async def _write(connection: Any, submissions: Sequence[Submission]) -> list[Written | None]:
    """The conflicts of a batch are written after its passings are durable. Between the two nobody has been
    answered, so whoever sent them sends them again."""
    targets: list[Target | None] = [None] * len(submissions)
    inserted: dict[int, int] = {}
    for place, session_row, device_row, position, rows in await connection.fetch(WRITE, *_sent(submissions)):
        targets[place - 1] = Target(session_row, device_row, position)
        inserted[session_row] = rows
    valid = [(sub, target) for sub, target in zip(submissions, targets, strict=True) if target is not None]
    stored = await _stored(connection, valid, inserted)
    settled = [(sub, outcomes.settle(sub, target, stored.get(target.session_row))) for sub, target in valid]
    conflicts = [row.values() for rows in outcomes.conflict_rows(settled).values() for row in rows]
    if conflicts:
        await connection.execute(CONFLICTS, *zip(*conflicts, strict=True))
    answers = iter(settled)
    return [None if target is None else next(answers)[1] for target in targets]


def _sent(submissions: Sequence[Submission]) -> Iterable[Any]:
    """The values of WRITE: five for the submissions, then their rows. A field that no row has is no array:
    that is nothing to encode, and the same to PostgreSQL as an array of nothing."""
    rows: list[Content] = []
    places: list[int] = []
    for place, submission in enumerate(submissions, 1):
        rows += submission.passings
        places += [place] * len(submission.passings)
    fields = zip(*rows, strict=True) if rows else [()] * len(TYPES)
    return (
        [submission.account_id for submission in submissions],
        [submission.token for submission in submissions],
        [submission.device_row for submission in submissions],
        [submission.received_at for submission in submissions],
        [len(submission.passings) for submission in submissions],
        places,
        *(None if field.count(None) == len(rows) else field for field in fields),
    )


async def _stored(
    connection: Any, valid: Sequence[Valid], inserted: dict[int, int]
) -> dict[int, dict[int, Stored]]:
    """Who holds the numbers of sessions into which fewer rows went than were sent. Rows never change, so it
    may be asked after the commit."""
    left = dict(inserted)
    for submission, target in valid:
        left[target.session_row] -= len(submission.passings)
    doubtful = [
        (target.session_row, passing.number)
        for submission, target in valid
        if left[target.session_row]
        for passing in submission.passings
    ]
    stored: dict[int, dict[int, Stored]] = defaultdict(dict)
    if doubtful:
        for row in await connection.fetch(STORED, *zip(*doubtful, strict=True)):
            stored[row["session_row"]][row["number"]] = Stored(row["position"], Content(*tuple(row)[2:]))
    return stored
