"""The operator: runs operations on the database of the settings, without a server and without a key."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import cache
from typing import TypeVar

from models import migrate
from models.database import Database
from models.ingest import Ingest
from models.reports import Reports
from resolvers import context
from resolvers.callers import Callers
from resolvers.context import Caller, Context
from resolvers.leaderboards import Boards
from resolvers.texts import Texts
from schema import root
from schema.judging import Judge
from server.app import now, writer
from server.settings import Settings

T = TypeVar("T")


@cache
def _judge(introspection: bool) -> Judge:
    """Made when it is needed: a schema takes longer than most commands."""
    return Judge(root.build(introspection=introspection))


def operate(operation: Callable[[Context], Awaitable[T]]) -> T:
    """Runs an operation with the operator's rights; an embedded database is brought up to date before."""

    async def run() -> T:
        settings = Settings()
        database = Database(settings.database_url)
        if database.sqlite:
            await migrate.upgrade(settings.database_url)
        else:
            await migrate.must_be_current(settings.database_url)
        callers = Callers(database, settings.hash_key, now)
        ingest = Ingest(database, writer(database), lambda _commit: None, settings.ingest_queue)
        reports = Reports(database, lambda _touched: None, settings.report_queue)
        texts = Texts(database, now, lambda text: _judge(settings.introspection)(text))
        operator = Caller(alias="operator", scopes=context.OPERATOR)
        try:
            return await operation(
                Context(operator, database, ingest, reports, callers, Boards(), texts, now)
            )
        finally:
            await database.close()

    return asyncio.run(run())
