"""The conductor: a device per mat, all at once, and the reckoning afterwards."""

import asyncio
import contextlib
import dataclasses
import datetime
import random
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AbstractAsyncContextManager
from typing import Any

from replay import calls, clocks, devices, plans, races, reports, wire

Watch = Callable[[list[devices.Device]], AbstractAsyncContextManager[None]]


@dataclasses.dataclass(frozen=True)
class Options:
    """How a race is played. `speed`: race seconds per second, None for as fast as it goes."""

    start: datetime.datetime
    speed: float | None = None
    habits: plans.Habits = plans.Habits()
    offline: int = 0
    offline_for: float = 3600.0
    connections: int = 4
    serial: str = ""
    seed: int = 1
    patience: float = calls.PATIENCE


def away_from(mat: races.Mat, options: Options) -> plans.Absence:
    """Out of reach after a quarter of the mat's readings; at full speed, until all others are through."""
    lost = mat.readings[len(mat.readings) // 4].at
    back = lost + options.offline_for
    return plans.Absence(lost, back, plans.NEVER if options.speed is None else back)


def cast(race: races.Race, server: wire.Server, options: Options) -> list[devices.Device]:
    """A device with a plan for every mat; `offline` of them out of reach for a while."""
    away = random.Random(options.seed).sample([mat.name for mat in race.mats], options.offline)
    found = []
    for mat in race.mats:
        absence = away_from(mat, options) if mat.name in away else None
        plan = plans.plan(mat, options.start, options.habits, options.seed, absence)
        callers = [calls.Caller(server, options.patience) for _ in range(options.connections)]
        found.append(devices.Device(mat.name, serial_of(race, mat, options), plan, callers))
    return found


def serial_of(race: races.Race, mat: races.Mat, options: Options) -> str:
    """The serial number of a mat's device."""
    return f"{options.serial or f'replay-{race.name}'}-{mat.name}"


async def together(jobs: list[Coroutine[Any, Any, None]]) -> None:
    """All at once; the first that fails stops the others and is raised itself, not in a group."""
    try:
        async with asyncio.TaskGroup() as group:
            for job in jobs:
                group.create_task(job)
    except BaseExceptionGroup as failed:
        first: BaseException = failed
        while isinstance(first, BaseExceptionGroup):
            first = first.exceptions[0]
        raise first from None


@contextlib.asynccontextmanager
async def unwatched(cast: list[devices.Device]) -> AsyncIterator[None]:
    yield


async def play(
    race: races.Race, server: wire.Server, options: Options, watch: Watch = unwatched
) -> reports.Report:
    """The counts once all is acknowledged; Refused when the server does not play along."""
    players = cast(race, server, options)
    clock: clocks.Clock
    try:
        await together([device.connect() for device in players])
        if options.speed is None:
            clock = clocks.Rushed(sum(post.due != plans.NEVER for device in players for post in device.plan))
        else:
            clock = clocks.Paced(race.begins, options.speed)
        began = asyncio.get_running_loop().time()
        async with watch(players):
            await together([device.play(clock) for device in players])
        seconds = asyncio.get_running_loop().time() - began
        stored = [await device.stored() for device in players]
    finally:
        for device in players:
            device.close()
    lines = [
        reports.Line(mat.name, device.token, len(mat.readings), device.tally, count, device.seconds)
        for mat, device, count in zip(race.mats, players, stored, strict=True)
    ]
    return reports.Report(lines, seconds)
