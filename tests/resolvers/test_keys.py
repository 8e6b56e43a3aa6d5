"""Accounts and keys: who comes in, for how long, and what is stored of it."""

import asyncio
import contextlib
import re

import pytest

from models import keys as rows
from models.database import Database
from resolvers import callers, context, keys
from resolvers.callers import SECONDS_TRUSTED, Callers
from resolvers.context import STRANGER
from resolvers.errors import Conflict, Invalid, NotAllowed, NotFound, Unidentified
from resolvers.keys import MOST_LIVE, NewKey


async def stored(office, key_id):
    async with office.database.reading() as session:
        return await rows.by_id(session, None, key_id)


async def test_a_key_lets_in_with_what_it_was_given(office, ctx):
    row, text = await keys.create(ctx, NewKey(access="WRITE", alias="Gate", v0_shape="BARE"))
    caller = await office.callers.identify(text)
    assert re.fullmatch(r"ror-[0-9a-f]{20}", text)
    assert (caller.account_id, caller.key_id, caller.alias) == (ctx.caller.account, row.id, "Gate")
    assert (caller.access, caller.scopes, caller.v0_shape) == ("WRITE", context.WRITES, "BARE")


async def test_only_the_hash_of_a_key_is_stored(office, ctx):
    row, text = await keys.create(ctx, NewKey(access="READ", alias="Screen"))
    found = await stored(office, row.id)
    values = [repr(getattr(found, name)) for name in rows.ApiKey.model_fields]
    assert not any(text in value or text[4:] in value or text[4:-4] in value for value in values)
    assert found.hint == text[-4:]
    assert len(found.hash) == 32


async def test_the_hash_is_worth_nothing_without_the_servers_secret(office, ctx):
    _, text = await keys.create(ctx, NewKey(access="READ"))
    elsewhere = Callers(office.database, "another secret", office.clock)
    assert elsewhere.hash(text) != office.callers.hash(text)
    with pytest.raises(Unidentified):
        await elsewhere.identify(text)


@pytest.mark.parametrize("shown", [None, ""])
async def test_without_a_key_one_is_a_stranger(office, shown):
    assert await office.callers.identify(shown) is STRANGER


@pytest.mark.parametrize(
    "shown",
    [
        "ror-" + "0" * 20,
        "ror-",
        "x",
        "ror-" + "0" * 19,
        "ror-" + "G" * 20,
        "\0",
        "\ud800",
        "é" * 24,
        "r" * 999,
    ],
)
async def test_a_wrong_key_is_refused_every_time(office, shown):
    for _ in range(2):
        with pytest.raises(Unidentified, match="unknown api key"):
            await office.callers.identify(shown)


async def test_an_account_has_at_most_ten_live_keys(ctx):
    made = [await keys.create(ctx, NewKey(access="READ")) for _ in range(MOST_LIVE - 1)]
    with pytest.raises(Conflict, match="10 live keys"):
        await keys.create(ctx, NewKey(access="READ"))
    await keys.revoke(ctx, made[0][0].id)
    await keys.create(ctx, NewKey(access="READ"))
    assert len(await keys.page(ctx)) == MOST_LIVE + 1, "revoked ones are listed too"


async def test_keys_made_at_the_same_moment_are_ten_at_most(office):
    new = await keys.create_account(office.operator, "crowd")
    made = await asyncio.gather(*(office.key(new.id) for _ in range(15)), return_exceptions=True)
    assert sum(isinstance(each, str) for each in made) == MOST_LIVE
    assert {type(each) for each in made} == {str, Conflict}


async def test_a_revoked_key_is_refused_at_once(office, ctx):
    row, text = await keys.create(ctx, NewKey(access="READ"))
    caller = await office.callers.identify(text)
    await office.callers.still(caller)
    await keys.revoke(ctx, row.id)
    with pytest.raises(Unidentified):
        await office.callers.identify(text)
    with pytest.raises(Unidentified):
        await office.callers.still(caller)


class Slow(Database):
    """Answers what it has read when it is told to."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.read, self.go = asyncio.Event(), asyncio.Event()

    async def rows(self, statement, *values):
        found = await super().rows(statement, *values)
        self.read.set()
        await self.go.wait()
        return found


@pytest.fixture
async def slow(office):
    database = Slow(office.database.url.render_as_string())
    yield database
    await database.close()


@pytest.mark.parametrize("ask", ["identify", "still"])
async def test_a_key_that_is_revoked_while_it_is_looked_up_is_not_believed_afterwards(office, ctx, slow, ask):
    row, text = await keys.create(ctx, NewKey(access="READ"))
    office.callers = ctx.callers = Callers(slow, "secret", office.clock)
    shown = text if ask == "identify" else callers.caller_of(row)
    asking = asyncio.create_task(getattr(ctx.callers, ask)(shown))
    await slow.read.wait()
    await keys.revoke(ctx, row.id)
    slow.go.set()
    await asyncio.gather(asking, return_exceptions=True)
    with pytest.raises(Unidentified):
        await getattr(ctx.callers, ask)(shown)


async def test_revoking_again_keeps_the_first_time(office, ctx, clock):
    row, _ = await keys.create(ctx, NewKey(access="READ"))
    first = (await keys.revoke(ctx, row.id)).revoked_at
    clock.move(5)
    assert (await keys.revoke(ctx, row.id)).revoked_at == first


@pytest.mark.parametrize("key_id", [0, -1, 999_999])
async def test_a_key_that_is_not_there_cannot_be_revoked(ctx, key_id):
    with pytest.raises(NotFound, match="Key not found"):
        await keys.revoke(ctx, key_id)


@pytest.mark.parametrize(
    ("own", "wanted"),
    [
        (NewKey(access="READ_WRITE"), NewKey(access="WRITE", may_unbind=True)),
        (NewKey(access="READ_WRITE", scopes=("keys:admin",)), NewKey(access="READ")),
        (NewKey(access="READ_WRITE", scopes=("keys:admin", "passings:read")), NewKey(access="READ")),
        (
            NewKey(access="READ_WRITE", scopes=("keys:admin",), may_unbind=True),
            NewKey(access="WRITE", may_unbind=True, scopes=("devices:unbind",)),
        ),
    ],
)
async def test_a_key_gives_no_rights_that_it_does_not_have(office, ctx, own, wanted):
    _, text = await keys.create(ctx, own)
    with pytest.raises(NotAllowed, match="rights that it does not have"):
        await keys.create(await office.by(text), wanted)


async def test_a_key_gives_less_than_it_has(office, ctx):
    keeper = await office.ask_as(ctx, "READ_WRITE", scopes=("keys:admin", "passings:read"))
    _, text = await keys.create(keeper, NewKey(access="READ", scopes=("passings:read",)))
    assert (await office.callers.identify(text)).scopes == {"passings:read"}


@pytest.mark.parametrize(
    ("new", "scopes"),
    [
        (NewKey(access="READ", scopes=("devices:read",)), {"devices:read"}),
        (NewKey(access="WRITE", may_unbind=True, scopes=("devices:unbind",)), {"devices:unbind"}),
        (NewKey(access="WRITE", may_unbind=True, scopes=("passings:write",)), {"passings:write"}),
        (NewKey(access="READ_WRITE", may_unbind=True, scopes=("keys:admin",) * 2), {"keys:admin"}),
    ],
)
async def test_a_list_of_scopes_only_makes_a_key_less(office, ctx, new, scopes):
    row, text = await keys.create(ctx, new)
    assert callers.rights(row) == (await office.callers.identify(text)).scopes == scopes


@pytest.mark.parametrize(
    ("wanted", "field"),
    [
        ({"access": "ROOT"}, "access"),
        ({"access": None}, "access"),
        ({"access": "READ", "may_unbind": True}, "unbind"),
        ({"access": "READ", "v0_shape": "ODD"}, "v0_shape"),
        ({"access": "READ", "scopes": ("accounts:admin",)}, "scopes"),
        ({"access": "READ", "scopes": ()}, "scopes"),
        ({"access": "READ", "scopes": ("passings:write",)}, "scopes"),
        ({"access": "WRITE", "scopes": ("devices:unbind",)}, "scopes"),
        ({"access": "READ", "alias": "x" * 129}, "alias"),
        ({"access": "READ", "alias": "a\0"}, "alias"),
    ],
)
def test_a_key_that_makes_no_sense_is_refused(wanted, field):
    with pytest.raises(Invalid) as refused:
        NewKey(**wanted)
    assert refused.value.field == field


@pytest.mark.parametrize("account_id", [None, 0, 999_999])
async def test_the_operator_makes_keys_for_accounts_that_exist(office, account_id):
    with pytest.raises(NotFound, match="Account not found"):
        await keys.create(office.operator, NewKey(access="READ"), account_id)


async def test_an_account_needs_a_name(office):
    for name in ("", "  ", None):
        with pytest.raises(Invalid):
            await keys.create_account(office.operator, name)


async def test_the_operator_lists_and_revokes_keys_of_every_account(office, ctx, other):
    found = {row.account_id for row in await keys.page(office.operator)}
    assert {ctx.caller.account, other.caller.account} <= found
    assert [row.id for row in await keys.page(office.operator, other.caller.account)] == [other.caller.key_id]
    await keys.revoke(office.operator, other.caller.key_id)
    with pytest.raises(Unidentified):
        await office.callers.still(other.caller)


async def test_another_process_believes_a_revoked_key_for_a_second_at_most(office, ctx, clock):
    row, text = await keys.create(ctx, NewKey(access="READ"))
    elsewhere = Callers(office.database, "secret", clock)
    caller = await elsewhere.identify(text)
    await elsewhere.still(caller)
    await keys.revoke(ctx, row.id)
    clock.move(SECONDS_TRUSTED * 0.9)
    assert await elsewhere.identify(text) == caller
    await elsewhere.still(caller)
    clock.move(SECONDS_TRUSTED * 0.2)
    for asked in (elsewhere.identify(text), elsewhere.still(caller)):
        with pytest.raises(Unidentified):
            await asked


async def test_the_number_of_a_key_is_no_key(office, ctx):
    row, text = await keys.create(ctx, NewKey(access="READ_WRITE"))
    await office.callers.still(await office.callers.identify(text))
    for guess in (f"#{row.id}", str(row.id)):
        with pytest.raises(Unidentified):
            await office.callers.identify(guess)


async def test_only_a_key_that_is_believed_is_recognised(office, ctx, clock):
    row, text = await keys.create(ctx, NewKey(access="WRITE"))
    assert office.callers.recognise(text) is None, "not looked up yet"
    caller = await office.callers.identify(text)
    assert office.callers.recognise(text) is caller
    for nobody in (None, "", "ror-" + "0" * 20):
        with contextlib.suppress(Unidentified):
            await office.callers.identify(nobody)
        assert office.callers.recognise(nobody) is None
    clock.move(SECONDS_TRUSTED * 1.1)
    assert office.callers.recognise(text) is None
    await office.callers.identify(text)
    await keys.revoke(ctx, row.id)
    assert office.callers.recognise(text) is None


async def test_the_last_use_is_written_down_now_and_then(office, ctx, clock):
    row, text = await keys.create(ctx, NewKey(access="READ"))
    for _ in range(5):
        clock.move(10)
        await office.callers.identify(text)
        assert (await stored(office, row.id)).last_used_at is None, "not with each request"
    await office.callers.note_use()
    assert (await stored(office, row.id)).last_used_at == clock()
    clock.move(10)
    await office.callers.note_use()
    assert (await stored(office, row.id)).last_used_at == clock() - 10_000_000, "unused since"
