"""An event stream as it comes: every event is seen, and every comment."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

import httpx

from tests.journeys.sockets import FOLLOW

EVENTS = {"accept": "text/event-stream"}


class Event(NamedTuple):
    """What came between two empty lines."""

    kind: str | None = None
    data: Any = None
    id: str | None = None
    retry: int | None = None
    comment: str | None = None


class Stream:
    """One answer."""

    def __init__(self, answer: httpx.Response) -> None:
        self.answer = answer
        self._lines = answer.aiter_lines()

    async def any(self) -> Event:
        """The next, whatever it is. Raises StopAsyncIteration at the end."""
        event = Event()
        while line := await anext(self._lines):
            name, _, value = line.partition(":")
            value = value.removeprefix(" ")
            match name:
                case "event":
                    event = event._replace(kind=value)
                case "data":
                    event = event._replace(data=json.loads(value) if value else "")
                case "id":
                    event = event._replace(id=value)
                case "retry":
                    event = event._replace(retry=int(value))
                case "":
                    event = event._replace(comment=value)
                case _:
                    raise AssertionError(f"no field of an event: {line}")
        return event

    async def event(self) -> Event:
        """The next that says something to the operation."""
        while (event := await self.any()).kind is None:
            pass
        return event

    async def rest(self) -> list[Event]:
        """All until the end."""
        found = []
        try:
            while True:
                found.append(await self.any())
        except StopAsyncIteration:
            return found

    async def delivery(self) -> tuple[str | None, int]:
        """Id and number of the next passing; fails on anything else."""
        event = await self.event()
        assert event.kind == "next" and "errors" not in event.data, event
        delivered = event.data["data"]["passings"]
        assert event.id == delivered["cursor"]
        return event.id, delivered["passing"]["number"]

    async def numbers(self, count: int) -> list[int]:
        return [(await self.delivery())[1] for _ in range(count)]


@asynccontextmanager
async def open_stream(
    url: str,
    key: str | None = None,
    query: str = FOLLOW,
    method: str = "GET",
    headers: dict[str, str] | None = None,
    **variables: Any,
) -> AsyncIterator[Stream]:
    """A stream of an operation; of passings, unless told otherwise."""
    asked: dict[str, Any] = {"query": query, "variables": variables}
    told = EVENTS | ({"x-api-key": key} if key else {}) | (headers or {})
    more: dict[str, Any] = {"json": asked}
    if method == "GET":
        more = {"params": asked | {"variables": json.dumps(variables)}}
    async with (
        httpx.AsyncClient(timeout=20) as http,
        http.stream(method, f"{url}/graphql/stream", headers=told, **more) as answer,
    ):
        yield Stream(answer)
