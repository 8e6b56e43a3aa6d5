"""Which types of content a GraphQL answer may have, and which one a client would like best."""

from collections.abc import Iterable
from functools import lru_cache
from typing import Final, NamedTuple

GRAPHQL: Final = "application/graphql-response+json"
"""The type whose statuses say what came of the request."""
JSON: Final = "application/json"
"""The older one: what is a GraphQL request is answered with 200, whatever came of it."""
HTML: Final = "text/html"
EVENTS: Final = "text/event-stream"
MIXED: Final = "multipart/mixed"
"""Known with the parameter `subscriptionSpec` only: other things are sent by that name as well."""
STREAMS: Final = frozenset({EVENTS, MIXED})

LONGEST: Final = 512
"""Characters of a header that are worth remembering."""


class Range(NamedTuple):
    """One of the types that a client takes."""

    type: str
    parameters: dict[str, str]
    quality: float


def values(headers: Iterable[tuple[bytes, bytes]], name: bytes) -> str:
    """A header that may come in several lines, as one; empty where there is none."""
    found = [value for each, value in headers if each == name]
    return (found[0] if len(found) == 1 else b",".join(found)).decode("latin-1")


def preferred(accept: str) -> tuple[str, ...]:
    """The types above that a client takes, its dearest first, and of equals the one it names first. JSON
    where it says nothing, or takes anything."""
    return _preferred(accept) if len(accept) <= LONGEST else _preferred.__wrapped__(accept)


@lru_cache(maxsize=256)
def _preferred(accept: str) -> tuple[str, ...]:
    ranges = [_range(part) for part in accept.split(",") if part.strip()] or [Range("*/*", {}, 1.0)]
    named = [each for each in ranges if "*" not in each.type]
    refused = {each.type for each in named if not each.quality}
    found = [(each.quality, each.type) for each in named if each.quality and _known(each)]
    if JSON not in refused and JSON not in {kind for _, kind in found}:
        anything = [each.quality for each in ranges if each.type in ("*/*", "application/*")]
        found += [(quality, JSON) for quality in anything[:1] if quality]
    ordered = sorted(found, key=lambda one: -one[0])  # stable: of equals the first stays first
    return tuple(dict.fromkeys(kind for _, kind in ordered))


def _known(each: Range) -> bool:
    if each.type == MIXED:
        return "subscriptionspec" in each.parameters
    return each.type in (GRAPHQL, JSON, HTML, EVENTS)


def _range(text: str) -> Range:
    kind, *rest = text.split(";")
    parameters = dict(_parameter(part) for part in rest)
    try:
        quality = float(parameters.pop("q", "1"))
    except ValueError:
        quality = 0.0
    return Range(kind.strip().lower(), parameters, quality if 0 <= quality <= 1 else 0.0)


def _parameter(text: str) -> tuple[str, str]:
    name, _, value = text.partition("=")
    return name.strip().lower(), value.strip().strip('"')


def is_json(content_type: str) -> bool:
    """Whether a body of this type is JSON in UTF-8, which JSON is unless something else is said."""
    if content_type == JSON:
        return True
    kind, parameters, _ = _range(content_type)
    return kind == JSON and parameters.get("charset", "utf-8").lower() in ("utf-8", "utf8")
