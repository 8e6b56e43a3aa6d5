"""Devices as they change."""

from collections.abc import AsyncGenerator, Sequence

from resolvers import devices
from subscriptions.fleets import NOTHING, Told
from subscriptions.live import Live


async def feed(
    ctx: Live, device_ids: Sequence[str] | None, *, snapshot: bool = False
) -> AsyncGenerator[list[Told], None]:
    """The devices of these names, None: all that the caller reaches, whenever they change; with `snapshot`
    first as they are.

    A position is a revision of the fleet. A change is told once; one who reads slowly gets each device as it
    is by then. Ends with Unidentified when the caller's key is revoked.
    """
    ctx.begin()
    only = await devices.reached(ctx, device_ids)
    fleet = ctx.fleets.of(ctx.caller.account)
    with fleet.listeners.listening() as doorbell:
        await fleet.ready()
        revision = ctx.span.begin(NOTHING if snapshot else fleet.revision, fleet.revision, only)
        while True:
            news, revision = fleet.since(revision, only), fleet.revision
            if news:
                yield news
            if ctx.span.reached(revision):
                return
            await doorbell.wait()
            await ctx.still()
