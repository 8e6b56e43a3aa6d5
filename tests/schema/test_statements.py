"""No page costs a statement for each of its entries: a page of 50 takes as many as a page of 5."""

import pytest

DEVICES = """query($first: Int) { devices(first: $first) { totalCount edges { node {
    serialNumber connection lastSeenAt passingCount sessionCount lastPassingAt
    activeSession { token passingCount device { alias } }
    sessions(first: 3) { totalCount edges { node { token passingCount device { passingCount } } } } } } } }"""
SESSIONS = """query($id: String!, $first: Int) { device(deviceId: $id) { sessions(first: $first) { totalCount edges {
    node { token active passingCount conflictCount lastPassingAt firstPassingAt
    device { alias connection passingCount sessionCount activeSession { token } } } } } } }"""
PASSINGS = """query($first: Int) { passings(first: $first) { totalCount edges { node { number
    session { token passingCount } device { alias connection activeSession { token } } } } } }"""
RECORD = """mutation($token: String!, $passings: [PassingInput!]!) { recordPassings(sessionToken: $token,
    passings: $passings) { insertedCount results { outcome passing { number session { token } device { alias }
    } } } }"""


async def race(machine, devices=50):
    for _ in range(devices):
        device = await machine.device()
        await machine.record(await machine.session(device), 1, 3)
        await machine.session(device)


async def test_a_page_of_devices(machine):
    await race(machine)
    few, many = [await machine.statements(DEVICES, first=first) for first in (5, 50)]
    assert few == many


async def test_a_page_of_sessions_with_their_device_and_counts(machine):
    device = await machine.device()
    for _ in range(50):
        await machine.record(await machine.session(device), 1, 2)
    few, many = [await machine.statements(SESSIONS, id=device, first=first) for first in (5, 50)]
    assert few == many


async def test_a_page_of_passings_of_many_sessions_and_devices(machine):
    await race(machine)
    few, many = [await machine.statements(PASSINGS, first=first) for first in (5, 50)]
    assert few == many


async def test_the_results_of_a_recording(machine):
    token = await machine.session()
    new = [{"number": n, "bib": "7", "timestamp": "2026-06-01T10:00:00Z"} for n in range(55)]
    few = await machine.statements(RECORD, token=token, passings=new[:5])
    many = await machine.statements(RECORD, token=token, passings=new[5:])
    assert few == many


async def test_counts_are_not_counted(machine):
    """A count that walks the passings would be slow at a million rows: the sessions keep it."""
    token = await machine.session()
    await machine.record(token, *range(100))
    told = []
    import sqlalchemy as sa

    def tell(_conn, _cursor, statement, *_rest):
        told.append(statement)

    engine = machine.database._engine.sync_engine
    sa.event.listen(engine, "before_cursor_execute", tell)
    query = """query($t: String!) { session(token: $t) { passingCount lastPassingAt passings(first: 1) { totalCount }
        device { passingCount lastPassingAt } } passings(first: 1) { totalCount } }"""
    found = await machine.execute(query, t=token)
    sa.event.remove(engine, "before_cursor_execute", tell)
    assert found["passings"]["totalCount"] == found["session"]["device"]["passingCount"] == 100
    assert not [statement for statement in told if "count(*)" in statement and "FROM passings" in statement]


@pytest.mark.xfail(reason="each session counts its own gaps, with statements of its own")
async def test_a_page_of_sessions_with_what_is_missing(machine):
    device = await machine.device()
    for _ in range(20):
        await machine.record(await machine.session(device), 1, 3)
    query = """query($id: String!, $first: Int) { device(deviceId: $id) { sessions(first: $first) { edges { node {
        missingCount missingNumbers conflicts { number } } } } } }"""
    few, many = [await machine.statements(query, id=device, first=first) for first in (2, 20)]
    assert few == many
