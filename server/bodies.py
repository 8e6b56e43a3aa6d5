"""A limit on bodies: what is larger is not read to its end."""

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from resolvers.errors import TooLarge


class LimitedBody:
    """Raises TooLarge inside the skin that reads, so that each answers in its own words."""

    def __init__(self, app: ASGIApp, limit: int) -> None:
        self._app = app
        self._limit = limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        read = 0

        async def limited() -> Message:
            nonlocal read
            message = await receive()
            read += len(message.get("body", b""))
            if read > self._limit:
                raise TooLarge("body", f"must not be larger than {self._limit} bytes")
            return message

        await self._app(scope, limited, send)
