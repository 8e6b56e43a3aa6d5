"""The group-commit writer of telemetry."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy import Connection
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import col

from models.batches import Batches
from models.database import Database
from models.devices import Device
from models.keys import Owner
from models.telemetry import NEWEST, REPORTS, STATES, Content

MOST_ROWS = 2_000
"""In one transaction: some 30 ms, for which passings wait."""
BRIEF = 10
"""Reports that are written in half a millisecond."""
NEVER = 2**63 - 1

# Locked, in one order, against unbinding and against other servers that write reports of the same devices.
TARGETS = (
    sa.select(col(Device.device_id), col(Device.id), col(Device.account_id))
    .where(col(Device.device_id).in_(sa.bindparam("names", expanding=True)), col(Device.bound))
    .order_by(col(Device.id))
    .with_for_update(key_share=True)
)
_STATE = STATES.c
STANDINGS = (
    sa.select(
        _STATE.device_row,
        _STATE.reported_at,
        _STATE.received_at,
        _STATE.mode,
        _STATE.pending_before,
        REPORTS.c.passings_pending,
    )
    .join(REPORTS, NEWEST)
    .where(_STATE.device_row.in_(sa.bindparam("rows", expanding=True)))
)
Upsert = sqlite.Insert | postgresql.Insert


def _insert_of(upsert: Upsert) -> sa.Executable:
    return upsert.on_conflict_do_nothing().returning(REPORTS.c.device_row, REPORTS.c.reported_at)


def _change_of(upsert: Upsert) -> sa.Executable:
    new, mine = upsert.excluded, _STATE.thinned_until
    changes: dict[str, Any] = {name: new[name] for name in KEPT}
    changes["thinned_until"] = sa.case((new.thinned_until < mine, new.thinned_until), else_=mine)
    return upsert.on_conflict_do_update(index_elements=["device_row"], set_=changes)


KEPT = ("reported_at", "received_at", "mode", "pending_before")
INSERTS = {"sqlite": _insert_of(sqlite.insert(REPORTS)), "postgresql": _insert_of(postgresql.insert(REPORTS))}
CHANGES = {"sqlite": _change_of(sqlite.insert(STATES)), "postgresql": _change_of(postgresql.insert(STATES))}


class Submission(NamedTuple):
    """Reports that a device hands in together; all are written in one transaction, or none."""

    owner: Owner
    device_id: str
    received_at: int
    reports: Sequence[Content]


@dataclass(slots=True)
class Written:
    """What became of a submission after its commit. A report that is named nowhere was inserted.

    Stale ones were inserted too, and changed nothing of the device's state.
    """

    device_row: int
    inserted: int
    stale: frozenset[int]
    duplicates: frozenset[int]


class Target(NamedTuple):
    """The device that a submission is from."""

    device_row: int
    account_id: int


@dataclass(slots=True)
class Standing:
    """The state of a device while a batch is applied to it, submission by submission."""

    reported_at: int | None = None
    received_at: int = 0
    mode: str | None = None
    pending_before: int | None = None
    pending: int | None = None
    """Of the newest report."""
    thinned_until: int = 0
    """For a device that reported before: the oldest report that came late, NEVER without one."""

    def take(self, report: Content) -> None:
        """A new report: a late one makes its time be thinned again, any other is the newest."""
        if self.reported_at is not None and report.reported_at < self.reported_at:
            self.thinned_until = min(self.thinned_until, report.reported_at)
            return
        self.reported_at = report.reported_at
        self.mode = report.mode or self.mode
        self.pending_before, self.pending = self.pending, report.passings_pending


Key = tuple[int, int]
"""A device's row and the instant of a report: there is one of each."""
Valid = tuple[Submission, Target]


class Reports(Batches[Submission, Written]):
    """Takes telemetry; a submission of an unknown, foreign or unbound device is refused.

    `touched` is called after each commit with the devices whose state is new: device row to account. Whoever
    changes what is seen of a device calls it too.
    """

    rows_are = "telemetry"
    most_rows = MOST_ROWS

    def __init__(
        self, database: Database, touched: Callable[[Mapping[int, int]], None], most_waiting: int
    ) -> None:
        super().__init__(most_waiting)
        self._database = database
        self.touched = touched

    def _size(self, submission: Submission) -> int:
        return len(submission.reports)

    async def _store(self, submissions: Sequence[Submission]) -> list[Written | None]:
        brief = sum(len(submission.reports) for submission in submissions) <= BRIEF
        return await self._database.transact(partial(_write, submissions), brief=brief)

    def _stored(self, submissions: Sequence[Submission], written: Sequence[Written | None]) -> None:
        touched = {}
        for submission, answer in zip(submissions, written, strict=True):
            if answer is not None:
                self.inserted += answer.inserted
                self.repeated += len(submission.reports) - answer.inserted
                touched[answer.device_row] = submission.owner.account_id
        if touched:
            self.touched(touched)


def _write(submissions: Sequence[Submission], connection: Connection) -> list[Written | None]:
    """Five statements for any number of submissions, but that long inserts are cut into parts."""
    targets = _targets(connection, submissions)
    valid = [(sub, target) for sub, target in zip(submissions, targets, strict=True) if target is not None]
    if not valid:
        return [None] * len(submissions)
    standings = _standings(connection, {target.device_row for _, target in valid})
    rows, firsts = _rows(valid, standings)
    inserted = _insert(connection, rows)
    settled = iter([_settle(each, firsts, inserted, standings) for each in enumerate(valid)])
    accounts = dict(target for _, target in valid)
    _keep(connection, accounts, standings)
    return [None if target is None else next(settled) for target in targets]


def _targets(connection: Connection, submissions: Sequence[Submission]) -> list[Target | None]:
    names = {submission.device_id for submission in submissions}
    found = {row[0]: Target(row[1], row[2]) for row in connection.execute(TARGETS, {"names": list(names)})}
    return [_target(submission.owner, found.get(submission.device_id)) for submission in submissions]


def _target(owner: Owner, found: Target | None) -> Target | None:
    if found is None or found.account_id != owner.account_id:
        return None
    return found if owner.device_row in (None, found.device_row) else None


def _standings(connection: Connection, device_rows: set[int]) -> dict[int, Standing]:
    found = connection.execute(STANDINGS, {"rows": list(device_rows)})
    known = {row[0]: Standing(*row[1:], thinned_until=NEVER) for row in found}
    return {row: known.get(row) or Standing() for row in device_rows}


def _rows(
    valid: Sequence[Valid], standings: Mapping[int, Standing]
) -> tuple[list[dict[str, Any]], dict[Key, tuple[int, int]]]:
    """What is to be inserted, and who is the first of the batch to bring a report of that device and instant:
    the number of the submission and the place in it."""
    newest = {row: standing.reported_at for row, standing in standings.items()}
    rows, firsts = [], {}
    for number, (submission, (device_row, _)) in enumerate(valid):
        last = newest[device_row]
        for place, report in enumerate(submission.reports):
            key = device_row, report.reported_at
            if key in firsts:
                continue
            firsts[key] = number, place
            stale = last is not None and report.reported_at < last
            given = {"device_row": device_row, "received_at": submission.received_at, "stale": stale}
            rows.append(given | report._asdict())
        latest = max((report.reported_at for report in submission.reports), default=last)
        newest[device_row] = latest if last is None or latest is None else max(last, latest)
    return rows, firsts


def _insert(connection: Connection, rows: Sequence[dict[str, Any]]) -> set[Key]:
    """Inserts what is new, and returns its keys."""
    if not rows:
        return set()
    found = connection.execute(INSERTS[connection.dialect.name], rows)
    return {(row[0], row[1]) for row in found}


def _settle(
    each: tuple[int, Valid],
    firsts: Mapping[Key, tuple[int, int]],
    inserted: set[Key],
    standings: Mapping[int, Standing],
) -> Written:
    """Judges every report of a submission, and applies those that are new to the device's standing."""
    number, (submission, (device_row, _)) = each
    standing, reports = standings[device_row], submission.reports
    keys = [(device_row, report.reported_at) for report in reports]
    fresh = {place for place, key in enumerate(keys) if key in inserted and firsts[key] == (number, place)}
    before = standing.reported_at
    stale = {place for place in fresh if before is not None and reports[place].reported_at < before}
    for place in sorted(fresh, key=lambda place: reports[place].reported_at):
        standing.take(reports[place])
    standing.received_at = max(standing.received_at, submission.received_at)
    duplicates = frozenset(range(len(reports))) - fresh
    return Written(device_row, len(fresh), frozenset(stale), duplicates)


def _keep(connection: Connection, accounts: Mapping[int, int], standings: Mapping[int, Standing]) -> None:
    """In one order everywhere, as the retention of reports locks these rows too."""
    rows = [
        {
            "device_row": row,
            "account_id": accounts[row],
            "reported_at": standing.reported_at,
            "received_at": standing.received_at,
            "mode": standing.mode,
            "pending_before": standing.pending_before,
            "thinned_until": standing.thinned_until,
        }
        for row, standing in sorted(standings.items())
    ]
    connection.execute(CHANGES[connection.dialect.name], rows)
