"""Operations on a real database, asked by callers with real keys; only the clock is not real."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from models.database import Database
from models.events import Event
from models.ingest import Ingest
from models.races import Race
from models.reports import Reports
from resolvers import keys, passings
from resolvers.callers import Callers
from resolvers.context import Caller, Context
from resolvers.keys import NewKey
from resolvers.leaderboards import Boards
from resolvers.passings import NewPassing
from tests import factories as make
from tests.resolvers.racing import make_event, make_race


class Office:
    """A house of timing companies: gives contexts to those who show a key."""

    def __init__(self, database: Database, ingest: Ingest, clock: make.Clock) -> None:
        self.database, self.ingest, self.clock = database, ingest, clock
        self.reports = Reports(database, lambda _touched: None, 20_000)
        self.callers = Callers(database, "secret", clock)
        self.texts = make.unjudged(database, clock)
        self.operator = self.context(make.OPERATOR)

    def context(self, caller: Caller) -> Context:
        return Context(
            caller,
            self.database,
            self.ingest,
            self.reports,
            self.callers,
            Boards(),
            self.texts,
            self.clock,
        )

    async def key(self, account_id: int, access: str = "READ_WRITE", **wanted) -> str:
        return (await keys.create(self.operator, NewKey(access=access, **wanted), account_id))[1]

    async def by(self, key: str | None) -> Context:
        return self.context(await self.callers.identify(key))

    async def company(self) -> Context:
        """A new account, asking with a key that may do everything."""
        new = await keys.create_account(self.operator, "company")
        return await self.by(await self.key(new.id, may_unbind=True))

    async def ask_as(self, ctx: Context, access: str, **wanted) -> Context:
        """The same account, asking with another key."""
        return await self.by(await self.key(ctx.caller.account, access, **wanted))


@asynccontextmanager
async def working(database: Database, clock: make.Clock) -> AsyncIterator[Office]:
    async with make.running(database) as ingest:
        opened = Office(database, ingest, clock)
        opened.reports.start()
        yield opened
        await opened.reports.close()


@pytest.fixture
def clock() -> make.Clock:
    return make.Clock()


@pytest.fixture
async def office(database, clock) -> AsyncIterator[Office]:
    async with working(database, clock) as opened:
        yield opened


@pytest.fixture
def empty_office(clock) -> Office:
    """Without a database and a writer: for what is said before anything is looked at."""
    return Office(None, None, clock)  # type: ignore[arg-type]


@pytest.fixture
async def ctx(office) -> Context:
    """A company."""
    return await office.company()


@pytest.fixture
async def other(office) -> Context:
    """Another company."""
    return await office.company()


@pytest.fixture
async def event(ctx) -> Event:
    """A private draft of the company."""
    return await make_event(ctx)


@pytest.fixture
async def race(ctx, event) -> Race:
    """A marathon with two checkpoints on the way."""
    return await make_race(ctx, event)


@pytest.fixture
def record():
    """Records passings with these numbers; the rest of them is given or does not matter."""

    async def send(ctx: Context, token: str, *numbers: int, **more) -> passings.Recorded:
        fields = {"timestamp": "2026-06-01T12:00:00Z", "bib": "7"} | more
        return await passings.record(ctx, token, [NewPassing(number=number, **fields) for number in numbers])

    return send
