"""Documents that clients name by their SHA-256 instead of sending them: registered ones, which are kept until
they are taken away, and those that clients just sent, which are remembered while there is room.

A hash is no secret and gives no right: whoever knows it may ask by it, and is told what they may see.
"""

import hashlib
from dataclasses import dataclass

from models import documents as rows
from models import keys as key_rows
from models.documents import Document
from resolvers import costs, inputs
from resolvers.context import Context
from resolvers.errors import Conflict, DocumentNotFound, Invalid, NotAllowed, NotFound

LONGEST = 100_000
"""Characters of a document."""
MOST = 1_000
"""Documents that an account may have registered."""
REGISTERED_ONLY = "only registered documents are executed here for keys that may not register one"


@dataclass(frozen=True, kw_only=True)
class NewDocument:
    """A document that is to be registered; the name is for people."""

    text: str
    name: str | None = None

    def __post_init__(self) -> None:
        if not (inputs.text(self.text, "text", LONGEST) or "").strip():
            raise Invalid("text", "is missing", missing=True)
        inputs.text(self.name, "name")


async def register(ctx: Context, new: NewDocument) -> Document:
    """The account's document of this text, from now on. Registering it again changes nothing but its name.

    Raises Invalid for what could not be executed, Conflict when the account has too many, and NotAllowed for
    a key that is for one event: documents are for all of them.
    """
    ctx.must("events:write", costs.CHANGE)
    if not _may_register(ctx):
        raise NotAllowed("this key is for one event")
    ctx.meter.spend(len(new.text) / costs.DOCUMENT)
    if fault := ctx.texts.fault(new.text):
        raise Invalid("text", fault)
    hash, account_id = digest(new.text), ctx.caller.account
    async with ctx.database.transaction() as session:
        if await key_rows.lock_account(session, account_id) is None:
            raise NotFound("Account", str(account_id))
        document = await rows.by_hash(session, account_id, hash)
        if document is None:
            if await rows.count(session, account_id) >= MOST:
                raise Conflict(f"the account has {MOST} documents already")
            document = Document(
                account_id=account_id,
                hash=hash,
                text=new.text,
                registered_by=ctx.caller.key_id,
                registered_at=ctx.clock(),
            )
        document.name = new.name or document.name
        await rows.add(session, document)
    ctx.texts.forget(hash.hex())
    return document


async def page(ctx: Context, *, before: int | None = None, limit: int) -> tuple[list[Document], int]:
    """The account's documents, newest first, and how many there are; none for a key that is for one event."""
    ctx.must("events:read")
    if ctx.caller.event_id is not None:
        return [], 0
    async with ctx.database.reading() as session:
        return await rows.page(session, ctx.caller.account, before=before, limit=limit)


async def of_id(ctx: Context, document_id: int) -> Document:
    """A document of the account; for a key that is for one event there is none."""
    ctx.must("events:read")
    known = 0 < document_id <= key_rows.HIGHEST_ROW and ctx.caller.event_id is None
    async with ctx.database.reading() as session:
        found = await rows.by_id(session, ctx.caller.account, document_id) if known else None
    if found is None:
        raise NotFound("Document", str(document_id))
    return found


async def unregister(ctx: Context, hash: str) -> Document:
    """Takes it away; unless another account has registered it too, its hash names nothing any more: at once
    here, on other servers within a minute."""
    ctx.must("events:write", costs.CHANGE)
    named = _bytes_of(hash) if _may_register(ctx) else None
    async with ctx.database.transaction() as session:
        document = await rows.by_hash(session, ctx.caller.account, named) if named else None
        if document is None:
            raise NotFound("Document", hash)
        await rows.remove(session, document)
    ctx.texts.forget(document.hash.hex())
    return document


async def text(ctx: Context, query: str | None, document: str | None) -> str:
    """The text of what a client asks, who sent it or the SHA-256 that names it (in lower case), or both.

    Raises DocumentNotFound for a name that says nothing here, Invalid for the name of another text, and
    NotAllowed where only registered documents are executed and this is none.
    """
    texts = ctx.texts
    if query is not None and document is None and not texts.registered_only:
        return query
    asked_freely = not texts.registered_only or _may_register(ctx)
    if query is None:
        return await _named(ctx, document or "", remembered=asked_freely)
    hash = digest(query).hex()
    if document not in (None, hash):
        raise Invalid("query", "its SHA-256 is not the one that is given with it")
    if not asked_freely and await _found(ctx, hash) is None:
        if ctx.caller.refusal:
            ctx.caller.must_be_known()
        raise NotAllowed(REGISTERED_ONLY)
    if asked_freely and document is not None:
        texts.remember(ctx.meter, hash, query)
    return query


async def _named(ctx: Context, hash: str, *, remembered: bool) -> str:
    sent = ctx.texts.sent.get(hash) if remembered else None
    found = sent.text if sent else await _found(ctx, hash)
    if found is None:
        raise DocumentNotFound
    return found


async def _found(ctx: Context, hash: str) -> str | None:
    """A registered text. What has to be looked up is paid for: nobody shall try many hashes."""
    known = ctx.texts.known(hash)
    if known is None:
        ctx.meter.spend(costs.LOOK_UP)
        known = await ctx.texts.registered(hash)
    return known


def digest(text: str) -> bytes:
    """The SHA-256 that names a text. Halves of characters, which no registered text has, are no reason to
    stumble here."""
    return hashlib.sha256(text.encode(errors="surrogatepass")).digest()


def _bytes_of(hash: str) -> bytes | None:
    try:
        return bytes.fromhex(hash.removeprefix("sha256:"))
    except ValueError:
        return None


def _may_register(ctx: Context) -> bool:
    return "events:write" in ctx.caller.scopes and ctx.caller.event_id is None
