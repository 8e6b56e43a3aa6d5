"""What a key may do over GraphQL."""

import pytest

from tests.conftest import passing
from tests.schema.conftest import NOBODY, code

READS = {
    "devices": "{ devices { totalCount } }",
    "device": f'{{ device(deviceId: "{NOBODY}") {{ id }} }}',
    "session": f'{{ session(token: "{NOBODY}") {{ id }} }}',
    "passings": "{ passings { totalCount } }",
    "events": "{ events { totalCount } }",
    "alarms": "{ alarms { totalCount } }",
    "alarmThresholds": "{ viewer { account { alarmThresholds { silent } } } }",
}
WRITES = {
    "bindDevice": 'mutation { bindDevice(input: {serialNumber: "S", model: "M"}) { alreadyBound } }',
    "openSession": f'mutation {{ openSession(deviceId: "{NOBODY}") {{ id }} }}',
    "closeSession": f'mutation {{ closeSession(token: "{NOBODY}") {{ id }} }}',
    "recordPassings": f'mutation {{ recordPassings(sessionToken: "{NOBODY}", passings: '
    '[{number: 1, bib: "7", timestamp: "2026-06-01T10:00:00Z"}]) { insertedCount } }',
    "createEvent": 'mutation { createEvent(input: {name: "R", startDate: "2026-06-01"}) { token } }',
    "updateEvent": f'mutation {{ updateEvent(token: "{NOBODY}", input: {{}}) {{ token }} }}',
    "createRace": f'mutation {{ createRace(eventToken: "{NOBODY}", input: {{name: "R"}}) {{ name }} }}',
    "updateRace": 'mutation { updateRace(id: "x", input: {}) { name } }',
    "setGunTime": 'mutation { setGunTime(raceId: "x", at: "2026-06-01T10:00:00Z") { name } }',
    "serveCheckpoint": 'mutation { serveCheckpoint(input: {checkpointId: "x", deviceId: "x"}) { name } }',
    "updateServing": 'mutation { updateServing(id: "x", patch: {}) { name } }',
    "endServing": 'mutation { endServing(id: "x") { name } }',
    "setAlarmThresholds": "mutation { setAlarmThresholds(input: {}) { silent } }",
    "removeServing": 'mutation { removeServing(id: "x") { name } }',
}
UNBIND = f'mutation {{ unbindDevice(deviceId: "{NOBODY}") {{ id }} }}'
ADMIN = {
    "apiKeys": "{ viewer { apiKeys { id } } }",
    "createApiKey": "mutation { createApiKey(input: {access: READ}) { key } }",
    "revokeApiKey": 'mutation { revokeApiKey(id: "eA==") { id } }',
}


@pytest.mark.parametrize(
    "query", [*WRITES.values(), UNBIND, *ADMIN.values()], ids=[*WRITES, "unbind", *ADMIN]
)
def test_a_read_key_changes_nothing(make_desk, make_key, query):
    answer = make_desk(make_key("READ")).ask(query)
    if "revokeApiKey" in query:
        assert code(answer) in ("FORBIDDEN", "NOT_FOUND")
    else:
        assert code(answer) == "FORBIDDEN"


@pytest.mark.parametrize("query", [*READS.values(), UNBIND, *ADMIN.values()], ids=[*READS, "unbind", *ADMIN])
def test_a_write_key_reads_nothing(make_desk, make_key, query):
    answer = make_desk(make_key("WRITE")).ask(query)
    assert code(answer) in (("FORBIDDEN", "NOT_FOUND") if "revokeApiKey" in query else ("FORBIDDEN",))


def test_unbinding_needs_its_own_flag(make_desk, make_key):
    assert code(make_desk(make_key("READ_WRITE")).ask(UNBIND)) == "FORBIDDEN"
    assert code(make_desk(make_key("WRITE", unbind=True)).ask(UNBIND)) == "NOT_FOUND"


def test_a_write_key_works_without_ever_reading(make_desk, make_key):
    desk = make_desk(make_key("WRITE"))
    bound = desk.data(
        'mutation { bindDevice(input: {serialNumber: "S", model: "M"}) { device { deviceId } } }'
    )
    device = bound["bindDevice"]["device"]["deviceId"]
    opened = desk.data("mutation($d: String!) { openSession(deviceId: $d) { token } }", d=device)
    query = """mutation($t: String!) { recordPassings(sessionToken: $t, passings: [{number: 1, bib: "7",
        timestamp: "2026-06-01T10:00:00Z"}]) { insertedCount results { number outcome } } }"""
    recorded = desk.data(query, t=opened["openSession"]["token"])["recordPassings"]
    assert recorded == {"insertedCount": 1, "results": [{"number": 1, "outcome": "INSERTED"}]}


def test_a_field_needs_the_right_of_its_noun(make_desk, make_key, desk):
    token = desk.session(desk.device())
    desk.post(token, passing(1))
    narrow = make_desk(make_key("READ", scopes=("passings:read",)))
    assert code(narrow.ask("{ passings { edges { node { device { id } } } } }")) == "FORBIDDEN"
    assert code(narrow.ask("{ passings { edges { node { session { id } } } } }")) == "FORBIDDEN"
    devices = make_desk(make_key("READ", scopes=("devices:read",)))
    answer = devices.ask("{ devices { edges { node { serialNumber activeSession { token } } } } }")
    assert code(answer) == "FORBIDDEN"
    assert answer["data"]["devices"]["edges"][0]["node"]["activeSession"] is None
    assert code(devices.ask("{ devices { edges { node { sessions { totalCount } } } } }")) == "FORBIDDEN"
    sessions = make_desk(make_key("READ", scopes=("sessions:read",)))
    for field in ("passings { totalCount }", "missingNumbers", "missingCount", "conflicts { number }"):
        query = f"query($t: String!) {{ session(token: $t) {{ {field} }} }}"
        assert code(sessions.ask(query, t=token)) == "FORBIDDEN", field
