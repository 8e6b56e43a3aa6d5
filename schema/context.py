"""The context of a GraphQL request or socket."""

import copy
from collections.abc import Awaitable
from typing import Any, Self, TypeVar

from strawberry.types import Info as StrawberryInfo

from resolvers.errors import NotFound
from resolvers.marks import Mark
from subscriptions.live import Live

T = TypeVar("T")
Info = StrawberryInfo["GraphQLContext", Any]


class GraphQLContext(Live):
    """What resolvers get as `info.context`."""

    address: str = ""
    """Where the request or the socket comes from."""
    marks: list[Mark] | None = None
    """Where somebody wants to know: of which boards the answer is, as they were."""

    def at(self, instant: int) -> Self:
        """This context at one instant, for an answer that is true of that one."""
        standing = copy.copy(self)
        standing.clock = lambda: instant
        return standing

    @staticmethod
    async def or_none(asked: Awaitable[T]) -> T | None:
        """In GraphQL a single thing that is not there is null, not an error."""
        try:
            return await asked
        except NotFound:
            return None
