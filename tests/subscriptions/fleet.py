"""Devices that report, and those who follow them."""

import asyncio
import contextlib
from typing import Any

from models import alarms
from models.telemetry import Report, State
from resolvers import devices
from server.app import now
from subscriptions import devices as feeds
from subscriptions.fleets import Told
from tests.schema.machine import Machine
from tests.subscriptions.conftest import until
from timing.clocks import SECOND


async def row_of(machine: Machine, name: str, ctx: Any = None) -> int:
    return (await devices.of_id(ctx or machine.ctx, name)).id


async def heard(machine: Machine, name: str, ago: float = 0.0, *, told: bool = True, **said: Any) -> None:
    """A report came so many seconds ago, and was stored as the writer of reports stores it."""
    row, at = await row_of(machine, name), now() - int(ago * SECOND)
    async with machine.database.transaction() as session:
        session.add(Report(device_row=row, reported_at=at, received_at=at, stale=False, **said))
        state = await session.get(State, row)
        if state is None:
            state = State(
                device_row=row, account_id=machine.ctx.caller.account, reported_at=at, received_at=at
            )
        state.reported_at, state.received_at, state.mode = at, at, said.get("mode", state.mode)
        session.add(state)
    if told:
        touch(machine, row)


async def alarmed(machine: Machine, name: str, kind: str) -> None:
    row = await row_of(machine, name)
    account = machine.ctx.caller.account
    async with machine.database.transaction() as session:
        session.add(
            alarms.Alarm(account_id=account, device_row=row, kind=kind, severity="WARNING", started_at=now())
        )
    touch(machine, row)


def touch(machine: Machine, row: int) -> None:
    machine.hub.touched({row: machine.ctx.caller.account})


class Watcher:
    """Follows devices and writes down what it is told, unless its gate is shut."""

    def __init__(self, ctx: Any, names: list[str] | None, snapshot: bool) -> None:
        self.told: list[Told] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self._feed = feeds.feed(ctx, names, snapshot=snapshot)
        self.task = asyncio.create_task(self._follow())

    async def _follow(self) -> None:
        async with contextlib.aclosing(self._feed) as changes:
            async for changed in changes:
                self.told += changed
                await self.gate.wait()

    @property
    def names(self) -> list[str]:
        return [told.sight.device.device_id for told in self.told]

    @property
    def connected(self) -> list[bool]:
        return [told.at < told.until for told in self.told]

    async def has(self, count: int) -> None:
        await until(lambda: len(self.told) >= count or self.task.done())
        assert len(self.told) == count, self.names

    async def stop(self) -> None:
        self.task.cancel()
        with contextlib.suppress(asyncio.CancelledError, Exception):
            await self.task
