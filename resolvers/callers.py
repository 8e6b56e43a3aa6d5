"""From a key to a caller, without a question to the database for each request."""

import asyncio
import hashlib
import re
import secrets
from collections.abc import Callable

from models import keys as rows
from models.database import Database
from resolvers import context, errors
from resolvers.context import Caller
from timing import clocks

KEY = re.compile(r"ror-[0-9a-f]{20}")
SECONDS_TRUSTED = 1.0
"""How long an answer of the database is believed.
A revocation in this process is seen at once, others after this."""
TRUSTED = int(SECONDS_TRUSTED * clocks.SECOND)
MOST_CACHED = 20_000
_NEVER = (0, context.STRANGER)


def new_key() -> str:
    """A random key: 80 bits, which nobody can try through."""
    return "ror-" + secrets.token_hex(10)


class Callers:
    """Knows who a key belongs to, believes it for a second, and remembers when it was used."""

    def __init__(self, database: Database, hash_key: str, clock: Callable[[], int]) -> None:
        self._database = database
        self._hash_key = hashlib.blake2b(hash_key.encode(), person=b"passline-apikeys").digest()
        self._clock = clock
        # By key, and by its row for those who stay: a number, which nobody can show as a key.
        self._known: dict[str | int, tuple[int, Caller]] = {}
        self._asked: dict[str, asyncio.Future[Caller]] = {}
        self._used: dict[int, int] = {}
        self._era = 0

    def hash(self, key: str) -> bytes:
        """What is stored instead of the key: a keyed BLAKE2b, fast because keys are random."""
        return hashlib.blake2b(key.encode(), key=self._hash_key, digest_size=32).digest()

    async def identify(self, key: str | None) -> Caller:
        """The caller with this key; a stranger without one.
        Raises Unidentified for unknown and revoked keys."""
        if not key:
            return context.STRANGER
        now = self._clock()
        caller = self._believed(key, now) or await self._once(key)
        if caller.key_id is None:
            raise errors.Unidentified("unknown api key")
        self._used[caller.key_id] = now
        return caller

    def recognise(self, key: str | None) -> Caller | None:
        """`identify` for a key that is believed just now; None: `identify` has to be asked."""
        now = self._clock()
        caller = self._believed(key, now) if key else None
        if caller is None or caller.key_id is None:
            return None
        self._used[caller.key_id] = now
        return caller

    def _believed(self, name: str | int, now: int) -> Caller | None:
        until, caller = self._known.get(name, _NEVER)
        return caller if now < until <= now + TRUSTED else None

    async def _once(self, key: str) -> Caller:
        """Looks the key up once for all who ask at the same time."""
        if not KEY.fullmatch(key):
            return context.STRANGER
        asked = self._asked.get(key)
        if asked is None:
            asked = self._asked[key] = asyncio.ensure_future(self._look_up(key))
            asked.add_done_callback(lambda _: self._asked.pop(key, None))
        return await asyncio.shield(asked)

    async def still(self, caller: Caller) -> None:
        """Raises Unidentified when the caller's key was revoked in the meantime;
        for those who stay and listen."""
        if caller.key_id is None:
            return
        known, era = self._believed(caller.key_id, self._clock()), self._era
        if known is None:
            async with self._database.reading() as session:
                row = await rows.by_id(session, caller.account_id, caller.key_id)
            known = caller if row and row.revoked_at is None else context.STRANGER
            if era == self._era:
                self._believe(caller.key_id, known)
        if known is context.STRANGER:
            raise errors.Unidentified("unknown api key")

    def forget(self) -> None:
        """Asks the database anew for every key: called when one was revoked."""
        self._era += 1
        self._known.clear()
        self._asked.clear()

    async def note_use(self) -> None:
        """Writes down when keys were last used: one transaction now and then, not one a request."""
        used, self._used = self._used, {}
        if used:
            async with self._database.transaction() as session:
                await rows.mark_used(session, used)

    async def _look_up(self, key: str) -> Caller:
        caller, era = context.STRANGER, self._era
        async with self._database.reading() as session:
            row = await rows.by_hash(session, self.hash(key))
        if row is not None and row.revoked_at is None:
            caller = caller_of(row)
        if era == self._era:  # else a key was revoked while the database was asked
            self._believe(key, caller)
        return caller

    def _believe(self, name: str | int, caller: Caller) -> None:
        if len(self._known) >= MOST_CACHED:
            self._known.clear()
        self._known[name] = self._clock() + TRUSTED, caller


def caller_of(row: rows.ApiKey) -> Caller:
    """What a key's row allows."""
    return Caller(row.account_id, row.id, row.alias, row.access, rights(row), row.v0_shape)


def rights(row: rows.ApiKey) -> frozenset[str]:
    """The scopes of the access type and the unbind flag, narrowed to the key's own list if it has one."""
    scopes = context.BUNDLES[row.access] | ({context.UNBIND} if row.may_unbind else set())
    return scopes if row.scopes is None else scopes & frozenset(row.scopes.split())
