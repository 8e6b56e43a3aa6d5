"""Who is connected to hear what happens: sent away with their key, and told when to come back at a stop."""

import asyncio

import pytest
from websockets.exceptions import ConnectionClosed

from models.database import Database, Unreachable
from resolvers import keys
from resolvers.callers import Callers
from resolvers.context import STRANGER, Caller
from server import audience
from server.audience import Audience
from tests import factories as make
from tests.conftest import Desk, make_account, make_key_of
from tests.journeys.sockets import open_socket
from tests.resolvers.conftest import Office


class Guest:
    """Notes how it is dismissed."""

    def __init__(self, caller: Caller = STRANGER) -> None:
        self.caller = caller
        self.told: tuple[int, str, float | None] | None = None

    def dismiss(self, code: int, reason: str, retry_after: float | None = None) -> None:
        assert self.told is None, "once is enough"
        self.told = code, reason, retry_after


class Watched(Database):
    """Counts how often it is read, and is away when it is told to."""

    reads, away = 0, False

    async def rows(self, statement, *values):
        self.reads += 1
        if self.away:
            raise Unreachable
        return await super().rows(statement, *values)


@pytest.fixture
async def office(url):
    """Of this process, as far as revocations are heard of at once."""
    database = Watched(url)
    yield Office(database, None, make.Clock())  # type: ignore[arg-type]
    await database.close()


@pytest.fixture
async def hall(office):
    made = Audience(office.callers)
    made.start()
    yield made
    await made.close()


async def elsewhere(office, ctx) -> None:
    """Revokes the context's key in another process, which nobody hears of."""
    unheard = Office(office.database, None, office.clock)
    unheard.callers = Callers(office.database, "secret", office.clock)
    await keys.revoke(unheard.operator, ctx.caller.key_id)


async def until(condition) -> None:
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.005)


@pytest.fixture
def often(monkeypatch):
    monkeypatch.setattr(audience, "LOOK_EVERY", 0.02)


async def test_a_key_that_is_revoked_or_expires_sends_its_guests_away(often, office, hall):
    company = await office.company()
    brief = await office.by(await office.key(company.caller.account, expires_in=60))
    lasting = await office.company()
    revoked, expiring, staying = ([Guest(ctx.caller) for _ in range(3)] for ctx in (company, brief, lasting))
    stranger = Guest()
    for guest in (*revoked, *expiring, *staying, stranger):
        hall.enter(guest)
    await elsewhere(office, company)
    office.clock.move(2)  # until then what was read before is believed
    await until(lambda: all(guest.told for guest in revoked))
    assert {guest.told for guest in revoked} == {(4403, "unknown api key", None)}
    office.clock.move(60)
    await until(lambda: all(guest.told for guest in expiring))
    assert {guest.told for guest in expiring} == {(4403, "expired api key", None)}
    assert not any(guest.told for guest in (*staying, stranger))
    assert len(hall) == 4 and hall.dismissed == {"idle": 0, "key": 6, "restart": 0}


async def test_one_look_into_the_database_is_for_all_keys_and_one_that_fails_for_none(office, hall):
    some = [await office.company() for _ in range(3)]
    guests = [Guest(ctx.caller) for ctx in some for _ in range(5)]
    for guest in guests:
        hall.enter(guest)
    reads = office.database.reads
    office.callers.forget_here()  # as when somebody's key was revoked elsewhere
    await until(lambda: office.database.reads > reads)
    assert office.database.reads == reads + 1
    office.database.away = True
    office.callers.forget_here()
    await until(lambda: office.database.reads > reads + 1)
    office.database.away = False
    await keys.revoke(office.operator, some[1].caller.key_id)
    await until(lambda: len(hall) == 10)
    assert [guest.told is not None for guest in guests] == [False] * 5 + [True] * 5 + [False] * 5


async def test_goodbye_is_said_to_one_after_the_other(office):
    hall = Audience(office.callers)
    guests = [Guest() for _ in range(60)]
    for guest in guests:
        hall.enter(guest)
    hall.leave(guests.pop())
    counts: set[int] = set()
    late = Guest()
    goodbye = asyncio.create_task(hall.goodbye(3))
    while not goodbye.done():
        counts.add(sum(guest.told is not None for guest in guests))
        if late.told is None and counts != {0}:
            hall.enter(late)
        await asyncio.sleep(0)
    assert len(counts) > 20, "all at once"
    told = [guest.told for guest in (*guests, late)]
    assert {each[:2] for each in told} == {(1012, "restarting")}
    assert len({each[2] for each in told}) == 60 and all(1 <= each[2] < 2.3 for each in told)
    assert len(hall) == 0 and hall.dismissed["restart"] == 60


async def test_nobody_is_asked_to_wait_for_very_long(office, monkeypatch):
    monkeypatch.setattr(audience, "RETURNING", 0.001)
    hall = Audience(office.callers)
    guests = [Guest() for _ in range(50)]
    for guest in guests:
        hall.enter(guest)
    await hall.goodbye(0)
    waits = sorted(guest.told[2] for guest in guests)
    assert 1 <= waits[0] < 30 < waits[-1] < 62


@pytest.mark.alone("postgresql", "a file has one server")
async def test_a_key_that_is_revoked_on_one_server_closes_its_sockets_on_all(make_server):
    one, other = await asyncio.to_thread(lambda: (make_server(), make_server()))
    key = await asyncio.to_thread(lambda: make_key_of(one, make_account(one)))
    desk = Desk(one, key)
    make = "mutation { createApiKey(input: {access: READ}) { key apiKey { id } } }"
    new = (await asyncio.to_thread(desk.data, make))["createApiKey"]
    async with (
        open_socket(other.ws_url, new["key"]) as idle,
        open_socket(one.ws_url, new["key"]) as following,
        open_socket(other.ws_url, key) as staying,
    ):
        await following.follow()
        await following.settle()
        revoke = "mutation($id: ID!) { revokeApiKey(id: $id) { id } }"
        await asyncio.to_thread(lambda: desk.data(revoke, id=new["apiKey"]["id"]))
        for socket in (idle, following):
            with pytest.raises(ConnectionClosed) as closed:
                await socket.receive()
            assert (closed.value.rcvd.code, closed.value.rcvd.reason) == (4403, "unknown api key")
        await staying.settle()
    desk.http.close()
