"""Binding tokens: made in the account, exchanged once; and when devices may be bound and unbound at all."""

import asyncio
import re

import pytest

from models import audits as audit_rows
from models import bindings as rows
from models.telemetry import State
from resolvers import audits, bindings, context, devices, keys, passings, sessions, telemetry
from resolvers.bindings import MOST_USABLE
from resolvers.devices import NewDevice
from resolvers.errors import (
    Conflict,
    DeviceTiming,
    Invalid,
    NotFound,
    SessionNotActive,
    Unidentified,
)
from resolvers.reports import NewReport


def new(serial="S1", **more):
    return NewDevice(**({"model": "M", "serial_number": serial} | more))


@pytest.fixture
def stranger(office):
    return office.context(context.STRANGER)


@pytest.fixture
async def company(office):
    return await office.company()


async def report(ctx, device, mode):
    """What the writer of telemetry keeps of a report."""
    async with ctx.database.transaction() as session:
        state = await session.get(State, device.id)
        if state is None:
            at = ctx.clock()
            state = State(device_row=device.id, account_id=device.account_id, reported_at=at, received_at=at)
        state.mode = mode
        session.add(state)


async def trail(ctx):
    """What was done, oldest first."""
    return [entry.action for entry in (await audits.page(ctx, limit=99))[0]][::-1]


async def test_a_token_is_exchanged_for_a_name_and_a_key_for_that_device_alone(office, ctx, stranger, clock):
    token, text = await bindings.create(ctx, alias="Finish")
    assert re.fullmatch(r"bind-[0-9a-f]{20}", text) and token.hint == text[-4:]
    clock.move(60)
    bound = await bindings.exchange(stranger, text, new(type="READER", firmware="2"))
    device = bound.device
    assert (device.account_id, device.serial_number, device.alias) == (ctx.caller.account, "S1", "Finish")
    assert (device.type, device.firmware, device.bound) == ("READER", "2", True)
    caller = await office.callers.identify(bound.key)
    assert (caller.device_row, caller.scopes) == (device.id, context.FOR_ONE_DEVICE)
    (kept,), total = await bindings.page(ctx, limit=9)
    assert (kept.used_at, kept.device_row, kept.revoked_at, total) == (clock(), device.id, None, 1)
    assert (await bindings.page(ctx, usable=True, limit=9)) == ([], 0)


async def test_only_the_hash_of_a_token_is_stored(office, ctx):
    token, text = await bindings.create(ctx)
    async with office.database.reading() as session:
        found = await rows.by_id(session, None, token.id)
    told = [repr(getattr(found, name)) for name in rows.BindingToken.model_fields]
    assert not any(text[5:] in value for value in told) and len(found.hash) == 32


async def test_a_token_binds_once(ctx, stranger):
    _, text = await bindings.create(ctx)
    await bindings.exchange(stranger, text, new())
    for serial in ("S1", "S2"):
        with pytest.raises(Unidentified, match="binding token already used"):
            await bindings.exchange(stranger, text, new(serial))
    assert (await devices.page(ctx, limit=9)).total == 1


@pytest.mark.parametrize(
    "shown", ["bind-" + "0" * 20, "bind-", "ror-" + "0" * 20, "x" * 100, "bind-" + "G" * 20]
)
async def test_a_token_that_nobody_made_binds_nothing(stranger, shown):
    with pytest.raises(Unidentified, match="unknown binding token"):
        await bindings.exchange(stranger, shown, new())


@pytest.mark.parametrize("shown", [None, "", 5, ["x"], "x" * 129, "\0"])
async def test_what_is_no_text_is_no_token(stranger, shown):
    with pytest.raises(Invalid) as refused:
        await bindings.exchange(stranger, shown, new())
    assert refused.value.field == "token"


async def test_a_token_expires_to_the_microsecond(ctx, stranger, clock):
    (_, first), (_, second) = [await bindings.create(ctx, 60) for _ in range(2)]
    clock.at += 60 * 10**6 - 1
    await bindings.exchange(stranger, first, new())
    clock.at += 1
    with pytest.raises(Unidentified, match="expired binding token"):
        await bindings.exchange(stranger, second, new("S2"))


async def test_a_revoked_token_is_unknown_and_a_used_one_stays_used(ctx, stranger, clock):
    (unused, first), (used, second) = [await bindings.create(ctx) for _ in range(2)]
    await bindings.exchange(stranger, second, new())
    assert (await bindings.revoke(ctx, unused.id)).revoked_at == clock()
    assert (await bindings.revoke(ctx, used.id)).revoked_at is None
    with pytest.raises(Unidentified, match="unknown binding token"):
        await bindings.exchange(stranger, first, new("S2"))
    for nothing in (0, -1, 999_999, 2**40):
        with pytest.raises(NotFound, match="Binding token not found"):
            await bindings.revoke(ctx, nothing)


@pytest.mark.parametrize("seconds", [59, 604_801, 0, -1, "x", True, None])
async def test_a_token_lives_a_minute_to_a_week(ctx, seconds):
    with pytest.raises(Invalid, match="expires_in"):
        await bindings.create(ctx, seconds)


async def test_a_thousand_tokens_may_wait_for_a_device(ctx, stranger, monkeypatch):
    assert MOST_USABLE == 1000
    monkeypatch.setattr(bindings, "MOST_USABLE", 3)
    (_, text), (token, _), _ = [await bindings.create(ctx) for _ in range(3)]
    with pytest.raises(Conflict, match="3 binding tokens of the account wait"):
        await bindings.create(ctx)
    await bindings.exchange(stranger, text, new())
    await bindings.create(ctx)
    await bindings.revoke(ctx, token.id)
    await bindings.create(ctx)


async def test_a_race_for_one_token_has_one_winner(office, company):
    _, text = await bindings.create(company)
    stranger = office.context(context.STRANGER)
    tries = (bindings.exchange(stranger, text, new(f"S{place % 3}")) for place in range(12))
    ended = await asyncio.gather(*tries, return_exceptions=True)
    won = [each for each in ended if isinstance(each, bindings.Exchanged)]
    assert len(won) == 1 and all(isinstance(each, Unidentified) for each in ended if each not in won)
    page = await devices.page(company, limit=9)
    assert [device.id for device in page.devices] == [won[0].device.id]
    made = [key for key in await keys.page(company, bindings=True) if key.of_binding]
    assert [key.device_row for key in made] == [won[0].device.id]


async def test_a_race_of_tokens_for_one_new_device_leaves_one_device_with_one_live_key(office, company):
    texts = [(await bindings.create(company))[1] for _ in range(6)]
    stranger = office.context(context.STRANGER)
    ended = await asyncio.gather(*(bindings.exchange(stranger, text, new()) for text in texts))
    assert len({each.device.id for each in ended}) == 1
    entering = [await admitted(office, each.key) for each in ended]
    assert sum(entering) == 1


async def admitted(office, key):
    try:
        await office.callers.identify(key)
    except Unidentified:
        return False
    return True


async def test_another_exchange_and_unbinding_revoke_the_key_of_the_binding(office, ctx, stranger):
    texts = [(await bindings.create(ctx))[1] for _ in range(2)]
    first = await bindings.exchange(stranger, texts[0], new())
    made_by_people = await office.key(ctx.caller.account, device_id=first.device.device_id)
    assert await admitted(office, first.key)
    second = await bindings.exchange(stranger, texts[1], new())
    assert second.device.device_id == first.device.device_id
    assert [await admitted(office, each.key) for each in (first, second)] == [False, True]
    await devices.unbind(ctx, first.device.device_id)
    assert not await admitted(office, second.key)
    assert await admitted(office, made_by_people)


async def test_the_key_of_a_binding_is_not_one_of_the_ten_and_is_not_rotated(ctx, stranger):
    for place in range(12):
        _, text = await bindings.create(ctx)
        await bindings.exchange(stranger, text, new(f"S{place}"))
    assert len(await keys.page(ctx)) == 1 and len(await keys.page(ctx, bindings=True)) == 13
    for _ in range(keys.MOST_LIVE - 1):
        await keys.create(ctx, keys.NewKey(access="READ"))
    with pytest.raises(Conflict, match="renewed by another binding token"):
        await keys.rotate(ctx, (await keys.page(ctx, bindings=True))[1].id)


@pytest.mark.parametrize("mode", ["START", "TEST"])
async def test_while_a_device_is_timing_nothing_of_its_binding_changes(office, ctx, stranger, record, mode):
    _, text = await bindings.create(ctx, alias="Other")
    device = (await devices.bind(ctx, new(alias="Mine"))).device
    session = await sessions.open(ctx, device.device_id)
    await report(ctx, device, mode)
    before = await trail(ctx)
    for refused in (
        devices.bind(ctx, new(alias="New", firmware="9")),
        devices.unbind(ctx, device.device_id),
        bindings.exchange(stranger, text, new(firmware="9")),
    ):
        with pytest.raises(DeviceTiming, match="Device is timing") as error:
            await refused
        assert error.value.extensions == {"code": "CONFLICT", "deviceId": device.device_id}
    now = await devices.of_id(ctx, device.device_id)
    assert (now.alias, now.firmware, now.bound) == ("Mine", None, True)
    assert (await sessions.of_token(ctx, session.token)).closed_at is None
    assert await trail(ctx) == before
    await report(ctx, device, "IDLE")
    assert (await bindings.exchange(stranger, text, new())).device.id == device.id, (
        "the token was not used up"
    )


async def test_an_unbound_device_refuses_and_a_new_binding_continues_it(office, ctx, stranger, record):
    texts = [(await bindings.create(ctx))[1] for _ in range(2)]
    bound = await bindings.exchange(stranger, texts[0], new())
    own = await office.by(bound.key)
    session = await sessions.open(own, bound.device.device_id)
    await record(own, session.token, 1, 2)
    await devices.unbind(ctx, bound.device.device_id)
    with pytest.raises(SessionNotActive):
        await record(ctx, session.token, 3)
    again = await bindings.exchange(stranger, texts[1], new())
    own = await office.by(again.key)
    assert again.device.device_id == bound.device.device_id
    found, _ = await passings.after(own, passings.Filter(), 0, 9)
    assert [row.number for row in found] == [1, 2]


async def test_the_trail_tells_of_each_step(ctx, stranger, clock):
    token, text = await bindings.create(ctx)
    revoked, _ = await bindings.create(ctx)
    await bindings.revoke(ctx, revoked.id)
    bound = await bindings.exchange(stranger, text, new())
    await devices.bind(ctx, new())
    await devices.unbind(ctx, bound.device.device_id)
    entries = (await audits.page(ctx, limit=99))[0][::-1]
    assert [(each.action, each.actor is None) for each in entries] == [
        ("KEY_MADE", True),
        ("TOKEN_MADE", False),
        ("TOKEN_MADE", False),
        ("TOKEN_REVOKED", False),
        ("DEVICE_BOUND", True),
        ("TOKEN_USED", True),
        ("KEY_MADE", True),
        ("DEVICE_UNBOUND", False),
        ("KEY_REVOKED", False),
    ]
    by_token = [each for each in entries if each.token_id == token.id]
    assert [each.action for each in by_token] == ["TOKEN_MADE", "DEVICE_BOUND", "TOKEN_USED", "KEY_MADE"]
    assert {each.device_row for each in by_token[1:]} == {bound.device.id}
    assert {each.at for each in entries} == {clock()}
    assert set(audit_rows.Action) >= {each.action for each in entries}


async def test_unbinding_and_beginning_to_time_take_turns(office, company):
    """Whoever comes first wins: the report that is then of no bound device, or the unbinding of one that times."""
    for place in range(8):
        device = (await devices.bind(company, new(f"S{place}"))).device
        unbound, reported = await asyncio.gather(
            devices.unbind(company, device.device_id),
            telemetry.report(company, device.device_id, [NewReport(mode="START")]),
            return_exceptions=True,
        )
        now = await devices.of_id(company, device.device_id)
        if now.bound:
            assert isinstance(unbound, DeviceTiming) and reported.written.inserted == 1
        else:
            assert now.bound is False and isinstance(reported, NotFound) and unbound.id == device.id


async def test_unbinding_and_sending_take_turns(office, company, record):
    for place in range(8):
        device = (await devices.bind(company, new(f"S{place}"))).device
        session = await sessions.open(company, device.device_id)
        unbound, sent = await asyncio.gather(
            devices.unbind(company, device.device_id),
            record(company, session.token, 1, 2),
            return_exceptions=True,
        )
        kept = (await sessions.of_token(company, session.token)).passing_count
        assert unbound.id == device.id
        assert kept == (0 if isinstance(sent, SessionNotActive) else 2)
