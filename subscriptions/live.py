"""A context that can also listen."""

from resolvers.context import Context
from subscriptions.hub import Hub
from subscriptions.screens import Screens


class Live(Context):
    """What feeds get beside what operations get."""

    __slots__ = ("hub", "screens")

    def __init__(self, context: Context, hub: Hub, screens: Screens) -> None:
        super().__init__(
            context.caller,
            context.database,
            context.ingest,
            context.reports,
            context.callers,
            context.boards,
            context.clock,
            context.meter,
        )
        self.hub = hub
        self.screens = screens
