"""A subscriber on a socket, who remembers how far he has heard and resumes from there."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from websockets.exceptions import WebSocketException

from bench.sockets import subscribed

FROM_THE_BEGINNING = ""
QUERY = "subscription($s:String,$a:String){passings(sessionToken:$s,after:$a){cursor passing{number}}}"


@dataclass
class Listener:
    """Hears the passings of a session, or of the whole account, across as many sockets as it takes."""

    url: str
    key: str
    session: str | None = None
    after: str | None = FROM_THE_BEGINNING
    numbers: list[int] = field(default_factory=list)
    sockets: int = 0

    async def hear(self) -> AsyncIterator[int]:
        """The numbers, from the last cursor on, until the socket breaks."""
        async with subscribed(self.url, self.key, QUERY, s=self.session, a=self.after) as news:
            self.sockets += 1
            async for data in news:
                delivered = data["passings"]
                self.after = delivered["cursor"]
                self.numbers.append(delivered["passing"]["number"])
                yield self.numbers[-1]

    async def hear_while_up(self) -> None:
        """Listens until the socket breaks; a server that dies is no error here."""
        try:
            async for _ in self.hear():
                pass
        except (OSError, EOFError, WebSocketException):
            pass
