"""Nothing of one account is visible to another, by any operation."""

import pytest

from models.passings import Filter
from resolvers import devices, keys, passings, polls, sessions
from resolvers.devices import NewDevice
from resolvers.errors import NotFound, SessionNotActive, Unidentified
from resolvers.keys import NewKey
from tests.resolvers.test_rights import OPERATIONS


class Theirs:
    """What another company has: a device with a session, passings with a gap, a conflict, a key."""

    @classmethod
    async def of(cls, ctx, record):
        self = cls()
        self.device = (await devices.bind(ctx, NewDevice(model="M", serial_number="S1"))).device
        self.session = await sessions.open(ctx, self.device.device_id)
        await record(ctx, self.session.token, 1, 3)
        await record(ctx, self.session.token, 1, bib="other")
        self.key_id = ctx.caller.key_id
        self.account_id = ctx.caller.account
        return self


REFUSED = {
    "devices.unbind": lambda ctx, of: devices.unbind(ctx, of.device.device_id),
    "devices.of_id": lambda ctx, of: devices.of_id(ctx, of.device.device_id),
    "sessions.open": lambda ctx, of: sessions.open(ctx, of.device.device_id),
    "sessions.close": lambda ctx, of: sessions.close(ctx, of.session.token),
    "sessions.of_token": lambda ctx, of: sessions.of_token(ctx, of.session.token),
    "sessions.of_device": lambda ctx, of: sessions.of_device(ctx, of.device.device_id),
    "sessions.active_of": lambda ctx, of: sessions.active_of(ctx, of.device.device_id),
    "passings.record": lambda ctx, of: passings.record(
        ctx, of.session.token, [passings.NewPassing(9, "2026-06-01T12:00:00", "7")]
    ),
    "passings.numbered": lambda ctx, of: passings.numbered(ctx, of.session.token),
    "passings.timed": lambda ctx, of: passings.timed(ctx, of.device.device_id),
    "passings.which": lambda ctx, of: passings.which(ctx, session_token=of.session.token),
    "passings.of_position": lambda ctx, of: passings.of_position(ctx, 1),
    "polls.poll": lambda ctx, of: polls.poll(ctx, of.device.device_id),
    "keys.revoke": lambda ctx, of: keys.revoke(ctx, of.key_id),
}
EMPTY = {
    "devices.page": lambda ctx, of: devices.page(ctx, limit=9),
    "devices.of_rows": lambda ctx, of: devices.of_rows(ctx, [of.device.id]),
    "devices.counts": lambda ctx, of: devices.counts(ctx, [of.device.id]),
    "sessions.of_rows": lambda ctx, of: sessions.of_rows(ctx, [of.session.id]),
    "sessions.active_of_rows": lambda ctx, of: sessions.active_of_rows(ctx, [of.device.id]),
    "sessions.pages": lambda ctx, of: sessions.pages(ctx, [of.device.id], 0, 9),
    "passings.after": lambda ctx, of: passings.after(ctx, Filter(), 0, 9),
    "passings.before": lambda ctx, of: passings.before(ctx, Filter(), None, 9),
    "passings.position": lambda ctx, of: passings.position(ctx),
    "passings.count": lambda ctx, of: passings.count(ctx, Filter()),
    "passings.of_numbers": lambda ctx, of: passings.of_numbers(ctx, of.session.id, [1, 3]),
}
NOTHING = ([], {}, 0, ([], {}, 0), ([], 0))
# They take a row, which only an operation gives, and a filter, which only `which` makes of names.
BY_ROW = {
    "sessions.missing_numbers": lambda ctx, of: sessions.missing_numbers(ctx, of.session, 9),
    "sessions.missing_count": lambda ctx, of: sessions.missing_count(ctx, of.session),
    "sessions.conflicts": lambda ctx, of: sessions.conflicts(ctx, of.session, 9),
    "passings.after by session": lambda ctx, of: passings.after(ctx, Filter(of.session.id), 0, 9),
    "passings.before by session": lambda ctx, of: passings.before(ctx, Filter(of.session.id), None, 9),
    "passings.count by session": lambda ctx, of: passings.count(ctx, Filter(of.session.id, bib="7")),
}
BELOW = {"devices.bind", "keys.create", "keys.page", "keys.account", "keys.create_account"}
"""Have a test of their own."""


@pytest.fixture
async def theirs(other, record):
    return await Theirs.of(other, record)


def test_these_lists_name_every_operation():
    named = {name.split(" ")[0] for name in (*REFUSED, *EMPTY, *BY_ROW, *BELOW)}
    assert named == set(OPERATIONS)


@pytest.mark.parametrize("name", REFUSED)
async def test_what_another_account_has_does_not_exist(ctx, theirs, name):
    with pytest.raises((NotFound, SessionNotActive)):
        await REFUSED[name](ctx, theirs)


@pytest.mark.parametrize("name", REFUSED)
async def test_what_does_not_exist_is_refused_in_the_same_words(ctx, theirs, name):
    with pytest.raises(NotFound) as foreign:
        await REFUSED[name](ctx, theirs)
    theirs.device.device_id = theirs.session.token = "F" * 64
    theirs.key_id = 999_999_999
    with pytest.raises(NotFound) as missing:
        await REFUSED[name](ctx, theirs)
    foreign_text, missing_text = str(foreign.value), str(missing.value)
    assert (foreign_text, foreign.value.code) == (missing_text, missing.value.code)


@pytest.mark.parametrize("name", EMPTY)
async def test_lists_hold_nothing_of_another_account(ctx, theirs, name):
    assert await EMPTY[name](ctx, theirs) in NOTHING


async def test_refused_operations_changed_nothing(ctx, other, theirs):
    for operation in REFUSED.values():
        with pytest.raises(NotFound):
            await operation(ctx, theirs)
    assert (await devices.of_id(other, theirs.device.device_id)).bound
    assert (await sessions.active_of(other, theirs.device.device_id)).id == theirs.session.id
    assert await passings.count(other, Filter()) == 2
    assert (await keys.page(other))[0].revoked_at is None


async def test_the_same_serial_number_is_another_device_in_another_account(ctx, other, theirs):
    bound = await devices.bind(ctx, NewDevice(model="X", serial_number="S1"))
    assert bound.fresh and bound.device.device_id != theirs.device.device_id
    assert (await devices.of_id(other, theirs.device.device_id)).model == "M"


async def test_a_key_sees_and_makes_keys_of_its_own_account_only(ctx, theirs):
    made, _ = await keys.create(ctx, NewKey(access="READ"), theirs.account_id)
    assert made.account_id == ctx.caller.account
    listed = await keys.page(ctx, theirs.account_id)
    assert {row.account_id for row in listed} == {ctx.caller.account} and len(listed) == 2
    assert (await keys.account(ctx)).id == ctx.caller.account


async def test_the_operator_has_no_account_and_sees_no_race(office, theirs):
    with pytest.raises(Unidentified):
        await devices.of_id(office.operator, theirs.device.device_id)


async def test_the_owner_sees_all_of_it(other, theirs):
    for operation in (*EMPTY.values(), *BY_ROW.values()):
        assert await operation(other, theirs) not in NOTHING
