"""From a header or a `connection_init` to a key, and from the key to a context.
The only place that sees a key."""

from collections.abc import Iterable, Mapping
from typing import Any

from starlette.types import Scope

from resolvers.callers import Callers
from resolvers.context import Caller, Context
from subscriptions.hub import Hub
from subscriptions.live import Live
from subscriptions.screens import Screens


class Door:
    """Lets callers in: a context for each request, and for each socket once it has shown its key."""

    def __init__(self, nobody: Context, hub: Hub, screens: Screens) -> None:
        self._nobody = nobody
        self._hub = hub
        self._screens = screens

    @property
    def callers(self) -> Callers:
        return self._nobody.callers

    async def context(self, scope: Scope) -> Context:
        """Raises Unidentified for a key that is unknown or revoked; a request without one is a stranger's."""
        return self._of(await self.callers.identify(key_of(scope["headers"])))

    def at_once(self, key: str | None) -> Context | None:
        """`context` for a key that is believed just now; None: only `context` can tell."""
        caller = self.callers.recognise(key)
        return None if caller is None else self._of(caller)

    def _of(self, caller: Caller) -> Context:
        nobody = self._nobody
        return Context(
            caller,
            nobody.database,
            nobody.ingest,
            nobody.reports,
            nobody.callers,
            nobody.boards,
            nobody.clock,
        )

    async def live(self, scope: Scope) -> Live:
        return Live(await self.context(scope), self._hub, self._screens)

    def stranger(self) -> Live:
        return Live(self._nobody, self._hub, self._screens)

    async def introduce(self, live: Live, params: Mapping[str, Any] | None) -> None:
        """A socket's `connection_init` names the key; without one the handshake's own headers count."""
        key = (params or {}).get("apiKey")
        if key is not None:
            live.caller = await self.callers.identify(key if isinstance(key, str) else "?")


def key_of(headers: Iterable[tuple[bytes, bytes]]) -> str | None:
    """The first of `api_key`, `x-api-key` and `Authorization: Bearer`."""
    bearer = None
    for name, value in headers:
        if name == b"x-api-key" or name == b"api_key":
            return str(value, "latin-1").strip()
        if name == b"authorization" and value[:7].lower() == b"bearer ":
            bearer = str(value[7:], "latin-1").strip()
    return bearer
