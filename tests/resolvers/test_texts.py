"""Texts by their hash: few questions to the database, whatever is asked for, and no more memory than there is."""

import asyncio
import hashlib
import secrets

import pytest

from models.database import Database, Unreachable
from resolvers import documents, texts
from resolvers.documents import NewDocument
from resolvers.errors import Busy
from resolvers.texts import AT_ONCE, Shelf, Texts


class Watched(Database):
    """Counts how often it is read, answers when it is told to, and is away when it is told to."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.reads = 0
        self.away = False
        self.has_read, self.go = asyncio.Event(), asyncio.Event()
        self.go.set()

    async def rows(self, statement, *values):
        self.reads += 1
        found = await super().rows(statement, *values)
        self.has_read.set()
        await self.go.wait()
        if self.away:
            raise Unreachable
        return found


@pytest.fixture
async def watched(url):
    opened = Watched(url)
    yield opened
    await opened.close()


@pytest.fixture
def shelves(watched, clock) -> Texts:
    """Of another server."""
    return Texts(watched, clock, lambda _text: None)


def unknown() -> str:
    return secrets.token_hex(32)


async def registered(ctx, text: str) -> str:
    return (await documents.register(ctx, NewDocument(text=text))).hash.hex()


async def test_a_thousand_at_once_are_two_questions(shelves, watched, ctx):
    good = await registered(ctx, "{ a }")
    asked = [*(unknown() for _ in range(2 * AT_ONCE - 1)), good, good]
    found = await asyncio.gather(*map(shelves.registered, asked))
    assert found == [None] * (2 * AT_ONCE - 1) + ["{ a }"] * 2
    assert watched.reads == 2


async def test_an_unknown_hash_is_looked_up_again_after_a_second(shelves, watched, clock, ctx):
    hash = hashlib.sha256(b"{ a }").hexdigest()
    assert [await shelves.registered(hash) for _ in range(3)] == [None] * 3
    assert watched.reads == 1
    await registered(ctx, "{ a }")
    clock.move(1)
    assert await shelves.registered(hash) == "{ a }"


async def test_a_registered_text_is_believed_for_a_minute(shelves, watched, clock, ctx):
    hash = await registered(ctx, "{ a }")
    assert await shelves.registered(hash) == "{ a }" and shelves.known(hash) == "{ a }"
    await documents.unregister(ctx, hash)
    clock.move(59)
    assert shelves.known(hash) == "{ a }" and watched.reads == 1
    clock.move(1)
    assert shelves.known(hash) is None and await shelves.registered(hash) is None


async def test_what_was_known_goes_on_while_the_database_is_away(shelves, watched, clock, ctx):
    hash = await registered(ctx, "{ a }")
    await shelves.registered(hash)
    clock.move(3600)
    watched.away = True
    assert await shelves.registered(hash) == "{ a }"
    with pytest.raises(Unreachable):
        await shelves.registered(unknown())
    watched.away = False
    assert await shelves.registered(unknown()) is None


async def test_a_look_from_before_the_registration_is_not_believed(shelves, watched, ctx):
    hash = hashlib.sha256(b"{ a }").hexdigest()
    watched.go.clear()
    early = asyncio.create_task(shelves.registered(hash))
    await watched.has_read.wait()
    await registered(ctx, "{ a }")
    shelves.forget(hash)
    late = asyncio.create_task(shelves.registered(hash))
    await asyncio.sleep(0)
    watched.go.set()
    assert await late == "{ a }"
    await early
    assert shelves.known(hash) == "{ a }"


async def test_more_than_can_wait_are_busy(shelves, watched, monkeypatch):
    monkeypatch.setattr(texts, "MOST_WAITING", 10)
    watched.go.clear()
    first = asyncio.create_task(shelves.registered(unknown()))
    await watched.has_read.wait()
    waiting = [asyncio.create_task(shelves.registered(unknown())) for _ in range(10)]
    await asyncio.sleep(0)
    with pytest.raises(Busy):
        await shelves.registered(unknown())
    watched.go.set()
    assert await asyncio.gather(first, *waiting) == [None] * 11


async def test_unknown_hashes_do_not_fill_the_memory(shelves, monkeypatch):
    monkeypatch.setattr(texts, "MOST_UNKNOWN", 10)
    await asyncio.gather(*(shelves.registered(unknown()) for _ in range(25)))
    assert len(shelves._unknown) <= 10


def test_a_shelf_forgets_what_was_asked_for_longest_ago():
    shelf = Shelf(most=3, most_bytes=100)
    for hash in "abc":
        shelf.put(hash, f"text {hash}")
    assert shelf.get("a").text == "text a"
    shelf.put("d", "text d")
    assert [shelf.get(hash) is not None for hash in "abcd"] == [True, False, True, True]
    assert (len(shelf), shelf.bytes, shelf.forgotten) == (3, 18, 1)


def test_a_shelf_holds_no_more_bytes_than_it_may():
    shelf = Shelf(most=100, most_bytes=20)
    shelf.put("a", "ü" * 5)
    shelf.put("a", "ä" * 5)
    shelf.put("b", "x" * 10)
    assert (len(shelf), shelf.bytes, shelf.forgotten) == (2, 20, 0)
    shelf.put("c", "x")
    assert (len(shelf), shelf.bytes, shelf.forgotten) == (2, 11, 1)
    shelf.put("d", "x" * 21)
    assert (len(shelf), shelf.bytes) == (0, 0)
