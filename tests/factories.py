"""Things to test with: defaults for all that a test does not care about."""

import itertools
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import Any

from models import devices, keys, outcomes, sessions
from models.database import Database
from models.ingest import Ingest, Writer
from models.outcomes import Commit, Submission
from models.passings import Content
from resolvers import context
from resolvers.callers import Callers
from resolvers.context import Caller, Context
from resolvers.leaderboards import Boards
from resolvers.texts import Texts
from server import app
from timing.clocks import SECOND

NOON = 1_780_315_200 * SECOND
"""2026-06-01T12:00:00Z"""
OPERATOR = Caller(scopes=context.OPERATOR)
_names = itertools.count(1)


class Clock:
    """Stands still until it is told to move on."""

    def __init__(self, at: int = NOON) -> None:
        self.at = at

    def __call__(self) -> int:
        return self.at

    def move(self, seconds: float) -> None:
        self.at += int(seconds * SECOND)


async def account(database: Database) -> keys.Account:
    async with database.transaction() as session:
        return await keys.add_account(session, keys.Account(name=f"account {next(_names)}", created_at=NOON))


async def device(database: Database, account_id: int | None = None, **more: Any) -> devices.Device:
    """A bound device, of an account of its own unless told."""
    owner = account_id or (await account(database)).id
    name = f"DEVICE{next(_names)}"
    new = {"device_id": name, "serial_number": name, "model": "M", "type": "T", "created_at": NOON} | more
    async with database.transaction() as session:
        return await devices.add(session, devices.Device(account_id=owner, **new))


async def session(
    database: Database, of: devices.Device | None = None, closed_at: int | None = None
) -> sessions.Session:
    """A session, active unless told, of a device of its own unless told."""
    owner = of or await device(database)
    new = sessions.Session(
        account_id=owner.account_id,
        device_row=owner.id,
        token=f"SESSION{next(_names)}",
        created_at=NOON,
        closed_at=closed_at,
    )
    async with database.transaction() as transaction:
        return await sessions.add(transaction, new)


def content(number: int, at: int | None = None, **more: Any) -> Content:
    """What a device says of a passing; one a second unless told."""
    moment = NOON + number * SECOND if at is None else at
    return Content(number, moment, **({"timestamp_text": "T", "bib": str(number)} | more))


def contents(*numbers: int) -> list[Content]:
    return [content(number) for number in numbers]


def submission(of: sessions.Session, *passings: Content, received_at: int = NOON) -> Submission:
    return Submission(of.account_id, of.token, received_at, passings)


@asynccontextmanager
async def writing(database: Database) -> AsyncGenerator[Writer, None]:
    """The database's own writer, without the queue before it."""
    writer = app.writer(database)
    try:
        yield writer
    finally:
        await writer.close()


@asynccontextmanager
async def running(
    database: Database,
    committed: Callable[[Commit], None] = lambda commit: None,
    most_waiting: int = 1_000_000,
    writer: Writer | None = None,
) -> AsyncGenerator[Ingest, None]:
    """A started group-commit writer, closed at the end."""
    ingest = Ingest(database, writer or app.writer(database), committed, most_waiting)
    ingest.start()
    try:
        yield ingest
    finally:
        await ingest.close()


async def stored(database: Database, token: str, account_id: int) -> sessions.Session:
    """The session as the table has it now."""
    async with database.reading() as transaction:
        found = await sessions.by_token(transaction, keys.Owner(account_id), token)
    assert found is not None
    return found


def outcome(written: outcomes.Written | None, of: int) -> list[str]:
    """One word for each of the `of` rows of a submission."""
    assert written is not None
    words = {row: "duplicate" for row in written.duplicates} | {row: "conflict" for row in written.conflicts}
    return [words.get(row, "inserted") for row in range(of)]


def context_of(caller: Caller, database: Database, ingest: Ingest, callers: Callers, clock: Clock) -> Context:
    texts = unjudged(database, clock)
    return Context(caller, database, ingest, None, callers, Boards(), texts, clock)  # type: ignore[arg-type]


def unjudged(database: Database, clock: Callable[[], int]) -> Texts:
    """Takes every text for a document that can be executed."""
    return Texts(database, clock, lambda _text: None)
