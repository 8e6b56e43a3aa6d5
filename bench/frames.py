"""WebSockets as a lean client needs them: the handshake, a client's frames, and a server's frames."""

import base64
import os
import struct

TEXT, CLOSE, PING, PONG = 0x1, 0x8, 0x9, 0xA
MASK = bytes(4)
BLANK_LINE = b"\r\n\r\n"


class Refused(ConnectionError):
    """The server answered the handshake with another status."""

    def __init__(self, status: int) -> None:
        super().__init__(f"HTTP {status}")
        self.status = status


def handshake() -> bytes:
    secret = base64.b64encode(os.urandom(16)).decode()
    return (
        "GET /graphql HTTP/1.1\r\nHost: passline\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Key: {secret}\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Protocol: graphql-transport-ws\r\n\r\n"
    ).encode()


def masked(opcode: int, payload: bytes) -> bytes:
    """A client's frame; zeros are a mask like any other."""
    length = len(payload)
    head = struct.pack("!BB", 0x80 | opcode, 0x80 | length) if length < 126 else b""
    return (head or struct.pack("!BBH", 0x80 | opcode, 0xFE, length)) + MASK + payload


def framed(payload: bytes) -> bytes:
    """A server's frame around a text (RFC 6455, 5.2)."""
    length = len(payload)
    if length < 126:
        return bytes((0x80 | TEXT, length)) + payload
    if length < 65536:
        return struct.pack("!BBH", 0x80 | TEXT, 126, length) + payload
    return struct.pack("!BBQ", 0x80 | TEXT, 127, length) + payload


def ending(payload: bytes) -> tuple[int, str]:
    """The code and the reason of a close frame."""
    return int.from_bytes(payload[:2], "big") or 1005, payload[2:].decode(errors="replace")


class Frames:
    """Takes the bytes of one connection, behind its handshake, and gives the frames that are whole."""

    def __init__(self) -> None:
        self.open = False
        self._rest = b""

    def opened(self, data: bytes) -> bool:
        """Whether the handshake is answered; called until it is. Raises Refused."""
        self._rest += data
        head, end, rest = self._rest.partition(BLANK_LINE)
        if not end:
            return False
        if (status := int(head[9:12])) != 101:
            raise Refused(status)
        self.open, self._rest = True, rest
        return True

    def whole(self, data: bytes) -> list[tuple[int, bytes]]:
        """Opcode and payload of each. A server does not mask, and ours sends each message in one frame."""
        if self._rest:
            data = self._rest + data
        frames, at, end = [], 0, len(data)
        while end - at >= 2:
            length, head = data[at + 1], 2
            if length >= 126:
                head = 4 if length == 126 else 10
                if end - at < head:
                    break
                length = int.from_bytes(data[at + 2 : at + head], "big")
            if end - at < head + length:
                break
            frames.append((data[at] & 0xF, data[at + head : at + head + length]))
            at += head + length
        self._rest = data[at:]
        return frames
