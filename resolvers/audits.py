"""The audit trail: who made, used, rotated and revoked what, and when."""

from collections.abc import Iterable

from models import audits as rows
from models import keys as key_rows
from models.audits import Entry, Use
from resolvers import keys
from resolvers.context import Context
from resolvers.errors import NotFound


async def page(
    ctx: Context, account_id: int | None = None, *, before: int | None = None, limit: int
) -> tuple[list[Entry], int]:
    """Entries of the account before one (None: at all), newest first, and how many there are in all.

    The operator names the account.
    """
    ctx.must("keys:admin")
    owner = keys.account_of(ctx, account_id)
    async with ctx.database.reading() as session:
        if owner is None or await key_rows.account(session, owner) is None:
            raise NotFound("Account", str(owner))
        return await rows.page(session, owner, before=before, limit=limit)


async def uses(ctx: Context, key_ids: Iterable[int], days: int) -> dict[int, list[Use]]:
    """The last days on which each key of the account let somebody in, newest first.

    To half a minute: uses are written down now and then.
    """
    ctx.must("keys:admin")
    owner = keys.account_of(ctx, None)
    async with ctx.database.reading() as session:
        owned = await key_rows.by_ids(session, owner, key_ids)
        return await rows.uses(session, [key.id for key in owned], days)
