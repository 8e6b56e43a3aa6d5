"""`passline copy`: a company moves from the embedded database to PostgreSQL, or back, and notices nothing."""

import pytest

from tests.backends import BACKENDS, execute
from tests.conftest import Desk, make_account, make_key_of, passing
from tests.server.racing import Meeting

ASKED = """{
  viewer { keyAlias }
  devices { totalCount edges { node { id deviceId serialNumber alias sessions { edges { node { token } } } } } }
  events { edges { node { token name races { id name } } } }
  passings { totalCount edges { cursor node { number bib timestamp latitude } } }
}"""
BOARD = """query ($race: ID!) { leaderboard(raceId: $race) {
    edges { node { rank participant { bib name } netTime } } } }"""


@pytest.fixture
def target(backend, backends):
    """An empty database of the other kind."""
    made = backends.bare(next(other for other in BACKENDS if other != backend))
    yield made
    backends.drop(made)


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


def test_a_server_on_the_copy_gives_the_same_answers_and_goes_on(make_server, opened, passline, url, target):
    server = make_server()
    key = make_key_of(server, make_account(server), alias="Zoë 🏃🏽‍♀️")
    desk = opened(server, key)
    race = Meeting(desk)
    race.enter({"bib": "1", "name": "Zoë 🏃🏽‍♀️"}, {"bib": "2", "name": "O'Brien; --"})
    race.run("1", 0, 600.25, 1200.5)
    race.run("2", 1, 700)
    token, device = race.mats[0], desk.device("S9")
    desk.post(token, passing(10**18, "1", latitude=45.123456789012345))
    desk.v0("POST", f"/devices/{device}/telemetry", {"battery_percentage": 50.5})
    server.stop()

    copied = passline("copy", "--from", url, "--to", target)
    assert copied.code == 0, copied.stderr
    assert copied.stdout.count("same") > 20 and "DIFFERS" not in copied.stdout

    there = opened(make_server(database_url=target), key)
    here = opened(make_server(), key)
    paths = ["/devices", f"/devices/{device}/telemetry", f"/passings/session/{token}", "/events"]
    for path in paths:
        one, other = here.v0("GET", path), there.v0("GET", path)
        assert (one.status_code, one.json()) == (other.status_code, other.json()), path
    assert here.data(ASKED) == there.data(ASKED)
    assert here.data(BOARD, race=race.id) == there.data(BOARD, race=race.id)
    again = [desk.post(token, passing(10**18, "1", latitude=45.123456789012345)) for desk in (here, there)]
    assert [answer.json() for answer in again] == [again[0].json()] * 2, "it is known in both"
    assert there.post(token, passing(77, "2")).status_code == 201
    there.session(there.device("S10"))


def test_it_says_what_is_wrong_and_ends_with_1(passline, url, target):
    assert passline("accounts", "create", "one").code == 0
    assert passline("copy", "--from", url, "--to", target).code == 0
    refused = passline("copy", "--from", url, "--to", target)
    assert refused.code == 1 and "the target is not empty" in refused.stderr
    assert passline("copy", "--check", "--from", url, "--to", target).code == 0
    execute(target, "UPDATE accounts SET name = 'two'")
    differs = passline("copy", "--check", "--from", url, "--to", target)
    assert differs.code == 1 and differs.stdout.count("DIFFERS") == 1 and "accounts" in differs.stdout
