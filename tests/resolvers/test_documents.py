"""Documents that are named instead of sent: who may register them, what a name says, and what is refused."""

import hashlib
from dataclasses import replace

import pytest

from resolvers import documents
from resolvers.context import REFUSED, STRANGER
from resolvers.documents import NewDocument, text
from resolvers.errors import Conflict, DocumentNotFound, Invalid, NotAllowed, NotFound, TooMany, Unidentified
from resolvers.limits import Limits, Rate
from resolvers.texts import LONGEST_SENT, Texts

ASKED = "{ events { totalCount } }"
RATE = Rate(1, 12)


def hash_of(query: str) -> str:
    return hashlib.sha256(query.encode()).hexdigest()


def wrong(text: str) -> str | None:
    return "cannot be executed" if "wrong" in text else None


@pytest.fixture
def stranger(office):
    return office.context(STRANGER)


@pytest.fixture
def only(office, clock) -> Texts:
    """Of a server where nothing but registered documents is executed."""
    ours = "{ ours }"
    return Texts(office.database, clock, wrong, registered_only=True, always=[(hash_of(ours), ours)])


async def register(ctx, query=ASKED, name=None):
    return await documents.register(ctx, NewDocument(text=query, name=name))


async def test_whoever_knows_the_hash_may_ask_by_it(ctx, other, stranger):
    document = await register(ctx, name="events")
    assert document.hash.hex() == hash_of(ASKED) and document.name == "events"
    assert document.registered_by == ctx.caller.key_id
    for caller in (ctx, other, stranger):
        assert await text(caller, None, hash_of(ASKED)) == ASKED


async def test_registering_again_changes_nothing_but_the_name(ctx, clock):
    first = await register(ctx, name="one")
    clock.move(5)
    again = await register(ctx, name="two")
    assert (again.id, again.registered_at, again.name) == (first.id, first.registered_at, "two")
    assert (await register(ctx)).name == "two"
    assert (await documents.page(ctx, limit=9))[1] == 1


async def test_pages_are_newest_first(ctx):
    for number in range(3):
        await register(ctx, f"{{ a{number} }}")
    found, total = await documents.page(ctx, limit=2)
    assert [each.text for each in found] == ["{ a2 }", "{ a1 }"] and total == 3
    rest, _ = await documents.page(ctx, before=found[-1].id, limit=2)
    assert [each.text for each in rest] == ["{ a0 }"]


async def test_what_one_account_takes_away_another_still_has(ctx, other, stranger):
    await register(ctx)
    await register(other)
    await documents.unregister(ctx, f"sha256:{hash_of(ASKED)}")
    assert await text(stranger, None, hash_of(ASKED)) == ASKED
    await documents.unregister(other, hash_of(ASKED))
    with pytest.raises(DocumentNotFound, match="^PersistedQueryNotFound$"):
        await text(stranger, None, hash_of(ASKED))


@pytest.mark.parametrize("hash", ["", "sha256:", "x", hash_of("{ other }"), "é" * 64])
async def test_what_is_not_registered_cannot_be_taken_away(ctx, hash):
    with pytest.raises(NotFound):
        await documents.unregister(ctx, hash)


@pytest.mark.parametrize(
    ("new", "field"),
    [
        ({"text": ""}, "text"),
        ({"text": " \n"}, "text"),
        ({"text": "x" * (documents.LONGEST + 1)}, "text"),
        ({"text": "\0"}, "text"),
        ({"text": "\ud800"}, "text"),
        ({"text": "{ wrong }"}, "text"),
        ({"text": ASKED, "name": "x" * 129}, "name"),
    ],
)
async def test_what_could_not_be_executed_is_not_registered(ctx, office, new, field):
    office.texts.fault = wrong
    with pytest.raises(Invalid) as refused:
        await documents.register(ctx, NewDocument(**new))
    assert refused.value.field == field
    assert (await documents.page(ctx, limit=9))[1] == 0


async def test_an_account_has_so_many_and_no_more(ctx, other, monkeypatch):
    monkeypatch.setattr(documents, "MOST", 2)
    for number in range(2):
        await register(ctx, f"{{ a{number} }}")
    with pytest.raises(Conflict, match="the account has 2 documents already"):
        await register(ctx, "{ a2 }")
    await register(ctx, "{ a1 }")
    await register(other, "{ a2 }")


async def test_a_key_for_one_event_has_nothing_to_do_with_documents(ctx, event):
    document = await register(ctx)
    narrow = replace(ctx, caller=replace(ctx.caller, event_id=event.id))
    with pytest.raises(NotAllowed, match="this key is for one event"):
        await register(narrow)
    for refused in (documents.unregister(narrow, hash_of(ASKED)), documents.of_id(narrow, document.id)):
        with pytest.raises(NotFound):
            await refused
    assert await documents.page(narrow, limit=9) == ([], 0)


async def test_a_text_without_a_name_is_taken_as_it_is(stranger):
    assert await text(stranger, "{ wrong", None) == "{ wrong"


async def test_a_text_that_is_sent_with_its_hash_is_remembered(stranger, ctx):
    with pytest.raises(DocumentNotFound) as refused:
        await text(stranger, None, hash_of(ASKED))
    assert refused.value.extensions == {"code": "PERSISTED_QUERY_NOT_FOUND"}
    assert await text(stranger, ASKED, hash_of(ASKED)) == ASKED
    assert await text(ctx, None, hash_of(ASKED)) == ASKED
    assert (await documents.page(ctx, limit=9))[1] == 0


@pytest.mark.parametrize("query", ["{ wrong }", "{ long } #" + LONGEST_SENT * "x", "{ half \ud800 }"])
async def test_what_cannot_be_kept_is_executed_and_not_remembered(stranger, office, query):
    office.texts.fault = wrong
    hash = documents.digest(query).hex()
    if "half" in query:
        office.texts.fault = lambda _text: "a half of a character"
    assert await text(stranger, query, hash) == query
    with pytest.raises(DocumentNotFound):
        await text(stranger, None, hash)


async def test_the_hash_of_another_text_is_refused(stranger):
    with pytest.raises(Invalid, match="query: its SHA-256 is not the one that is given with it"):
        await text(stranger, ASKED, hash_of("{ other }"))


async def test_guessing_at_hashes_is_paid_for(stranger, clock):
    limits = Limits(lambda: clock.at / 1e6, most=100, key=RATE, address=RATE, stranger=RATE, bad_key=RATE)
    stranger.meter = limits.meter(STRANGER, "192.0.2.1")
    for number in range(2):
        with pytest.raises(DocumentNotFound):
            await text(stranger, None, hash_of(str(number)))
    with pytest.raises(TooMany):
        await text(stranger, None, hash_of("2"))
    with pytest.raises(TooMany):
        await text(stranger, ASKED, hash_of(ASKED))


async def test_where_only_registered_documents_are_executed(ctx, office, stranger, only):
    await register(ctx)
    reader = await office.ask_as(ctx, "READ")
    for caller in (stranger, reader):
        caller.texts = only
        for registered in (ASKED, "{ ours }"):
            assert await text(caller, registered, None) == registered
            assert await text(caller, None, hash_of(registered)) == registered
        for named in (None, hash_of("{ a }")):
            with pytest.raises(NotAllowed, match="only registered documents are executed here"):
                await text(caller, "{ a }", named)


async def test_who_may_register_may_ask_anything_and_opens_nothing_to_others(ctx, stranger, only):
    ctx.texts = stranger.texts = only
    assert await text(ctx, "{ a }", hash_of("{ a }")) == "{ a }"
    assert await text(ctx, None, hash_of("{ a }")) == "{ a }"
    with pytest.raises(DocumentNotFound):
        await text(stranger, None, hash_of("{ a }"))
    with pytest.raises(NotAllowed):
        await text(stranger, "{ a }", None)


async def test_a_wrong_key_is_told_so_where_only_registered_documents_are_executed(office, only):
    refused = office.context(REFUSED)
    refused.texts = only
    with pytest.raises(Unidentified, match="unknown api key"):
        await text(refused, "{ a }", None)
