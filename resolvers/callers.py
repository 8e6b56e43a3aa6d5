"""From a key to a caller, without a question to the database for each request."""

import asyncio
import hashlib
import re
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from models import audits
from models import keys as rows
from models.audits import Used
from models.database import Database
from resolvers import context, errors
from resolvers.context import Caller
from timing import clocks

KEY = re.compile(r"ror-[0-9a-f]{20}")
SECONDS_TRUSTED = 1.0
"""How long an answer of the database is believed.
A revocation is seen at once, here and wherever it is heard of; after this everywhere."""
TRUSTED = int(SECONDS_TRUSTED * clocks.SECOND)
RENEWED = TRUSTED // 2
"""With less than this of it left, a key that is shown is looked up again: who goes on sending never waits
for it, however many wrong keys are looked up."""
MOST_CACHED = 20_000
"""Keys that are believed, and as many that are known to be wrong: a flood of these displaces no other."""
AT_ONCE = 500
"""Keys that are looked up with one question to the database."""
PAUSE = 0.005
"""Seconds between two such questions while wrong keys come: 200 questions a second, however many keys."""
NOTED_AT_ONCE = 500
"""Keys whose use is written down in one transaction."""
DAY = 86_400 * clocks.SECOND
_NEVER = (0, context.STRANGER)


def new_key() -> str:
    """A random key: 80 bits, which nobody can try through."""
    return "ror-" + secrets.token_hex(10)


@dataclass(slots=True)
class _Uses:
    """How often a key let somebody in on a day; not written down yet."""

    count: int
    first_at: int
    last_at: int

    def told(self, key_id: int, day: int) -> Used:
        return Used(key_id, clocks.text(day * DAY)[:10], self.count, self.first_at, self.last_at)

    def with_(self, later: "_Uses | None") -> "_Uses":
        return self if later is None else _Uses(self.count + later.count, self.first_at, later.last_at)


class Callers:
    """Knows who a key belongs to, believes it for a second, and remembers how often it was used."""

    def __init__(
        self,
        database: Database,
        hash_key: str,
        clock: Callable[[], int],
        forgot: Callable[[], None] = lambda: None,
    ) -> None:
        """`forgot` tells the other processes that keys were revoked."""
        self._database = database
        self._hash_key = hashlib.blake2b(hash_key.encode(), person=b"passline-apikeys").digest()
        self._clock = clock
        self._forgot = forgot
        # By key, and by its row for those who stay: a number, which nobody can show as a key.
        self._known: dict[str | int, tuple[int, Caller]] = {}
        self._wrong: dict[str | int, tuple[int, Caller]] = {}
        self._asked: dict[str, asyncio.Future[Caller]] = {}
        self._again: dict[int, asyncio.Task[Caller]] = {}
        self._waiting: list[tuple[str, asyncio.Future[Caller]]] = []
        self._asking: asyncio.Task[None] | None = None
        self._uses: dict[tuple[int, int], _Uses] = {}
        self._era = 0
        self.on_forget: Callable[[], None] = lambda: None
        """Called when keys were revoked or rotated, here or elsewhere."""

    def hash(self, key: str) -> bytes:
        """What is stored instead of the key: a keyed BLAKE2b, fast because keys are random."""
        return hashlib.blake2b(key.encode(), key=self._hash_key, digest_size=32).digest()

    async def identify(self, key: str | None) -> Caller:
        """The caller with this key; a stranger without one.
        Raises Unidentified for unknown, revoked and expired keys."""
        if not key:
            return context.STRANGER
        now = self._clock()
        caller = self._believed(key, now) or await self._once(key)
        if caller.key_id is None:
            raise errors.Unidentified(caller.refusal)
        self._note(caller.key_id, now)
        return caller

    def recognise(self, key: str | None) -> Caller | None:
        """`identify` for a key that is believed just now; None: `identify` has to be asked."""
        if not key:
            return None
        now = self._clock()
        caller = self._believed(key, now)
        if caller is None or caller.key_id is None:
            return None
        if self._known[key][0] - now < RENEWED:
            self._wanted(key)
        self._note(caller.key_id, now)
        return caller

    def _believed(self, name: str | int, now: int) -> Caller | None:
        until, caller = self._known.get(name, _NEVER)
        if until <= now:
            until, caller = self._wrong.get(name, _NEVER)
        return caller if now < until <= now + TRUSTED else None

    async def _once(self, key: str) -> Caller:
        """Looks the key up once for all who ask at the same time."""
        if not KEY.fullmatch(key):
            return context.REFUSED
        return await asyncio.shield(self._wanted(key))

    def _wanted(self, key: str) -> asyncio.Future[Caller]:
        asked = self._asked.get(key)
        if asked is None:
            asked = self._asked[key] = asyncio.get_running_loop().create_future()
            self._waiting.append((key, asked))
            if self._asking is None or self._asking.done():
                self._asking = asyncio.create_task(self._ask(), name="keys are looked up")
        return asked

    async def _ask(self) -> None:
        """Those that gather while one question is asked go into the next: of a flood the database sees
        little."""
        while some := self._waiting[:AT_ONCE]:
            del self._waiting[:AT_ONCE]
            good = True
            try:
                good = await self._look_up(some)
            except Exception as error:
                for _, asked in some:
                    if not asked.done():
                        asked.set_exception(error)
                        asked.exception()  # who asked may have gone
            finally:
                for key, asked in some:
                    if self._asked.get(key) is asked:
                        del self._asked[key]
            if not good:
                await asyncio.sleep(PAUSE)

    async def still(self, caller: Caller) -> None:
        """Raises Unidentified when the caller's key was revoked or has expired in the meantime;
        for those who stay and listen."""
        if caller.key_id is None:
            return
        known = self._believed(caller.key_id, self._clock()) or await self._once_more(caller)
        if known.key_id is None:
            raise errors.Unidentified(known.refusal)

    async def _once_more(self, caller: Caller) -> Caller:
        """Looks a key up for all of its listeners who ask at the same time."""
        assert caller.key_id is not None
        asked = self._again.get(caller.key_id)
        if asked is None or asked.done():
            asked = self._again[caller.key_id] = asyncio.create_task(self._look_up_again(caller))
        return await asyncio.shield(asked)

    async def _look_up_again(self, caller: Caller) -> Caller:
        assert caller.key_id is not None
        era = self._era
        (known,) = await self._look_up_rows([caller.key_id])
        if era == self._era:
            self._again.pop(caller.key_id, None)
        return known

    async def refused(self, key_ids: Sequence[int]) -> dict[int, str]:
        """Which of these keys let nobody in any more, and why: `still` for many who stay and listen."""
        now = self._clock()
        known = {row: self._believed(row, now) for row in key_ids}
        unknown = [row for row, caller in known.items() if caller is None]
        while some := unknown[:AT_ONCE]:
            del unknown[:AT_ONCE]
            known.update(zip(some, await self._look_up_rows(some), strict=True))
        return {row: caller.refusal or "" for row, caller in known.items() if caller and not caller.key_id}

    async def _look_up_rows(self, some: Sequence[int]) -> list[Caller]:
        """Whom these keys let in at this moment."""
        era = self._era
        found = {row.id: row for row in await rows.by_rows(self._database, some)}
        callers = [standing(found.get(row), self._clock()) for row in some]
        if era == self._era:
            for row, caller in zip(some, callers, strict=True):
                self._believe(row, caller)
        return callers

    def forget(self) -> None:
        """Every process asks the database anew for every key: called when one was revoked or rotated."""
        self.forget_here()
        self._forgot()

    def forget_here(self) -> None:
        """This process asks the database anew."""
        self._era += 1
        self._known.clear()
        self._wrong.clear()
        self._asked.clear()
        self._again.clear()
        self.on_forget()

    async def note_use(self) -> None:
        """Writes down how often keys were used and when last: now and then, not with each request."""
        uses, self._uses = self._uses, {}
        waiting = sorted(uses)
        try:
            while some := waiting[:NOTED_AT_ONCE]:
                async with self._database.transaction() as session:
                    await audits.note_uses(session, [uses[name].told(*name) for name in some])
                del waiting[:NOTED_AT_ONCE]
        except BaseException:  # what is not written down is kept for the next time
            for name in waiting:
                self._uses[name] = uses[name].with_(self._uses.get(name))
            raise

    def _note(self, key_id: int, now: int) -> None:
        uses = self._uses.get((key_id, now // DAY))
        if uses is None:
            self._uses[key_id, now // DAY] = _Uses(1, now, now)
        else:
            uses.count += 1
            uses.last_at = now

    async def _look_up(self, some: Sequence[tuple[str, asyncio.Future[Caller]]]) -> bool:
        """Whether all of them let somebody in."""
        era = self._era
        hashes = [self.hash(key) for key, _ in some]
        found = {row.hash: row for row in await rows.by_hashes(self._database, hashes)}
        for (key, asked), hash in zip(some, hashes, strict=True):
            caller = standing(found.get(hash), self._clock())
            if era == self._era:  # else a key was revoked while the database was asked
                self._believe(key, caller)
            asked.set_result(caller)
        return len(found) == len(some)

    def _believe(self, name: str | int, caller: Caller) -> None:
        wrong = caller.key_id is None
        believed, before = (self._wrong, self._known) if wrong else (self._known, self._wrong)
        before.pop(name, None)
        if len(believed) >= MOST_CACHED:
            believed.clear()
        until = self._clock() + TRUSTED
        believed[name] = min(until, caller.expires_at or until), caller


def standing(row: rows.ApiKey | None, now: int) -> Caller:
    """Whom a key lets in at this moment: its caller, or nobody and why."""
    if row is None or row.revoked_at is not None:
        return context.REFUSED
    if row.expires_at is not None and row.expires_at <= now:
        return context.EXPIRED
    return caller_of(row)


def caller_of(row: rows.ApiKey) -> Caller:
    """What a key's row allows."""
    return Caller(
        row.account_id,
        row.id,
        row.alias,
        row.access,
        rights(row),
        row.v0_shape,
        row.device_row,
        row.event_id,
        row.expires_at,
    )


def rights(row: rows.ApiKey) -> frozenset[str]:
    """The scopes of the access type and the unbind flag, narrowed to what there is for one device or one
    event, and to the key's own list, where it has any of these."""
    scopes = context.BUNDLES[row.access] | ({context.UNBIND} if row.may_unbind else set())
    if row.device_row is not None:
        scopes &= context.FOR_ONE_DEVICE
    if row.event_id is not None:
        scopes &= context.FOR_ONE_EVENT
    return scopes if row.scopes is None else scopes & frozenset(row.scopes.split())
