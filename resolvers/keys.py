"""Accounts and API keys: who may come in."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from models import audits, devices, events
from models import keys as rows
from models.audits import Action
from models.database import AsyncSession
from models.keys import Owner
from resolvers import callers, context, costs, inputs
from resolvers.context import Context
from resolvers.errors import Conflict, Invalid, NotAllowed, NotFound
from timing.clocks import SECOND

MOST_LIVE = 10
"""Live keys that people made; as many again may still work after they were rotated. Those that devices got
for binding tokens are not counted: there is one for each bound device at most."""
LONGEST_LIFE = 10 * 366 * 86_400
"""Seconds that a key may be made for."""
LONGEST_OVERLAP = 7 * 86_400
"""Seconds that a rotated key may go on working."""
OVERLAP = 86_400
SHAPES = ("BOTH", "BARE", "BODY")


@dataclass(frozen=True, kw_only=True)
class NewKey:
    """A key that is asked for. `scopes` None: all that the access type allows.

    With a device or an event it acts for that one alone. `expires_in` is in seconds, `expires_at` a text in
    ISO 8601; without both it never expires.
    """

    access: str
    may_unbind: bool = False
    alias: str | None = None
    scopes: tuple[str, ...] | None = None
    v0_shape: str = "BOTH"
    device_id: str | None = None
    event_token: str | None = None
    expires_in: int | None = None
    expires_at: str | None = None

    def __post_init__(self) -> None:
        inputs.choice(self.access, "access", tuple(context.BUNDLES))
        inputs.choice(self.v0_shape, "v0_shape", SHAPES)
        inputs.text(self.alias, "alias")
        if self.device_id is not None and self.event_token is not None:
            raise Invalid("event_token", "goes not with a device: give one of both")
        if self.may_unbind and self.access == "READ":
            raise Invalid("unbind", "goes only with WRITE and READ_WRITE")
        if self.may_unbind and not (self.device_id is None and self.event_token is None):
            raise Invalid("unbind", "goes not with a key for one device or one event")
        if self.expires_in is not None:
            inputs.whole(self.expires_in, "expires_in", 1, LONGEST_LIFE)
            if self.expires_at is not None:
                raise Invalid("expires_at", "goes not with `expires_in`: give one of both")
        if self.scopes is not None:
            self._judge_scopes(self.scopes)

    def _judge_scopes(self, scopes: tuple[str, ...]) -> None:
        allowed = context.BUNDLES[self.access] | ({context.UNBIND} if self.may_unbind else set())
        if self.device_id is not None:
            allowed &= context.FOR_ONE_DEVICE
        if self.event_token is not None:
            allowed &= context.FOR_ONE_EVENT
        if not scopes:
            raise Invalid("scopes", "must name at least one")
        for scope in scopes:
            inputs.choice(scope, "scopes", tuple(sorted(allowed)))

    def expiry(self, now: int) -> int | None:
        """Raises Invalid unless it lies ahead."""
        if self.expires_in is not None:
            return now + self.expires_in * SECOND
        at = inputs.instant(self.expires_at, "expires_at")
        if at is not None and not now < at <= now + LONGEST_LIFE * SECOND:
            raise Invalid("expires_at", "must be in the future, within ten years")
        return at


def account_of(ctx: Context, account_id: int | None) -> int | None:
    """The account meant: through a key always its own; for the operator the one named, or None for any."""
    if ctx.caller.key_id is not None:
        return ctx.caller.account
    if account_id is not None and not 0 < account_id <= rows.HIGHEST_ROW:
        raise NotFound("Account", str(account_id))
    return account_id


async def create_account(ctx: Context, name: str) -> rows.Account:
    ctx.must("accounts:admin", costs.CHANGE)
    new = rows.Account(name=inputs.required(name, "name"), created_at=ctx.clock())
    async with ctx.database.transaction() as session:
        return await rows.add_account(session, new)


async def account(ctx: Context) -> rows.Account:
    """The caller's own account; every key may see it."""
    ctx.meter.spend(1)
    account_id = ctx.caller.account
    async with ctx.database.reading() as session:
        found = await rows.account(session, account_id)
    if found is None:
        raise NotFound("Account")
    return found


async def create(ctx: Context, new: NewKey, account_id: int | None = None) -> tuple[rows.ApiKey, str]:
    """A new key and, this once, its text.
    Through a key: of its own account, no more than it may itself, and for no longer."""
    ctx.must("keys:admin", costs.CHANGE)
    owner = account_of(ctx, account_id)
    now = ctx.clock()
    async with ctx.database.transaction() as session:
        if owner is None or await rows.lock_account(session, owner) is None:
            raise NotFound("Account", str(owner))
        row, text = made(
            ctx,
            account_id=owner,
            alias=new.alias,
            access=new.access,
            may_unbind=new.may_unbind,
            scopes=None if new.scopes is None else " ".join(sorted(set(new.scopes))),
            v0_shape=new.v0_shape,
            device_row=await _device(session, owner, new.device_id),
            event_id=await _event(session, owner, new.event_token),
            expires_at=new.expiry(now),
        )
        _must_be_less(ctx, row)
        if sum(key.replaced_by is None for key in await rows.live(session, owner, now)) >= MOST_LIVE:
            raise Conflict(f"the account has {MOST_LIVE} live keys already")
        await rows.add(session, row)
        await audits.add(session, entry(ctx, row, Action.KEY_MADE))
    return row, text


async def page(ctx: Context, account_id: int | None = None, *, bindings: bool = False) -> list[rows.ApiKey]:
    """Every key, revoked ones too, oldest first. Through a key: those of its own account.
    `bindings`: those too that devices got for binding tokens."""
    ctx.must("keys:admin")
    owner = account_of(ctx, account_id)
    async with ctx.database.reading() as session:
        return await rows.of_account(session, owner, bindings=bindings)


async def of_rows(ctx: Context, ids: Iterable[int]) -> dict[int, rows.ApiKey]:
    """Keys by their row, for what refers to them."""
    ctx.must("keys:admin")
    owner = account_of(ctx, None)
    async with ctx.database.reading() as session:
        return {key.id: key for key in await rows.by_ids(session, owner, ids)}


async def rotate(ctx: Context, key_id: int, overlap: Any = OVERLAP) -> tuple[rows.ApiKey, str]:
    """A new key in the place of the old one, with the same rights and the same expiry, and its text.

    The old one goes on working for `overlap` seconds, unless it expires sooner.
    """
    ctx.must("keys:admin", costs.CHANGE)
    seconds = inputs.whole(overlap, "overlap", 0, LONGEST_OVERLAP)
    now = ctx.clock()
    async with ctx.database.transaction() as session:
        old = await _held(ctx, session, key_id)
        _may_be_rotated(old, now)
        new, text = made(ctx, **old.model_dump(include=KEPT))
        _must_be_less(ctx, new)
        living = await rows.live(session, old.account_id, now)
        if sum(key.replaced_by is not None for key in living) >= MOST_LIVE:
            raise Conflict(f"{MOST_LIVE} rotated keys of the account still work; revoke one of them")
        await rows.add(session, new)
        until = now + seconds * SECOND
        old.replaced_by, old.expires_at = new.id, min(old.expires_at or until, until)
        await audits.add(
            session,
            entry(ctx, new, Action.KEY_MADE, f"in place of …{old.hint}"),
            entry(ctx, old, Action.KEY_ROTATED, f"replaced by …{new.hint}"),
        )
    ctx.callers.forget()
    return new, text


async def revoke(ctx: Context, key_id: int) -> rows.ApiKey:
    """From now on nobody gets in with it. Revoking a revoked key changes nothing."""
    ctx.must("keys:admin", costs.CHANGE)
    async with ctx.database.transaction() as session:
        row = await _held(ctx, session, key_id)
        if row.revoked_at is None:
            row.revoked_at = ctx.clock()
            await audits.add(session, entry(ctx, row, Action.KEY_REVOKED))
    ctx.callers.forget()
    return row


KEPT = {
    "account_id",
    "alias",
    "access",
    "may_unbind",
    "scopes",
    "v0_shape",
    "device_row",
    "event_id",
    "expires_at",
}
"""What a key that comes in the place of another has of it."""


async def _held(ctx: Context, session: AsyncSession, key_id: int) -> rows.ApiKey:
    """A key that the caller may manage, with its account held against others who manage keys."""
    owner = account_of(ctx, None)
    row = await rows.by_id(session, owner, key_id) if 0 < key_id <= rows.HIGHEST_ROW else None
    if row is None:
        raise NotFound("Key", str(key_id))
    await rows.lock_account(session, row.account_id)
    await session.refresh(row)
    return row


def _may_be_rotated(old: rows.ApiKey, now: int) -> None:
    if old.of_binding:
        raise Conflict("the key of a binding is renewed by another binding token")
    if old.revoked_at is not None:
        raise Conflict("the key is revoked")
    if old.replaced_by is not None:
        raise Conflict("the key was rotated already")
    if old.expires_at is not None and old.expires_at <= now:
        raise Conflict("the key has expired")


def _must_be_less(ctx: Context, row: rows.ApiKey) -> None:
    """Raises NotAllowed when the key would do more than the key that asks for it, or outlive it."""
    if ctx.caller.key_id is None:
        return
    if not callers.rights(row) <= ctx.caller.scopes:
        raise NotAllowed("this key may not give rights that it does not have")
    until = ctx.caller.expires_at
    if until is not None and (row.expires_at is None or row.expires_at > until):
        raise NotAllowed("this key may not make one that outlives it")


def made(ctx: Context, **columns: Any) -> tuple[rows.ApiKey, str]:
    """A key that is not stored yet, with a text of its own, of which it keeps a hash alone."""
    text = callers.new_key()
    row = rows.ApiKey(
        hash=ctx.callers.hash(text),
        hint=text[-4:],
        created_at=ctx.clock(),
        made_by=ctx.caller.key_id,
        **columns,
    )
    return row, text


def entry(ctx: Context, row: rows.ApiKey, action: Action, detail: str | None = None) -> audits.Entry:
    return audits.Entry(
        account_id=row.account_id,
        at=ctx.clock(),
        actor=ctx.caller.key_id,
        action=action,
        key_id=row.id,
        device_row=row.device_row,
        detail=detail,
    )


async def _device(session: AsyncSession, account_id: int, device_id: str | None) -> int | None:
    if device_id is None:
        return None
    device = await devices.by_device_id(session, Owner(account_id), device_id)
    if device is None:
        raise NotFound("Device", device_id)
    return device.id


async def _event(session: AsyncSession, account_id: int, token: str | None) -> int | None:
    if token is None:
        return None
    event = await events.by_token(session, token)
    if event is None or event.account_id != account_id:
        raise NotFound("Event", token)
    return event.id
