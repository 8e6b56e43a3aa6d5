"""Who may call what, and what the others are told."""

import json
import time
from pathlib import Path

import pytest

from resolvers import callers, keys

ZERO = "0" * 64
GOLDEN = Path(__file__).parent / "golden"
KEYLESS = {"POST /v0/bind"}
ROUTES = sorted({json.loads(file.read_text())["route"] for file in GOLDEN.glob("*.json")} - KEYLESS)
BODIES = {
    "POST /v0/devices": {"model": "Android", "serial_number": "one-serial"},
    "POST /v0/sessions": {"deviceid": ZERO},
    "POST /v0/passings": {
        "token_session": ZERO,
        "passings_list": [{"timestamp": "2023-02-03T16:08:18Z", "num_passing": 1, "bib": "1"}],
    },
    "POST /v0/events/{event_token}/participants": {"bib": "1", "name": "Ann"},
    "POST /v0/devices/{deviceid}/telemetry": {"mode": "IDLE"},
    "PATCH /v0/devices/{deviceid}/status": {"mode": "IDLE"},
}
RIGHT = {"GET": "read", "POST": "write", "PATCH": "write", "DELETE": "unbind"}
RIGHTS = {
    ("READ", False): {"read"},
    ("WRITE", False): {"write"},
    ("READ_WRITE", False): {"read", "write"},
    ("WRITE", True): {"write", "unbind"},
    ("READ_WRITE", True): {"read", "write", "unbind"},
}


def call(driver, route, deviceid=ZERO, token=ZERO, **more):
    method, path = route.split(" ")
    path = path.replace("{deviceid}", deviceid)
    path = path.replace("{token_session}", token).replace("{event_token}", token)
    return driver.call(method, path, json=BODIES.get(route), **more)


@pytest.mark.parametrize(("access", "unbind"), RIGHTS, ids=lambda value: str(value))
def test_a_key_may_call_what_its_access_type_says_and_nothing_else(access, unbind, speak, make_key):
    driver = speak(make_key(access, unbind=unbind))
    for route in ROUTES:
        right = RIGHT[route.split(" ")[0]]
        answer = call(driver, route)
        if right in RIGHTS[access, unbind]:
            assert answer.status_code != 403, route
        else:
            assert (answer.status_code, answer.json()["description"]) == (
                403,
                f"Forbidden: this key may not {right}",
            )


@pytest.mark.parametrize("route", ROUTES)
def test_nobody_gets_in_without_a_known_key(route, speak):
    for key, reason in [
        (None, "Forbidden: missing api key"),
        ("ror-00000000000000000000", "Forbidden: unknown api key"),
        ("rubbish", "Forbidden: unknown api key"),
    ]:
        answer = call(speak(key), route)
        assert answer.status_code == 403
        assert answer.json() == {"description": reason, "body": {"description": reason}}


def test_a_key_revoked_by_the_operator_is_unknown_a_second_later(speak, make_key, server, account):
    driver = speak(make_key())
    assert driver.call("GET", "/v0/devices").status_code == 200
    [row] = server.operate(lambda ctx: keys.page(ctx, account))
    server.operate(lambda ctx: keys.revoke(ctx, row.id))
    time.sleep(callers.SECONDS_TRUSTED)
    answer = driver.call("GET", "/v0/devices")
    assert (answer.status_code, answer.json()["description"]) == (403, "Forbidden: unknown api key")


@pytest.mark.parametrize("header", ["api_key", "x-api-key", "API_KEY", "X-Api-Key"])
def test_a_key_comes_in_either_header(header, speak, key):
    assert speak(None).call("GET", "/v0/devices", headers={header: key}).status_code == 200


def test_a_key_comes_as_a_bearer_too(speak, key):
    driver = speak(None)
    for scheme in ("Bearer", "bearer"):
        assert (
            driver.call("GET", "/v0/devices", headers={"Authorization": f"{scheme} {key}"}).status_code == 200
        )
    answer = driver.call("GET", "/v0/devices", headers={"Authorization": "Bearer ror-00000000000000000000"})
    assert answer.json()["description"] == "Forbidden: unknown api key"


def test_the_key_is_judged_before_the_body(speak):
    for key in (None, "ror-00000000000000000000"):
        assert speak(key).call("POST", "/v0/passings", content=b"{rubbish").status_code == 403


def test_another_accounts_things_look_missing_on_every_route(v0, other):
    device = v0.bind()
    token = v0.open(device)
    theirs = {
        "POST /v0/sessions": ({"deviceid": device}, "Device not found"),
        "POST /v0/passings": (
            {**BODIES["POST /v0/passings"], "token_session": token},
            "Session not found or closed",
        ),
    }
    for route in ROUTES:
        method, path = route.split(" ")
        if route in theirs:
            body, words = theirs[route]
            answer = other.call(method, path, json=body)
            assert answer.json()["description"] == words
        elif "{" not in path:
            continue
        else:
            answer = call(other, route, device, token)
            missing = call(other, route, ZERO, ZERO)
            assert answer.text.replace(device, ZERO).replace(token, ZERO) == missing.text, route
        assert answer.status_code == 404, route
    assert v0.get(f"/v0/devices/{device}").json()["result"]["passings"] == 0
    assert v0.get(f"/v0/sessions/{token}").json()["result"][0]["active"] is True


def test_another_accounts_session_cannot_be_polled_through_an_own_device(v0, other):
    token = v0.open()
    answer = other.get(f"/v0/passings/device2/{other.bind()}", token_session=token)
    assert answer.status_code == 404
    assert answer.json()["body"] == {"description": "Session not found", "token_session": token}


def test_a_list_holds_own_devices_only(v0, other):
    mine, theirs = v0.bind(), other.bind()
    seen = {device["deviceid"] for device in other.get("/v0/devices").json()["result"]}
    assert theirs in seen
    assert mine not in seen


def test_one_serial_number_in_two_accounts_is_two_devices(v0, other):
    mine, theirs = v0.bind("shared-serial"), other.bind("shared-serial")
    assert mine != theirs
    v0.unbind(mine)
    assert other.get(f"/v0/devices/{theirs}").status_code == 200


def test_the_name_of_a_path_is_no_path(v0):
    assert v0.get("/v0/devices/{deviceid}").status_code == 404
    assert v0.get("/v0/events/{event_token}").status_code == 404
