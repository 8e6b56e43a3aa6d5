"""The end of an account's stream: what every listener reads after every commit, so it is read the short way.

Through a session a read costs the processor 2 to 3 ms here, through the driver a tenth of that and less. Both
read one snapshot.
"""

from typing import Any

from models import keys, streams
from models.database import Database
from models.keys import Owner
from models.passings import COLUMNS, Filter, Row, Window

NEAR = 2_000
"""Places of the stream that the short way looks through; whoever is farther behind is served by streams."""

LAST = 2**63 - 1
"""The last place that there can be; a cursor may name it."""

_FIELDS = ", ".join(COLUMNS)
_NEWEST = f"""
    SELECT {_FIELDS} FROM ({{part}}) AS part
    UNION ALL SELECT NULL, position{", NULL" * (len(COLUMNS) - 2)} FROM accounts WHERE id = ?
"""
_IN_ORDER = " ORDER BY position, account_id"
"""SQLite appends as it is written; PostgreSQL may do it otherwise one day."""
# In a range of an index that holds nothing else, and for the rest among a few places: fenced off, as a
# database that thinks of another way to them would read all of a device's.
_RANGE = f"SELECT {_FIELDS} FROM passings WHERE {{tests}} AND position > ? ORDER BY position LIMIT ?"
# A device's sessions follow each other in the stream. Those behind a position are looked for from the newest
# on.
_SESSIONS = """
    sessions WHERE account_id = ? AND device_row = ? AND last_position > ? AND id > coalesce((
        SELECT id FROM sessions WHERE device_row = ? AND last_position BETWEEN 1 AND ?
        ORDER BY id DESC LIMIT 1
    ), 0)
"""
_OF_DEVICE = f"""
    SELECT found.* FROM (SELECT id FROM {_SESSIONS}) AS mine CROSS JOIN LATERAL (
        SELECT {_FIELDS} FROM passings WHERE session_row = mine.id AND position > ? ORDER BY position LIMIT ?
    ) AS found ORDER BY mine.id, found.position LIMIT ?
"""
_OF_DEVICE_SQLITE = f"""
    SELECT {", ".join(f"found.{name}" for name in COLUMNS)}
    FROM (SELECT id FROM {_SESSIONS} ORDER BY id) AS mine CROSS JOIN passings AS found
    WHERE found.session_row = mine.id AND found.position > ? ORDER BY mine.id, found.position LIMIT ?
"""
_AMONG = f"""
    SELECT {_FIELDS} FROM (
        SELECT {_FIELDS} FROM passings
        WHERE account_id = ? AND position > ? AND position <= ? ORDER BY position LIMIT {NEAR}
    ) AS near WHERE {{tests}} ORDER BY position LIMIT ?
"""


async def after(
    database: Database,
    owner: Owner,
    which: Filter,
    position: int,
    limit: int,
    looked: streams.Looked = lambda _: None,
) -> tuple[list[Row], int]:
    """Passings of the owner behind a position in the order of commit, and the account's newest position."""
    tests, values = _tests(owner, which)
    device, near = which.device_of(owner), None
    if device is None and which._replace(session_row=None) == Filter():
        part, given = _RANGE, [*values, position, limit]
    elif which in (Filter(), Filter(device_row=device)) and owner.device_row in (None, device):
        part, given = (
            _OF_DEVICE,
            [owner.account_id, device, position, device, position, position, limit, limit],
        )
        if database.sqlite:
            part, given = _OF_DEVICE_SQLITE, given[:-1]
    else:
        near = min(position + NEAR, LAST)
        part, given = _AMONG, [owner.account_id, position, near, *values, limit]
    query = _NEWEST.format(part=part.format(tests=tests)) + ("" if database.sqlite else _IN_ORDER)
    rows = list(map(Row._make, await database.rows(query, *given, owner.account_id)))
    newest = rows.pop().position if rows else 0
    looked(0 if near is None else max(0, min(near, newest) - position))
    if near is None or len(rows) == limit or newest <= near:
        return rows, newest
    async with database.reading() as session:
        newest = await keys.position(session, owner.account_id)
        return await streams.after(session, owner, which, position, limit, looked), newest


def _tests(owner: Owner, which: Filter) -> tuple[str, list[Any]]:
    """What a row has to be, with a `?` for each of the values."""
    conditions = which.conditions(owner)
    tests = [f"{column} {how} ?" for column, how, _ in conditions]
    values = [value for _, _, value in conditions]
    if which.served is not None:
        windows = [_within(window) for window in which.served]
        tests.append(f"({' OR '.join(['false', *(test for test, _ in windows)])})")
        values += [value for _, given in windows for value in given]
    return " AND ".join(tests), values


def _within(window: Window) -> tuple[str, list[int]]:
    tests = {
        "device_row = ?": window.device_row,
        "session_row = ?": window.session_row,
        "at >= ?": window.from_,
        "at < ?": window.to,
    }
    given = {test: value for test, value in tests.items() if value is not None}
    return f"({' AND '.join(given)})", list(given.values())
