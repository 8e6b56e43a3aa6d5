"""By which door a request comes in."""

from collections.abc import Mapping

from starlette.types import ASGIApp, Receive, Scope, Send

from rest_compat.routes import PREFIX
from server.audience import Audience
from server.connections import Connections
from server.protocol import ShortWay
from server.stopping import Stopping


class Doors:
    """Devices of v0, and whoever speaks GraphQL, come in past everything that only the other doors need;
    `server.protocol` takes some devices a shorter way still. `graphql`: by path. What a browser asks
    beforehand, whether it may, is answered with the rest."""

    def __init__(
        self,
        v0: ASGIApp,
        graphql: Mapping[str, ASGIApp],
        sockets: ASGIApp,
        rest: ASGIApp,
        short_way: ShortWay,
        connections: Connections,
        audience: Audience,
        stopping: Stopping,
    ) -> None:
        self._v0, self._graphql, self._sockets, self._rest = v0, graphql, sockets, rest
        self.short_way, self.connections = short_way, connections  # `server.protocol` looks for them
        self.audience, self.stopping = audience, stopping  # as the command line does

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._door(scope)(scope, receive, send)

    def _door(self, scope: Scope) -> ASGIApp:
        if scope["type"] == "http":
            path = scope["path"]
            if path.startswith(PREFIX + "/"):
                return self._v0
            if path in self._graphql and scope["method"] != "OPTIONS":
                return self._graphql[path]
        elif scope["type"] == "websocket" and scope["path"] == "/graphql":
            return self._sockets
        return self._rest
