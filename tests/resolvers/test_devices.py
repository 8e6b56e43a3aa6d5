"""Binding, unbinding and looking at devices; opening and closing their sessions."""

import asyncio

import pytest

from resolvers import devices, sessions
from resolvers.devices import CONNECTED_FOR, NewDevice
from resolvers.errors import Invalid, NotFound, SessionNotActive


def new(serial="S1", **more):
    return NewDevice(**({"model": "M", "serial_number": serial} | more))


async def test_a_device_is_bound_with_what_it_says_of_itself(ctx, clock):
    said = {"type": "READER", "alias": "Finish", "firmware": "1.2", "time_zone": "Europe/Madrid"}
    device, fresh = await devices.bind(ctx, new(**said))
    assert fresh and device.bound
    assert {name: getattr(device, name) for name in said} == said
    assert (device.created_at, device.last_login_at) == (clock(), clock())
    assert len(device.device_id) == 64 and device.device_id.isalnum()


async def test_binding_a_bound_device_again_keeps_it_and_says_so(ctx, clock):
    first = (await devices.bind(ctx, new(alias="Start"))).device
    clock.move(60)
    again, fresh = await devices.bind(ctx, new(model="Other", firmware="2"))
    assert (again.id, fresh) == (first.id, False)
    assert (again.model, again.alias, again.firmware) == ("M", "Start", "2")
    assert (again.created_at, again.last_login_at) == (clock() - 60_000_000, clock())


async def test_an_unbound_device_comes_back_under_its_name_with_its_history(ctx, record):
    first = (await devices.bind(ctx, new(type="READER"))).device
    session = await sessions.open(ctx, first.device_id)
    await record(ctx, session.token, 1, 2)
    await devices.unbind(ctx, first.device_id)
    assert not (await devices.of_id(ctx, first.device_id)).bound
    again, fresh = await devices.bind(ctx, new(model="New"))
    assert fresh and (again.id, again.device_id) == (first.id, first.device_id)
    assert (again.model, again.type) == ("New", "READER")
    assert (await devices.counts(ctx, [again.id]))[again.id].passings == 2


async def test_unbinding_closes_the_session_and_refuses_what_comes(ctx, record, clock):
    device = (await devices.bind(ctx, new())).device
    session = await sessions.open(ctx, device.device_id)
    clock.move(5)
    await devices.unbind(ctx, device.device_id)
    assert (await sessions.of_token(ctx, session.token)).closed_at == clock()
    with pytest.raises(SessionNotActive):
        await record(ctx, session.token, 1)
    for refused in (devices.unbind(ctx, device.device_id), sessions.open(ctx, device.device_id)):
        with pytest.raises(NotFound, match="Device not found"):
            await refused


@pytest.mark.parametrize(
    ("said", "field", "missing"),
    [
        ({"model": None}, "model", True),
        ({"model": ""}, "model", False),
        ({"serial": None}, "serial_number", True),
        ({"serial": "  "}, "serial_number", False),
        ({"serial": 5}, "serial_number", False),
        ({"serial": "x" * 129}, "serial_number", False),
        ({"alias": "a\0b"}, "alias", False),
        ({"type": 7}, "type", False),
        ({"firmware": "\ud800"}, "firmware", False),
        ({"time_zone": "Mars/Base"}, "time_zone", False),
        ({"time_zone": "../../etc/passwd"}, "time_zone", False),
        ({"time_zone": ""}, "time_zone", False),
    ],
)
def test_a_device_that_makes_no_sense_is_refused(said, field, missing):
    with pytest.raises(Invalid) as refused:
        new(**said)
    assert (refused.value.field, refused.value.missing) == (field, missing)


@pytest.mark.parametrize("name", ["", "x", "'", "a b", "\0", "\ud800", "é", "x" * 999])
async def test_a_name_that_no_device_has_is_not_found(ctx, name):
    for asked in (devices.of_id, devices.unbind, sessions.open, sessions.of_device, sessions.active_of):
        with pytest.raises(NotFound):
            await asked(ctx, name)
    for asked in (sessions.of_token, sessions.close):
        with pytest.raises(NotFound, match="Session not found"):
            await asked(ctx, name)


async def test_pages_of_devices_say_how_many_there_are(ctx):
    bound = [(await devices.bind(ctx, new(f"S{place}"))).device for place in range(5)]
    await devices.unbind(ctx, bound[0].device_id)
    page = await devices.page(ctx, number=2, limit=2)
    assert ([device.id for device in page.devices], page.total) == ([bound[2].id, bound[3].id], 5)
    page = await devices.page(ctx, bound=True, search="s", after=bound[2].id, limit=9)
    assert ([device.id for device in page.devices], page.total) == ([bound[3].id, bound[4].id], 4)
    assert set(await devices.of_rows(ctx, [bound[1].id, 999_999])) == {bound[1].id}


async def test_a_device_is_connected_for_two_and_a_half_intervals(ctx, clock):
    seen = clock()
    assert devices.connected(ctx, seen)
    clock.move(CONNECTED_FOR / 1_000_000 - 0.001)
    assert devices.connected(ctx, seen)
    clock.move(0.001)
    assert not devices.connected(ctx, seen)
    assert not devices.connected(ctx, None)


async def test_a_device_that_binds_many_times_at_once_is_one_device(office):
    ctx = await office.company()
    bound = await asyncio.gather(*(devices.bind(ctx, new()) for _ in range(8)))
    assert len({each.device.device_id for each in bound}) == 1
    assert sum(each.fresh for each in bound) == 1


async def test_sessions_opened_at_once_leave_one_active(office):
    ctx = await office.company()
    device = (await devices.bind(ctx, new())).device
    opened = await asyncio.gather(*(sessions.open(ctx, device.device_id) for _ in range(8)))
    found = await sessions.of_device(ctx, device.device_id)
    assert len({each.token for each in opened}) == len(found) == 8
    assert [each.closed_at is None for each in found].count(True) == 1


async def test_no_session_stays_open_on_a_device_that_is_unbound_meanwhile(office):
    ctx = await office.company()
    for turn in range(5):
        device = (await devices.bind(ctx, new(f"S{turn}"))).device
        await asyncio.gather(
            *(sessions.open(ctx, device.device_id) for _ in range(3)),
            devices.unbind(ctx, device.device_id),
            return_exceptions=True,
        )
        with pytest.raises(NotFound):
            await sessions.active_of(ctx, device.device_id)
