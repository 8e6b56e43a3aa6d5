"""Reading a fleet, on SQLite and on PostgreSQL."""

from models import alarms, fleets
from models.telemetry import Report, State
from tests import factories as make
from tests.factories import NOON


async def read(database, account_id, rows=None):
    return [sights async for sights in fleets.read(database, account_id, rows)]


async def test_a_device_comes_with_all_that_is_known_of_it(database):
    device = await make.device(database)
    other = await make.device(database, device.account_id)
    await make.session(database, device, closed_at=NOON)
    session = await make.session(database, device)
    async with database.transaction() as transaction:
        for at in (NOON, NOON + 1):
            transaction.add(Report(device_row=device.id, reported_at=at, received_at=at, stale=False))
        transaction.add(
            State(
                device_row=device.id, account_id=device.account_id, reported_at=NOON + 1, received_at=NOON + 2
            )
        )
        for kind, ended_at in (("SILENT", NOON), ("SILENT", None), ("MOVED", None)):
            new = {"kind": kind, "severity": "WARNING", "started_at": NOON, "ended_at": ended_at}
            transaction.add(alarms.Alarm(account_id=device.account_id, device_row=device.id, **new))
    ((sight, bare),) = await read(database, device.account_id)
    assert sight.device.id == device.id and sight.active.token == session.token
    assert sight.counts.sessions == 2
    assert sight.health.report.reported_at == NOON + 1 and sight.health.state.received_at == NOON + 2
    assert [alarm.kind for alarm in sight.alarms] == ["SILENT", "MOVED"]
    assert (bare.device.id, bare.active, bare.health, bare.alarms) == (other.id, None, None, [])


async def test_only_the_accounts_own_are_read_and_only_those_that_are_wanted(database):
    mine = await make.device(database)
    second = await make.device(database, mine.account_id)
    theirs = await make.device(database)
    wanted = [theirs.id, second.id]
    ((sight,),) = await read(database, mine.account_id, wanted)
    assert sight.device.id == second.id
    assert await read(database, mine.account_id, []) == []


async def test_a_large_fleet_is_read_some_at_a_time_each_device_once(database, monkeypatch):
    monkeypatch.setattr(fleets, "AT_ONCE", 3)
    account = (await make.account(database)).id
    ids = [(await make.device(database, account)).id for _ in range(7)]
    for rows in (None, list(reversed(ids))):
        found = await read(database, account, rows)
        assert [len(sights) for sights in found] == [3, 3, 1]
        assert [sight.device.id for sights in found for sight in sights] == ids
