"""What clients in the field do to HTTP, and what they get away with."""

import json

import pytest

ZERO = "0" * 64
MEBIBYTE = 1024 * 1024


def test_a_trailing_slash_changes_nothing(v0):
    device = v0.bind()
    token = v0.open(device)
    for path in (
        "/v0/devices",
        f"/v0/devices/{device}",
        f"/v0/sessions/{token}",
        f"/v0/sessions/device/{device}",
        f"/v0/sessions/device/{device}/active",
        f"/v0/passings/session/{token}",
        f"/v0/passings/device/{device}",
        f"/v0/passings/device2/{device}",
        "/v0/openapi.json",
    ):
        plain, slashed = v0.call("GET", path), v0.call("GET", f"{path}/")
        assert (slashed.status_code, slashed.text) == (200, plain.text), path
    assert v0.post("/v0/devices/", {"model": "A", "serial_number": "slashed"}).status_code == 201
    assert v0.post("/v0/sessions/", {"deviceid": device}).status_code == 201
    body = {"timestamp": "2023-02-03T16:08:18Z", "num_passing": 1, "bib": "1"}
    answer = v0.post("/v0/passings/", {"token_session": v0.open(device), "passings_list": [body]})
    assert answer.status_code == 201
    assert v0.call("PATCH", f"/v0/sessions/close/{token}/").status_code == 200
    assert v0.call("DELETE", f"/v0/devices/{device}/").status_code == 200


def test_head_works_where_get_does(v0):
    device = v0.bind()
    for path in (
        "/v0/devices",
        f"/v0/devices/{device}",
        f"/v0/passings/device2/{device}",
        "/v0/openapi.json",
    ):
        got, head = v0.call("GET", path), v0.call("HEAD", path)
        assert (head.status_code, head.content) == (200, b"")
        assert head.headers["content-type"] == got.headers["content-type"]
    assert v0.call("HEAD", f"/v0/devices/{ZERO}").status_code == 404
    assert v0.call("HEAD", "/v0/passings").status_code == 405


def test_head_needs_the_right_to_read(speak, make_key):
    assert speak(make_key("WRITE")).call("HEAD", "/v0/devices").status_code == 403


@pytest.mark.parametrize("header", ["api_key", "x-api-key", "authorization"])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_browser_may_ask_for_get_and_post_with_the_keys_header(method, header, speak):
    answer = speak(None).call(
        "OPTIONS",
        "/v0/passings",
        headers={
            "Origin": "https://results.example",
            "Access-Control-Request-Method": method,
            "Access-Control-Request-Headers": f"{header},content-type",
        },
    )
    assert answer.status_code in (200, 204)
    assert answer.headers["access-control-allow-origin"] in ("*", "https://results.example")
    assert method in answer.headers["access-control-allow-methods"]
    allowed = answer.headers["access-control-allow-headers"].lower()
    assert header in allowed
    assert "content-type" in allowed


def test_a_browser_may_read_answers_and_refusals(v0, speak):
    origin = {"Origin": "https://results.example"}
    for driver, status in ((v0, 200), (speak(None), 403)):
        answer = driver.call("GET", "/v0/devices", headers=origin)
        assert answer.status_code == status
        assert answer.headers["access-control-allow-origin"] in ("*", "https://results.example")


@pytest.mark.parametrize(
    "kind",
    [None, "application/json; charset=utf-8", "text/plain", "application/x-www-form-urlencoded", "odd", ""],
)
def test_any_content_type_will_do(kind, v0):
    body = json.dumps({"model": "Android", "serial_number": f"sent as {kind}"}).encode()
    headers = {} if kind is None else {"Content-Type": kind}
    assert v0.call("POST", "/v0/devices", content=body, headers=headers).status_code == 201


def test_a_content_type_without_a_body_is_no_harm(v0):
    headers = {"Content-Type": "application/json"}
    device = v0.bind()
    token = v0.open(device)
    assert v0.call("GET", "/v0/devices", headers=headers).status_code == 200
    assert v0.call("PATCH", f"/v0/sessions/close/{token}", headers=headers).status_code == 200
    assert v0.call("DELETE", f"/v0/devices/{device}", headers=headers).status_code == 200


def test_a_body_is_ignored_where_none_is_expected(v0):
    device = v0.bind()
    token = v0.open(device)
    assert v0.call("GET", f"/v0/devices/{device}", content=b"{rubbish").status_code == 200
    assert v0.call("PATCH", f"/v0/sessions/close/{token}", content=b"{rubbish").status_code == 200
    assert v0.call("DELETE", f"/v0/devices/{device}", content=b"{rubbish").status_code == 200


def test_answers_are_compact_json_in_utf8_with_the_id_first_findable(v0):
    answer = v0.post("/v0/devices", {"model": "Läufer 跑", "serial_number": "compact", "alias": "Zürich 🏁"})
    start = answer.text.index('"deviceid":"') + len('"deviceid":"')
    device = answer.text[start : start + 64]
    shown = v0.get(f"/v0/devices/{device}")
    assert "Zürich 🏁" in shown.content.decode()
    assert shown.text == json.dumps(shown.json(), separators=(",", ":"), ensure_ascii=False)


def test_an_unknown_route_is_not_found(v0, speak):
    for path in ("/v0/nothing", "/v0/devices/a/b/c", "/v0/passings/other/1"):
        answer = v0.call("GET", path)
        assert answer.status_code == 404
        assert answer.json()["description"] == "Not found"
    assert speak(None).call("GET", "/v0/nothing").status_code in (403, 404)


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("DELETE", "/v0/devices", {"GET", "POST"}),
        ("PUT", "/v0/devices", {"GET", "POST"}),
        ("POST", f"/v0/devices/{ZERO}", {"GET", "DELETE"}),
        ("GET", "/v0/sessions", {"POST"}),
        ("GET", "/v0/passings", {"POST"}),
        ("GET", f"/v0/sessions/close/{ZERO}", {"PATCH"}),
        ("POST", f"/v0/passings/device2/{ZERO}", {"GET"}),
    ],
)
def test_a_known_path_with_a_wrong_verb_says_which_verbs_it_has(method, path, allowed, v0):
    answer = v0.call(method, path)
    assert answer.status_code == 405
    assert answer.json()["description"] == "Method not allowed"
    verbs = {verb.strip() for verb in answer.headers["allow"].split(",")}
    assert verbs - {"HEAD", "OPTIONS"} == allowed


def test_a_body_over_5_mib_is_too_large(v0):
    padding = "x" * (5 * MEBIBYTE)
    answer = v0.post("/v0/devices", {"model": "Android", "serial_number": "large", "padding": padding})
    assert answer.status_code == 413
    assert answer.json() == {"description": "Payload too large", "body": {"description": "Payload too large"}}


def test_a_body_over_5_mib_without_a_length_is_too_large(v0):
    answer = v0.call("POST", "/v0/devices", content=(b" " * MEBIBYTE for _ in range(6)))
    assert answer.status_code == 413


def test_a_body_just_under_5_mib_is_read(v0):
    padding = "x" * (5 * MEBIBYTE - 200)
    answer = v0.post("/v0/devices", {"model": "Android", "serial_number": "just fits", "padding": padding})
    assert answer.status_code == 201


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "Invalid JSON"),
        (b"{", "Invalid JSON"),
        (b'{"a":1}x', "Invalid JSON"),
        (b"\xff\xfe", "Invalid JSON"),
        (b'{"token_session":"\xff","serial_number":"s"}', "Invalid JSON"),
        (b'{"model":NaN}', "Invalid JSON"),
        (b'{"a":' * 100_000, "Invalid JSON"),
        (b"[]", "Invalid parameter: body"),
        (b"null", "Invalid parameter: body"),
        (b"7", "Invalid parameter: body"),
        (b'"text"', "Invalid parameter: body"),
    ],
    ids=lambda value: repr(value)[:24],
)
def test_what_is_not_an_object_is_refused(body, words, v0):
    for path in ("/v0/devices", "/v0/sessions", "/v0/passings"):
        answer = v0.call("POST", path, content=body)
        assert (answer.status_code, answer.json()["description"]) == (400, words)


@pytest.mark.parametrize("shape", ["BOTH", "BARE", "BODY"])
def test_errors_come_in_the_keys_shape(shape, speak, make_key):
    driver = speak(make_key("READ_WRITE", v0_shape=shape))
    padding = "x" * (5 * MEBIBYTE)
    for answer, inner in (
        (driver.get("/v0/devices", page=0), {"description": "Invalid parameter: page"}),
        (driver.get(f"/v0/devices/{ZERO}"), {"description": "Device not found"}),
        (driver.get("/v0/nothing"), {"description": "Not found"}),
        (driver.call("PUT", "/v0/devices"), {"description": "Method not allowed"}),
        (driver.call("DELETE", f"/v0/devices/{ZERO}"), {"description": "Forbidden: this key may not unbind"}),
        (driver.post("/v0/devices", {"padding": padding}), {"description": "Payload too large"}),
    ):
        expected = {"BOTH": {**inner, "body": inner}, "BARE": inner, "BODY": {"body": inner}}[shape]
        assert answer.json() == expected
