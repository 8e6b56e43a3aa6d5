"""Passings as they are recorded."""

from collections.abc import AsyncGenerator
from functools import partial

from models.passings import Filter, Row
from resolvers import costs, passings
from resolvers.errors import Invalid
from subscriptions.hub import Topic
from subscriptions.live import Live
from subscriptions.patience import patiently

AT_ONCE = 500
"""Rows read at a time while a listener catches up."""


def topic(ctx: Live, which: Filter) -> Topic:
    """The narrowest topic that hears everything the filter wants."""
    if which.session_row is not None:
        return "session", which.session_row
    if which.device_row is not None:
        return "device", which.device_row
    if ctx.caller.device_row is not None:
        return "device", ctx.caller.device_row
    return "account", ctx.caller.account


async def feed(ctx: Live, which: Filter, after: int | None) -> AsyncGenerator[list[Row], None]:
    """First what was missed since `after`, then what comes, in the order of commit: no gap, no repeat.

    None: from now on. Raises Invalid for a cursor of another life of the database, as after a restored
    backup. Goes on when a database that was away is back. Ends with Unidentified when the caller's key is
    revoked.
    """
    payer = ctx.begin()
    ctx.span.resumes = True
    with ctx.hub.listen(topic(ctx, which)) as doorbell:
        newest = await patiently(partial(passings.position, ctx))
        if after is not None and after > newest:
            raise Invalid("after", "is ahead of everything that is stored")
        position = ctx.span.begin(newest if after is None else after, newest, which)
        while True:
            rows, position = await patiently(partial(passings.after, ctx, which, position, AT_ONCE))
            if rows:
                yield rows
            if len(rows) < AT_ONCE:
                if ctx.span.reached(position):
                    return
                await doorbell.wait()
            else:
                payer.charge(costs.rows(len(rows)))  # what was missed is read as by any other operation
            await ctx.still()
