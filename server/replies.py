"""Answers to GraphQL requests over HTTP: a status, headers, and bytes."""

import logging
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

import orjson
from starlette.types import Send

from resolvers import errors
from resolvers.errors import Invalid, TimingError, TooLarge, told
from server.asking import Nonsense
from server.media import GRAPHQL
from server.requests import Unfit

Headers = list[tuple[bytes, bytes]]

FOR_PAGES: Final[Headers] = [
    (b"access-control-allow-origin", b"*"),
    (b"access-control-expose-headers", b"retry-after"),
]
"""Pages of any origin may read an answer: a key is shown in a header, never taken from a cookie."""
NOT_KEPT: Final = (b"cache-control", b"no-store")
STATUSES: Final = {
    error.code: error.status
    for error in (
        errors.Unidentified, errors.NotAllowed, errors.NotFound, errors.Conflict, errors.Invalid,
        errors.TooMany, errors.Busy, errors.DocumentNotFound,
    )
} | {"INTERNAL_SERVER_ERROR": 500}  # fmt: skip
"""By the code of an error, where nothing was executed."""
FAULT: Final = {"message": "Internal server error", "extensions": {"code": "INTERNAL_SERVER_ERROR"}}


logger = logging.getLogger(__name__)


class Reply(NamedTuple):
    """One answer, whole."""

    status: int
    headers: Headers
    body: bytes

    async def send(self, send: Send) -> None:
        length = (b"content-length", b"%d" % len(self.body))
        headers = [*self.headers, length] if self.status != 304 else self.headers
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        await send({"type": "http.response.body", "body": self.body})


def typed(kind: str) -> tuple[bytes, bytes]:
    return b"content-type", kind.encode() + b"; charset=utf-8"


def refusal(kind: str, status: int, found: Sequence[Mapping[str, Any]], more: Headers | None = None) -> Reply:
    """Nothing was executed. The older type has `data` all the same, as its clients expect."""
    told = {"errors": found} if kind == GRAPHQL else {"data": None, "errors": found}
    headers = [*FOR_PAGES, NOT_KEPT, typed(kind), *later(found), *(more or ())]
    return Reply(status, headers, orjson.dumps(told))


def ended(kind: str, error: Exception) -> Reply:
    """What is answered when this error kept anything from being executed; one that nobody expected is
    logged."""
    no = told(error)
    if isinstance(error, Unfit | Nonsense):
        status, allow = (error.status, error.allow) if isinstance(error, Unfit) else (400, None)
        allowed = [(b"allow", allow.encode())] if allow else None
        fault = {"code": Invalid.code, "fields": {}}
        return refusal(kind, status, [{"message": str(error), "extensions": fault}], allowed)
    if no is None:
        logger.error("a GraphQL request failed", exc_info=error)
        return refusal(kind, 500, [FAULT])
    closing = [(b"connection", b"close")] if isinstance(no, TooLarge) else None  # the rest is not read
    return refusal(kind, no.status, [formatted(no)], closing)


def formatted(error: TimingError) -> dict[str, Any]:
    return {"message": str(error), "extensions": error.extensions}


def later(found: Iterable[Mapping[str, Any]]) -> Headers:
    """Says also in a header when to come again: proxies and plain clients look there."""
    waits = [each["extensions"]["retryAfter"] for each in found if "retryAfter" in each.get("extensions", ())]
    return [(b"retry-after", b"%d" % math.ceil(max(waits)))] if waits else []
