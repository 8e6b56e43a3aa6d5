"""Many sockets on one subscription, in one process and one thread that does next to nothing for a message.

Each socket is read when the system says so. What came is compared with what the first socket got at that
place, byte for byte but for the subscription's id, and its instant is kept: a message that was missed,
doubled or differs is found, and nothing is decoded while the clock runs.
"""

import resource
import select
import time
from array import array
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from os import read
from socket import IPPROTO_TCP, TCP_NODELAY, create_connection, socket
from uuid import uuid4

import orjson

from bench.frames import CLOSE, PING, PONG, TEXT, Frames, ending, framed, handshake, masked
from bench.load import is_complete

AT_ONCE = 100
"""Sockets that are opened together: each has to say who it is within the seconds that a server gives it."""
CHUNK = 16 * 1024
READY = 2048
"""Sockets that the system names at once."""
PATIENCE = 60.0
"""Seconds without an answer after which the server has failed."""
PING_TEXT, PONG_TEXT = b'{"type":"ping"', {"type": "pong"}
PAYLOAD = b'"payload"'
"""What a message's own beginning, with the id, ends before: the rest of it is the same for all sockets."""

Message = Mapping[str, object]


class Guest:
    """A socket while its subscription is being started: each step waits for the server."""

    def __init__(self, port: int) -> None:
        self.socket = connected(port)
        self.frames = Frames()
        self.socket.sendall(handshake())

    def let_in(self) -> None:
        while not self.frames.opened(self._more()):
            pass

    def say(self, message: Message) -> None:
        self.socket.sendall(said(message))

    def hear(self, wanted: bytes) -> bytes:
        """The next text; raises ConnectionError when it is not of that type."""
        found = self.frames.whole(b"")
        while not (texts := [payload for opcode, payload in found if opcode == TEXT]):
            found = self.frames.whole(self._more())
        if len(texts) > 1 or b'"type":"%s"' % wanted not in texts[0].replace(b": ", b":"):
            raise ConnectionError(f"wanted {wanted!r}, got {texts!r}")
        return texts[0]

    def _more(self) -> bytes:
        data = self.socket.recv(CHUNK)
        if not data:
            raise ConnectionError("the server closed a socket")
        return data


class Crowd:
    """The sockets. When this is made, the subscription runs on each, and its first message was taken."""

    def __init__(self, port: int, count: int, init: Message, subscription: Message) -> None:
        self.messages: list[bytes] = []
        """What the first socket at each place heard, after its first message; the others the same."""
        self.came: list[array[float]] = []
        """When each socket had the message of that place, by `time.perf_counter`."""
        self.posted: list[float] = []
        self.answered: dict[int, float] = {}
        """When the answer to a request was there."""
        self.snapshot = b""
        self.wrong: list[str] = []
        self._port = port
        self._heads: dict[int, bytes] = {}  # how each message begins, by socket
        self._tails: list[tuple[int, bytes]] = []  # how long each frame's head is, and how each message ends
        self._heard: dict[int, int] = {}  # how many messages, by socket
        self._sockets: dict[int, tuple[socket, Frames]] = {}
        self._posts: dict[int, tuple[socket, bytes]] = {}  # connections for requests
        self._asked: dict[int, int] = {}  # which request such a connection waits for
        self._idle: deque[socket] = deque()
        self._poll = select.epoll()
        for at in range(0, count, AT_ONCE):
            self._join(min(AT_ONCE, count - at), init, subscription)
            self.listen(0)  # those that are there already answer pings

    def __len__(self) -> int:
        return len(self._heard)

    @property
    def told(self) -> int:
        """How many messages every socket has."""
        whole = len(self.came)
        while whole and len(self.came[whole - 1]) < len(self):
            whole -= 1
        return whole

    def post(self, request: bytes, due: float | None = None) -> None:
        """Sends a request, over a connection that has none under way. `due`: when it ought to have left."""
        line = self._idle.popleft() if self._idle else self._opened()
        self._asked[line.fileno()] = len(self.posted)
        self.posted.append(due or time.perf_counter())
        line.sendall(request)

    def listen(self, until: float) -> None:
        """Takes what comes, until that instant or until there is news: a message with the first socket or
        with the last, an answer."""
        heard, came, heads, tails = self._heard, self.came, self._heads, self._tails
        ready, clock, everybody, news = self._poll.poll, time.perf_counter, len(self._heard), False
        while not news:
            for fd, _ in ready(max(0.0, until - clock()), READY):
                data = read(fd, CHUNK)
                place = heard.get(fd, -1)
                if 0 <= place < len(tails):
                    start, tail = tails[place]
                    head = heads[fd]
                    end = start + len(head)
                    if data[start:end] == head and data[end:] == tail:
                        instants = came[place]
                        instants.append(clock())
                        heard[fd] = place + 1
                        news = news or len(instants) == everybody
                        continue
                self._look(fd, data, clock())
                news = True
            if clock() >= until:
                return

    def close(self) -> None:
        for line, _ in (*self._sockets.values(), *self._posts.values()):
            line.close()
        self._poll.close()

    def _join(self, count: int, init: Message, subscription: Message) -> None:
        guests = [Guest(self._port) for _ in range(count)]
        for guest in guests:
            guest.let_in()
            guest.say({"type": "connection_init", "payload": init})
        for guest in guests:
            guest.hear(b"connection_ack")
            guest.say({"type": "subscribe", "id": str(uuid4()), "payload": subscription})
        for guest in guests:
            first, fd = guest.hear(b"next"), guest.socket.fileno()
            self._heads[fd], tail = _parted(first)
            if self.snapshot and tail != _parted(self.snapshot)[1]:
                self.wrong.append("two sockets began with different snapshots")
            self.snapshot = first
            self._heard[fd], self._sockets[fd] = 0, (guest.socket, guest.frames)
            self._poll.register(fd, select.EPOLLIN)

    def _opened(self) -> socket:
        line = connected(self._port)
        self._posts[line.fileno()] = line, b""
        self._poll.register(line.fileno(), select.EPOLLIN)
        return line

    def _look(self, fd: int, data: bytes, now: float) -> None:
        """What is not simply the next message, whole and alone."""
        if fd in self._posts:
            self._answer(fd, data, now)
            return
        if not data:
            raise ConnectionError("the server closed a socket")
        line, parser = self._sockets[fd]
        for opcode, payload in parser.whole(data):
            if opcode == TEXT and payload.startswith(PING_TEXT):
                line.sendall(said(PONG_TEXT))
            elif opcode == TEXT:
                self._hear(fd, payload, now)
            elif opcode == PING:
                line.sendall(masked(PONG, payload))
            elif opcode == CLOSE:
                raise ConnectionError(f"the server closed a socket: {ending(payload)}")

    def _hear(self, fd: int, message: bytes, now: float) -> None:
        place, (head, tail) = self._heard[fd], _parted(message)
        if place == len(self.messages):
            self.messages.append(message)
            self.came.append(array("d"))
            self._tails.append((len(framed(message)) - len(message), tail))
        if (head, tail) != (self._heads[fd], self._tails[place][1]) and len(self.wrong) < 5:
            self.wrong.append(f"a socket heard {message[:200]!r}, others {self.messages[place][:200]!r}")
        self.came[place].append(now)
        self._heard[fd] = place + 1

    def _answer(self, fd: int, data: bytes, now: float) -> None:
        line, rest = self._posts[fd]
        if not data and fd not in self._asked:  # one that had nothing to do for too long
            self._idle.remove(line)
            self._posts.pop(fd)[0].close()
            return
        whole = is_complete(rest + data)
        self._posts[fd] = line, b"" if whole else rest + data
        if whole:
            if not (rest + data).startswith(b"HTTP/1.1 2"):
                raise RuntimeError(f"a request was answered with {rest + data!r}")
            self.answered[self._asked.pop(fd)] = now
            self._idle.append(line)


def allow_sockets() -> None:
    """As many as the system allows, here and in servers that are started from here."""
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


@contextmanager
def gathered(port: int, count: int, init: Message, subscription: Message) -> Iterator[Crowd]:
    """So many sockets, closed in the end."""
    crowd = Crowd(port, count, init, subscription)
    try:
        yield crowd
    finally:
        crowd.close()


def connected(port: int) -> socket:
    line = create_connection(("127.0.0.1", port), PATIENCE)
    line.setsockopt(IPPROTO_TCP, TCP_NODELAY, 1)
    return line


def _parted(message: bytes) -> tuple[bytes, bytes]:
    at = message.find(PAYLOAD)
    return message[:at], message[at:]


def said(message: Message) -> bytes:
    return masked(TEXT, orjson.dumps(message))
