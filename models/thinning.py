"""Old telemetry is thinned: the last report of each span of time stays, and so does a device's newest."""

from typing import Any

import sqlalchemy as sa
from sqlalchemy import BigInteger, Connection
from sqlmodel import func

from models.telemetry import REPORTS, STATES

DEVICES = 20
"""Devices in one transaction."""
REPORTS_EACH = 500
"""Reports of a device that are looked at in one transaction, or those of one span if they are more."""

_R, _S = REPORTS.c, STATES.c


def _next(offset: int) -> sa.ScalarSelect[Any]:
    """The first report of a device that is not thinned yet, or one of those behind it."""
    query = sa.select(_R.reported_at).where(
        _R.device_row == _S.device_row, _R.reported_at >= _S.thinned_until
    )
    return query.order_by(_R.reported_at).limit(1).offset(offset).correlate(STATES).scalar_subquery()


# Locked against the writer of reports, who moves `thinned_until` back when a report comes late; in his order.
_DUE = (
    sa.select(_S.device_row, _next(0), _next(REPORTS_EACH))
    .where(_S.thinned_until < sa.bindparam("horizon", type_=BigInteger))
    .order_by(_S.device_row)
    .limit(DEVICES)
    .with_for_update(of=STATES, key_share=True)
)
_SPAN, _START = sa.bindparam("span", type_=BigInteger), sa.bindparam("start", type_=BigInteger)
_PART = (
    _R.device_row == sa.bindparam("row"),
    _R.reported_at >= _START,
    _R.reported_at < sa.bindparam("end", type_=BigInteger),
)
_LAST = sa.select(func.max(_R.reported_at)).where(*_PART).group_by((_R.reported_at - _START) // _SPAN)
_THIN = sa.delete(REPORTS).where(*_PART, _R.reported_at.not_in(_LAST))
_NOTE = (
    sa.update(STATES).where(_S.device_row == sa.bindparam("row")).values(thinned_until=sa.bindparam("end"))
)


def thin(horizon: int, span: int, connection: Connection) -> bool:
    """Thins some of what is older than the horizon, a multiple of the span; whether there may be more."""
    due = connection.execute(_DUE, {"horizon": horizon}).all()
    parts = [{"row": row, "span": span} | _part(horizon, span, first, later) for row, first, later in due]
    if not parts:
        return False
    connection.execute(_THIN, parts)
    connection.execute(_NOTE, parts)
    return True


def _part(horizon: int, span: int, first: int | None, later: int | None) -> dict[str, int]:
    """From the span of the first report to the horizon, or to the span in which there are enough."""
    if first is None or first >= horizon:
        return {"start": horizon, "end": horizon}
    start = first - first % span
    end = horizon if later is None else min(horizon, max(later - later % span, start + span))
    return {"start": start, "end": end}
