"""A subscription as server-sent events, as a lean client needs it: the request and the events."""

from urllib.parse import urlencode

import orjson

from bench.frames import BLANK_LINE, Refused

LINE_END = b"\r\n"
Event = dict[bytes, bytes]
"""Its fields by name."""


def request(query: str, variables: dict[str, object], key: str, last: str | None = None) -> bytes:
    """`last`: the id of the last event that was heard."""
    asked = urlencode({"query": query, "variables": orjson.dumps(variables).decode()})
    lines = [
        f"GET /graphql/stream?{asked} HTTP/1.1",
        "Host: passline",
        "Accept: text/event-stream",
        f"x-api-key: {key}",
    ]
    if last:
        lines.append(f"Last-Event-ID: {last}")
    return "\r\n".join([*lines, "", ""]).encode()


class Events:
    """Takes the bytes of one connection and gives the events that are whole. `ended`: the server said that
    nothing follows."""

    def __init__(self) -> None:
        self.open = self.ended = False
        self._rest = self._text = b""

    def opened(self, data: bytes) -> bool:
        """Whether the head is there; called until it is. Raises Refused."""
        self._rest += data
        head, end, rest = self._rest.partition(BLANK_LINE)
        if not end:
            return False
        if (status := int(head[9:12])) != 200:
            raise Refused(status)
        self.open, self._rest = True, rest
        return True

    def whole(self, data: bytes) -> list[Event]:
        *events, self._text = (self._text + self._chunks(data)).split(b"\n\n")
        return [_fields(event) for event in events]

    def _chunks(self, data: bytes) -> bytes:
        data = self._rest + data
        at, pieces = 0, []
        while (end := data.find(LINE_END, at)) >= 0:
            start, size = end + 2, int(data[at:end], 16)
            if len(data) < start + size + 2:
                break
            self.ended = self.ended or not size
            pieces.append(data[start : start + size])
            at = start + size + 2
        self._rest = data[at:]
        return b"".join(pieces)


def _fields(event: bytes) -> Event:
    """A line that begins with a colon is a comment, whose name is empty."""
    return {
        name: value.removeprefix(b" ")
        for name, _, value in (each.partition(b":") for each in event.split(b"\n"))
    }
