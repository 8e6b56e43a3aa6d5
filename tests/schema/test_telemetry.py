"""Telemetry over GraphQL: handing it in, how a device stands, pages and buckets of its history."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.schema.conftest import NOBODY, code, fields

REPORT = """mutation($d: String!, $r: [TelemetryInput!]!) { reportTelemetry(deviceId: $d, reports: $r) {
    insertedCount duplicateCount staleCount results { reportedAt outcome } device { deviceId } } }"""
HEALTH = """query($d: String!) { device(deviceId: $d) { lastSeenAt connection health { reportedAt receivedAt age connection
    lastSeenAt deviceStatus mode batteryPercentage charging voltage temperature latitude longitude altitude
    connectivity signalStrength readerConnected antennas firmware passingsPending clockSource configuration extra
    alarms { kind } report { reportedAt stale mode batteryPercentage bucket { reportCount } } } } }"""
PAGE = """query($d: String!, $from: Instant, $to: Instant, $first: Int, $after: String, $last: Int, $before: String) {
    device(deviceId: $d) { telemetry(from: $from, to: $to, first: $first, after: $after, last: $last,
    before: $before) { totalCount edges { cursor node { antennas } }
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } } }"""
BUCKETS = """query($d: String!, $w: Int!, $first: Int, $after: String, $last: Int, $before: String) {
    device(deviceId: $d) { telemetry(bucket: $w, first: $first, after: $after, last: $last, before: $before) {
    totalCount pageInfo { hasNextPage hasPreviousPage } edges { cursor node { reportedAt antennas bucket { from to
    reportCount batteryPercentage { min max average last } voltage { last } } } } } } }"""
WHOLE = {
    "deviceStatus": "timing",
    "mode": "START",
    "batteryPercentage": 87.5,
    "charging": False,
    "voltage": 12.1,
    "temperature": -3.5,
    "latitude": 41.3879,
    "longitude": 2.16992,
    "altitude": 12.0,
    "connectivity": "CELLULAR",
    "signalStrength": -71.0,
    "readerConnected": True,
    "antennas": 4,
    "firmware": "2.4.1",
    "passingsPending": 2**40,
    "clockSource": "GPS",
    "configuration": {"power": 30, "zones": ["a", None], "big": 2**64},
    "extra": {},
}


def minute(number: int) -> str:
    return f"2026-05-01T10:{number:02}:00Z"


def reported(desk, device, *reports):
    return desk.data(REPORT, d=device, r=list(reports))["reportTelemetry"]


@pytest.fixture
def device(desk):
    return desk.device()


def test_each_report_has_an_outcome(desk, device):
    first = reported(
        desk, device, {"reportedAt": minute(5)}, {"reportedAt": minute(6)}, {"reportedAt": minute(5)}
    )
    assert [each["outcome"] for each in first["results"]] == ["INSERTED", "INSERTED", "DUPLICATE"]
    again = reported(
        desk, device, {"reportedAt": minute(4)}, {"reportedAt": minute(6)}, {"reportedAt": minute(7)}
    )
    assert again == {
        "insertedCount": 2,
        "duplicateCount": 1,
        "staleCount": 1,
        "results": [
            {"reportedAt": "2026-05-01T10:04:00.000Z", "outcome": "STALE"},
            {"reportedAt": "2026-05-01T10:06:00.000Z", "outcome": "DUPLICATE"},
            {"reportedAt": "2026-05-01T10:07:00.000Z", "outcome": "INSERTED"},
        ],
        "device": {"deviceId": device},
    }


def test_health_is_never_null_and_holds_all_that_the_newest_report_told(desk, device):
    before = desk.data(HEALTH, d=device)["device"]
    empty = before["health"]
    assert (empty.pop("connection"), empty.pop("alarms")) == ("DISCONNECTED", [])
    assert set(empty.values()) == {None} and before["lastSeenAt"] is None
    at = (datetime.now(UTC) - timedelta(seconds=30)).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    reported(desk, device, WHOLE | {"reportedAt": at})
    reported(desk, device, {"reportedAt": minute(1), "batteryPercentage": 1, "mode": "IDLE"})
    now = desk.data(HEALTH, d=device)["device"]
    health = now["health"]
    told = {name: health[name] for name in WHOLE}
    assert told == WHOLE | {"configuration": WHOLE["configuration"] | {"big": float(2**64)}}
    assert health["reportedAt"] == at and 30 <= health["age"] < 60
    assert now["connection"] == health["connection"] == "CONNECTED"
    assert now["lastSeenAt"] == health["lastSeenAt"] > health["receivedAt"] > at, (
        "the late one was heard last"
    )
    assert health["report"] == {
        "reportedAt": at,
        "stale": False,
        "mode": "START",
        "batteryPercentage": 87.5,
        "bucket": None,
    }


def test_the_mode_is_the_last_that_was_told(desk, device):
    reported(desk, device, {"reportedAt": minute(1), "mode": "TEST"}, {"reportedAt": minute(2)})
    health = desk.data(HEALTH, d=device)["device"]["health"]
    assert (health["mode"], health["report"]["mode"]) == ("TEST", None)


def test_a_report_is_a_sign_of_life_whenever_it_was_made(desk, device):
    reported(desk, device, {"reportedAt": minute(1)})
    now = desk.data(HEALTH, d=device)["device"]
    assert now["connection"] == "CONNECTED" and now["health"]["age"] > 150


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"batteryPercentage": 100.1}, "reports[0].batteryPercentage"),
        ({"deviceStatus": "x" * 65}, "reports[0].deviceStatus"),
        ({"reportedAt": "2999-01-01T00:00:00Z"}, "reports[0].reportedAt"),
        ({"extra": {"a": "x" * 5000}}, "reports[0].extra"),
        ({"passingsPending": -1}, "reports[0].passingsPending"),
    ],
)
def test_nonsense_names_its_field(desk, device, wrong, field):
    assert list(fields(desk.ask(REPORT, d=device, r=[wrong]))) == [field]


@pytest.mark.parametrize(
    "wrong", [{"mode": "start"}, {"extra": []}, {"extra": "{}"}, {"antennas": 1.5}, {"charging": "true"}]
)
def test_the_wrong_kind_is_refused_by_the_schema(desk, device, wrong):
    assert code(desk.ask(REPORT, d=device, r=[wrong])) == "BAD_USER_INPUT"


def test_an_object_may_be_written_in_the_document(desk, device):
    document = """mutation($d: String!, $v: [Int!]) { reportTelemetry(deviceId: $d, reports: [{
        configuration: {power: 30, names: ["a", null], deep: {on: true, off: 1.5}, given: $v}}]) { insertedCount } }"""
    desk.data(document, d=device, v=[1, 2])
    health = desk.data(HEALTH, d=device)["device"]["health"]
    assert health["configuration"] == {
        "power": 30,
        "names": ["a", None],
        "deep": {"on": True, "off": 1.5},
        "given": [1, 2],
    }


def test_a_device_that_is_not_there_is_not_found(desk):
    assert code(desk.ask(REPORT, d=NOBODY, r=[{}])) == "NOT_FOUND"


def test_pages_go_through_the_history_from_both_ends(desk, device):
    reported(desk, device, *({"reportedAt": minute(n), "antennas": n} for n in (3, 1, 5, 2, 4)))

    def page(**how):
        found = desk.data(PAGE, d=device, **how)["device"]["telemetry"]
        info = found["pageInfo"]
        return (
            [edge["node"]["antennas"] for edge in found["edges"]],
            found["totalCount"],
            (info["hasPreviousPage"], info["hasNextPage"]),
            info,
        )

    shown, total, more, info = page(first=2)
    assert (shown, total, more) == ([1, 2], 5, (False, True))
    shown, total, more, info = page(first=2, after=info["endCursor"])
    assert (shown, total, more) == ([3, 4], 5, (True, True))
    assert page(first=2, after=info["endCursor"])[0::2][:2] == ([5], (True, False))
    shown, _, more, info = page(last=2)
    assert (shown, more) == ([4, 5], (True, False))
    assert page(last=9, before=info["startCursor"])[0::2][:2] == ([1, 2, 3], (False, True))
    assert page(**{"from": minute(2), "to": minute(4)})[:2] == ([2, 3, 4], 3)
    assert page(**{"from": minute(2), "to": minute(4), "first": 1, "after": info["startCursor"]})[:2] == (
        [],
        3,
    )


def test_a_bucket_is_an_entry_with_its_newest_report(desk, device):
    told = [(0, 80.0), (1, 60.0), (2, None), (7, 50.0), (8, None), (30, None)]
    reports = [
        {"reportedAt": minute(n), "antennas": n, "batteryPercentage": battery, "voltage": None}
        for n, battery in told
    ]
    reported(desk, device, *reports)

    def page(**how):
        found = desk.data(BUCKETS, d=device, w=300, **how)["device"]["telemetry"]
        return found, [edge["node"]["antennas"] for edge in found["edges"]]

    found, newest = page()
    assert (newest, found["totalCount"]) == ([2, 8, 30], 3)
    node = found["edges"][0]["node"]
    assert node == {
        "reportedAt": "2026-05-01T10:02:00.000Z",
        "antennas": 2,
        "bucket": {
            "from": "2026-05-01T10:00:00.000Z",
            "to": "2026-05-01T10:05:00.000Z",
            "reportCount": 3,
            "batteryPercentage": {"min": 60, "max": 80, "average": 70, "last": 60},
            "voltage": {"last": None},
        },
    }
    cursors = [edge["cursor"] for edge in found["edges"]]
    found, newest = page(first=1, after=cursors[0])
    assert (newest, found["totalCount"]) == ([8], 3)
    assert found["pageInfo"] == {"hasNextPage": True, "hasPreviousPage": True}
    found, newest = page(last=1, before=cursors[2])
    assert newest == [8] and found["pageInfo"] == {"hasNextPage": True, "hasPreviousPage": True}
    found, newest = page(last=0)
    assert newest == [] and found["pageInfo"]["hasPreviousPage"]


@pytest.mark.parametrize(
    ("how", "field"),
    [
        ({"first": -1}, "first"),
        ({"first": 1001}, "first"),
        ({"last": 1001}, "last"),
        ({"first": 1, "last": 1}, "last"),
        ({"before": "1"}, "before"),
        ({"after": "x"}, "after"),
        ({"from": "yesterday"}, "from"),
    ],
)
def test_a_page_that_cannot_be_is_refused(desk, device, how, field):
    assert list(fields(desk.ask(PAGE, d=device, **how))) == [field]


@pytest.mark.parametrize("width", [0, -1, 31_622_401])
def test_a_bucket_has_a_width(desk, device, width):
    assert list(fields(desk.ask(BUCKETS, d=device, w=width))) == ["bucket"]


def test_who_may_read_devices_only_sees_their_health_and_not_their_history(desk, device, make_desk, make_key):
    reported(desk, device, {"reportedAt": minute(1), "mode": "IDLE"})
    guest = make_desk(make_key(scopes=("devices:read",)))
    assert guest.data(HEALTH, d=device)["device"]["health"]["mode"] == "IDLE"
    assert code(guest.ask(PAGE, d=device)) == "FORBIDDEN"
    assert code(guest.ask(REPORT, d=device, r=[{}])) == "FORBIDDEN"
