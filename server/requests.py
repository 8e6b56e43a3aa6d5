"""What a GraphQL request over HTTP holds: from its bytes to what is asked, still to be judged."""

import json
from typing import Any, Final
from urllib.parse import parse_qsl

import msgspec
from starlette.types import Receive, Scope

from resolvers import costs
from resolvers.context import Meter
from resolvers.errors import TooLarge
from server import asking, media
from server.asking import Asked, Nonsense

GETS: Final = ("GET", "HEAD")
ALLOWED: Final = "GET, HEAD, POST, OPTIONS"
NAMES: Final = ("query", "variables", "operationName", "extensions", "documentId")
"""Of what a request may hold."""
IN_JSON: Final = ("variables", "extensions")
"""What a GET has as texts of JSON."""
AROUND: Final = len('"":,')
"""What a member of an object has beside its name and its value."""
SHORTEST: Final = len('"query":1,')
"""So many bytes are not accounted for where a name is given twice, and in JSON that is spaced out."""
_members = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


class Gone(Exception):
    """The client went away before it had asked."""


class Unfit(Exception):
    """It is no GraphQL request, and this status says so; the sentence says why."""

    def __init__(self, status: int, sentence: str, allow: str | None = None) -> None:
        super().__init__(sentence)
        self.status, self.allow = status, allow


async def read(scope: Scope, receive: Receive, meter: Meter, limit: int) -> Asked:
    """What is asked, by GET or by POST. A body is paid for before it is decoded, and may have so many bytes.

    Raises Unfit, Nonsense, TooLarge, TooMany and Gone.
    """
    if scope["method"] in GETS:
        return asking.read(_parameters(scope, meter))
    if scope["method"] != "POST":
        raise Unfit(405, "GraphQL is asked by GET or POST", ALLOWED)
    headers = scope["headers"]
    if not media.is_json(media.values(headers, b"content-type")):
        raise Unfit(415, f"content-type must be {media.JSON}")
    if media.values(headers, b"content-encoding").lower() not in ("", "identity"):
        raise Unfit(415, "content-encoding must be identity: a body is read as it comes")
    body = await _body(receive, limit)
    meter.spend(costs.body(len(body)))
    return asking.read(decoded(body))


async def _body(receive: Receive, limit: int) -> bytes:
    parts, size, more = [], 0, True
    while more:
        message = await receive()
        if message["type"] != "http.request":
            raise Gone
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if size > limit:
            raise TooLarge("body", f"must not be larger than {limit} bytes")
        more = message.get("more_body", False)
    return b"".join(parts)


def decoded(text: bytes) -> object:
    """Raises Nonsense for what is no JSON, and where a name is given twice: whoever looked at the request on
    its way may have taken the other one."""
    try:
        members = _members(text)
        if len(text) - sum([len(name) + len(value) + AROUND for name, value in members.items()]) > SHORTEST:
            _judge(json.loads(text, object_pairs_hook=list))
        return {name: msgspec.json.decode(value) for name, value in members.items()}
    except msgspec.ValidationError:
        return None  # no object, whatever it is
    except (ValueError, RecursionError):
        raise Nonsense("the body must be JSON in UTF-8") from None


def _parameters(scope: Scope, meter: Meter) -> dict[str, Any]:
    """Of a GET's address."""
    given: bytes = scope["query_string"]
    meter.spend(costs.body(len(given)))
    try:
        pairs = parse_qsl(given.decode("ascii"), keep_blank_values=True, errors="strict")
    except ValueError:
        raise Nonsense("the address must hold text in UTF-8") from None
    _judge(pairs)
    asked: dict[str, Any] = dict(pairs)
    for name in IN_JSON:
        if name in asked:
            asked[name] = _of_json(name, asked[name])
    return asked


def _of_json(name: str, text: str) -> object:
    try:
        return msgspec.json.decode(text) if text else None
    except (ValueError, RecursionError):
        raise Nonsense(f"{name} must be an object in JSON") from None


def _judge(pairs: list[tuple[str, Any]]) -> None:
    names = [name for name, _ in pairs]
    for name in NAMES:
        if names.count(name) > 1:
            raise Nonsense(f"{name} is given twice")
