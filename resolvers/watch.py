"""The watch over alarms: looks at devices that have news, and by the clock at those that say nothing.

It stands on what is in the tables, so several servers may watch the same devices, and one that starts anew
goes on where it was: an alarm begins and ends once. Only how long numbers are missing is kept in memory.
"""

from collections.abc import AsyncIterator, Callable, Collection, Iterable, Mapping, Sequence
from functools import partial

from sortedcontainers import SortedList

from models import alarms as rows
from models import conditions
from models.alarms import Changes
from models.conditions import Known
from models.database import AsyncSession, Database
from resolvers.numberings import Numberings
from timing import clocks
from timing import health as rules
from timing.conditions import Condition
from timing.health import Kind, Severity

SLICE = 100
"""Devices that are judged together: two or three milliseconds, then others have their turn."""

RETRY = 10 * clocks.SECOND
"""Until devices that could not be judged are looked at again."""


class Agenda:
    """Which devices are to be looked at by the clock, and when."""

    def __init__(self) -> None:
        self._at: dict[int, int] = {}
        self._order: SortedList[tuple[int, int]] = SortedList()

    def note(self, device_row: int, at: int | None) -> None:
        """In place of what was noted for the device before; None: not at all."""
        before = self._at.pop(device_row, None)
        if before is not None:
            self._order.remove((before, device_row))
        if at is not None:
            self._at[device_row] = at
            self._order.add((at, device_row))

    def take(self, now: int) -> list[int]:
        """The devices that are due. They are noted no more."""
        due = [row for _, row in self._order.irange(maximum=(now, 1 << 62))]
        for row in due:
            self.note(row, None)
        return due


class Watch:
    """`touched` is told, after the commit, which devices' alarms have changed: device row to account."""

    def __init__(
        self, database: Database, clock: Callable[[], int], touched: Callable[[Mapping[int, int]], None]
    ) -> None:
        self._database = database
        self._clock = clock
        self._touched = touched
        self._agenda = Agenda()
        self._numberings = Numberings()

    async def look(self, device_rows: Iterable[int] | None) -> None:
        """Judges these devices, or with None all there are, and those that are due by the clock.

        Raises ExceptionGroup when some could not be judged: the others are, and those will be due again.
        """
        due, failures = self._agenda.take(self._clock()), list[Exception]()
        async for some in self._slices(None if device_rows is None else {*device_rows, *due}):
            try:
                await self._judge(some)
            except Exception as failure:
                failures.append(failure)
                for device in some:
                    self._agenda.note(device, self._clock() + RETRY)
        if failures:
            raise ExceptionGroup("devices could not be judged", failures)

    async def _slices(self, device_rows: Collection[int] | None) -> AsyncIterator[Sequence[int]]:
        if device_rows is not None:
            wanted = sorted(device_rows)
            for start in range(0, len(wanted), SLICE):
                yield wanted[start : start + SLICE]
            return
        last = 0
        while some := await self._after(last):
            yield some
            last = some[-1]

    async def _after(self, last: int) -> list[int]:
        async with self._database.reading() as session:
            return await conditions.devices_after(session, last, SLICE)

    async def _judge(self, device_rows: Sequence[int]) -> None:
        now, changes, touched = self._clock(), Changes(), dict[int, int]()
        async with self._database.reading() as session:
            found = await conditions.of(session, device_rows)
            open = await rows.open_of(session, device_rows)
            wanted = await conditions.wanted(session, {known.account_id for known in found})
            missing = await self._numberings.missing(session, found, now)
            carried = await _carried(session, found, wanted)
        for known in found:
            device, limits = known.device_row, wanted.get(known.account_id, rules.USUAL)
            condition = _anchored(known, device in carried, changes)
            alarms = open.get(device, [])
            was = {Kind(alarm.kind): Severity(alarm.severity) for alarm in alarms}
            holds = rules.judge(now, condition, missing.get(device), limits, was)
            if _compare(known, alarms, holds, changes):
                touched[device] = known.account_id
            self._agenda.note(device, self._next(known, now))
        if changes:
            await self._database.transact(partial(rows.write, changes, now))
        if touched:
            self._touched(touched)

    def _next(self, known: Known, now: int) -> int | None:
        """When the device has to be looked at again though nothing is heard of it."""
        times = known.condition.silent_at, self._numberings.next_at(known, now)
        return min((at for at in times if at is not None and at > now), default=None)


async def _carried(
    session: AsyncSession, found: Iterable[Known], wanted: Mapping[int, rules.Thresholds]
) -> set[int]:
    """Which devices are away from where they began to time because they paused in between: reports that come
    together may hold a pause that no look has seen."""
    away: dict[int, int] = {}
    for known in found:
        limit = wanted.get(known.account_id, rules.USUAL).moved
        moved = known.condition.moved if known.anchored_at is not None else None
        if known.anchored_at is not None and limit is not None and moved is not None and moved > limit:
            away[known.device_row] = known.anchored_at
    return await conditions.idle_since(session, away) if away else set()


def _anchored(known: Known, anew: bool, changes: Changes) -> Condition:
    """The condition with the place where the device began to time as it is now; `anew`: where it is now."""
    condition = known.condition
    place = condition.place if anew else condition.anchor
    latitude, longitude = place or (None, None)
    if (latitude, longitude) == (condition.anchor_latitude, condition.anchor_longitude):
        return condition
    at = None if place is None else condition.reported_at
    changes.anchors.append(rows.Anchor(known.device_row, latitude, longitude, at))
    return condition._replace(anchor_latitude=latitude, anchor_longitude=longitude)


def _compare(
    known: Known, open: Sequence[rows.Alarm], holds: Mapping[Kind, rules.Finding], changes: Changes
) -> bool:
    """Whether the alarms that hold differ from those that are open; what differs is noted."""
    differ = False
    for alarm in open:
        finding = holds.get(Kind(alarm.kind))
        if finding is None:
            changes.ends.append(alarm.id)
        elif finding.severity != alarm.severity:
            changes.regrades.append(rows.Regrade(alarm.id, finding.severity, finding.detail))
        else:
            continue
        differ = True
    for kind in holds.keys() - {alarm.kind for alarm in open}:
        severity, detail = holds[kind]
        changes.starts.append(rows.Start(known.device_row, kind, known.account_id, severity, detail))
        differ = True
    return differ
