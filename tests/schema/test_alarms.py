"""Alarms in GraphQL: a device reports through v0, and its account sees what is wrong."""

import time
from typing import Any

import pytest

from schema import alarms as schema
from tests.conftest import Desk, passing
from tests.schema.conftest import code, fields, nodes
from timing.health import Kind, Severity, Thresholds

ALARMS = """query($open: Boolean, $severity: Severity, $first: Int, $after: String) {
    alarms(open: $open, severity: $severity, first: $first, after: $after) { totalCount pageInfo { hasNextPage endCursor }
    edges { node { id kind severity detail startedAt endedAt device { serialNumber } } } } }"""
OF_DEVICE = """query($id: String!, $open: Boolean, $first: Int, $after: String) { device(deviceId: $id) {
    health { alarms { kind severity } } alarms(open: $open, first: $first, after: $after) { totalCount
    pageInfo { hasNextPage endCursor } edges { node { kind } } } } }"""
SET = """mutation($input: AlarmThresholdsInput!) { setAlarmThresholds(input: $input) { batteryLow batteryCritical
    temperatureLow temperatureHigh clockAhead passingsPending moved missingNumbers reader silent } }"""
USUAL = {
    "batteryLow": 20, "batteryCritical": 10, "temperatureLow": -10, "temperatureHigh": 60, "clockAhead": 5,
    "passingsPending": 100, "moved": 50, "missingNumbers": 1, "reader": True, "silent": True,
}  # fmt: skip


def report(desk: Desk, device: str, **told: Any) -> None:
    answer = desk.v0("POST", f"/devices/{device}/telemetry", told)
    assert answer.status_code == 201, answer.text


def until_open(desk: Desk, device: str, *kinds: str) -> dict[str, Any]:
    """What the device has, once these alarms are open and no others."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        found = desk.data(OF_DEVICE, id=device, open=True)["device"]
        if set(nodes(found["alarms"], "kind")) == set(kinds):
            return dict(found)
    raise AssertionError(found)


@pytest.fixture
def device(desk) -> str:
    """With two alarms open and one that ended, the newest first: reader, temperature, battery."""
    device = desk.device("S1")
    report(desk, device, battery_percentage=5)
    until_open(desk, device, "BATTERY_LOW")
    report(desk, device, battery_percentage=50, temperature=75)
    until_open(desk, device, "TEMPERATURE")
    report(desk, device, reader_connected=False)
    until_open(desk, device, "READER_ABSENT", "TEMPERATURE")
    return device


def test_the_alarms_of_an_account(desk, device):
    found = desk.data(ALARMS, open=True)["alarms"]
    assert found["totalCount"] == 2
    reader, temperature = [edge["node"] for edge in found["edges"]]
    assert reader["startedAt"] >= temperature["startedAt"]
    ids = {reader.pop("id"), temperature.pop("id"), reader.pop("startedAt"), temperature.pop("startedAt")}
    assert len(ids) >= 3
    of_device = {"endedAt": None, "device": {"serialNumber": "S1"}}
    assert reader == of_device | {
        "kind": "READER_ABSENT", "severity": "WARNING", "detail": "no reader present"
    }  # fmt: skip
    assert temperature == of_device | {
        "kind": "TEMPERATURE", "severity": "CRITICAL", "detail": "75 °C, upper limit 60 °C"
    }  # fmt: skip


def test_the_history_of_an_account_page_by_page(desk, device):
    first = desk.data(ALARMS, open=None, first=2)["alarms"]
    assert (nodes(first, "kind"), first["totalCount"]) == (["READER_ABSENT", "TEMPERATURE"], 3)
    assert first["pageInfo"]["hasNextPage"]
    rest = desk.data(ALARMS, open=None, first=2, after=first["pageInfo"]["endCursor"])["alarms"]
    assert nodes(rest, "kind") == ["BATTERY_LOW"] and not rest["pageInfo"]["hasNextPage"]
    (ended,) = desk.data(ALARMS, open=False)["alarms"]["edges"]
    assert ended["node"]["kind"] == "BATTERY_LOW" and ended["node"]["endedAt"] > ended["node"]["startedAt"]
    critical = desk.data(ALARMS, open=None, severity="CRITICAL")["alarms"]
    assert nodes(critical, "kind") == ["TEMPERATURE", "BATTERY_LOW"]
    assert fields(desk.ask(ALARMS, after="x")) == {"after": "is not a cursor of this list"}


def test_only_open_ones_unless_told(desk, device):
    assert desk.data("{ alarms { totalCount } devices { edges { node { alarms { totalCount } } } } }") == {
        "alarms": {"totalCount": 2},
        "devices": {"edges": [{"node": {"alarms": {"totalCount": 2}}}]},
    }


def test_the_alarms_of_a_device(desk, device):
    found = desk.data(OF_DEVICE, id=device, open=True, first=1)["device"]
    assert found["health"]["alarms"] == [
        {"kind": "TEMPERATURE", "severity": "CRITICAL"},
        {"kind": "READER_ABSENT", "severity": "WARNING"},
    ]
    page = found["alarms"]
    assert (nodes(page, "kind"), page["totalCount"], page["pageInfo"]["hasNextPage"]) == (
        ["READER_ABSENT"],
        2,
        True,
    )
    after = page["pageInfo"]["endCursor"]
    page = desk.data(OF_DEVICE, id=device, open=True, after=after)["device"]["alarms"]
    assert (nodes(page, "kind"), page["totalCount"]) == (["TEMPERATURE"], 2)
    page = desk.data(OF_DEVICE, id=device, open=None, first=2)["device"]["alarms"]
    assert (nodes(page, "kind"), page["totalCount"]) == (["READER_ABSENT", "TEMPERATURE"], 3)
    after = page["pageInfo"]["endCursor"]
    page = desk.data(OF_DEVICE, id=device, open=None, after=after)["device"]["alarms"]
    assert nodes(page, "kind") == ["BATTERY_LOW"]
    assert nodes(desk.data(OF_DEVICE, id=device, open=False)["device"]["alarms"], "kind") == ["BATTERY_LOW"]


def test_an_alarm_is_found_by_its_global_id_and_by_nobody_else(desk, device, make_desk, other_key):
    (id, *_) = nodes(desk.data(ALARMS)["alarms"], "id")
    query = "query($id: ID!) { node(id: $id) { __typename id ... on Alarm { kind device { deviceId } } } }"
    assert desk.data(query, id=id)["node"] == {
        "__typename": "Alarm", "id": id, "kind": "READER_ABSENT", "device": {"deviceId": device}
    }  # fmt: skip
    stranger = make_desk(other_key)
    assert stranger.data(query, id=id) == {"node": None}
    assert stranger.data(ALARMS)["alarms"]["totalCount"] == 0
    assert code(make_desk(None).ask(ALARMS)) == "UNAUTHENTICATED"


def test_an_unbound_device_has_no_open_alarms(desk, device):
    desk.v0("DELETE", f"/devices/{device}")
    until_open(desk, device)
    assert desk.data(ALARMS, open=None)["alarms"]["totalCount"] == 3


def test_missing_numbers_of_a_session_that_is_quiet_are_not_told_too_soon(desk):
    device = desk.device()
    desk.post(desk.session(device), passing(1), passing(3))
    assert until_open(desk, device)["health"]["alarms"] == []


def test_thresholds_are_changed_and_devices_judged_anew(desk):
    device = desk.device()
    report(desk, device, battery_percentage=30)
    until_open(desk, device)
    assert desk.data(SET, input={"batteryLow": 35})["setAlarmThresholds"] == USUAL | {"batteryLow": 35}
    until_open(desk, device, "BATTERY_LOW")
    changed = desk.data(SET, input={"batteryLow": None, "silent": False, "moved": 12.5})["setAlarmThresholds"]
    assert changed == USUAL | {"batteryLow": None, "silent": False, "moved": 12.5}
    until_open(desk, device)
    query = "{ viewer { account { alarmThresholds { batteryLow batteryCritical silent } } } }"
    assert desk.data(query)["viewer"]["account"]["alarmThresholds"] == {
        "batteryLow": None, "batteryCritical": 10, "silent": False
    }  # fmt: skip


@pytest.mark.parametrize(
    ("input", "field"),
    [
        ({"batteryLow": 101}, "batteryLow"), ({"batteryCritical": 30}, "batteryCritical"),
        ({"missingNumbers": 0}, "missingNumbers"), ({"silent": None}, "silent"),
        ({"temperatureHigh": -8}, "temperatureHigh"), ({"moved": 0}, "moved"),
    ],
)  # fmt: skip
def test_nonsense_is_refused(desk, input, field):
    assert list(fields(desk.ask(SET, input=input))) == [field]


def test_thresholds_need_the_right_to_write_devices(make_desk, make_key):
    reader = make_desk(make_key("READ"))
    assert code(reader.ask(SET, input={"silent": False})) == "FORBIDDEN"
    assert reader.data(ALARMS)["alarms"]["totalCount"] == 0
    assert code(make_desk(make_key("WRITE")).ask(ALARMS)) == "FORBIDDEN"


def test_names_are_those_of_the_rules():
    assert [each.name for each in schema.AlarmKind] == [kind.value for kind in Kind]
    assert [each.name for each in schema.Severity] == [severity.value for severity in Severity]
    named = [field.name for field in schema.AlarmThresholdsInput.__strawberry_definition__.fields]
    assert named == [field.name for field in schema.AlarmThresholds.__strawberry_definition__.fields]
    assert named == list(Thresholds._fields)
