"""Those of many followers to whose connections can be written at once.

What is written is kept flat: to touch the objects of a thousand followers costs more than to send to them.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from server.followers import Follower

Send = Callable[[bytes], None]


class Form(Protocol):
    """How the messages of a transport look, behind what is each operation's own."""

    def next(self, payload: bytes, position: str | None) -> bytes:
        """An encoded result, and a cursor behind it where there is one."""
        ...


class Framing(Protocol):
    """What a connection puts around a message."""

    closing: bytes

    def opening(self, length: int) -> bytes: ...


Kind = tuple[Form, Framing]


class Chorus:
    """The followers of one upstream: those who are sent everything at once, and those who are told one by one
    because they just came, or their connections take nothing for now."""

    def __init__(self) -> None:
        self._members: dict[Follower, tuple[Kind, Send, bytes]] = {}
        self._flat: dict[Kind, list[tuple[Send, bytes]]] | None = None
        self._apart: set[Follower] = set()
        self._position = 0

    def enter(self, follower: "Follower") -> None:
        self._apart.add(follower)

    def leave(self, follower: "Follower") -> None:
        if follower in self._members:
            self.hold(follower)
            follower.outbox.pass_no_more(follower)
        self._apart.discard(follower)

    def hold(self, follower: "Follower") -> None:
        """Its connection takes no more at once."""
        if self._members.pop(follower, None) is not None:
            self._flat = None
            self._apart.add(follower)
            follower.sent = follower.heard = self._position

    def tell(self, position: int, payload: bytes, cursor: str | None) -> None:
        """All who joined."""
        if self._members:
            self._sing(position, payload, cursor)
        for follower in tuple(self._apart):
            follower.hear(position, payload)
            if follower.joined and follower.heard == position and follower.outbox.open:
                self._take_in(follower, position)

    def _sing(self, position: int, payload: bytes, cursor: str | None) -> None:
        if self._flat is None:
            self._flat = {}
            for kind, send, head in self._members.values():
                self._flat.setdefault(kind, []).append((send, head))
        self._position = position
        for (form, framing), members in self._flat.items():
            text = form.next(payload, cursor)
            rest, opening, length = text + framing.closing, b"", -1
            for send, head in members:
                if len(head) != length:
                    length = len(head)
                    opening = framing.opening(length + len(text))
                send(opening + head + rest)

    def _take_in(self, follower: "Follower", position: int) -> None:
        """It has heard all that the others have."""
        line, teller = follower.outbox.line, follower.teller
        self._members[follower] = (teller.form, line.framing), line.send_frame(), teller.head
        self._flat, self._position = None, position
        self._apart.discard(follower)
        follower.outbox.pass_by(follower)
