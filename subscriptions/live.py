"""A context that can also listen."""

from functools import partial

from resolvers import costs
from resolvers.context import FREE, Context, Meter
from subscriptions.fleets import Fleets
from subscriptions.hub import Hub
from subscriptions.patience import patiently
from subscriptions.screens import Screens
from subscriptions.spans import Span


class Live(Context):
    """What feeds get beside what operations get."""

    __slots__ = ("hub", "screens", "fleets", "span")

    def __init__(self, context: Context, hub: Hub, screens: Screens, fleets: Fleets) -> None:
        super().__init__(
            context.caller,
            context.database,
            context.ingest,
            context.reports,
            context.callers,
            context.boards,
            context.texts,
            context.clock,
            context.meter,
        )
        self.hub = hub
        self.screens = screens
        self.fleets = fleets
        self.span = Span()

    def begin(self) -> Meter:
        """The first line of a feed: it is paid for now, and what it reads from then on is free.

        Returns who paid, for what is not.
        """
        meter, self.meter = self.meter, FREE
        meter.spend(costs.START)
        return meter

    async def still(self) -> None:
        """Raises Unidentified when the caller's key was revoked in the meantime."""
        await patiently(partial(self.callers.still, self.caller))
