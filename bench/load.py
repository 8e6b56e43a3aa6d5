"""A raw keep-alive HTTP/1.1 load generator: requests encoded beforehand, answers parsed just enough."""

import asyncio
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import cast

import uvloop

LENGTH = b"content-length: "
BLANK_LINE = b"\r\n\r\n"


@dataclass
class Run:
    """What came of one burst of requests."""

    statuses: Counter[bytes] = field(default_factory=Counter)
    waits: list[float] = field(default_factory=list)
    refused: bytes = b""
    seconds: float = 0.0
    busy: float = 0.0
    """The generator's share of a core."""
    served: float = 0.0
    """Seconds of processor time that the server used, where that was asked."""

    @property
    def rate(self) -> float:
        """Answers per second."""
        return len(self.waits) / self.seconds

    def must_all_be(self, status: bytes) -> None:
        """A bench over refused requests measures nothing."""
        if set(self.statuses) - {status}:
            raise RuntimeError(f"wanted {status!r} only, got {dict(self.statuses)}: {self.refused[-400:]!r}")


class Line(asyncio.Protocol):
    """One connection: sends its next request when the answer to the last one is complete."""

    def __init__(self, requests: Iterator[bytes], wanted: bytes, run: Run) -> None:
        self._requests = requests
        self._wanted = wanted
        self._run = run
        self._rest = b""
        self._sent = 0.0
        self.finished: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is one by behaviour only

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.finished.done():
            self.finished.set_exception(ConnectionError("the server closed a connection in use"))

    def send_next(self) -> None:
        request = next(self._requests, None)
        if request is None:
            self.finished.set_result(None)
            self._transport.close()
            return
        self._sent = time.perf_counter()
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        if self._rest:
            data = self._rest + data
        if not is_complete(data):
            self._rest = data
            return
        self._rest = b""
        run = self._run
        run.waits.append(time.perf_counter() - self._sent)
        status = data[9:12]
        run.statuses[status] += 1
        if status != self._wanted:
            run.refused = data
        self.send_next()


def is_complete(data: bytes) -> bool:
    """Whether these bytes hold a whole HTTP/1.1 message with a length."""
    head = data.find(BLANK_LINE)
    if head < 0:
        return False
    at = data.find(LENGTH, 0, head)
    if at < 0:
        at = data[:head].lower().find(LENGTH)
        if at < 0:
            return True
    return len(data) >= head + 4 + int(data[at + 16 : data.find(b"\r", at)])


def drive(port: int, requests: Sequence[bytes], connections: int, wanted: bytes) -> Run:
    """Sends every request once over so many connections, one at a time on each."""
    return uvloop.run(send(port, requests, connections, wanted))


async def send(port: int, requests: Sequence[bytes], connections: int, wanted: bytes) -> Run:
    """The same in a loop that does something else besides."""
    run, left = Run(), iter(requests)
    loop = asyncio.get_running_loop()
    lines = []
    for _ in range(connections):
        _, line = await loop.create_connection(lambda: Line(left, wanted, run), "127.0.0.1", port)
        lines.append(line)
    began, worked = time.perf_counter(), time.process_time()
    for line in lines:
        line.send_next()
    await asyncio.gather(*(line.finished for line in lines))
    run.seconds = time.perf_counter() - began
    run.busy = (time.process_time() - worked) / run.seconds
    run.must_all_be(wanted)
    return run
