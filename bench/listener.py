"""A subscriber on a socket, who remembers how far he has heard and resumes from there."""

import random
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field

from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException

from bench.sockets import Told, subscribed

FROM_THE_BEGINNING = ""
NOT_REACHED = "not reached"
MAY_END = {"1001", "1006", "1012", "1013", "BUSY", "HTTP 503", NOT_REACHED}
"""How a socket may end where servers stop, die and come back. After any of these a client comes again."""
QUERY = (
    "subscription($s:String,$d:String,$a:String)"
    "{passings(sessionToken:$s,deviceId:$d,after:$a){cursor passing{number}}}"
)


@dataclass
class Listener:
    """Hears the passings of a session, of a device, or of the whole account, across as many sockets as it
    takes."""

    url: str
    key: str
    session: str | None = None
    after: str | None = FROM_THE_BEGINNING
    numbers: list[int] = field(default_factory=list)
    sockets: int = 0
    device: str | None = None
    others: Sequence[str] = ()
    """Further servers: each socket is opened to any of them."""
    ends: Counter[str] = field(default_factory=Counter)
    """How its sockets ended: by code, or in words."""

    async def hear(self) -> AsyncIterator[int]:
        """The numbers, from the last cursor on, until the socket breaks."""
        url = random.choice((self.url, *self.others))
        which = {"s": self.session, "d": self.device, "a": self.after}
        async with subscribed(url, self.key, QUERY, **which) as news:
            self.sockets += 1
            async for data in news:
                delivered = data["passings"]
                self.after = delivered["cursor"]
                self.numbers.append(delivered["passing"]["number"])
                yield self.numbers[-1]

    async def hear_while_up(self) -> None:
        """Listens until the socket breaks. How it ended is noted, not raised."""
        try:
            async for _ in self.hear():
                pass
            end = "normally"  # the protocol of sockets knows no other end of their messages than a close
        except ConnectionClosed as closed:
            end = str(closed.rcvd.code if closed.rcvd else 1006)
        except InvalidStatus as refused:
            end = f"HTTP {refused.response.status_code}"
        except (OSError, EOFError, WebSocketException):
            end = NOT_REACHED
        except Told as told:
            end = told.code or str(told)
        self.ends[end] += 1

    @property
    def odd_ends(self) -> list[str]:
        return [end for end in self.ends if end not in MAY_END]
