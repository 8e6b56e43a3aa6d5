"""Opening and closing, and what a session tells of itself."""

from datetime import UTC, datetime

from tests.rest_compat.conftest import AT, passing


def shown(v0, token):
    answer = v0.get(f"/v0/sessions/{token}")
    assert answer.status_code == 200, answer.text
    [session] = answer.json()["result"]
    return session


def test_opening_a_session_closes_the_earlier_one(v0):
    device = v0.bind()
    first, second = v0.open(device), v0.open(device)
    assert first != second
    assert shown(v0, first)["active"] is False
    assert shown(v0, second)["active"] is True
    [active] = v0.get(f"/v0/sessions/device/{device}/active").json()["result"]
    assert active["token_session"] == second
    answer = v0.send(first, passing(1))
    assert answer.status_code == 404
    assert answer.json()["body"] == {"description": "Session not found or closed", "token_session": first}
    assert v0.sent(second, passing(1)) == (1, 0)


def test_opening_a_session_leaves_other_devices_alone(v0):
    other = v0.open()
    v0.open()
    assert shown(v0, other)["active"] is True


def test_closing_twice_is_fine_and_keeps_the_first_date(v0):
    token = v0.open()
    v0.close(token)
    first = shown(v0, token)["duration"]
    v0.close(token)
    assert shown(v0, token)["duration"] == first


def test_closing_an_earlier_session_leaves_the_active_one_open(v0):
    device = v0.bind()
    first, second = v0.open(device), v0.open(device)
    v0.close(first)
    assert shown(v0, second)["active"] is True


def test_duration_is_a_date_of_closing_else_of_the_last_passing_else_nothing(v0):
    token = v0.open()
    assert [shown(v0, token)[key] for key in ("duration", "first", "last")] == [None, None, None]
    v0.sent(
        token,
        passing(1, timestamp="2023-02-03T16:10:00Z"),
        passing(2, timestamp=AT),
        passing(3, timestamp="2023-02-03T16:09:00Z"),
    )
    last = "2023-02-03T16:10:00.000Z"
    assert [shown(v0, token)[key] for key in ("duration", "first", "last")] == [last, AT, last]
    v0.close(token)
    session = shown(v0, token)
    assert [session[key] for key in ("first", "last")] == [AT, last]
    closed = datetime.fromisoformat(session["duration"])
    assert abs((datetime.now(UTC) - closed).total_seconds()) < 60


def test_sessions_of_a_device_are_listed_oldest_first(v0):
    device = v0.bind()
    tokens = [v0.open(device, alias=f"Race {number}") for number in range(4)]
    listed = v0.get(f"/v0/sessions/device/{device}").json()["result"]
    assert [session["token_session"] for session in listed] == tokens
    assert [session["alias"] for session in listed] == ["Race 0", "Race 1", "Race 2", "Race 3"]
    assert [session["active"] for session in listed] == [False, False, False, True]
    assert v0.get(f"/v0/devices/{device}").json()["result"]["sessions"] == 4


def test_a_session_without_an_alias_has_an_empty_one(v0):
    device = v0.bind()
    for body in ({"deviceid": device}, {"deviceid": device, "alias": None}):
        token = v0.post("/v0/sessions", body).json()["token_session"]
        assert shown(v0, token)["alias"] == ""
        assert v0.get(f"/v0/passings/device2/{device}").json()["session_label"] == ""


def test_a_device_that_never_opened_one_has_no_sessions(v0):
    device = v0.bind()
    for path in (f"/v0/sessions/device/{device}", f"/v0/sessions/device/{device}/active"):
        answer = v0.get(path)
        assert answer.status_code == 404
        assert answer.json()["body"] == {"description": "Sessions not found", "deviceid": device}


def test_words_for_an_unknown_session(v0):
    unknown = "F" * 64
    body = {"description": "Session not found", "token_session": unknown}
    for method, path in (
        ("PATCH", f"/v0/sessions/close/{unknown}"),
        ("GET", f"/v0/sessions/{unknown}"),
        ("GET", f"/v0/passings/session/{unknown}"),
    ):
        answer = v0.call(method, path)
        assert (answer.status_code, answer.json()["body"]) == (404, body)


def test_an_id_in_lower_case_or_of_another_length_is_unknown(v0):
    token = v0.open()
    for wrong in (token.lower(), token[:-1], token + "0", "%00", "' OR 1=1 --", "é"):
        if wrong != token:
            assert v0.get(f"/v0/sessions/{wrong}").status_code == 404


def test_ids_are_64_upper_case_hex_digits_and_never_the_same(v0):
    device = v0.bind()
    ids = {device, *(v0.open(device) for _ in range(20))}
    assert len(ids) == 21
    assert all(len(one) == 64 and set(one) <= set("0123456789ABCDEF") for one in ids)
