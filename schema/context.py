"""The context of a GraphQL request or socket."""

import copy
from collections.abc import Awaitable
from typing import Any, Self, TypeVar

from strawberry.types import Info as StrawberryInfo

from resolvers.errors import NotFound
from subscriptions.live import Live

T = TypeVar("T")
Info = StrawberryInfo["GraphQLContext", Any]


class GraphQLContext(Live):
    """Strawberry writes a socket's `connection_init` into `connection_params`."""

    connection_params: dict[str, Any] | None = None
    address: str = ""
    """Where the request or the socket comes from."""
    place: int | None = None
    """The key of whose places for sockets this one has one."""

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
