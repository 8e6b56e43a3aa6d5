"""How the messages of one operation look in an HTTP answer that lasts."""

import random
from typing import Final, Protocol

from server import media

BOUNDARY: Final = b"graphql"
SOONEST, LATEST = 1.0, 4.0
"""Seconds after which a client comes back whose connection is lost: for each another time between them."""


class Form(Protocol):
    """A way to write messages one behind the other."""

    type: bytes
    """Of the content."""
    beat: bytes
    """Says nothing, but that the connection is there."""
    complete: bytes
    """Nothing follows."""

    def opening(self) -> bytes:
        """What is sent at once, so that whoever is between hands the head on."""
        ...

    def next(self, payload: bytes, position: str | None) -> bytes:
        """An encoded result, and the cursor behind it."""
        ...

    def refused(self, errors: bytes) -> bytes:
        """An encoded list of errors: nothing was executed, or nothing is told any more."""
        ...

    def farewell(self, errors: bytes, retry_after: float) -> bytes:
        """The connection ends, the operation does not: it is to be asked again after so many seconds."""
        ...


class Events:
    """Server-sent events: `next` with a result, and `complete`."""

    type = media.EVENTS.encode()
    beat = b":\n\n"
    complete = b"event: complete\ndata:\n\n"  # browsers do not tell of an event without data

    def opening(self) -> bytes:
        return _retry(random.uniform(SOONEST, LATEST))

    def next(self, payload: bytes, position: str | None) -> bytes:
        if position is None:
            return b"event: next\ndata: %b\n\n" % payload
        return b"event: next\nid: %b\ndata: %b\n\n" % (position.encode(), payload)

    def refused(self, errors: bytes) -> bytes:
        return self.next(b'{"errors":%b}' % errors, None)

    def farewell(self, errors: bytes, retry_after: float) -> bytes:
        return _retry(retry_after)


class Parts:
    """Parts of a `multipart/mixed` answer, as Apollo's clients ask for it."""

    type = media.MIXED.encode() + b';boundary="' + BOUNDARY + b'";subscriptionSpec=1.0'
    complete = b"--\r\n"

    def __init__(self) -> None:
        self.beat = self._part(b"{}")

    def opening(self) -> bytes:
        return b"\r\n--" + BOUNDARY + self.beat

    def next(self, payload: bytes, position: str | None) -> bytes:
        return self._part(b'{"payload":%b}' % payload)

    def refused(self, errors: bytes) -> bytes:
        return self._part(b'{"payload":null,"errors":%b}' % errors)

    def farewell(self, errors: bytes, retry_after: float) -> bytes:
        return self.refused(errors) + self.complete

    def _part(self, body: bytes) -> bytes:
        """Ends with the boundary: a client knows then that the part is whole."""
        return b"\r\ncontent-type: application/json\r\n\r\n%b\r\n--%b" % (body, BOUNDARY)


FORMS: Final[dict[str, Form]] = {media.EVENTS: Events(), media.MIXED: Parts()}


def _retry(seconds: float) -> bytes:
    return b"retry: %d\n\n" % (seconds * 1000)
