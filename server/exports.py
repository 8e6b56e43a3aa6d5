"""Exports by route: results and passings, to take away. All read only, and sent piece by piece."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import msgspec
import structlog
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import Message, Receive, Scope, Send

from models.database import Unreachable
from models.passings import Row
from resolvers import inputs, passings, results
from resolvers.errors import Busy, TimingError, TooMany, told
from resolvers.results import Results
from schema.relay import row_in
from server import tables
from server.auth import Door

MOST_AT_ONCE = 8
"""Exports under way in one process; each holds a copy of its race's board."""
LONGEST = 120.0
"""Seconds that an export may take; who reads more slowly is cut off."""
LINES = 250
"""Lines of results that are written at a time."""
PASSINGS = 1_000
"""Passings that are read and written at a time."""
CSV = "text/csv; charset=utf-8; header=present"
JSON = "application/json"
HEADERS = {
    "cache-control": "no-store",
    "content-disposition": "attachment",
    "x-content-type-options": "nosniff",
}

logger = structlog.get_logger()


class Exports:
    """The application behind `/exports`."""

    def __init__(self, door: Door) -> None:
        self._door = door
        self._under_way = 0
        self._routes = Starlette(
            routes=[
                Route("/races/{race}/results.csv", self._results_csv),
                Route("/races/{race}/results.json", self._results_json),
                Route("/sessions/{token}/passings.csv", self._passings_csv),
            ],
            exception_handlers={
                TimingError: _refused,
                Unreachable: _refused,
                HTTPException: _no_such_door,
                Exception: _failed,
            },
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._under_way >= MOST_AT_ONCE:
            await _refusal(Busy())(scope, receive, send)
            return
        self._under_way += 1
        begun = False

        async def noted(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            async with asyncio.timeout(LONGEST) as time:
                await self._routes(scope, receive, noted)
        except TimeoutError:
            if not time.expired():
                raise
            logger.info("an export was cut off", seconds=LONGEST)
            if not begun:
                await _refusal(Busy())(scope, receive, send)
        finally:
            self._under_way -= 1

    async def _results_csv(self, request: Request) -> Response:
        return _sent(request, CSV, _csv_of(await self._results(request)))

    async def _results_json(self, request: Request) -> Response:
        return _sent(request, JSON, _json_of(await self._results(request, verdicts=True)))

    async def _results(self, request: Request, *, verdicts: bool = False) -> Results:
        ctx = await self._door.context(request.scope)
        return await results.official(ctx, row_in(request.path_params["race"], "Race"), verdicts=verdicts)

    async def _passings_csv(self, request: Request) -> Response:
        ctx, token = await self._door.context(request.scope), request.path_params["token"]

        async def above(number: int) -> list[Row]:
            return (await passings.numbered(ctx, token, first=number, limit=PASSINGS))[0]

        first = await above(0)  # before the answer begins: whoever may not is told so
        return _sent(request, CSV, _csv_of_passings(first, above))


async def _csv_of(found: Results) -> AsyncIterator[bytes]:
    yield tables.result_header(found)
    for offset in range(0, len(found), LINES):
        yield await asyncio.to_thread(tables.result_rows, found, offset, LINES)


async def _json_of(found: Results) -> AsyncIterator[bytes]:
    yield msgspec.json.encode(tables.result_head(found))[:-1] + b',"results":[\n'
    for offset in range(0, len(found), LINES):
        lines = await asyncio.to_thread(tables.result_documents, found, offset, LINES)
        yield b",\n" + lines if offset else lines
    yield b"\n]}\n"


async def _csv_of_passings(
    found: list[Row], above: Callable[[int], Awaitable[list[Row]]]
) -> AsyncIterator[bytes]:
    """All up to the newest that is there when the last page is read."""
    yield tables.passing_header()
    while found:
        yield tables.passing_rows(found)
        last = found[-1].number
        found = await above(last + 1) if len(found) == PASSINGS and last < inputs.HIGHEST else []


def _sent(request: Request, kind: str, body: AsyncIterator[bytes]) -> Response:
    if request.method == "HEAD":
        return Response(media_type=kind, headers=HEADERS)
    return StreamingResponse(body, media_type=kind, headers=HEADERS)


def _refusal(error: TimingError) -> Response:
    later = {"retry-after": str(error.retry_after)} if isinstance(error, Busy | TooMany) else None
    return JSONResponse({"description": str(error), "code": error.code}, error.status, later)


async def _refused(_request: Request, error: Exception) -> Response:
    no = told(error)
    assert no is not None
    return _refusal(no)


async def _no_such_door(_request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    code = "NOT_FOUND" if error.status_code == 404 else "BAD_USER_INPUT"
    document = {"description": error.detail.capitalize(), "code": code}
    return JSONResponse(document, error.status_code, error.headers)


async def _failed(_request: Request, _error: Exception) -> Response:
    """Starlette raises the error again behind this answer, so the log has it."""
    return JSONResponse({"description": "Internal server error", "code": "INTERNAL_SERVER_ERROR"}, 500)
