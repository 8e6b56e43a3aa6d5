"""Registered documents in the table: found by hash without looking at others, on both databases."""

from hashlib import sha256

import sqlalchemy as sa

from models import documents
from models.database import Database
from models.documents import Document
from tests import factories as make
from tests.backends import execute
from tests.models.explained import look

MANY = 3_000


def hash_of(text: str) -> bytes:
    return sha256(text.encode()).digest()


async def fill(database: Database) -> int:
    """An account with many documents."""
    account = await make.account(database)
    rows = [
        {"account_id": account.id, "hash": hash_of(str(number)), "text": str(number), "registered_at": number}
        for number in range(MANY)
    ]
    async with database.transaction() as session:
        await (await session.connection()).execute(sa.insert(Document), rows)
    return account.id


async def test_a_hash_is_found_and_an_account_paged_without_reading_all(url, backends, monkeypatch):
    see = look(url, backends, monkeypatch)
    database = Database(url)
    account_id = await fill(database)
    execute(url, "ANALYZE")

    async def by_hash():
        found = await documents.texts(database, [hash_of("7"), hash_of("2999"), hash_of("none")])
        assert found == {hash_of("7"): "7", hash_of("2999"): "2999"}

    async def one():
        async with database.reading() as session:
            assert await documents.by_hash(session, account_id, hash_of("7"))

    for ask in (by_hash, one):
        assert (await see(ask)).scanned == {}, ask
    async with database.reading() as session:
        found, total = await documents.page(session, account_id, before=None, limit=3)
        assert [each.text for each in found] == ["2999", "2998", "2997"] and total == MANY
    await database.close()
