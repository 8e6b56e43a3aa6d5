"""The context of a GraphQL request or socket."""

from collections.abc import Awaitable
from typing import Any, TypeVar

from strawberry.types import Info as StrawberryInfo

from resolvers.errors import NotFound
from subscriptions.live import Live

T = TypeVar("T")
Info = StrawberryInfo["GraphQLContext", Any]


class GraphQLContext(Live):
    """Strawberry writes a socket's `connection_init` into `connection_params`."""

    connection_params: dict[str, Any] | None = None

    @staticmethod
    async def or_none(asked: Awaitable[T]) -> T | None:
        """In GraphQL a single thing that is not there is null, not an error."""
        try:
            return await asked
        except NotFound:
            return None
