"""The texts of documents by their SHA-256: registered ones as the table has them, and those just sent."""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from models import documents as rows
from models.database import Database, Unreachable
from resolvers import costs
from resolvers.context import Meter
from resolvers.errors import Busy
from timing.clocks import SECOND

BELIEVED = 60 * SECOND
"""How long a registered text is used before it is looked up again: it may have been taken away by another
server, and nobody gets more than what their own rights allow if it is used too long."""
UNKNOWN = SECOND
"""How long a hash is unknown without another look: who registers a document and asks for it at once, by
another server, may have to ask twice."""
MOST_UNKNOWN = 20_000
MOST_KEPT = 5_000
MOST_BYTES = 16 * 1024 * 1024
"""Of each kind of texts in memory, in UTF-8."""
LONGEST_SENT = 20_000
"""Characters of a text that is remembered because it was sent; longer ones have to be registered."""
AT_ONCE = 500
"""Hashes that are looked up with one question to the database."""
MOST_WAITING = 5_000
"""Hashes that wait for it; for more, the server is busy."""
PAUSE = 0.005
"""Seconds between two such questions while unknown ones come, however many."""


class Kept(NamedTuple):
    """A text, and until when it is believed to be registered."""

    text: str
    size: int
    until: int


class Shelf:
    """Texts by their hash, no more than `most` and so many bytes of them: for a new one those go that were
    asked for longest ago. `forgotten` counts them."""

    def __init__(self, most: int = MOST_KEPT, most_bytes: int = MOST_BYTES) -> None:
        self.forgotten = 0
        self.bytes = 0
        self._most, self._most_bytes = most, most_bytes
        self._kept: OrderedDict[str, Kept] = OrderedDict()

    def __len__(self) -> int:
        return len(self._kept)

    def get(self, hash: str) -> Kept | None:
        kept = self._kept.get(hash)
        if kept is not None:
            self._kept.move_to_end(hash)
        return kept

    def put(self, hash: str, text: str, until: int = 0) -> None:
        self.drop(hash)
        kept = self._kept[hash] = Kept(text, len(text.encode(errors="surrogatepass")), until)
        self.bytes += kept.size
        while len(self._kept) > self._most or self.bytes > self._most_bytes:
            _, oldest = self._kept.popitem(last=False)
            self.bytes -= oldest.size
            self.forgotten += 1

    def drop(self, hash: str) -> None:
        kept = self._kept.pop(hash, None)
        if kept is not None:
            self.bytes -= kept.size


class Texts:
    """What hashes name in this process.

    `fault` says in a sentence why a text cannot be executed, or None. `registered_only`: nothing else is
    executed for whoever may not register. `always`: texts that count as registered, whatever the table says.
    """

    def __init__(
        self,
        database: Database,
        clock: Callable[[], int],
        fault: Callable[[str], str | None],
        *,
        registered_only: bool = False,
        always: Iterable[tuple[str, str]] = (),
    ) -> None:
        self.fault = fault
        self.registered_only = registered_only
        self.sent = Shelf()
        self.looked_up = Shelf()
        self._database = database
        self._clock = clock
        self._always = dict(always)
        self._unknown: dict[str, int] = {}
        self._asked: dict[str, asyncio.Future[str | None]] = {}
        self._waiting: list[tuple[str, asyncio.Future[str | None]]] = []
        self._asking: asyncio.Task[None] | None = None
        self._era = 0

    @property
    def kept(self) -> dict[str, int]:
        """How many are in memory, by kind."""
        return {"registered": len(self.looked_up), "sent": len(self.sent)}

    @property
    def forgotten(self) -> dict[str, int]:
        """How many had to go for want of room, by kind."""
        return {"registered": self.looked_up.forgotten, "sent": self.sent.forgotten}

    def known(self, hash: str) -> str | None:
        """The registered text, if that can be told without a look into the table."""
        if hash in self._always:
            return self._always[hash]
        kept = self.looked_up.get(hash)
        return kept.text if kept and self._clock() < kept.until <= self._clock() + BELIEVED else None

    async def registered(self, hash: str) -> str | None:
        """The text that any account has registered; None: nobody has. While the database is not there, what
        was known last. Raises Busy."""
        now = self._clock()
        if now < self._unknown.get(hash, 0) <= now + UNKNOWN:
            return None
        try:
            return await asyncio.shield(self._wanted(hash))
        except Unreachable:
            if kept := self.looked_up.get(hash):
                return kept.text
            raise

    def remember(self, meter: Meter, hash: str, text: str) -> None:
        """A text that was sent together with its hash, if it could be executed: to see that is paid for as
        often as it is looked at. Raises TooMany."""
        if self.sent.get(hash) or self.known(hash) is not None or len(text) > LONGEST_SENT:
            return
        meter.spend(costs.LOOK_UP + len(text) / costs.DOCUMENT)
        if self.fault(text) is None:
            self.sent.put(hash, text)

    def forget(self, hash: str) -> None:
        """It was registered or taken away here."""
        self._era += 1
        self._unknown.pop(hash, None)
        self._asked.pop(hash, None)
        self.looked_up.drop(hash)
        self.sent.drop(hash)

    def _wanted(self, hash: str) -> asyncio.Future[str | None]:
        """Looked up once for all who ask at the same time."""
        asked = self._asked.get(hash)
        if asked is None:
            if len(self._waiting) >= MOST_WAITING:
                raise Busy
            asked = self._asked[hash] = asyncio.get_running_loop().create_future()
            self._waiting.append((hash, asked))
            if self._asking is None or self._asking.done():
                self._asking = asyncio.create_task(self._ask(), name="documents are looked up")
        return asked

    async def _ask(self) -> None:
        """Those that gather while one question is asked go into the next."""
        while some := self._waiting[:AT_ONCE]:
            del self._waiting[:AT_ONCE]
            era, found = self._era, {}
            try:
                found = await rows.texts(self._database, [bytes.fromhex(hash) for hash, _ in some])
            except Exception as error:
                self._refuse(some, error)
            else:
                self._tell(some, {hash.hex(): text for hash, text in found.items()}, era == self._era)
            if len(found) < len(some):
                await asyncio.sleep(PAUSE)

    def _refuse(self, some: Sequence[tuple[str, asyncio.Future[str | None]]], error: Exception) -> None:
        for hash, asked in some:
            self._settle(hash, asked)
            asked.set_exception(error)
            asked.exception()  # who asked may have gone

    def _tell(
        self, some: Sequence[tuple[str, asyncio.Future[str | None]]], found: dict[str, str], believed: bool
    ) -> None:
        """`believed`: nothing was registered or taken away here while the database was asked."""
        now = self._clock()
        for hash, asked in some:
            text = found.get(hash)
            self._settle(hash, asked)
            asked.set_result(text)
            if believed and text is not None:
                self.looked_up.put(hash, text, now + BELIEVED)
            elif believed:
                if len(self._unknown) >= MOST_UNKNOWN:
                    self._unknown.clear()
                self._unknown[hash] = now + UNKNOWN

    def _settle(self, hash: str, asked: asyncio.Future[str | None]) -> None:
        if self._asked.get(hash) is asked:
            del self._asked[hash]
