"""How long keys live: expiry, rotation with overlap, and what is written down of their use."""

import asyncio

import pytest

from resolvers import audits, callers, devices, keys
from resolvers.callers import Callers
from resolvers.devices import NewDevice
from resolvers.errors import Conflict, Invalid, NotAllowed, NotFound, Unidentified
from resolvers.keys import MOST_LIVE, NewKey
from tests.resolvers.racing import make_event
from timing.clocks import SECOND

HOUR, DAY = 3600, 86_400


async def refusal(office, key):
    """What a key is told that lets nobody in; None: it lets somebody in."""
    try:
        await office.callers.identify(key)
    except Unidentified as error:
        return str(error)
    return None


async def test_a_key_expires_to_the_microsecond_also_while_it_is_believed(office, ctx, clock):
    row, text = await keys.create(ctx, NewKey(access="READ", expires_in=10))
    assert row.expires_at == clock() + 10 * SECOND
    clock.at = row.expires_at - 1
    caller = await office.callers.identify(text)
    await office.callers.still(caller)
    assert office.callers.recognise(text) is caller
    clock.at += 1
    assert office.callers.recognise(text) is None
    assert await refusal(office, text) == "expired api key"
    with pytest.raises(Unidentified, match="expired api key"):
        await office.callers.still(caller)


async def test_a_moment_of_expiry_is_kept_as_it_was_given(ctx):
    row, _ = await keys.create(ctx, NewKey(access="READ", expires_at="2026-06-02T14:00:00.5+02:00"))
    assert row.expires_at == 1_780_401_600_500_000


@pytest.mark.parametrize(
    ("wanted", "field"),
    [
        ({"expires_in": 0}, "expires_in"),
        ({"expires_in": -5}, "expires_in"),
        ({"expires_in": keys.LONGEST_LIFE + 1}, "expires_in"),
        ({"expires_at": "2026-06-01T12:00:00Z"}, "expires_at"),
        ({"expires_at": "2020-01-01T00:00:00Z"}, "expires_at"),
        ({"expires_at": "2100-01-01T00:00:00Z"}, "expires_at"),
        ({"expires_at": "soon"}, "expires_at"),
        ({"expires_in": 5, "expires_at": "2026-06-02T00:00:00Z"}, "expires_at"),
        ({"device_id": "D", "event_token": "E"}, "event_token"),
        ({"access": "WRITE", "device_id": "D", "may_unbind": True}, "unbind"),
        ({"access": "WRITE", "event_token": "E", "may_unbind": True}, "unbind"),
        ({"device_id": "D", "scopes": ("events:read",)}, "scopes"),
        ({"event_token": "E", "scopes": ("passings:read",)}, "scopes"),
        ({"access": "READ_WRITE", "event_token": "E", "scopes": ("keys:admin",)}, "scopes"),
    ],
)
async def test_a_life_or_a_reach_that_makes_no_sense_is_refused(ctx, wanted, field):
    with pytest.raises(Invalid) as refused:
        await keys.create(ctx, NewKey(**{"access": "READ"} | wanted))
    assert refused.value.field == field


async def test_a_key_is_for_a_device_or_an_event_of_its_own_account(ctx, other):
    device = (await devices.bind(other, NewDevice(model="M", serial_number="S"))).device
    event = await make_event(other)
    for wanted in ({"device_id": device.device_id}, {"event_token": event.token}):
        with pytest.raises(NotFound):
            await keys.create(ctx, NewKey(access="READ", **wanted))
        row, _ = await keys.create(other, NewKey(access="READ", **wanted))
        assert (row.device_row, row.event_id) in ((device.id, None), (None, event.id))


async def test_a_key_that_expires_makes_none_that_outlives_it(office, ctx):
    short = await office.ask_as(ctx, "READ_WRITE", expires_in=HOUR)
    for wanted in ({}, {"expires_in": HOUR + 1}):
        with pytest.raises(NotAllowed, match="outlives it"):
            await keys.create(short, NewKey(access="READ", **wanted))
    await keys.create(short, NewKey(access="READ", expires_in=HOUR))
    lasting, _ = await keys.create(ctx, NewKey(access="READ"))
    with pytest.raises(NotAllowed, match="outlives it"):
        await keys.rotate(short, lasting.id)


async def test_expired_keys_make_room(ctx, clock):
    for _ in range(MOST_LIVE - 1):
        await keys.create(ctx, NewKey(access="READ", expires_in=HOUR))
    with pytest.raises(Conflict):
        await keys.create(ctx, NewKey(access="READ"))
    clock.move(HOUR)
    await keys.create(ctx, NewKey(access="READ"))


async def test_a_rotated_key_and_its_successor_work_side_by_side_for_the_overlap(office, ctx, clock):
    old, first = await keys.create(
        ctx,
        NewKey(access="WRITE", may_unbind=True, alias="Gate", v0_shape="BARE", scopes=("passings:write",)),
    )
    new, second = await keys.rotate(ctx, old.id)
    assert second != first and new.id != old.id
    same = ("account_id", "alias", "access", "may_unbind", "scopes", "v0_shape", "expires_at")
    assert all(getattr(new, name) == getattr(old, name) for name in same if name != "expires_at")
    assert new.expires_at is None and new.made_by == ctx.caller.key_id
    clock.at += DAY * SECOND - 1
    assert [await refusal(office, text) for text in (first, second)] == [None, None]
    clock.at += 1
    assert [await refusal(office, text) for text in (first, second)] == ["expired api key", None]
    kept = (await keys.of_rows(ctx, [old.id]))[old.id]
    assert (kept.replaced_by, kept.expires_at) == (new.id, clock())


async def test_the_overlap_ends_with_the_keys_own_expiry_which_the_new_one_keeps(office, ctx, clock):
    old, first = await keys.create(ctx, NewKey(access="READ", expires_in=HOUR))
    new, second = await keys.rotate(ctx, old.id, DAY)
    assert new.expires_at == clock() + HOUR * SECOND
    clock.move(HOUR)
    assert {await refusal(office, text) for text in (first, second)} == {"expired api key"}


async def test_without_an_overlap_the_old_key_is_out_at_once(office, ctx):
    row, text = await keys.create(ctx, NewKey(access="READ"))
    caller = await office.callers.identify(text)
    await keys.rotate(ctx, row.id, 0)
    assert await refusal(office, text) == "expired api key"
    with pytest.raises(Unidentified):
        await office.callers.still(caller)


@pytest.mark.parametrize("overlap", [-1, 604_801, "x", None, True])
async def test_an_overlap_is_up_to_a_week(ctx, overlap):
    with pytest.raises(Invalid, match="overlap"):
        await keys.rotate(ctx, ctx.caller.key_id, overlap)


async def test_what_does_not_live_is_not_rotated(ctx, clock):
    rotated, revoked, expired = [
        (await keys.create(ctx, NewKey(access="READ", expires_in=HOUR)))[0].id for _ in range(3)
    ]
    await keys.rotate(ctx, rotated)
    await keys.revoke(ctx, revoked)
    for key_id, sentence in ((rotated, "was rotated already"), (revoked, "is revoked")):
        with pytest.raises(Conflict, match=sentence):
            await keys.rotate(ctx, key_id)
    clock.move(HOUR)
    with pytest.raises(Conflict, match="has expired"):
        await keys.rotate(ctx, expired)
    for key_id in (0, -1, 999_999):
        with pytest.raises(NotFound, match="Key not found"):
            await keys.rotate(ctx, key_id)


async def test_nobody_gets_more_rights_by_rotating_anothers_key(office, ctx):
    keeper = await office.ask_as(ctx, "READ_WRITE", scopes=("keys:admin",))
    with pytest.raises(NotAllowed, match="rights that it does not have"):
        await keys.rotate(keeper, ctx.caller.key_id)
    await keys.rotate(keeper, keeper.caller.key_id)


async def test_ten_rotated_keys_may_work_beside_the_ten(ctx):
    row = None
    for _ in range(MOST_LIVE):
        row, _ = await keys.create(ctx, NewKey(access="READ")) if row is None else (row, None)
        row, _ = await keys.rotate(ctx, row.id)
    with pytest.raises(Conflict, match="10 rotated keys"):
        await keys.rotate(ctx, row.id)
    for _ in range(MOST_LIVE - 2):
        await keys.create(ctx, NewKey(access="READ"))
    with pytest.raises(Conflict, match="10 live keys"):
        await keys.create(ctx, NewKey(access="READ"))


async def test_of_those_who_rotate_a_key_at_the_same_moment_one_does(office):
    company = await office.company()
    row, _ = await keys.create(company, NewKey(access="READ"))
    ended = await asyncio.gather(*(keys.rotate(company, row.id) for _ in range(5)), return_exceptions=True)
    assert sum(isinstance(each, tuple) for each in ended) == 1
    assert {type(each) for each in ended} == {tuple, Conflict}


async def test_uses_are_counted_by_day_over_several_notes_and_servers(office):
    clock = office.clock
    company = await office.company()
    row, text = await keys.create(company, NewKey(access="READ"))
    elsewhere = Callers(office.database, "secret", clock)
    begun = clock()
    for server in (office.callers, office.callers, elsewhere):
        clock.move(10)
        await server.identify(text)
        server.recognise(text)
    await office.callers.note_use()
    await elsewhere.note_use()
    clock.move(DAY)
    await office.callers.identify(text)
    await office.callers.note_use()
    found = (await audits.uses(company, [row.id], 9))[row.id]
    assert [(use.day, use.count) for use in found] == [("2026-06-02", 1), ("2026-06-01", 6)]
    assert (found[1].first_at, found[1].last_at) == (begun + 10 * SECOND, begun + 30 * SECOND)
    assert (await keys.of_rows(company, [row.id]))[row.id].last_used_at == clock()
    newest = (await audits.uses(company, [row.id], 1))[row.id]
    assert [use.day for use in newest] == ["2026-06-02"]


async def test_uses_that_could_not_be_written_down_are_not_lost(office, ctx, clock):
    row, text = await keys.create(ctx, NewKey(access="READ"))
    await office.callers.identify(text)
    async with office.database.writing():  # the writer's place is taken
        noting = asyncio.create_task(office.callers.note_use())
        await asyncio.sleep(0)
        noting.cancel()
        await asyncio.gather(noting, return_exceptions=True)
    clock.move(1)
    await office.callers.identify(text)
    await office.callers.note_use()
    (use,) = (await audits.uses(ctx, [row.id], 9))[row.id]
    assert (use.count, use.last_at - use.first_at) == (2, SECOND)


async def test_the_trail_tells_who_made_rotated_and_revoked_which_key(office, ctx):
    row, _ = await keys.create(ctx, NewKey(access="READ"))
    new, _ = await keys.rotate(ctx, row.id)
    await keys.revoke(office.operator, row.id)
    await keys.revoke(office.operator, row.id)
    entries, total = await audits.page(ctx, limit=3)
    me = ctx.caller.key_id
    assert [(each.action, each.key_id, each.actor) for each in entries] == [
        ("KEY_REVOKED", row.id, None),
        ("KEY_ROTATED", row.id, me),
        ("KEY_MADE", new.id, me),
    ]
    assert (entries[1].detail, entries[2].detail) == (f"replaced by …{new.hint}", f"in place of …{row.hint}")
    rest, _ = await audits.page(ctx, before=entries[-1].id, limit=9)
    assert [each.key_id for each in rest] == [row.id, me] and total == 5
    assert callers.rights(new) == callers.rights(row)


@pytest.mark.parametrize("account_id", [None, 0, 999_999])
async def test_the_operator_names_an_account_that_exists(office, account_id):
    with pytest.raises(NotFound, match="Account not found"):
        await audits.page(office.operator, account_id, limit=9)
