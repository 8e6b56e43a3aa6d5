"""The organiser's desk: asks GraphQL what devices cannot."""

from typing import Any

from replay import calls, wire


class Declined(calls.Refused):
    """GraphQL said no; `code` tells the kind of no."""

    def __init__(self, message: str, code: str) -> None:
        super().__init__(message)
        self.code = code


class Desk:
    """A connection for one question at a time, each sent again while the server is busy."""

    def __init__(self, server: wire.Server) -> None:
        self.caller = calls.Caller(server)

    async def ask(self, document: str, **variables: Any) -> Any:
        """What the document's only field holds; Declined when there is an error."""
        answer = await self.caller.call("POST", "/graphql", {"query": document, "variables": variables})
        if errors := answer.get("errors"):
            extensions = errors[0].get("extensions") or {}
            raise Declined(f"GraphQL: {errors[0]['message']}", extensions.get("code", ""))
        [held] = answer["data"].values()
        return held

    def close(self) -> None:
        self.caller.line.close()
