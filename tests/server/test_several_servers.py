"""Two real servers on one PostgreSQL and one bus: callers cannot tell them from one."""

import asyncio
import time

import pytest
from websockets.exceptions import ConnectionClosed

from tests.backends import execute
from tests.conftest import Desk, make_account, make_key_of
from tests.journeys.sockets import open_socket

pytestmark = pytest.mark.alone("postgresql", "a file has one server")

OFTEN = {"share_interval": 0.05, "watch_interval": 0.05}


def until(true, seconds=10):
    """Returns when it is true."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it never was"
        time.sleep(0.02)


def figure(server, name):
    with Desk(server, None).http as http:
        rows = http.get("/metrics").text.splitlines()
    return float(next(row for row in rows if row.startswith(name + " ")).split()[1])


@pytest.fixture
def opened():
    """Every desk of a test is closed when it ends."""
    desks = []

    def open_(server, key):
        desks.append(Desk(server, key))
        return desks[-1]

    yield open_
    for desk in desks:
        desk.http.close()


def test_a_key_that_is_used_up_on_one_server_is_refused_on_the_other(make_server, opened):
    one, other = (make_server(**OFTEN, key_rate=0.01, key_burst=40) for _ in range(2))
    account = make_account(one)
    key = make_key_of(one, account)
    here, there, honest = opened(one, key), opened(other, key), opened(other, make_key_of(one, account))
    while here.v0("GET", "/devices").status_code == 200:
        pass
    until(lambda: there.v0("GET", "/devices").status_code == 429)
    assert int(there.v0("GET", "/devices").headers["retry-after"]) > 60
    assert honest.v0("GET", "/devices").status_code == 200


async def tried(server, key, wanted):
    """Opens sockets, and closes them, until the server takes or refuses one, as is wanted."""
    async with asyncio.timeout(10):
        while True:
            try:
                async with open_socket(server.ws_url, key):
                    took = True
            except ConnectionClosed as closed:
                assert closed.rcvd.code == 4429
                took = False
            if took is wanted:
                return
            await asyncio.sleep(0.02)


@pytest.mark.parametrize("limit", ["key_sockets", "address_sockets"])
async def test_the_sockets_of_a_key_and_of_an_address_are_counted_on_both(make_server, limit):
    def servers():
        one, other = (make_server(**OFTEN, **{limit: 2}) for _ in range(2))
        return one, other, make_key_of(one, make_account(one))

    one, other, key = await asyncio.to_thread(servers)
    async with open_socket(one.ws_url, key), open_socket(one.ws_url, key):
        await tried(other, key, False)
    await tried(other, key, True)


def test_an_alarm_begins_and_ends_once_though_a_server_stops_in_between(make_server, opened, url):
    """Reports come to both; whose turn it is does not matter, and when that one stops the other takes over."""
    one, other = (make_server(**OFTEN) for _ in range(2))
    key = make_key_of(one, make_account(one))
    here, there = opened(one, key), opened(other, key)
    device = here.device()

    def report(desk, battery):
        body = {"battery_percentage": battery}
        assert desk.v0("POST", f"/devices/{device}/telemetry", body).status_code == 201

    def alarms():
        return execute(url, "SELECT kind, severity, ended_at IS NULL FROM alarms ORDER BY id")

    report(there, 15.0)
    until(lambda: alarms() == [("BATTERY_LOW", "WARNING", True)])
    report(here, 5.0)
    until(lambda: alarms() == [("BATTERY_LOW", "CRITICAL", True)])
    one.stop()
    report(there, 90.0)
    until(lambda: alarms() == [("BATTERY_LOW", "CRITICAL", False)])
    report(there, 5.0)
    until(lambda: len(alarms()) == 2)


def test_without_a_bus_each_server_watches_over_what_it_is_told_itself(make_server, opened, url, backends):
    servers = [make_server(**OFTEN, broker_url=backends.bus("sqlite")) for _ in range(2)]
    key = make_key_of(servers[0], make_account(servers[0]))
    until(lambda: execute(url, "SELECT count(*) FROM shared_turns") == [(1,)])
    for count, server in enumerate(servers, 1):
        desk = opened(server, key)
        device = desk.device(f"S{count}")
        desk.v0("POST", f"/devices/{device}/telemetry", {"battery_percentage": 5.0})
        until(lambda count=count: execute(url, "SELECT count(*) FROM alarms") == [(count,)])


def test_a_server_that_stops_leaves_nothing_behind(make_server, url):
    server = make_server(**OFTEN, address_connections=1)
    until(lambda: execute(url, "SELECT count(*) FROM shared_turns") == [(1,)])
    server.stop()
    assert execute(url, "SELECT (SELECT count(*) FROM shared_turns), count(*) FROM shared_places") == [(0, 0)]
