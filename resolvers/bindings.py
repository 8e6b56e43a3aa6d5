"""Bindings by token: made in the account, exchanged once by a device for its name and a key of its own."""

import re
import secrets
from collections.abc import Iterable
from dataclasses import replace
from typing import Any, NamedTuple

from models import audits
from models import bindings as rows
from models import keys as key_rows
from models.audits import Action
from models.bindings import BindingToken
from models.devices import Device
from resolvers import costs, inputs, keys
from resolvers.context import Context
from resolvers.devices import Binding, NewDevice
from resolvers.errors import Conflict, NotFound, Unidentified
from timing.clocks import SECOND

TOKEN = re.compile(r"bind-[0-9a-f]{20}")
LIFE = 86_400
SHORTEST_LIFE = 60
LONGEST_LIFE = 7 * 86_400
"""Seconds that a token may be made for."""
MOST_USABLE = 1_000
"""Tokens of an account that wait for a device."""
GUESSED = 20
"""What is charged for a token that lets nobody in: nobody shall try many."""


class Exchanged(NamedTuple):
    """What a device gets for a binding token. `key` is the text of its key, shown this once."""

    device: Device
    key: str


def new_token() -> str:
    """A random token: 80 bits, which nobody can try through."""
    return "bind-" + secrets.token_hex(10)


async def create(
    ctx: Context, expires_in: Any = LIFE, alias: str | None = None, account_id: int | None = None
) -> tuple[BindingToken, str]:
    """A new token and, this once, its text. `alias`: what the device that shows it is to be called.

    Raises Conflict when too many of the account's tokens wait for a device.
    """
    ctx.must("devices:write", costs.CHANGE)
    owner = keys.account_of(ctx, account_id)
    seconds = inputs.whole(expires_in, "expires_in", SHORTEST_LIFE, LONGEST_LIFE)
    text, now = new_token(), ctx.clock()
    async with ctx.database.transaction() as session:
        if owner is None or await key_rows.lock_account(session, owner) is None:
            raise NotFound("Account", str(owner))
        if await rows.usable_count(session, owner, now) >= MOST_USABLE:
            raise Conflict(f"{MOST_USABLE} binding tokens of the account wait for a device already")
        token = BindingToken(
            account_id=owner,
            hash=ctx.callers.hash(text),
            hint=text[-4:],
            alias=inputs.text(alias, "alias"),
            made_by=ctx.caller.key_id,
            created_at=now,
            expires_at=now + seconds * SECOND,
        )
        await rows.add(session, token)
        await audits.add(session, _entry(ctx, token, Action.TOKEN_MADE))
    return token, text


async def page(
    ctx: Context,
    account_id: int | None = None,
    *,
    usable: bool = False,
    before: int | None = None,
    limit: int,
) -> tuple[list[BindingToken], int]:
    """Tokens newest first, and how many there are. Through a key: those of its own account.
    `usable`: only those that a device could exchange now."""
    ctx.must("devices:write")
    owner = keys.account_of(ctx, account_id)
    at = ctx.clock() if usable else None
    async with ctx.database.reading() as session:
        return await rows.page(session, owner, usable_at=at, before=before, limit=limit)


async def of_rows(ctx: Context, ids: Iterable[int]) -> dict[int, BindingToken]:
    """Tokens by their row, for what refers to them."""
    ctx.must("devices:write")
    owner = keys.account_of(ctx, None)
    async with ctx.database.reading() as session:
        return {token.id: token for token in await rows.by_ids(session, owner, ids)}


async def revoke(ctx: Context, token_id: int) -> BindingToken:
    """From now on no device gets in with it. Revoking a revoked or a used one changes nothing."""
    ctx.must("devices:write", costs.CHANGE)
    owner = keys.account_of(ctx, None)
    async with ctx.database.transaction() as session:
        known = 0 < token_id <= key_rows.HIGHEST_ROW
        token = await rows.by_id(session, owner, token_id, lock=True) if known else None
        if token is None:
            raise NotFound("Binding token", str(token_id))
        if token.revoked_at is None and token.used_at is None:
            token.revoked_at = ctx.clock()
            await audits.add(session, _entry(ctx, token, Action.TOKEN_REVOKED))
    return token


async def exchange(ctx: Context, text: Any, new: NewDevice) -> Exchanged:
    """Binds the device to the account of the token, and gives it a key that acts for it alone.

    For whoever shows the token. What the device got for an earlier one lets nobody in any more. Raises
    Unidentified for a token that cannot be exchanged, and DeviceTiming with the token unused.
    """
    ctx.meter.spend(1)
    shown = inputs.required(text, "token")
    async with ctx.database.reading() as session:  # a guess does not get as far as the writer's place
        known = await rows.by_hash(session, ctx.callers.hash(shown)) if TOKEN.fullmatch(shown) else None
        _usable(ctx, known)
    async with ctx.database.transaction() as session:
        token = _usable(ctx, await rows.by_hash(session, ctx.callers.hash(shown), lock=True))
        binding = Binding(ctx, session, token.account_id, token.id)
        device = (await binding.bind(replace(new, alias=token.alias or new.alias))).device
        revoked = await binding.revoke_keys(device)
        token.used_at, token.device_row = ctx.clock(), device.id
        key, key_text = keys.made(
            ctx,
            account_id=token.account_id,
            alias=device.alias or device.serial_number,
            access="READ_WRITE",
            device_row=device.id,
            of_binding=True,
        )
        await key_rows.add(session, key)
        await binding.note(Action.TOKEN_USED, device)
        await binding.note(Action.KEY_MADE, device, key.id)
    if revoked:
        ctx.callers.forget()
    ctx.reports.touched({device.id: device.account_id})
    return Exchanged(device, key_text)


def _usable(ctx: Context, token: BindingToken | None) -> BindingToken:
    """The token, if a device may exchange it now."""
    if token is None or token.revoked_at is not None:
        reason = "unknown binding token"
    elif token.used_at is not None:
        reason = "binding token already used"
    elif token.expires_at <= ctx.clock():
        reason = "expired binding token"
    else:
        return token
    ctx.meter.charge(GUESSED)
    raise Unidentified(reason)


def _entry(ctx: Context, token: BindingToken, action: Action) -> audits.Entry:
    return audits.Entry(
        account_id=token.account_id,
        at=ctx.clock(),
        actor=ctx.caller.key_id,
        action=action,
        token_id=token.id,
    )
