"""Devices over GraphQL."""

import pytest

from tests.conftest import passing
from tests.schema.conftest import NOBODY, code, fields, nodes

BIND = """mutation($input: BindDeviceInput!) { bindDevice(input: $input) { alreadyBound device {
    id deviceId serialNumber model type alias firmware timeZone bindingStatus createdAt lastLoginAt
    connection lastSeenAt lastPassingAt sessionCount passingCount activeSession { token } } } }"""
PAGE = """query($first: Int, $after: String, $last: Int, $before: String, $binding: BindingStatus,
    $search: String) {
    devices(first: $first, after: $after, last: $last, before: $before, bindingStatus: $binding, search: $search) {
    totalCount pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
    edges { cursor node { serialNumber } } } }"""
UNBIND = "mutation($id: String!) { unbindDevice(deviceId: $id) { bindingStatus activeSession { token } } }"


def test_a_device_is_bound_under_a_name_that_it_keeps(desk):
    given = {"serialNumber": "S1", "model": "M", "alias": "Finish", "firmware": "1.2", "timeZone": "CET"}
    first = desk.data(BIND, input=given)["bindDevice"]
    device = first["device"]
    assert not first["alreadyBound"]
    assert len(device["deviceId"]) == 64
    assert {name: device[name] for name in given} == given
    assert (device["type"], device["bindingStatus"]) == ("CUSTOM_CHRONO", "BOUND")
    assert (device["connection"], device["sessionCount"], device["passingCount"]) == ("DISCONNECTED", 0, 0)
    assert device["lastSeenAt"] is device["lastPassingAt"] is device["activeSession"] is None

    again = desk.data(BIND, input={"serialNumber": "S1", "model": "M", "alias": "Start"})["bindDevice"]
    assert again["alreadyBound"]
    assert (again["device"]["deviceId"], again["device"]["alias"]) == (device["deviceId"], "Start")
    assert again["device"]["firmware"] == "1.2"


@pytest.mark.parametrize(
    ("bad", "field"),
    [
        ({"serialNumber": ""}, "serialNumber"),
        ({"serialNumber": "x" * 129}, "serialNumber"),
        ({"serialNumber": "a\0b"}, "serialNumber"),
        ({"model": " "}, "model"),
        ({"alias": "x" * 129}, "alias"),
        ({"timeZone": "Mars/Olympus"}, "timeZone"),
    ],
)
def test_nonsense_in_a_device_is_named_in_the_clients_words(desk, bad, field):
    answer = desk.ask(BIND, input={"serialNumber": "S1", "model": "M"} | bad)
    assert list(fields(answer)) == [field]
    assert answer["errors"][0]["message"].startswith(f"{field}: ")
    assert desk.data("{ devices { totalCount } }")["devices"]["totalCount"] == 0


def test_a_missing_field_of_a_device_names_the_variable(desk):
    assert list(fields(desk.ask(BIND, input={"model": "M"}))) == ["input"]


def test_a_device_tells_of_its_sessions_and_passings(desk):
    device = desk.device("S1")
    desk.session(device)
    token = desk.session(device)
    desk.post(
        token, passing(1, timestamp="2026-06-01T10:00:00Z"), passing(2, timestamp="2026-06-01T09:00:00Z")
    )
    found = desk.data(
        """query($id: String!) { device(deviceId: $id) { connection sessionCount passingCount lastPassingAt
        lastSeenAt activeSession { token device { deviceId } }
        sessions { totalCount edges { node { token active } } } } }""",
        id=device,
    )["device"]
    assert (found["connection"], found["sessionCount"], found["passingCount"]) == ("CONNECTED", 2, 2)
    assert found["lastPassingAt"] == "2026-06-01T10:00:00.000Z"
    assert found["lastSeenAt"] > "2026"
    assert found["activeSession"] == {"token": token, "device": {"deviceId": device}}
    assert found["sessions"]["totalCount"] == 2
    assert nodes(found["sessions"], "active") == [False, True]


def test_a_devices_sessions_come_in_pages(desk):
    device = desk.device("S1")
    tokens = [desk.session(device) for _ in range(5)]
    query = """query($id: String!, $after: String) { device(deviceId: $id) { sessions(first: 2, after: $after) {
        totalCount pageInfo { hasNextPage hasPreviousPage endCursor } edges { node { token } } } } }"""
    seen, after = [], None
    for more in (True, True, False):
        page = desk.data(query, id=device, after=after)["device"]["sessions"]
        assert (page["totalCount"], page["pageInfo"]["hasNextPage"]) == (5, more)
        assert page["pageInfo"]["hasPreviousPage"] == (after is not None)
        seen += nodes(page, "token")
        after = page["pageInfo"]["endCursor"]
    assert seen == tokens


def test_devices_come_oldest_first_in_pages_with_their_number(desk):
    for number in range(5):
        desk.device(f"S{number}")
    first = desk.data(PAGE, first=2)["devices"]
    assert nodes(first, "serialNumber") == ["S0", "S1"]
    assert first["totalCount"] == 5
    assert first["pageInfo"]["hasNextPage"] and not first["pageInfo"]["hasPreviousPage"]
    assert first["pageInfo"]["startCursor"] == first["edges"][0]["cursor"]
    rest = desk.data(PAGE, after=first["pageInfo"]["endCursor"])["devices"]
    assert nodes(rest, "serialNumber") == ["S2", "S3", "S4"]
    assert rest["pageInfo"]["hasPreviousPage"] and not rest["pageInfo"]["hasNextPage"]
    beyond = desk.data(PAGE, after=rest["pageInfo"]["endCursor"])["devices"]
    assert beyond["edges"] == [] and beyond["totalCount"] == 5
    assert beyond["pageInfo"]["startCursor"] is beyond["pageInfo"]["endCursor"] is None


def test_devices_are_found_by_a_part_of_any_of_their_names(desk):
    desk.device("Alpha-1", alias="Finish 100%")
    device = desk.device("Beta-2", model="Phone")
    for part, found in (
        ("alpha", ["Alpha-1"]),
        ("100%", ["Alpha-1"]),
        ("PHONE", ["Beta-2"]),
        (device[5:20], ["Beta-2"]),
        ("a-", ["Alpha-1", "Beta-2"]),
        ("%", ["Alpha-1"]),
        ("nothing", []),
    ):
        page = desk.data(PAGE, search=part)["devices"]
        assert (nodes(page, "serialNumber"), page["totalCount"]) == (found, len(found)), part


def test_devices_are_filtered_by_whether_they_are_bound(desk):
    desk.data(UNBIND, id=desk.device("S1"))
    desk.device("S2")
    assert nodes(desk.data(PAGE, binding="BOUND")["devices"], "serialNumber") == ["S2"]
    assert nodes(desk.data(PAGE, binding="NOT_BOUND")["devices"], "serialNumber") == ["S1"]
    assert desk.data(PAGE)["devices"]["totalCount"] == 2


def test_unbinding_closes_the_session_and_keeps_what_was_sent(desk):
    device = desk.device("S1")
    token = desk.session(device)
    desk.post(token, passing(1))
    unbound = desk.data(UNBIND, id=device)["unbindDevice"]
    assert unbound == {"bindingStatus": "NOT_BOUND", "activeSession": None}
    assert desk.data("query($t: String!) { session(token: $t) { active passingCount } }", t=token) == {
        "session": {"active": False, "passingCount": 1}
    }
    assert code(desk.ask(UNBIND, id=device)) == "NOT_FOUND"
    back = desk.data(BIND, input={"serialNumber": "S1", "model": "M"})["bindDevice"]
    assert not back["alreadyBound"]
    assert (back["device"]["deviceId"], back["device"]["passingCount"]) == (device, 1)


@pytest.mark.parametrize("name", [NOBODY, "", "a b", "x" * 10_000, "é", "a\0"])
def test_a_device_that_is_not_there_is_null(desk, name):
    assert desk.data("query($id: String!) { device(deviceId: $id) { id } }", id=name) == {"device": None}
    assert code(desk.ask(UNBIND, id=name)) == "NOT_FOUND"


def test_a_page_from_the_end_is_in_the_same_order(desk):
    for number in range(5):
        desk.device(f"S{number}")
    last = desk.data(PAGE, last=2)["devices"]
    assert nodes(last, "serialNumber") == ["S3", "S4"]
    assert last["pageInfo"]["hasPreviousPage"] and not last["pageInfo"]["hasNextPage"]
    rest = desk.data(PAGE, last=9, before=last["pageInfo"]["startCursor"])["devices"]
    assert nodes(rest, "serialNumber") == ["S0", "S1", "S2"]
    assert rest["pageInfo"]["hasNextPage"] and not rest["pageInfo"]["hasPreviousPage"]
    assert list(fields(desk.ask(PAGE, last=1, first=1))) == ["last"]
    assert list(fields(desk.ask(PAGE, before=last["pageInfo"]["startCursor"]))) == ["before"]


@pytest.mark.parametrize("side", ["first", "last"])
def test_an_empty_page_tells_whether_there_is_anything(desk, side):
    there = {"first": "hasNextPage", "last": "hasPreviousPage"}[side]
    for count in (0, 1):
        page = desk.data(PAGE, **{side: 0})["devices"]
        assert (page["edges"], page["totalCount"], page["pageInfo"][there]) == ([], count, count > 0)
        desk.device("S1")


@pytest.mark.parametrize(("first", "kept"), [(0, True), (-1, False), (1, True), (1000, True), (1001, False)])
def test_a_page_has_at_most_1000_entries(desk, first, kept):
    answer = desk.ask(PAGE, first=first)
    assert ("errors" not in answer) if kept else (list(fields(answer)) == ["first"])
