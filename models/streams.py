"""Passings in the order of commit, from any place of an account's stream on, whatever is wanted of them.

What is read does not grow with the stream. A session's passings lie together in an index. A device's sessions
follow each other in the stream, so they are read one after the other. For anything else the stream is walked
in strides, from the next place on at which a session that may hold such passings has one.
"""

from collections.abc import AsyncIterator, Callable
from typing import Any

import sqlalchemy as sa
from sqlmodel import col, func
from sqlmodel.ext.asyncio.session import AsyncSession

from models import sessions
from models.keys import Owner
from models.passings import COLUMNS, TABLE, Filter, Row, Window
from models.sessions import Session

STRIDE, LONGEST_STRIDE = 2_000, 32_000
"""Places of the stream that the first statement looks through; each further one twice as many, to a limit."""
SESSIONS_AT_ONCE = 10

Looked = Callable[[int], None]
"""Is told how many passings were looked at for others than all of them."""

_C = TABLE.c
_ROW = sa.select(*(_C[name] for name in COLUMNS))


def _unpaid(_count: int) -> None: ...


async def after(
    session: AsyncSession,
    owner: Owner,
    which: Filter,
    position: int,
    limit: int,
    looked: Looked = _unpaid,
) -> list[Row]:
    """Passings of the owner behind a position, in the order of commit."""
    return await _read(session, owner, which, position, limit, looked, forwards=True)


async def before(
    session: AsyncSession,
    owner: Owner,
    which: Filter,
    position: int,
    limit: int,
    looked: Looked = _unpaid,
) -> list[Row]:
    """The last passings of the owner before a position, in the order of commit."""
    return (await _read(session, owner, which, position, limit, looked, forwards=False))[::-1]


async def count(session: AsyncSession, owner: Owner, which: Filter) -> int:
    """How many passings match; all of them are looked at, so this takes as long as they are many."""
    query = sa.select(func.count()).select_from(TABLE).where(*which.wanted(owner))
    return int((await (await session.connection()).execute(query)).scalar_one())


async def held(session: AsyncSession, owner: Owner, which: Filter) -> int:
    """How many passings those sessions hold in which some may match: what `count` looks at, at most."""
    query = sa.select(func.coalesce(func.sum(Session.passing_count), 0)).where(*_holding(owner, which))
    return int((await (await session.connection()).execute(query)).scalar_one())


async def _read(
    session: AsyncSession,
    owner: Owner,
    which: Filter,
    position: int,
    limit: int,
    looked: Looked,
    *,
    forwards: bool,
) -> list[Row]:
    if which == Filter() and owner.device_row is None:
        return await _range(session, owner, which, position, limit, forwards)
    found: list[Row] = []
    if which.session_row is not None or which.served is None and which.device_of(owner) is not None:
        # Without the device beside the session: a database that does not know that a session is of one device
        # thinks that few passings are of both, and sorts all of the session's.
        whole, mine = owner._replace(device_row=None), which._replace(device_row=None)
        async for session_row, holds in _sessions(session, owner, which, position, forwards):
            looked(0 if which.whole else holds)
            of_one, left = mine._replace(session_row=session_row), limit - len(found)
            found += await _range(session, whole, of_one, position, left, forwards)
            if len(found) == limit:
                break
        return found
    stride = STRIDE
    while len(found) < limit:
        start = await _next(session, owner, which, position, forwards)
        if start is None:
            break
        end = start + stride - 1 if forwards else start - stride + 1
        found += await _stride(session, owner, which, start, end, limit - len(found))
        looked(abs(max(end, 0) - start) + 1)
        position, stride = end, min(2 * stride, LONGEST_STRIDE)
    return found


async def _range(
    session: AsyncSession, owner: Owner, which: Filter, position: int, limit: int, forwards: bool
) -> list[Row]:
    """One range of an index, of a session or of the account."""
    query = _ROW.where(*which.wanted(owner), _beyond(position, forwards))
    return await _rows(session, query.order_by(_order(forwards)).limit(limit))


async def _stride(
    session: AsyncSession, owner: Owner, which: Filter, start: int, end: int, limit: int
) -> list[Row]:
    """What is wanted from one place to another, in that order. The part is fenced off: a database that thinks
    of another way to those passings would read all of a device's."""
    within = _C.position.between(min(start, end), max(start, end))
    part = _ROW.where(_C.account_id == owner.account_id, within).cte("part")
    part = part.prefix_with("MATERIALIZED")
    query = sa.select(*(part.c[name] for name in COLUMNS)).where(*which.wanted(owner, part.c))
    order = part.c.position if start < end else part.c.position.desc()
    return await _rows(session, query.order_by(order).limit(limit))


async def _sessions(
    session: AsyncSession, owner: Owner, which: Filter, position: int, forwards: bool
) -> AsyncIterator[tuple[int, int]]:
    """The session, or those of the device, that may hold what is wanted, in the order of the stream, and how
    many passings each holds."""
    wanted, last = _holding(owner, which), 0
    if forwards and which.session_row is None:
        wanted.append(col(Session.last_position) > position)
        last = await sessions.last_ended(session, which.device_of(owner), position)
    while True:
        behind = col(Session.id) > last if forwards or not last else col(Session.id) < last
        query = sa.select(col(Session.id), col(Session.passing_count)).where(*wanted, behind)
        query = query.order_by(col(Session.id) if forwards else col(Session.id).desc())
        rows = (await (await session.connection()).execute(query.limit(SESSIONS_AT_ONCE))).all()
        for row, holds in rows:
            yield row, holds
        if len(rows) < SESSIONS_AT_ONCE:
            return
        last = rows[-1][0]


async def _next(
    session: AsyncSession, owner: Owner, which: Filter, position: int, forwards: bool
) -> int | None:
    """The next place beyond a position at which something may be that is wanted; None without one."""
    beyond = _beyond(position, forwards)
    order = _order(forwards)
    if not which.by_session:
        query = sa.select(_C.position).where(_C.account_id == owner.account_id, beyond)
        return (await (await session.connection()).scalars(query.order_by(order).limit(1))).first()
    place = sa.select(_C.position).where(_C.session_row == col(Session.id), beyond).order_by(order).limit(1)
    nearest = (func.min if forwards else func.max)(place.correlate(Session).scalar_subquery())
    holding = _holding(owner, which)
    if forwards:
        holding.append(col(Session.last_position) > position)
    query = sa.select(nearest).select_from(Session).where(*holding)
    return (await (await session.connection()).scalars(query)).first()


def _holding(owner: Owner, which: Filter) -> list[sa.ColumnElement[bool]]:
    """The tests of a session that may hold what is wanted, by its device and the times of its passings."""
    tests = [col(Session.account_id) == owner.account_id, col(Session.last_position) > 0]
    if which.session_row is not None:
        tests.append(col(Session.id) == which.session_row)
    for device_row in (owner.device_row, which.device_row):
        if device_row is not None:
            tests.append(col(Session.device_row) == device_row)
    tests += _overlap(which.from_, None if which.to is None else which.to + 1)
    if which.served is not None:
        tests.append(sa.or_(sa.false(), *map(_of_window, which.served)))
    return tests


def _of_window(window: Window) -> sa.ColumnElement[bool]:
    of = (
        col(Session.id) == window.session_row
        if window.device_row is None
        else col(Session.device_row) == window.device_row
    )
    return sa.and_(of, *_overlap(window.from_, window.to))


def _overlap(from_: int | None, to: int | None) -> list[sa.ColumnElement[bool]]:
    """Of a session with the time from an instant to another (excluded)."""
    tests = []
    if from_ is not None:
        tests.append(col(Session.last_passing_at) >= from_)
    if to is not None:
        tests.append(col(Session.first_passing_at) < to)
    return tests


def _beyond(position: int, forwards: bool) -> sa.ColumnElement[bool]:
    return _C.position > position if forwards else _C.position < position


def _order(forwards: bool) -> sa.ColumnElement[int]:
    return _C.position if forwards else _C.position.desc()


async def _rows(session: AsyncSession, query: sa.Select[Any]) -> list[Row]:
    found = await (await session.connection()).execute(query)
    return list(map(Row._make, found.all()))
