"""From a key to a caller, without a question to the database for each request."""

import hashlib
import re
import secrets
from collections.abc import Callable

from cachetools import TTLCache

from models import keys as rows
from models.database import Database
from resolvers import context, errors
from resolvers.context import Caller

KEY = re.compile(r"ror-[0-9a-f]{20}")
SECONDS_TRUSTED = 1.0
"""How long an answer of the database is believed. A revocation in this process is seen at once, others after this."""
MOST_CACHED = 20_000


def new_key() -> str:
    """A random key: 80 bits, which nobody can try through."""
    return "ror-" + secrets.token_hex(10)


class Callers:
    """Knows who a key belongs to, believes it for a second, and remembers when it was used."""

    def __init__(self, database: Database, hash_key: str, clock: Callable[[], int]) -> None:
        self._database = database
        self._hash_key = hashlib.blake2b(hash_key.encode(), person=b"passline-apikeys").digest()
        self._clock = clock
        self._known: TTLCache[str, Caller] = TTLCache(
            MOST_CACHED, SECONDS_TRUSTED, timer=lambda: clock() / 1_000_000
        )
        self._used: dict[int, int] = {}

    def hash(self, key: str) -> bytes:
        """What is stored instead of the key: a keyed BLAKE2b, fast because keys are random."""
        return hashlib.blake2b(key.encode(), key=self._hash_key, digest_size=32).digest()

    async def identify(self, key: str | None) -> Caller:
        """The caller with this key; a stranger without one. Raises Unidentified for unknown and revoked keys."""
        if not key:
            return context.STRANGER
        caller = self._known.get(key)
        if caller is None:
            caller = await self._look_up(key)
            self._known[key] = caller
        if caller.key_id is None:
            raise errors.Unidentified("unknown api key")
        self._used[caller.key_id] = self._clock()
        return caller

    async def still(self, caller: Caller) -> None:
        """Raises Unidentified when the caller's key was revoked in the meantime; for those who stay and listen."""
        if caller.key_id is None:
            return
        name = f"#{caller.key_id}"
        if name not in self._known:
            async with self._database.reading() as session:
                row = await rows.by_id(session, caller.account_id, caller.key_id)
            self._known[name] = caller if row and row.revoked_at is None else context.STRANGER
        if self._known.get(name) is context.STRANGER:
            raise errors.Unidentified("unknown api key")

    def forget(self) -> None:
        """Asks the database anew for every key: called when one was revoked."""
        self._known.clear()

    async def note_use(self) -> None:
        """Writes down when keys were last used: one transaction now and then, not one a request."""
        used, self._used = self._used, {}
        if used:
            async with self._database.transaction() as session:
                await rows.mark_used(session, used)

    async def _look_up(self, key: str) -> Caller:
        if not KEY.fullmatch(key):
            return context.STRANGER
        async with self._database.reading() as session:
            row = await rows.by_hash(session, self.hash(key))
        return context.STRANGER if row is None or row.revoked_at is not None else caller_of(row)


def caller_of(row: rows.ApiKey) -> Caller:
    """What a key's row allows."""
    return Caller(row.account_id, row.id, row.alias, row.access, rights(row), row.v0_shape)


def rights(row: rows.ApiKey) -> frozenset[str]:
    """The scopes of the access type and the unbind flag, narrowed to the key's own list if it has one."""
    scopes = context.BUNDLES[row.access] | ({context.UNBIND} if row.may_unbind else set())
    return scopes if row.scopes is None else scopes & frozenset(row.scopes.split())
