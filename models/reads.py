"""What the boards read of passings: few columns, in the order of commit or by who sent them. All through the
driver alone: a session would cost more than the rows."""

from collections.abc import AsyncIterator, Iterable, Sequence
from typing import Any

import msgspec

from models.database import Database
from timing.races import Read

AT_ONCE = 10_000
"""Rows in one read, so that other readers get their turn."""

_STATE = """
    SELECT accounts.position, events.revision FROM events JOIN accounts ON accounts.id = events.account_id
    WHERE events.id = ?
"""
_READ = f"SELECT {', '.join(Read._fields)} FROM passings WHERE account_id = ?"
_AFTER = f"{_READ} AND position > ? AND position <= ? ORDER BY position LIMIT {AT_ONCE}"
_AT = f"{_READ} AND position = ANY(?)"
_AT_SQLITE = f"{_READ} AND position IN (SELECT value FROM json_each(?))"
_OF_DEVICE = f"""
    {_READ} AND device_row = ? AND at >= ? AND at < ? AND (at, position) > (?, ?)
    ORDER BY at, position LIMIT {AT_ONCE}
"""
_OF_SESSION = f"{_READ} AND session_row = ? AND position > ? ORDER BY position LIMIT {AT_ONCE}"
EARLIEST, LATEST = -(2**63), 2**63 - 1
"""No instant is before the one; none that anybody asks for is as late as the other."""


def _reads(rows: list[Any]) -> list[Read]:
    """As `Read._make`, in a third of its time."""
    new = tuple.__new__
    return [new(Read, row) for row in rows]


async def state(database: Database, event_id: int) -> tuple[int, int]:
    """The newest position of the event's account, and the event's revision."""
    found = await database.rows(_STATE, event_id)
    return (found[0][0], found[0][1]) if found else (0, 0)


def state_now(database: Database, event_id: int) -> tuple[int, int] | None:
    """The same where that takes no waiting; else None."""
    found = database.glance(_STATE, event_id)
    return (found[0][0], found[0][1]) if found else None


async def after(database: Database, account_id: int, position: int, upto: int) -> list[Read]:
    """Passings of the account behind a position up to another, in the order of commit; at most AT_ONCE."""
    return _reads(await database.rows(_AFTER, account_id, position, upto))


async def at(database: Database, account_id: int, positions: Iterable[int]) -> list[Read]:
    """The passings at these positions."""
    wanted = list(positions)
    if database.sqlite:
        found = await database.rows(_AT_SQLITE, account_id, msgspec.json.encode(wanted).decode())
    else:
        found = await database.rows(_AT, account_id, wanted)
    return _reads(found)


async def of_device(
    database: Database, account_id: int, device_row: int, from_: int | None, to: int | None
) -> AsyncIterator[Sequence[Read]]:
    """What a device detected from an instant to another (excluded), in slices, by time."""
    first = EARLIEST if from_ is None else from_
    end = LATEST if to is None else to
    last, full = (first, EARLIEST), True
    while full:
        found = await database.rows(_OF_DEVICE, account_id, device_row, last[0], end, *last)
        full = len(found) == AT_ONCE
        if found:
            reads = _reads(found)
            last = reads[-1].at, reads[-1].position
            yield reads


async def of_session(database: Database, account_id: int, session_row: int) -> AsyncIterator[Sequence[Read]]:
    """What a session holds, in slices, in the order of commit."""
    position, full = 0, True
    while full:
        found = await database.rows(_OF_SESSION, account_id, session_row, position)
        full = len(found) == AT_ONCE
        if found:
            reads = _reads(found)
            position = reads[-1].position
            yield reads
