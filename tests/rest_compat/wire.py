"""HTTP by hand over a real socket: any bytes, in any pieces."""

import contextlib
import re
import socket
import time

BLANK_LINE = b"\r\n\r\n"
PAUSE = 0.002
"""Seconds between two pieces, so that they arrive as two."""


def request(
    body: bytes = b"",
    headers: tuple[bytes, ...] = (),
    method: bytes = b"POST",
    target: bytes = b"/v0/passings",
    version: bytes = b"HTTP/1.1",
) -> bytes:
    """A whole request with the body's length."""
    length = b"Content-Length: %d" % len(body)
    return b"\r\n".join([b" ".join([method, target, version]), b"Host: x", *headers, length, b"", body])


def chunked(body: bytes, headers: tuple[bytes, ...] = ()) -> bytes:
    lines = [b"POST /v0/passings HTTP/1.1", *headers, b"Transfer-Encoding: chunked", b""]
    chunk = b"%x\r\n%s\r\n" % (len(body), body) if body else b""
    return b"\r\n".join(lines) + b"\r\n" + chunk + b"0\r\n\r\n"


class Line:
    """One connection."""

    def __init__(self, port: int, patience: float = 3) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=patience)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._rest = b""

    def __enter__(self) -> "Line":
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def send(self, data: bytes, cuts: tuple[int, ...] = ()) -> None:
        """In pieces that end at these places. A server that has hung up is found out by reading."""
        places = [0, *sorted({cut for cut in cuts if 0 < cut < len(data)}), len(data)]
        with contextlib.suppress(ConnectionError):
            for start, end in zip(places, places[1:], strict=False):
                if start:
                    time.sleep(PAUSE)
                self.socket.sendall(data[start:end])

    def answer(self, bodiless: bool = False) -> bytes:
        """The next answer, with what was said before it (`100 Continue`); without a date.
        What there is when the server hangs up or says no more."""
        said = b""
        while True:
            try:
                head = self._head()
            except TimeoutError:
                return said + self._rest + b"<silence>"
            if head is None:
                return said + self._rest + b"<hung up>"
            said += re.sub(rb"date: [^\r]*\r\n", b"", head)
            if head.startswith(b"HTTP/1.1 100"):
                continue
            length = re.search(rb"content-length: (\d+)", head)
            return said + (b"" if bodiless or length is None else self._take(int(length[1])))

    def _head(self) -> bytes | None:
        while (end := self._rest.find(BLANK_LINE)) < 0:
            if not self._more():
                return None
        return self._take(end + len(BLANK_LINE))

    def _take(self, length: int) -> bytes:
        while len(self._rest) < length and self._more():
            pass
        taken, self._rest = self._rest[:length], self._rest[length:]
        return taken

    def _more(self) -> bool:
        try:
            data = self.socket.recv(65536)
        except ConnectionError:
            return False
        self._rest += data
        return bool(data)
