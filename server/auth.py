"""From a header or a `connection_init` to a key, and from the key to a context.
The only place that sees a key."""

from collections.abc import Iterable, Mapping
from typing import Any

from starlette.types import Scope

from resolvers.callers import Callers
from resolvers.context import STRANGER, Caller, Context
from resolvers.errors import TooMany, Unidentified
from resolvers.limits import Limits, Places
from resolvers.texts import Texts
from schema.context import GraphQLContext
from server.addresses import Addresses
from subscriptions.fleets import Fleets
from subscriptions.hub import Hub
from subscriptions.live import Live
from subscriptions.screens import Screens

MOST_WAITING = 2_000
"""Keys of one address that are looked up at the same time; more have to come again."""


class Door:
    """Lets callers in: a context for each request, and for each socket once it has shown its key."""

    def __init__(
        self,
        nobody: Context,
        hub: Hub,
        screens: Screens,
        fleets: Fleets,
        limits: Limits,
        addresses: Addresses,
    ) -> None:
        self.limits = limits
        self.addresses = addresses
        self.waiting = Places(MOST_WAITING)
        self._nobody = nobody
        self._hub = hub
        self._screens = screens
        self._fleets = fleets

    @property
    def callers(self) -> Callers:
        return self._nobody.callers

    @property
    def texts(self) -> Texts:
        return self._nobody.texts

    async def context(self, scope: Scope) -> Context:
        """Raises Unidentified for a key that lets nobody in, and TooMany for one of many such; a request
        without one is a stranger's."""
        address = self.addresses.of(scope)
        return self._of(await self.identify(key_of(scope["headers"]), address), address)

    def at_once(self, key: str | None, address: str) -> Context | None:
        """`context` for a key that is believed just now; None: only `context` can tell."""
        caller = self.callers.recognise(key)
        return None if caller is None else self._of(caller, address)

    async def identify(self, key: str | None, address: str) -> Caller:
        """Raises as `context` does. Whoever guesses at keys is slowed down, and nobody else at the
        address."""
        if not key:
            return STRANGER
        caller = self.callers.recognise(key)
        if caller is not None:
            return caller
        if not self.waiting.take(address):
            raise TooMany
        try:
            return await self.callers.identify(key)
        except Unidentified:
            self.limits.bad_key(address)
            raise
        finally:
            self.waiting.leave(address)

    def _of(self, caller: Caller, address: str) -> Context:
        nobody = self._nobody
        return Context(
            caller,
            nobody.database,
            nobody.ingest,
            nobody.reports,
            nobody.callers,
            nobody.boards,
            nobody.texts,
            nobody.clock,
            self.limits.meter(caller, address),
        )

    async def graphql(self, scope: Scope) -> GraphQLContext:
        """As `context` for a GraphQL request or handshake; but a wrong key is told in the answer to each
        operation. Raises TooMany."""
        address = self.addresses.of(scope)
        try:
            caller = await self.identify(key_of(scope["headers"]), address)
        except Unidentified as error:
            caller = Caller(refusal=str(error))
        return self.live(caller, address)

    def live(self, caller: Caller, address: str) -> GraphQLContext:
        live = GraphQLContext(self._of(caller, address), self._hub, self._screens, self._fleets)
        live.address = address
        return live

    async def introduce(self, live: Live, address: str, params: Mapping[str, Any] | None) -> None:
        """A socket's `connection_init` names the key; without one the handshake's own headers count."""
        key = (params or {}).get("apiKey")
        if key is not None:
            live.caller = await self.identify(key if isinstance(key, str) else "?", address)
            live.meter = self.limits.meter(live.caller, address)


def key_of(headers: Iterable[tuple[bytes, bytes]]) -> str | None:
    """The first of `api_key`, `x-api-key` and `Authorization: Bearer`."""
    bearer = None
    for name, value in headers:
        if name == b"x-api-key" or name == b"api_key":
            return str(value, "latin-1").strip()
        if name == b"authorization" and value[:7].lower() == b"bearer ":
            bearer = str(value[7:], "latin-1").strip()
    return bearer
