"""The numbers that devices gave their passings: spans, gaps, and what was sent twice under one."""

from collections import defaultdict
from collections.abc import Collection

import sqlalchemy as sa
from sqlmodel import col, func, select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.passings import TABLE, Conflict
from models.sessions import Session

_C = TABLE.c
Span = tuple[int, int]


async def spans(session: AsyncSession, session_rows: Collection[int]) -> dict[int, Span]:
    """The lowest and the highest number of each session that is not empty, from the ends of the index."""
    ends = [
        sa.select(_C.number)
        .where(_C.session_row == col(Session.id))
        .order_by(order)
        .limit(1)
        .scalar_subquery()
        .correlate(Session)
        for order in (_C.number, _C.number.desc())
    ]
    query = sa.select(col(Session.id), *ends).where(col(Session.id).in_(session_rows))
    rows = (await (await session.connection()).execute(query)).all()
    return {row[0]: (row[1], row[2]) for row in rows if row[1] is not None}


async def gaps(session: AsyncSession, session_rows: Collection[int], limit: int) -> dict[int, list[Span]]:
    """Runs of numbers (first, last) that are missing between the ends of each session; its first `limit`.

    Reads the index over all numbers of these sessions, so it is to be asked only where some are missing.
    """
    following = func.lead(_C.number).over(partition_by=_C.session_row, order_by=_C.number).label("following")
    pairs = sa.select(_C.session_row, _C.number, following).where(_C.session_row.in_(session_rows)).subquery()
    place = func.row_number().over(partition_by=pairs.c.session_row, order_by=pairs.c.number).label("place")
    runs = (
        sa.select(pairs.c.session_row, pairs.c.number, pairs.c.following, place)
        .where(pairs.c.following - pairs.c.number > 1)  # not `number + 1`, which the highest number has not
        .subquery()
    )
    query = sa.select(runs.c.session_row, runs.c.number + 1, runs.c.following - 1)
    query = query.where(runs.c.place <= limit).order_by(runs.c.session_row, runs.c.number)
    found: dict[int, list[Span]] = defaultdict(list)
    for row in (await (await session.connection()).execute(query)).all():
        found[row[0]].append((row[1], row[2]))
    return found


async def conflicts(
    session: AsyncSession, session_rows: Collection[int], limit: int
) -> dict[int, list[Conflict]]:
    """The oldest conflicts of each session, at most `limit`."""
    place = func.row_number().over(partition_by=col(Conflict.session_row), order_by=col(Conflict.id))
    wanted = col(Conflict.session_row).in_(session_rows)
    oldest = sa.select(col(Conflict.id).label("id"), place.label("place")).where(wanted).subquery()
    query = select(Conflict).join(oldest, col(Conflict.id) == oldest.c.id).where(oldest.c.place <= limit)
    found: dict[int, list[Conflict]] = defaultdict(list)
    for conflict in (await session.exec(query.order_by(col(Conflict.id)))).all():
        found[conflict.session_row].append(conflict)
    return found
