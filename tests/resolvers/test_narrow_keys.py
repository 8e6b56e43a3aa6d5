"""A key that is for one device, or for one event, reaches nothing else of its account, by any operation."""

import pytest

from models.participants import Filter as Who
from models.passings import Filter
from resolvers import context, devices, events, participants, passings, races, registrations, sessions
from resolvers.corrections import judge
from resolvers.devices import NewDevice
from resolvers.entries import NewParticipant
from resolvers.errors import NotAllowed, NotFound
from tests.resolvers.racing import make_event, make_race
from tests.resolvers.test_rights import NEEDED, OPERATIONS, call
from tests.resolvers.test_tenants import BY_ROW, EMPTY, NOTHING, REFUSED, Theirs, refusals

ELSEWHERE = {"devices.page", "passings.after", "passings.position", "events.page"}
"""They answer with what is the key's own, or with a place that says nothing of it; tested one by one."""


@pytest.fixture
async def sibling(ctx, record):
    """What the account has beside the device or the event that a key is for."""
    return await Theirs.of(ctx, record)


@pytest.fixture
async def own(ctx):
    """The device that a key is for."""
    return (await devices.bind(ctx, NewDevice(model="M", serial_number="OWN"))).device


@pytest.fixture
async def of_device(office, ctx, own):
    return await office.ask_as(ctx, "READ_WRITE", device_id=own.device_id)


@pytest.fixture
async def own_event(ctx):
    return await make_event(ctx, name="Own")


@pytest.fixture
async def of_event(office, ctx, own_event):
    return await office.ask_as(ctx, "READ_WRITE", event_token=own_event.token)


async def test_each_narrow_key_has_the_scopes_that_make_sense_for_it(of_device, of_event, own, own_event):
    assert (of_device.caller.scopes, of_device.caller.device_row) == (context.FOR_ONE_DEVICE, own.id)
    assert (of_event.caller.scopes, of_event.caller.event_id) == (context.FOR_ONE_EVENT, own_event.id)


def out_of_reach(scopes):
    return sorted(name for name, scope in NEEDED.items() if scope not in scopes)


def within_reach(names, scopes):
    return sorted(set(names) - set(out_of_reach(scopes)) - ELSEWHERE)


async def test_a_key_for_one_device_is_not_let_into_other_operations(of_device, subtests):
    for name in out_of_reach(context.FOR_ONE_DEVICE):
        with subtests.test(name), pytest.raises(NotAllowed):
            await call(of_device, OPERATIONS[name])


async def test_a_sibling_device_does_not_exist_for_it(of_device, sibling, subtests):
    names = within_reach(REFUSED, context.FOR_ONE_DEVICE)
    refused = await refusals(of_device, sibling, names, subtests)
    sibling.vanish()
    assert await refusals(of_device, sibling, names, subtests) == refused


WITHIN = {**EMPTY, **BY_ROW}


async def test_lists_hold_nothing_of_a_sibling_device(of_device, sibling, subtests):
    for name in within_reach(WITHIN, context.FOR_ONE_DEVICE):
        with subtests.test(name):
            found = await WITHIN[name](of_device, sibling)
            assert found in NOTHING or found == ([], await passings.position(of_device))


async def test_it_reaches_all_of_its_own_device(of_device, own, sibling, record):
    session = await sessions.open(of_device, own.device_id)
    await record(of_device, session.token, 7, 9)
    page = await devices.page(of_device, limit=9)
    assert ([device.id for device in page.devices], page.total) == ([own.id], 1)
    assert (await devices.of_id(of_device, own.device_id)).id == own.id
    for which in (Filter(), await passings.which(of_device, device_id=own.device_id)):
        found, _ = await passings.after(of_device, which, 0, 99)
        assert [row.number for row in found] == [7, 9]
        assert await passings.count(of_device, which) == 2
    assert (await passings.of_position(of_device, found[0].position)).number == 7
    assert await sessions.missing_numbers(of_device, [session.id], 9) == {session.id: [8]}
    assert (await sessions.close(of_device, session.token)).closed_at


async def test_a_key_may_be_less_than_what_there_is_for_one_device(office, ctx, own):
    reader = await office.ask_as(ctx, "READ", device_id=own.device_id)
    assert reader.caller.scopes == {scope for scope in context.FOR_ONE_DEVICE if scope.endswith(":read")}
    sender = await office.ask_as(ctx, "WRITE", device_id=own.device_id, scopes=("passings:write",))
    assert sender.caller.scopes == {"passings:write"}


async def test_a_key_for_one_event_is_not_let_into_other_operations(of_event, subtests):
    for name in out_of_reach(context.FOR_ONE_EVENT):
        with subtests.test(name), pytest.raises(NotAllowed):
            await call(of_event, OPERATIONS[name])


async def test_a_sibling_event_does_not_exist_for_it(of_event, sibling, subtests):
    names = within_reach(REFUSED, context.FOR_ONE_EVENT)
    refused = await refusals(of_event, sibling, names, subtests)
    sibling.vanish()
    assert await refusals(of_event, sibling, names, subtests) == refused


async def test_lists_hold_nothing_of_a_sibling_event(of_event, sibling, subtests):
    for name in within_reach(EMPTY, context.FOR_ONE_EVENT):
        with subtests.test(name):
            assert await EMPTY[name](of_event, sibling) in NOTHING


async def test_it_reaches_all_of_its_own_event(of_event, own_event, sibling):
    assert [event.id for event in (await events.page(of_event, limit=9))[0]] == [own_event.id]
    assert (await events.update(of_event, own_event.token, {"name": "Mine"})).name == "Mine"
    race = await make_race(of_event, own_event)
    assert (await races.of_id(of_event, race.id)).id == race.id
    (added,) = await registrations.add(of_event, own_event.token, [NewParticipant(bib="7", name="Ann")])
    pages = await participants.pages(of_event, [own_event.id], Who(), 0, 9)
    assert [row.id for row in pages[own_event.id][0]] == [added.participant.id]
    assert added.participant.id in await participants.personal(of_event, [added.participant.id])
    assert {audited.key.id for audited in await events.changes(of_event, own_event.token)} == {
        sibling.key_id,
        of_event.caller.key_id,
    }


async def test_a_key_for_one_event_makes_no_other(of_event):
    with pytest.raises(NotAllowed, match="this key is for one event"):
        await make_event(of_event)


async def test_a_public_sibling_event_is_seen_as_by_anybody(ctx, of_event, sibling):
    await events.update(ctx, sibling.event.token, {"public": True, "status": "PUBLISHED"})
    assert (await events.of_token(of_event, sibling.event.token)).id == sibling.event.id
    assert (await races.of_id(of_event, sibling.race.id)).id == sibling.race.id
    assert await participants.personal(of_event, [sibling.participant.id]) == {}
    for refused in (
        events.update(of_event, sibling.event.token, {"name": "Mine"}),
        events.own(of_event, sibling.event.token),
        participants.page(of_event, sibling.event.token, limit=9),
    ):
        with pytest.raises(NotFound):
            await refused


async def test_an_official_of_one_event_rules_on_its_passings_alone(of_event, own_event, sibling):
    race = await make_race(of_event, own_event)
    checkpoint = (await races.checkpoints(of_event, race.id))[0]
    with pytest.raises(NotFound, match="Passing not found"):
        await judge(of_event, sibling.row.position, "VOIDED", "why", checkpoint.id)
