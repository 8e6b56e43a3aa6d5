"""What the boards read of passings: few columns, in the order of commit or by who sent them."""

import sqlite3
from collections.abc import AsyncIterator, Iterable, Sequence
from typing import Any

import sqlalchemy as sa
from sqlmodel import col

from models.database import Database
from models.events import Event
from models.keys import Account
from models.passings import TABLE
from timing.races import Read

AT_ONCE = 10_000
"""Rows in one read, so that other readers get their turn."""

_C = TABLE.c
_READ = sa.select(*[_C[name] for name in Read._fields])
_STATE = sa.select(col(Account.position), col(Event.revision)).join(
    Event, col(Event.account_id) == col(Account.id)
)


async def _rows(database: Database, query: sa.Select[*tuple[Any, ...]]) -> list[Any]:
    """Through the driver alone on SQLite: a session would cost more than the rows."""
    if not database.sqlite:
        async with database.reading() as session:
            return list((await (await session.connection()).execute(query)).all())
    compiled = query.compile(dialect=database.dialect, compile_kwargs={"render_postcompile": True})
    values = [compiled.params[name] for name in compiled.positiontup or ()]

    def read(connection: sqlite3.Connection) -> list[Any]:
        return connection.execute(str(compiled), values).fetchall()

    return await database.quick(read)


def _reads(rows: list[Any]) -> list[Read]:
    """As `Read._make`, in a third of its time."""
    new = tuple.__new__
    return [new(Read, row) for row in rows]


async def state(database: Database, event_id: int) -> tuple[int, int]:
    """The newest position of the event's account, and the event's revision."""
    found = await _rows(database, _STATE.where(col(Event.id) == event_id))
    return (found[0][0], found[0][1]) if found else (0, 0)


async def after(database: Database, account_id: int, position: int, upto: int) -> list[Read]:
    """Passings of the account behind a position up to another, in the order of commit; at most AT_ONCE."""
    query = _READ.where(_C.account_id == account_id, _C.position > position, _C.position <= upto)
    return _reads(await _rows(database, query.order_by(_C.position).limit(AT_ONCE)))


async def at(database: Database, account_id: int, positions: Iterable[int]) -> list[Read]:
    """The passings at these positions."""
    query = _READ.where(_C.account_id == account_id, _C.position.in_(list(positions)))
    return _reads(await _rows(database, query))


async def of_device(
    database: Database, account_id: int, device_row: int, from_: int | None, to: int | None
) -> AsyncIterator[Sequence[Read]]:
    """What a device detected from an instant to another (excluded), in slices, by time."""
    own = _READ.where(_C.account_id == account_id, _C.device_row == device_row)
    own = own if from_ is None else own.where(_C.at >= from_)
    own = own if to is None else own.where(_C.at < to)
    query, full = own, True
    while full:
        found = await _rows(database, query.order_by(_C.at, _C.position).limit(AT_ONCE))
        full = len(found) == AT_ONCE
        if found:
            reads = _reads(found)
            last = sa.tuple_(sa.literal(reads[-1].at), sa.literal(reads[-1].position))
            query = own.where(sa.tuple_(_C.at, _C.position) > last)
            yield reads


async def of_session(database: Database, account_id: int, session_row: int) -> AsyncIterator[Sequence[Read]]:
    """What a session holds, in slices, in the order of commit."""
    own = _READ.where(_C.account_id == account_id, _C.session_row == session_row)
    position, full = 0, True
    while full:
        found = await _rows(database, own.where(_C.position > position).order_by(_C.position).limit(AT_ONCE))
        full = len(found) == AT_ONCE
        if found:
            reads = _reads(found)
            position = reads[-1].position
            yield reads
