"""What a client asks, whichever way it comes in: read once, judged once, told in the client's own words."""

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

SHA256 = re.compile(r"[0-9a-fA-F]{64}")
PREFIX = "sha256:"
"""Of a `documentId`: no other way to name a document is known here."""


class Nonsense(Exception):
    """Nobody can be meant to ask that. The sentence names the field and says what it must be."""


class Asked(NamedTuple):
    """One operation, as a client asks it."""

    query: str | None
    """None: the document is only named."""
    variables: dict[str, Any]
    operation_name: str | None
    document: str | None
    """The SHA-256 that names the document, in lower-case hexadecimal digits."""


def read(params: object) -> Asked:
    """Of the decoded JSON of a POST's body, of a GET's parameters put together, or of what a socket's
    `subscribe` holds. Raises Nonsense. What is asked for beside what is known here is not looked at."""
    if not isinstance(params, dict):
        raise Nonsense("the request must be an object: one operation at a time")
    query, document = _text(params, "query"), _document(params)
    if query is None and document is None:
        raise Nonsense("query is missing, and no document is named instead")
    return Asked(query, _object(params, "variables") or {}, _text(params, "operationName"), document)


def _text(params: Mapping[str, Any], name: str) -> str | None:
    """None for what is not there, null, or empty, as forms leave it."""
    value = params.get(name)
    if value is not None and not isinstance(value, str):
        raise Nonsense(f"{name} must be a text")
    return value or None


def _object(params: Mapping[str, Any], name: str, within: str = "") -> dict[str, Any] | None:
    value = params.get(name)
    if value is not None and not isinstance(value, dict):
        raise Nonsense(f"{within}{name} must be an object")
    return value


def _document(params: Mapping[str, Any]) -> str | None:
    """The document's hash, by either of the two ways in which clients name one."""
    by_id, by_extension = _by_id(params), _by_extension(params)
    if by_id and by_extension and by_id != by_extension:
        raise Nonsense("documentId and extensions.persistedQuery must name the same document")
    return by_id or by_extension


def _by_id(params: Mapping[str, Any]) -> str | None:
    name = _text(params, "documentId")
    if name is None:
        return None
    if not name.startswith(PREFIX) or not SHA256.fullmatch(name, len(PREFIX)):
        raise Nonsense(f"documentId must be {PREFIX} and 64 hexadecimal digits")
    return name[len(PREFIX) :].lower()


def _by_extension(params: Mapping[str, Any]) -> str | None:
    """As clients of automatic persisted queries do."""
    named = _object(_object(params, "extensions") or {}, "persistedQuery", "extensions.")
    if named is None:
        return None
    version = named.get("version")
    if version != 1 or isinstance(version, bool):
        raise Nonsense("extensions.persistedQuery.version must be 1")
    hash = named.get("sha256Hash")
    if not isinstance(hash, str) or not SHA256.fullmatch(hash):
        raise Nonsense("extensions.persistedQuery.sha256Hash must be 64 hexadecimal digits")
    return hash.lower()
