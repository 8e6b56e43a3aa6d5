"""From our errors to v0's status and body. v0 knows no 401, and never shows a stack trace."""

from typing import Any

from resolvers.errors import (
    BibTaken,
    Busy,
    DeviceTiming,
    Invalid,
    NotAllowed,
    NotFound,
    TimingError,
    TooLarge,
    TooMany,
    Unidentified,
)
from rest_compat import shapes

IDS = {"Device": "deviceid", "Sessions": "deviceid", "Session": "token_session", "Event": "event_token"}
"""The key under which a "not found" repeats the id it was asked for."""


def status_of(error: TimingError) -> int:
    return 403 if isinstance(error, Unidentified) else error.status


def body_of(error: TimingError) -> dict[str, Any]:
    match error:
        case TooLarge():
            return {"description": "Payload too large"}
        case Invalid(field="body", reason="is not JSON"):
            return {"description": "Invalid JSON"}
        case Invalid():
            kind = "Missing" if error.missing else "Invalid"
            return {"description": f"{kind} parameter: {shapes.key_of(error.field)}"}
        case Unidentified() | NotAllowed():
            return {"description": f"Forbidden: {error}"}
        case BibTaken():
            return {"description": str(error), "bib": error.bib}
        case DeviceTiming():
            return {"description": str(error), "deviceid": error.device_id}
        case NotFound(noun=noun, name=str(name)) if noun in IDS:
            return {"description": str(error), IDS[noun]: name}
        case _:
            return {"description": str(error)}


def headers_of(error: TimingError) -> list[tuple[bytes, bytes]]:
    match error:
        case TooMany() | Busy():
            return [(b"retry-after", str(error.retry_after).encode())]
        case TooLarge():
            return [(b"connection", b"close")]  # the rest of the body is not wanted
        case _:
            return []
