"""The rules of binding, a sentence each, as devices, account and followers live them: over HTTP and sockets."""

import asyncio

import pytest
from websockets.exceptions import ConnectionClosed

from tests.conftest import Desk, make_account, make_key_of, passing
from tests.journeys.exchanges import Bound, exchange, made, report, said
from tests.journeys.sockets import open_socket

UNBIND = "mutation($id: String!) { unbindDevice(deviceId: $id) { bindingStatus } }"
DEVICE = """query($id: String!) { device(deviceId: $id) { bindingStatus alias firmware passingsInLastSession
    passingsPending activeSession { token } } }"""


@pytest.fixture
def stranger(make_desk) -> Desk:
    return make_desk(None)


@pytest.fixture
def make_key_that_expires(server, account):
    return lambda seconds: make_key_of(server, account, expires_in=seconds)


@pytest.fixture
def make_box(desk, make_desk):
    return lambda serial="S1": Bound(desk, make_desk, serial)


def test_the_key_acts_for_this_device_alone(desk, make_box):
    box, sibling = make_box("S1"), make_box("S2")
    token = sibling.desk.session(sibling.id)
    sibling.desk.post(token, passing(1))
    assert [each["deviceid"] for each in box.desk.v0("GET", "/devices").json()["result"]] == [box.id]
    for method, path, body in (
        ("GET", f"/devices/{sibling.id}", None),
        ("GET", f"/sessions/{token}", None),
        ("GET", f"/sessions/device/{sibling.id}", None),
        ("GET", f"/passings/session/{token}", None),
        ("GET", f"/passings/device/{sibling.id}", None),
        ("GET", f"/passings/device2/{sibling.id}", None),
        ("GET", f"/devices/{sibling.id}/telemetry", None),
        ("POST", f"/devices/{sibling.id}/telemetry", {"mode": "IDLE"}),
        ("POST", "/sessions", {"deviceid": sibling.id}),
        ("PATCH", f"/sessions/close/{token}", None),
        ("POST", "/passings", {"token_session": token, "passings_list": [passing(2)]}),
    ):
        assert box.desk.v0(method, path, body).status_code == 404, path
    for method, path, body in (
        ("POST", "/devices", {"model": "M", "serial_number": "S3"}),
        ("DELETE", f"/devices/{box.id}", None),
        ("GET", "/events", None),
    ):
        assert box.desk.v0(method, path, body).status_code == 403, path
    assert desk.data("query($t: String!) { session(token: $t) { passingCount } }", t=token) == {
        "session": {"passingCount": 1}
    }


async def test_who_follows_with_it_hears_of_this_device_alone(server, desk, make_box):
    box, sibling = make_box("S1"), make_box("S2")
    mine, theirs = box.desk.session(box.id), sibling.desk.session(sibling.id)
    async with open_socket(server.ws_url, box.key) as socket:
        await socket.follow("all", after="0")
        await socket.settle()
        sibling.desk.post(theirs, passing(7))
        box.desk.post(mine, passing(1))
        assert await socket.numbers(1) == [1]
        await socket.follow("theirs", session=theirs)
        assert (await socket.failure())["extensions"]["code"] == "NOT_FOUND"


async def test_who_follows_with_it_is_let_go_when_the_device_is_unbound(server, desk, make_box):
    box = make_box()
    token = box.desk.session(box.id)
    async with open_socket(server.ws_url, box.key) as socket:
        await socket.follow(after="0")
        box.desk.post(token, passing(1))
        assert await socket.numbers(1) == [1]
        desk.data(UNBIND, id=box.id)
        with pytest.raises(ConnectionClosed) as closed:
            await socket.receive()
    assert (closed.value.rcvd.code, closed.value.rcvd.reason) == (4403, "unknown api key")


@pytest.mark.parametrize("mode", ["START", "TEST"])
def test_neither_binding_nor_unbinding_while_it_is_timing(desk, stranger, make_box, mode):
    box, token = make_box(), made(desk)
    session = box.desk.session(box.id)
    report(box.desk, box.id, mode=mode)
    report(box.desk, box.id, battery_percentage=50)  # says nothing of the mode: it stays
    timing = {"description": "Device is timing", "deviceid": box.id}
    refused = exchange(stranger, token)
    assert (refused.status_code, refused.json()["body"]) == (409, timing)
    refused = desk.v0("DELETE", f"/devices/{box.id}")
    assert (refused.status_code, refused.json()["body"]) == (409, timing)
    answer = desk.ask(UNBIND, id=box.id)["errors"][0]
    assert (answer["message"], answer["extensions"]["code"]) == ("Device is timing", "CONFLICT")
    bind = 'mutation { bindDevice(input: {serialNumber: "S1", model: "M", alias: "New"}) { alreadyBound } }'
    assert desk.ask(bind)["errors"][0]["extensions"]["code"] == "CONFLICT"
    again = desk.v0("POST", "/devices", {"model": "M", "serial_number": "S1", "alias": "New"})
    assert (again.status_code, again.json()["body"]) == (
        409,
        {"description": "Device already binded", "deviceid": box.id},
    )
    device = desk.data(DEVICE, id=box.id)["device"]
    assert (device["alias"], device["activeSession"]["token"]) == (None, session)
    assert box.desk.post(session, passing(1)).status_code == 201, "so that no data is lost"
    report(box.desk, box.id, mode="IDLE")
    assert exchange(stranger, token).status_code == 201
    assert desk.v0("DELETE", f"/devices/{box.id}").status_code == 200


def test_a_report_that_is_stale_unlocks_nothing(desk, make_box):
    box = make_box()
    report(box.desk, box.id, mode="START")
    report(box.desk, box.id, mode="IDLE", reported_at="2026-01-01T00:00:00Z")
    assert desk.v0("DELETE", f"/devices/{box.id}").status_code == 409


def test_unbinding_stops_uploads_and_keeps_every_passing(desk, make_box):
    box = make_box()
    token = box.desk.session(box.id)
    box.desk.post(token, passing(1), passing(2))
    assert desk.v0("DELETE", f"/devices/{box.id}").json()["body"] == {
        "description": "Device unbinded succesfully",
        "deviceid": box.id,
    }
    assert said(box.desk.post(token, passing(3))) == (403, "Forbidden: unknown api key")
    assert said(desk.post(token, passing(3))) == (404, "Session not found or closed")
    assert said(desk.v0("POST", "/sessions", {"deviceid": box.id})) == (404, "Device not found")
    assert said(desk.v0("POST", f"/devices/{box.id}/telemetry", {"mode": "IDLE"})) == (
        404,
        "Device not found",
    )
    assert desk.v0("GET", f"/sessions/{token}").json()["result"][0]["active"] is False
    kept = desk.v0("GET", f"/passings/session/{token}").json()["result"]
    assert [each["num_passing"] for each in kept] == [1, 2]
    query = "query($id: String!) { device(deviceId: $id) { bindingStatus passingCount } }"
    assert desk.data(query, id=box.id)["device"] == {"bindingStatus": "NOT_BOUND", "passingCount": 2}
    assert box.id not in {each["deviceid"] for each in desk.v0("GET", "/devices").json()["result"]}


@pytest.mark.parametrize("way", ["token", "key"])
def test_binding_again_continues_the_same_device(desk, stranger, make_box, way):
    box = make_box()
    token = box.desk.session(box.id)
    box.desk.post(token, passing(1))
    desk.data(UNBIND, id=box.id)
    if way == "token":
        again = make_box()
        assert again.id == box.id and again.key != box.key
        uploads = again.desk
    else:
        assert desk.device("S1") == box.id
        uploads = desk
    following = uploads.session(box.id)
    uploads.post(following, passing(2))
    found = uploads.v0("GET", f"/passings/device/{box.id}").json()["result"]
    assert [each["num_passing"] for each in found] == [1, 2]


def test_another_token_for_a_bound_device_takes_the_place_of_its_key(desk, make_box):
    first = make_box()
    token = first.desk.session(first.id)
    second = make_box()
    assert second.id == first.id
    assert said(first.desk.post(token, passing(1))) == (403, "Forbidden: unknown api key")
    assert second.desk.post(token, passing(1)).status_code == 201, "its session goes on"


def test_a_device_is_bound_in_the_account_of_the_token(server, stranger, make_desk, desk):
    mine = exchange(stranger, made(desk)).json()["deviceid"]
    theirs = make_desk(make_key_of(server, make_account(server)))
    other = exchange(stranger, made(theirs)).json()["deviceid"]
    assert other != mine
    assert [each["deviceid"] for each in theirs.v0("GET", "/devices").json()["result"]] == [other]


def test_what_it_sent_in_the_last_session_and_what_it_still_holds_is_visible(desk, make_box):
    box = make_box()
    shown = desk.data(DEVICE, id=box.id)["device"]
    assert (shown["passingsInLastSession"], shown["passingsPending"]) == (0, None)
    box.desk.post(box.desk.session(box.id), passing(1), passing(2), passing(3))
    box.desk.post(box.desk.session(box.id), passing(4))
    report(box.desk, box.id, passings_pending=12)
    shown = desk.data(DEVICE, id=box.id)["device"]
    assert (shown["passingsInLastSession"], shown["passingsPending"]) == (1, 12)
    desk.data(UNBIND, id=box.id)
    assert desk.data(DEVICE, id=box.id)["device"]["passingsInLastSession"] == 1


def test_a_device_that_shows_its_old_key_with_a_token_is_let_in(desk, make_box, make_desk):
    box = make_box()
    desk.data(UNBIND, id=box.id)
    answer = exchange(box.desk, made(desk))
    assert (answer.status_code, answer.json()["deviceid"]) == (201, box.id)


async def test_who_follows_with_a_key_that_expires_is_let_go(server, make_key_that_expires):
    key = await asyncio.to_thread(make_key_that_expires, 1)
    async with open_socket(server.ws_url, key) as socket:
        await socket.follow(after="0")
        with pytest.raises(ConnectionClosed) as closed:
            await socket.receive()
    assert (closed.value.rcvd.code, closed.value.rcvd.reason) == (4403, "expired api key")
