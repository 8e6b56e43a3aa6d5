"""What a device says of itself over v0, and what that does to how it is shown."""

from datetime import UTC, datetime, timedelta

import pytest


def moment(**ago: float) -> str:
    then = datetime.now(UTC) - timedelta(**ago)
    return then.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def report(v0, device, *reports, status=201, **one):
    body = {"reports": list(reports)} if reports else one
    answer = v0.post(f"/v0/devices/{device}/telemetry", body)
    assert answer.status_code == status, answer.text
    return answer.json()


def counts(answer):
    return answer["inserted_count"], answer["duplicate_count"], answer["stale_count"]


def shown(v0, device):
    """D4, and the same of D3."""
    one = v0.get(f"/v0/devices/{device}").json()["result"]
    (summary,) = [each for each in v0.get("/v0/devices").json()["result"] if each["deviceid"] == device]
    for key in ("device_status", "battery_percentage", "charging", "last_telemetry_at", "last_seen"):
        assert one[key] == summary[key]
    return one


def history(v0, device, **params):
    answer = v0.get(f"/v0/devices/{device}/telemetry", **params)
    assert answer.status_code == 200, answer.text
    return answer.json()["result"]


def test_a_device_shows_its_newest_report(v0):
    device = v0.bind()
    before = shown(v0, device)
    assert (before["device_status"], before["last_telemetry_at"], before["last_seen"]) == (None,) * 3
    at = moment(minutes=1)
    report(v0, device, reported_at=at, device_status="timing", battery_percentage=87.0, charging=True)
    now = shown(v0, device)
    assert (now["device_status"], now["charging"], now["last_telemetry_at"]) == ("timing", True, at)
    assert repr(now["battery_percentage"]) == "87", "a whole number has no decimals"
    assert now["last_seen"] > at, "heard when it came, not when it was made"


def test_a_stale_report_never_overwrites_newer_state_and_is_in_the_history(v0):
    device = v0.bind()
    newest, older = moment(minutes=1), moment(minutes=9)
    assert counts(report(v0, device, reported_at=newest, battery_percentage=50)) == (1, 0, 0)
    seen = shown(v0, device)["last_seen"]
    assert counts(report(v0, device, reported_at=older, battery_percentage=90)) == (1, 0, 1)
    now = shown(v0, device)
    assert (now["battery_percentage"], now["last_telemetry_at"]) == (50, newest)
    assert now["last_seen"] > seen, "a sign of life all the same"
    assert [(each["reported_at"], each["stale"]) for each in history(v0, device)] == [
        (newest, False),
        (older, True),
    ]


def test_a_report_that_is_sent_again_is_a_duplicate(v0):
    device, at = v0.bind(), moment(minutes=1)
    assert counts(report(v0, device, reported_at=at, mode="IDLE")) == (1, 0, 0)
    assert counts(report(v0, device, reported_at=at, mode="TEST")) == (0, 1, 0)
    assert [each["mode"] for each in history(v0, device)] == ["IDLE"]


def test_what_was_buffered_offline_comes_in_one_call_in_any_order(v0):
    device = v0.bind()
    buffered = [{"reported_at": moment(minutes=minute), "antennas": minute} for minute in range(1000)]
    assert counts(report(v0, device, *buffered[::-1][500:], *buffered[::-1][:500])) == (1000, 0, 0)
    assert counts(report(v0, device, *buffered)) == (0, 1000, 0)
    assert [each["antennas"] for each in history(v0, device)] == list(range(1000))
    refused = v0.post(f"/v0/devices/{device}/telemetry", {"reports": [*buffered, {}]})
    assert (refused.status_code, refused.json()["description"]) == (413, "Payload too large")


@pytest.mark.parametrize(("ahead", "status"), [(290, 201), (310, 400)])
def test_the_future_begins_in_five_minutes(v0, ahead, status):
    answer = report(v0, v0.bind(), reported_at=moment(seconds=-ahead), status=status)
    if status == 400:
        assert answer["description"] == "Invalid parameter: reported_at"


def test_one_bad_report_refuses_the_whole_call(v0):
    device = v0.bind()
    answer = report(v0, device, {}, {}, {}, {"battery_percentage": "101"}, status=400)
    assert answer["description"] == "Invalid parameter: reports[3].battery_percentage"
    assert history(v0, device) == [] and shown(v0, device)["last_seen"] is None


def test_the_other_name_of_the_route_does_the_same(v0):
    device = v0.bind()
    answer = v0.call("PATCH", f"/v0/devices/{device}/status", json={"device_status": "idle"})
    assert answer.status_code == 201 and counts(answer.json()) == (1, 0, 0)
    assert shown(v0, device)["device_status"] == "idle"


def test_a_configuration_comes_back_as_it_was_sent(v0):
    device = v0.bind()
    told = {"configuration": {"a": [1, 2.5, None, "é", {"b": True}]}, "extra": {"long": "x" * 4000}}
    report(v0, device, **told)
    assert [{key: each[key] for key in told} for each in history(v0, device)] == [told]


def test_a_device_is_heard_by_passings_and_by_telemetry(v0):
    device = v0.bind()
    token = v0.open(device)
    report(v0, device)
    by_report = shown(v0, device)["last_seen"]
    v0.sent(token, {"num_passing": 1, "bib": "7", "timestamp": "2026-01-01T10:00:00Z"})
    by_passing = shown(v0, device)["last_seen"]
    report(v0, device)
    assert by_report < by_passing < shown(v0, device)["last_seen"]


def test_the_history_outlives_the_binding(v0):
    device = v0.bind("back again")
    report(v0, device, mode="IDLE")
    v0.unbind(device)
    answer = report(v0, device, status=404)
    assert answer["body"] == {"description": "Device not found", "deviceid": device}
    assert len(history(v0, device)) == 1
    assert v0.bind("back again") == device
    report(v0, device)
    assert len(history(v0, device)) == 2
