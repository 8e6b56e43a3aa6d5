"""Every way to say no: a sentence, a code and a status. The docstring is the sentence unless one is given."""

from typing import Any, ClassVar

from models.database import Unreachable


class TimingError(Exception):
    """Something is wrong"""

    code: ClassVar[str]
    status: ClassVar[int]

    def __init__(self, sentence: str | None = None) -> None:
        super().__init__(sentence or (self.__doc__ or "").strip())

    @property
    def extensions(self) -> dict[str, Any]:
        """What GraphQL clients get beside the sentence."""
        return {"code": self.code}


class Unidentified(TimingError):
    """missing api key"""

    code, status = "UNAUTHENTICATED", 401


class NotAllowed(TimingError):
    """this key may not do that"""

    code, status = "FORBIDDEN", 403


class NotFound(TimingError):
    """Not found"""

    code, status = "NOT_FOUND", 404

    def __init__(self, noun: str, name: str | None = None) -> None:
        super().__init__(f"{noun} not found")
        self.noun, self.name = noun, name


class DocumentNotFound(TimingError):
    """PersistedQueryNotFound"""  # word for word what clients look for that send the text then

    code, status = "PERSISTED_QUERY_NOT_FOUND", 404


class DeviceNotFound(NotFound):
    """Device not found"""

    def __init__(self, device_id: str) -> None:
        super().__init__("Device", device_id)

    @property
    def extensions(self) -> dict[str, Any]:
        return {"code": self.code, "deviceId": self.name}


class SessionNotActive(NotFound):
    """Session not found or closed"""

    def __init__(self, token: str) -> None:
        super().__init__("Session", token)
        self.args = ("Session not found or closed",)


class Conflict(TimingError):
    """The state forbids it"""

    code, status = "CONFLICT", 409


class BibTaken(Conflict):
    """Bib already in use"""

    def __init__(self, bib: str) -> None:
        super().__init__()
        self.bib = bib

    @property
    def extensions(self) -> dict[str, Any]:
        return {"code": self.code, "bib": self.bib}


class DeviceTiming(Conflict):
    """Device is timing"""

    def __init__(self, device_id: str) -> None:
        super().__init__()
        self.device_id = device_id

    @property
    def extensions(self) -> dict[str, Any]:
        return {"code": self.code, "deviceId": self.device_id}


class Invalid(TimingError):
    """The input is nonsense"""

    code, status = "BAD_USER_INPUT", 400

    def __init__(self, field: str, reason: str, *, missing: bool = False) -> None:
        super().__init__(f"{field}: {reason}")
        self.field, self.reason, self.missing = field, reason, missing

    @property
    def extensions(self) -> dict[str, Any]:
        return {"code": self.code, "fields": {self.field: self.reason}}


class TooLarge(Invalid):
    """Payload too large"""

    status = 413


class _Later(TimingError):
    def __init__(self, retry_after: int = 1) -> None:
        super().__init__()
        self.retry_after = retry_after

    @property
    def extensions(self) -> dict[str, Any]:
        return {"code": self.code, "retryAfter": self.retry_after}


class TooMany(_Later):
    """Too many requests"""

    code, status = "RATE_LIMITED", 429


class Busy(_Later):
    """Service unavailable"""

    code, status = "BUSY", 503


def told(error: BaseException) -> TimingError | None:
    """What clients are told of an error: Busy of a database that is not there, as it will be there again.
    None: a fault of ours, of which they are told nothing."""
    if isinstance(error, Unreachable):
        return Busy()
    return error if isinstance(error, TimingError) else None
