"""The watch kept going by its task: nobody asks, and alarms begin and end all the same."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest
import sqlalchemy as sa

from models import alarms as rows
from models.keys import Owner
from models.reports import Reports, Submission
from models.telemetry import Content
from resolvers.watch import RETRY, Watch
from server import watchman
from subscriptions.hub import Hub
from tests import factories as make
from tests.subscriptions.conftest import until
from timing.clocks import SECOND
from timing.conditions import CONNECTED_FOR


class Kept:
    """A watch that is kept, a bus that tells it of reports, and a device."""

    def __init__(self, database, clock, hub, device) -> None:
        self.database, self.clock, self.hub, self.device = database, clock, hub, device
        self.reports = Reports(database, hub.touched, 1000)
        watch = Watch(database, clock, hub.touched)
        self._task = asyncio.create_task(watchman.keep(watch, hub, 0.02))

    async def stop(self) -> None:
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task

    async def report(self, **told) -> None:
        content = Content(self.clock(), **told)
        owner = Owner(self.device.account_id)
        assert await self.reports.write(Submission(owner, self.device.device_id, self.clock(), [content]))

    async def alarms(self) -> set[str]:
        async with self.database.reading() as session:
            found = await rows.open_of(session, [self.device.id])
        return {alarm.kind for alarm in found.get(self.device.id, [])}

    async def rings(self, *kinds: str) -> None:
        """Returns when these alarms are open, and no others."""
        async with asyncio.timeout(10):
            while await self.alarms() != set(kinds):
                await asyncio.sleep(0.01)


@pytest.fixture
async def kept(database, broker_url) -> AsyncIterator[Kept]:
    hub = Hub(broker_url)
    await hub.start()
    made = Kept(database, make.Clock(), hub, await make.device(database))
    made.reports.start()
    yield made
    await made.stop()
    await made.reports.close()
    await hub.close()


async def test_a_report_rings_and_stops_ringing(kept):
    await kept.report(battery_percentage=5.0)
    await kept.rings("BATTERY_LOW")
    kept.clock.move(1)
    await kept.report(battery_percentage=50.0)
    await kept.rings()


async def test_silence_rings_though_nobody_asks(kept):
    await kept.report(mode="START", battery_percentage=5.0)
    await kept.rings("BATTERY_LOW")
    kept.clock.move(CONNECTED_FOR / SECOND)
    await kept.rings("BATTERY_LOW", "SILENT")


@contextlib.asynccontextmanager
async def another(kept: Kept, interval: float) -> AsyncIterator[None]:
    """Another server that watches the same devices, and is told nothing: its bus is not started."""
    watch, deaf = Watch(kept.database, kept.clock, lambda _touched: None), Hub("memory://")
    task = asyncio.create_task(watchman.keep(watch, deaf, interval))
    yield
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


async def test_what_came_while_no_server_ran_is_judged_at_the_start(kept):
    await kept.stop()
    await kept.report(temperature=99.0)
    assert await kept.alarms() == set()
    async with another(kept, 3600):
        await kept.rings("TEMPERATURE")


@pytest.fixture
def failures(monkeypatch) -> list[str]:
    """What the log was told."""
    told: list[str] = []
    monkeypatch.setattr(watchman.logger, "exception", told.append)
    return told


@contextlib.asynccontextmanager
async def hidden(kept: Kept, table: str) -> AsyncIterator[None]:
    """The table cannot be found for a while."""

    async def rename(old: str, new: str) -> None:
        async with kept.database.transaction() as session:
            await (await session.connection()).execute(sa.text(f"ALTER TABLE {old} RENAME TO {new}"))

    await rename(table, "hidden")
    yield
    await rename("hidden", table)


async def test_devices_that_could_not_be_judged_are_judged_later(kept, failures):
    async with hidden(kept, "alarms"):
        await kept.report(battery_percentage=5.0)
        await until(lambda: failures)
    kept.clock.move(RETRY / SECOND)
    await kept.rings("BATTERY_LOW")
    assert failures == ["devices could not be judged"]


async def test_a_first_look_that_fails_is_made_up_for(kept, failures):
    await kept.stop()
    await kept.report(battery_percentage=5.0)
    async with contextlib.AsyncExitStack() as stack:
        async with hidden(kept, "devices"):
            await stack.enter_async_context(another(kept, 0.02))
            await until(lambda: failures)
        await kept.rings("BATTERY_LOW")
    assert set(failures) == {"devices could not be watched"}
