"""Accounts and API keys: who may come in."""

from dataclasses import dataclass

from models import keys as rows
from resolvers import callers, context, inputs
from resolvers.context import Context
from resolvers.errors import Conflict, Invalid, NotAllowed, NotFound

MOST_LIVE = 10
"""Live keys an account may have."""
HIGHEST_ROW = 2**31 - 1
SHAPES = ("BOTH", "BARE", "BODY")


@dataclass(frozen=True, kw_only=True)
class NewKey:
    """A key that is asked for. `scopes` None: all that the access type allows."""

    access: str
    may_unbind: bool = False
    alias: str | None = None
    scopes: tuple[str, ...] | None = None
    v0_shape: str = "BOTH"

    def __post_init__(self) -> None:
        inputs.choice(self.access, "access", tuple(context.BUNDLES))
        inputs.choice(self.v0_shape, "v0_shape", SHAPES)
        inputs.text(self.alias, "alias")
        if self.may_unbind and self.access == "READ":
            raise Invalid("unbind", "goes only with WRITE and READ_WRITE")
        if self.scopes is not None:
            allowed = context.BUNDLES[self.access] | ({context.UNBIND} if self.may_unbind else set())
            if not self.scopes:
                raise Invalid("scopes", "must name at least one")
            for scope in self.scopes:
                inputs.choice(scope, "scopes", tuple(sorted(allowed)))


def _owner(ctx: Context, account_id: int | None) -> int | None:
    """The account meant: through a key always its own; for the operator the one named, or None for any."""
    if ctx.caller.key_id is not None:
        return ctx.caller.account
    if account_id is not None and not 0 < account_id <= HIGHEST_ROW:
        raise NotFound("Account", str(account_id))
    return account_id


async def create_account(ctx: Context, name: str) -> rows.Account:
    ctx.must("accounts:admin")
    new = rows.Account(name=inputs.required(name, "name"), created_at=ctx.clock())
    async with ctx.database.transaction() as session:
        return await rows.add_account(session, new)


async def account(ctx: Context) -> rows.Account:
    """The caller's own account; every key may see it."""
    async with ctx.database.reading() as session:
        found = await rows.account(session, ctx.caller.account)
    if found is None:
        raise NotFound("Account")
    return found


async def create(ctx: Context, new: NewKey, account_id: int | None = None) -> tuple[rows.ApiKey, str]:
    """A new key and, this once, its text.
    Through a key: of its own account, and no more than it may itself."""
    ctx.must("keys:admin")
    owner = _owner(ctx, account_id)
    text = callers.new_key()
    row = rows.ApiKey(
        account_id=owner or 0,
        hash=ctx.callers.hash(text),
        hint=text[-4:],
        alias=new.alias,
        access=new.access,
        may_unbind=new.may_unbind,
        scopes=None if new.scopes is None else " ".join(sorted(set(new.scopes))),
        v0_shape=new.v0_shape,
        created_at=ctx.clock(),
    )
    if ctx.caller.key_id is not None and not callers.rights(row) <= ctx.caller.scopes:
        raise NotAllowed("this key may not give rights that it does not have")
    async with ctx.database.transaction() as session:
        if owner is None or await rows.lock_account(session, owner) is None:
            raise NotFound("Account", str(owner))
        if len(await rows.of_account(session, owner, live=True)) >= MOST_LIVE:
            raise Conflict(f"the account has {MOST_LIVE} live keys already")
        await rows.add(session, row)
    return row, text


async def page(ctx: Context, account_id: int | None = None) -> list[rows.ApiKey]:
    """Every key, revoked ones too, oldest first. Through a key: those of its own account."""
    ctx.must("keys:admin")
    owner = _owner(ctx, account_id)
    async with ctx.database.reading() as session:
        return await rows.of_account(session, owner)


async def revoke(ctx: Context, key_id: int) -> rows.ApiKey:
    """From now on nobody gets in with it. Revoking a revoked key changes nothing."""
    ctx.must("keys:admin")
    owner = _owner(ctx, None)
    if not 0 < key_id <= HIGHEST_ROW:
        raise NotFound("Key", str(key_id))
    async with ctx.database.transaction() as session:
        row = await rows.by_id(session, owner, key_id)
        if row is None:
            raise NotFound("Key", str(key_id))
        row.revoked_at = row.revoked_at or ctx.clock()
        session.add(row)
    ctx.callers.forget()
    return row
