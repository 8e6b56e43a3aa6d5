"""Heads of plain requests: those that may go the short way."""

from typing import NamedTuple

import httptools

from rest_compat import hot
from rest_compat.endpoints import Header
from rest_compat.routes import PREFIX
from server.addresses import FORWARDED
from server.auth import key_of

URL = f"{PREFIX}{hot.PATH}".encode()
OPENING = b"POST " + URL + b" HTTP/1.1\r\n"
BLANK_LINE = b"\r\n\r\n"
UNUSUAL = {b"expect", b"origin", b"transfer-encoding", b"upgrade"}
"""Headers with which a request goes the ordinary way."""
MOST_BODY = 64 * 1024
"""Bytes that are taken the short way: as many as uvicorn keeps before it stops reading."""
MOST_HEAD = 2048
MOST_HEADS = 4096


class Head(NamedTuple):
    """What a plain request's head says. `forwarded`: what proxies wrote of where it comes from."""

    key: str | None
    length: int
    forwarded: tuple[bytes, ...] = ()


class Heads:
    """Tells plain heads from others, by uvicorn's own parser.

    A device sends the same few heads over and over, so what they say is remembered.
    """

    def __init__(self, body_limit: int) -> None:
        self._most = min(MOST_BODY, body_limit)
        self._known: dict[bytes, Head | None] = {}

    def read(self, head: bytes) -> Head | None:
        """None for one that is not plain. `head` goes up to the blank line, which is left out."""
        try:
            return self._known[head]
        except KeyError:
            pass
        if len(head) > MOST_HEAD:
            return None
        if len(self._known) >= MOST_HEADS:
            self._known.clear()
        found = self._known[head] = self._read(head)
        return found

    def _read(self, head: bytes) -> Head | None:
        seen = _Seen()
        parser = httptools.HttpRequestParser(seen)
        try:
            parser.feed_data(head + BLANK_LINE)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            return None
        names = [name for name, _ in seen.headers]
        if not seen.complete or seen.url != URL or UNUSUAL.intersection(names):
            return None
        if parser.get_http_version() != "1.1" or not parser.should_keep_alive() or parser.should_upgrade():
            return None
        lengths = [value for name, value in seen.headers if name == b"content-length"]
        if len(lengths) != 1 or not lengths[0].isdigit() or not 0 < int(lengths[0]) <= self._most:
            return None
        forwarded = tuple(value for name, value in seen.headers if name == FORWARDED)
        return Head(key_of(seen.headers), int(lengths[0]), forwarded)


class _Seen:
    """What the parser calls out."""

    def __init__(self) -> None:
        self.url = b""
        self.headers: list[Header] = []
        self.complete = False

    def on_url(self, url: bytes) -> None:
        self.url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        self.complete = True
