"""Binding, unbinding, and what a device looks like over the years."""

import pytest

from tests.rest_compat.conftest import passing


def shown(v0, device):
    answer = v0.get(f"/v0/devices/{device}")
    assert answer.status_code == 200, answer.text
    return answer.json()["result"]


def listed(v0, device):
    found = [one for one in v0.get("/v0/devices").json()["result"] if one["deviceid"] == device]
    return found[0] if found else None


def test_binding_again_is_409_with_the_id_and_updates_what_may_change(v0):
    device = v0.bind("twice", alias="Start", firmware="1.0", type="RFID")
    again = v0.post(
        "/v0/devices", {"model": "Android", "serial_number": "twice", "alias": "Finish", "firmware": "2.0"}
    )
    assert again.status_code == 409
    assert again.json()["body"] == {"description": "Device already binded", "deviceid": device}
    now = shown(v0, device)
    assert (now["alias"], now["firmware"]) == ("Finish", "2.0")


def test_a_refused_binding_updates_nothing(v0):
    device = v0.bind("careful", alias="Start", firmware="1.0")
    answer = v0.post(
        "/v0/devices", {"model": "Android", "serial_number": "careful", "alias": "Finish", "firmware": []}
    )
    assert answer.status_code == 400
    assert shown(v0, device)["alias"] == "Start"


def test_unbinding_and_binding_again_keeps_the_id_and_the_history(v0):
    device = v0.bind("comes back")
    token = v0.open(device)
    assert v0.sent(token, passing(1), passing(2)) == (2, 0)
    before = shown(v0, device)
    v0.unbind(device)
    assert listed(v0, device) is None
    assert v0.bind("comes back") == device
    after = shown(v0, device)
    for key in ("creation_date", "sessions", "passings", "last_seen"):
        assert after[key] == before[key]
    assert v0.numbers(token) == [1, 2]
    assert v0.send(token, passing(3)).status_code == 404
    assert v0.sent(v0.open(device), passing(3)) == (1, 0)


def test_an_unbound_device_is_still_readable_and_no_longer_writable(v0):
    device = v0.bind()
    token = v0.open(device)
    v0.sent(token, passing(1))
    v0.unbind(device)
    refused = v0.send(token, passing(2))
    assert refused.status_code == 404
    assert refused.json()["body"] == {"description": "Session not found or closed", "token_session": token}
    opening = v0.post("/v0/sessions", {"deviceid": device})
    assert opening.status_code == 404
    assert opening.json()["body"] == {"description": "Device not found", "deviceid": device}
    [session] = v0.get(f"/v0/sessions/{token}").json()["result"]
    assert (session["active"], session["passings"]) == (False, 1)
    assert v0.get(f"/v0/sessions/device/{device}").status_code == 200
    assert v0.get(f"/v0/sessions/device/{device}/active").status_code == 404
    assert v0.numbers(token) == [1]
    assert len(v0.get(f"/v0/passings/device/{device}").json()["result"]) == 1
    assert len(v0.get(f"/v0/passings/device2/{device}").json()["passings"]) == 1


def test_unbinding_twice_is_not_found(v0):
    device = v0.bind()
    v0.unbind(device)
    answer = v0.call("DELETE", f"/v0/devices/{device}")
    assert answer.status_code == 404
    assert answer.json()["body"] == {"description": "Device not found", "deviceid": device}


def test_the_type_is_custom_chrono_unless_told(v0):
    assert shown(v0, v0.bind())["type"] == "CUSTOM_CHRONO"
    assert shown(v0, v0.bind(type=None))["type"] == "CUSTOM_CHRONO"
    assert shown(v0, v0.bind(type="RFID"))["type"] == "RFID"


def test_unknown_fields_are_ignored(v0):
    device = v0.bind(colour="red", nested={"deviceid": "x"}, deviceid="0" * 64)
    assert device != "0" * 64


def test_last_seen_and_last_login_tell_of_the_last_passings_and_the_last_binding(v0):
    device = v0.bind("seen")
    bound = listed(v0, device)
    assert bound["last_seen"] is None
    assert bound["last_login"] is not None
    token = v0.open(device)
    v0.sent(token, passing(1))
    seen = listed(v0, device)
    assert seen["last_seen"] > bound["last_login"]
    assert seen["last_login"] == bound["last_login"]
    v0.post("/v0/devices", {"model": "Android", "serial_number": "seen"})
    again = listed(v0, device)
    assert again["last_login"] > bound["last_login"]
    assert again["last_seen"] == seen["last_seen"]
    assert again["creation_date"] == bound["creation_date"]


def test_devices_are_listed_oldest_first_and_page_by_page(v0):
    ids = [v0.bind(f"paged {number}") for number in range(5)]
    total = v0.get("/v0/devices").json()["pagination"]["total"]
    assert [one["deviceid"] for one in v0.get("/v0/devices").json()["result"]][-5:] == ids
    seen, page, more = [], 1, True
    while more:
        answer = v0.get("/v0/devices", page=page, limit=2).json()
        seen += [one["deviceid"] for one in answer["result"]]
        assert answer["pagination"]["page"] == page
        assert answer["pagination"]["total"] == total
        page, more = page + 1, answer["pagination"]["has_more"]
    assert len(seen) == total
    assert seen[-5:] == ids
    beyond = v0.get("/v0/devices", page=99999).json()
    assert (beyond["result"], beyond["pagination"]["has_more"]) == ([], False)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("page", "0"),
        ("page", "-1"),
        ("page", "x"),
        ("page", "1.5"),
        ("page", "--5"),
        ("page", "9" * 40),
        ("limit", "0"),
        ("limit", "5001"),
        ("limit", "many"),
    ],
)
def test_a_senseless_page_or_limit_is_named(name, value, v0):
    answer = v0.get("/v0/devices", **{name: value})
    assert answer.status_code == 400
    assert answer.json()["description"] == f"Invalid parameter: {name}"


@pytest.mark.parametrize("field", ["model", "serial_number", "type", "alias", "firmware"])
@pytest.mark.parametrize("value", [[], {}, True], ids=["a list", "an object", "a truth"])
def test_a_field_of_the_wrong_kind_is_named(field, value, v0):
    body = {"model": "Android", "serial_number": "wrong kind", field: value}
    answer = v0.post("/v0/devices", body)
    assert answer.status_code == 400
    assert answer.json()["description"] == f"Invalid parameter: {field}"


@pytest.mark.parametrize("field", ["model", "serial_number"])
def test_a_missing_field_is_named(field, v0):
    body = {"model": "Android", "serial_number": "missing"}
    del body[field]
    answer = v0.post("/v0/devices", body)
    assert answer.status_code == 400
    assert answer.json()["description"] == f"Missing parameter: {field}"


def test_text_of_any_script_comes_back_as_sent(v0):
    for alias in ("Zürich 🏁", "\u202eright to left", "a\u0301", "line\nbreak", 'quote " and \\'):
        assert shown(v0, v0.bind(alias=alias))["alias"] == alias
