"""No page costs a statement for each of its entries: a page of 50 takes as many as a page of 5."""

from resolvers import bindings, devices, events, keys, races, registrations, servings, telemetry
from resolvers.courses import NewRace
from resolvers.devices import NewDevice
from resolvers.entries import NewParticipant
from resolvers.events import NewEvent
from resolvers.reports import NewReport
from resolvers.servings import ServeCheckpoint

DEVICES = """query($first: Int) { devices(first: $first) { totalCount edges { node {
    serialNumber connection lastSeenAt passingCount sessionCount lastPassingAt passingsInLastSession passingsPending
    activeSession { token passingCount device { alias } }
    sessions(first: 3) { totalCount edges { node { token passingCount device { passingCount } } } } } } } }"""
HEALTH = """query($first: Int) { devices(first: $first) { edges { node { connection lastSeenAt
    health { mode connection lastSeenAt age alarms { kind } report { antennas } }
    telemetry(first: 2) { totalCount edges { node { reportedAt } } }
    late: telemetry(last: 2) { edges { node { reportedAt } } }
    plot: telemetry(bucket: 60, first: 3) { totalCount edges { node { bucket { voltage { average } } } } } } } } }"""
SESSIONS = """query($id: String!, $first: Int) { device(deviceId: $id) { sessions(first: $first) { totalCount edges {
    node { token active passingCount conflictCount lastPassingAt firstPassingAt
    device { alias connection passingCount sessionCount activeSession { token } } } } } } }"""
PASSINGS = """query($first: Int) { passings(first: $first) { totalCount edges { node { number
    session { token passingCount } device { alias connection activeSession { token } } } } } }"""
EVENTS = """query($first: Int) { events(first: $first) { totalCount edges { node { name races { name
    event { name } waves { name } categories { name } checkpoints { name race { name }
    servings { role device { alias } session { token } } } } } } } }"""
PARTICIPANTS = """query($events: Int, $first: Int) { events(first: $events) { edges { node { participants(first: $first) {
    totalCount edges { node { bib age birthDate chips { code } adjustments { seconds } race { name event { name } }
    wave { name } event { name } } } } } } } }"""
KEYS = """{ viewer { apiKeys(bindings: true) { alias device { alias } event { name } madeBy { alias }
    replacedBy { alias } uses(first: 3) { count } } } }"""
TRAIL = """{ viewer { audit(first: 1000) { totalCount edges { node { action actor { alias } apiKey { alias device { alias } }
    bindingToken { hint device { alias } madeBy { alias } } device { alias } } } } } }"""
TOKENS = """{ viewer { bindingTokens(first: 1000) { totalCount edges { node { hint device { alias } madeBy { alias }
    } } } } }"""
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


async def test_a_page_of_devices_with_their_health_and_history(machine):
    """However many devices, reports and alarms there are."""
    for _ in range(50):
        new = [NewReport(reported_at=f"2026-06-01T10:{minute:02}:00Z") for minute in range(5)]
        await telemetry.report(machine.ctx, await machine.device(), new)
    few, many = [await machine.statements(HEALTH, first=first) for first in (5, 50)]
    assert few == many
    glance = "{ devices(first: 50) { edges { node { health { deviceStatus age report { mode } } } } } }"
    assert await machine.statements(glance) == await machine.statements(glance.replace("50", "1")) <= 9
    plot = "query($d: String!) { device(deviceId: $d) { telemetry(bucket: 60) { edges { node { bucket { reportCount } } } } } }"
    one, other = [await machine.device() for _ in range(2)]
    await telemetry.report(machine.ctx, other, [NewReport()])
    assert await machine.statements(plot, d=one) == await machine.statements(plot, d=other) <= 5


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


async def test_a_page_of_events_with_their_races_and_who_serves_them(machine):
    ctx, device = machine.ctx, await machine.device()
    for _ in range(20):
        event = await events.create(ctx, NewEvent(name="Run", start_date="2026-06-01"))
        for name in ("A", "B"):
            race = await races.create(ctx, event.token, NewRace(name=name))
            for checkpoint in await races.checkpoints(ctx, race.id):
                await servings.serve(ctx, ServeCheckpoint(checkpoint_id=checkpoint.id, device_id=device))
    few, many = [await machine.statements(EVENTS, first=first) for first in (2, 20)]
    assert few == many


async def test_a_page_of_participants_of_many_events(machine):
    for _ in range(12):
        event = await events.create(machine.ctx, NewEvent(name="Run", start_date="2026-06-01"))
        await races.create(machine.ctx, event.token, NewRace(name="A"))
        new = [NewParticipant(bib=str(bib), name="Ann", wave="A", chip="X") for bib in range(50)]
        await registrations.add(machine.ctx, event.token, new)
    few = await machine.statements(PARTICIPANTS, events=2, first=5)
    assert await machine.statements(PARTICIPANTS, events=2, first=50) == few
    assert await machine.statements(PARTICIPANTS, events=12, first=5) == few


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


async def test_alarms_of_a_page_of_devices_and_devices_of_a_page_of_alarms(machine):
    for _ in range(50):
        await machine.alarm(await machine.device())
    of_devices = """query($first: Int) { devices(first: $first) { edges { node { health { alarms { kind device { alias } } }
        alarms(open: null, first: 3) { totalCount edges { node { kind device { alias } } } } } } } }"""
    of_account = (
        "query($first: Int) { alarms(first: $first) { totalCount edges { node { kind device { alias } } } } }"
    )
    for query in (of_devices, of_account):
        few, many = [await machine.statements(query, first=first) for first in (5, 50)]
        assert few == many


async def test_a_page_of_sessions_with_what_is_missing(machine):
    device = await machine.device()
    for _ in range(20):
        await machine.record(await machine.session(device), 1, 3)
    query = """query($id: String!, $first: Int) { device(deviceId: $id) { sessions(first: $first) { edges { node {
        missingCount missingNumbers conflicts { number } } } } } }"""
    few, many = [await machine.statements(query, id=device, first=first) for first in (2, 20)]
    assert few == many


async def test_the_keys_of_an_account_and_its_audit_trail(machine):
    async def grow(count):
        for _ in range(count):
            device = await machine.device()
            name = (await devices.of_id(machine.ctx, device)).device_id
            key, _ = await keys.create(machine.ctx, keys.NewKey(access="READ", device_id=name))
            await keys.rotate(machine.ctx, key.id, 0)
            _, text = await bindings.create(machine.ctx)
            await bindings.exchange(machine.ctx, text, NewDevice(model="M", serial_number=name))

    await grow(1)
    few = [await machine.statements(query) for query in (KEYS, TRAIL, TOKENS)]
    await grow(6)
    assert [await machine.statements(query) for query in (KEYS, TRAIL, TOKENS)] == few
