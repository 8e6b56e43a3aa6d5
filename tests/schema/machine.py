"""The machine without its doors: database, writer, hub and schema in this event loop, for looking inside."""

import itertools
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import sqlalchemy as sa
from strawberry.types import ExecutionResult

from models import alarms
from models import fleets as fleet_rows
from models.database import Database
from models.ingest import Ingest
from models.reports import Reports
from resolvers import context, devices, keys, passings, sessions
from resolvers.callers import Callers, caller_of
from resolvers.context import Caller, Context
from resolvers.leaderboards import Boards
from resolvers.passings import NewPassing
from schema import root
from schema.context import GraphQLContext
from server.app import now, writer
from subscriptions.fleets import Fleets
from subscriptions.hub import Hub
from subscriptions.screens import Screens
from tests import factories as make

AT = "2026-06-01T10:00:00Z"
_serials = itertools.count(1)


class Machine:
    """`ctx` is that of a key which may do everything in the account."""

    def __init__(self, database: Database, ingest: Ingest, callers: Callers, hub: Hub) -> None:
        self.database, self.ingest, self.callers, self.hub = database, ingest, callers, hub
        self.reports = Reports(database, hub.touched, 20_000)
        self.boards = Boards(hub.changed)
        self.screens = Screens(hub, partial(self.boards.of_event, database), 0.05)
        self.fleets = Fleets(hub, partial(fleet_rows.read, database), now, 0.05)
        self.schema = root.build()
        self.texts = make.unjudged(database, now)
        self.ctx: GraphQLContext
        self.key_id: int

    def context_of(self, caller: Caller) -> GraphQLContext:
        plain = Context(
            caller,
            self.database,
            self.ingest,
            self.reports,
            self.callers,
            self.boards,
            self.texts,
            now,
        )
        return GraphQLContext(plain, self.hub, self.screens, self.fleets)

    async def newcomer(self) -> GraphQLContext:
        """A context in an account of its own."""
        operator = self.context_of(Caller(scopes=context.OPERATOR))
        account = await keys.create_account(operator, "an account")
        new = keys.NewKey(access="READ_WRITE", may_unbind=True)
        row, _ = await keys.create(operator, new, account.id)
        return self.context_of(caller_of(row))

    async def revoke(self, ctx: GraphQLContext) -> None:
        operator = self.context_of(Caller(scopes=context.OPERATOR))
        assert ctx.caller.key_id is not None
        await keys.revoke(operator, ctx.caller.key_id)

    async def execute(self, query: str, **variables: Any) -> dict[str, Any]:
        """The data; fails on errors."""
        result = await self.schema.execute(query, variables, context_value=self.ctx)
        assert isinstance(result, ExecutionResult) and result.errors is None, result
        assert result.data is not None
        return result.data

    async def statements(self, query: str, **variables: Any) -> int:
        """How many statements the answer to the query takes."""
        return await self.counted(self.execute(query, **variables))

    async def counted(self, work: Awaitable[Any]) -> int:
        """How many statements it takes."""
        told: list[str] = []

        def tell(_conn: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
            told.append(statement)

        engine = self.database._engine.sync_engine
        sa.event.listen(engine, "before_cursor_execute", tell)
        try:
            await work
        finally:
            sa.event.remove(engine, "before_cursor_execute", tell)
        return len(told)

    async def device(self, ctx: GraphQLContext | None = None) -> str:
        new = devices.NewDevice(model="M", serial_number=f"S{next(_serials)}")
        return (await devices.bind(ctx or self.ctx, new)).device.device_id

    async def alarm(self, device_id: str) -> None:
        """Opens one for the device."""
        device = await devices.of_id(self.ctx, device_id)
        start = alarms.Start(device.id, "MOVED", device.account_id, "WARNING", "60 m")
        await self.database.transact(partial(alarms.write, alarms.Changes([start]), now()))

    async def session(self, device_id: str | None = None, ctx: GraphQLContext | None = None) -> str:
        ctx = ctx or self.ctx
        return (await sessions.open(ctx, device_id or await self.device(ctx))).token

    async def record(self, token: str, *numbers: int, ctx: GraphQLContext | None = None) -> None:
        new = [NewPassing(number=number, timestamp=AT, bib=str(number)) for number in numbers]
        await passings.record(ctx or self.ctx, token, new)


@asynccontextmanager
async def running(url: str, broker_url: str) -> AsyncIterator[Machine]:
    """On a database with the newest schema."""
    database = Database(url)
    hub = Hub(broker_url)
    ingest = Ingest(database, writer(database), hub.announce, 50_000)
    callers = Callers(database, "", now, hub.forgot)
    hub.on_keys = callers.forget_here
    machine = Machine(database, ingest, callers, hub)
    await hub.start()
    ingest.start()
    machine.reports.start()
    machine.ctx = await machine.newcomer()
    try:
        yield machine
    finally:
        await ingest.close()
        await machine.reports.close()
        await hub.close()
        await database.close()
