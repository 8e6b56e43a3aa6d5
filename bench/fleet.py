"""10,000 devices that report once a minute, beside 500 passings a second: what the passings notice of it."""

import asyncio
import random
import sys
import time
from argparse import ArgumentParser, Namespace
from collections import Counter
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory

import orjson
import uvloop

from bench import cores, sessions, stored, table, wire
from bench.caller import Caller
from bench.load import drive
from bench.machine import Machine
from bench.rounds import percentiles
from bench.telemetry import report

EVERY = 60.0
"""Seconds between two reports of a device."""
LINES = 64
"""Connections over which passings come."""
WITHOUT, WITH = "passings alone", "beside the fleet"
PAIRS = 3
"""Turns of each kind."""
NEWER = """
    SELECT count(*) FROM telemetry JOIN device_states USING (device_row)
    WHERE telemetry.reported_at > device_states.reported_at
"""


@dataclass
class Stream:
    """What came of requests that were sent at their own times, whatever became of those before them."""

    waits: list[float] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)
    late: float = 0.0
    """The longest that a request left after its time, because the generator was busy."""

    def note(self, due: float, sent: float, status: int) -> None:
        self.waits.append(time.perf_counter() - due)
        self.late = max(self.late, sent - due)
        self.statuses[status] += 1

    def add(self, other: "Stream") -> None:
        self.waits += other.waits
        self.statuses += other.statuses
        self.late = max(self.late, other.late)


@dataclass
class Turn:
    """One stretch of time."""

    passings: Stream = field(default_factory=Stream)
    reports: Stream = field(default_factory=Stream)
    seconds: float = 0.0
    worked: float = 0.0
    """Seconds of the server's processor time."""

    def add(self, other: "Turn") -> None:
        self.passings.add(other.passings)
        self.reports.add(other.reports)
        self.seconds += other.seconds
        self.worked += other.worked


class Field:
    """Devices that report, each once a minute at a second of its own, and mats that send passings."""

    def __init__(self, machine: Machine, key: str, options: Namespace) -> None:
        self._machine, self._key, self._options = machine, key, options
        self._numbers = count(1)
        self._reports = count(1)
        self._idle: asyncio.Queue[Caller] = asyncio.Queue()
        with machine.client(key) as client:
            self._tokens = sessions.opened(client, 8)
        self._devices = self._bound(options.devices)

    def _bound(self, devices: int) -> list[str]:
        """Their names, as the account's own list gives them."""
        bodies = [orjson.dumps({"model": "Box", "serial_number": f"BOX-{n:05}"}) for n in range(devices)]
        drive(self._machine.port, [wire.post("/v0/devices", self._key, body) for body in bodies], 16, b"201")
        with self._machine.client(self._key) as client:
            pages = range(1, 2 + devices // 5_000)
            found = [client.get(f"/v0/devices?page={page}").raise_for_status().json() for page in pages]
        named = [each for page in found for each in page["result"]]
        return [each["deviceid"] for each in named if each["serial_number"].startswith("BOX-")]

    async def turn(self, seconds: float, reporting: bool) -> Turn:
        taken = Turn()
        while self._idle.qsize() < LINES:
            self._idle.put_nowait(Caller(self._machine.port))
        began, worked = time.perf_counter(), self._machine.worked
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._at(self._steady(began, seconds), self._passing, taken.passings))
            if reporting:
                tasks.create_task(self._at(self._due(began, seconds), self._report, taken.reports))
        taken.seconds = time.perf_counter() - began
        taken.worked = self._machine.worked - worked
        return taken

    def _steady(self, began: float, seconds: float) -> Iterator[tuple[float, str]]:
        total = round(seconds * self._options.rate)
        return ((began + n / self._options.rate, self._tokens[n % len(self._tokens)]) for n in range(total))

    def _due(self, began: float, seconds: float) -> Iterator[tuple[float, str]]:
        """Every device at its own second of each minute."""
        chance = random.Random(1)
        places = sorted((chance.uniform(0, EVERY), device) for device in self._devices)
        for start in range(0, round(seconds), round(EVERY)):
            for at, device in places:
                if start + at < seconds:
                    yield began + start + at, device

    async def _at(
        self,
        due: Iterator[tuple[float, str]],
        send: Callable[[float, str, Stream], Coroutine[None, None, None]],
        stream: Stream,
    ) -> None:
        async with asyncio.TaskGroup() as sending:
            for at, name in due:
                if (wait := at - time.perf_counter()) > 0:
                    await asyncio.sleep(wait)
                sending.create_task(send(at, name, stream))

    async def _passing(self, due: float, token: str, stream: Stream) -> None:
        request = wire.post("/v0/passings", self._key, wire.v0_body(token, [next(self._numbers)]))
        caller = await self._idle.get()
        sent = time.perf_counter()
        answer = await caller.call(request)
        self._idle.put_nowait(caller)
        stream.note(due, sent, answer.status)

    async def _report(self, due: float, device: str, stream: Stream) -> None:
        """Over a connection of its own, as devices in the field do."""
        body = orjson.dumps(report(datetime.now(UTC), next(self._reports)))
        caller, sent = Caller(self._machine.port), time.perf_counter()
        answer = await caller.call(wire.post(f"/v0/devices/{device}/telemetry", self._key, body))
        caller.close()
        stream.note(due, sent, answer.status)


async def run(fleet: Field, options: Namespace) -> dict[str, Turn]:
    """Both kinds in turn, after a short one that does not count."""
    await fleet.turn(3.0, True)
    turns = {WITHOUT: Turn(), WITH: Turn()}
    for _ in range(PAIRS):
        turns[WITHOUT].add(await fleet.turn(options.seconds / PAIRS, False))
        turns[WITH].add(await fleet.turn(options.seconds / PAIRS, True))
    return turns


def show(turns: dict[str, Turn], options: Namespace) -> None:
    lines = []
    for name, turn in turns.items():
        passings = [f"{figure:.2f}" for figure in percentiles(turn.passings.waits)]
        reports = (
            [f"{figure:.1f}" for figure in percentiles(turn.reports.waits)]
            if turn.reports.waits
            else ["", ""]
        )
        lines.append(
            [
                name,
                f"{len(turn.passings.waits) / turn.seconds:.0f}",
                *passings,
                f"{len(turn.reports.waits) / turn.seconds:.0f}",
                *reports,
                f"{turn.worked / turn.seconds:.0%}",
            ]
        )
    headings = ["", "passings/s", "p50 ms", "p99 ms", "reports/s", "p50 ms", "p99 ms", "server, of a core"]
    title = (
        f"{options.devices:,} devices, a report a minute each, {options.seconds:.0f} s, {PAIRS} times in turn"
    )
    table.show(title, headings, lines)
    alone, beside = (percentiles(turns[name].passings.waits)[1] for name in (WITHOUT, WITH))
    print(f"\np99 of passings beside the fleet ÷ alone: **{beside / alone:.2f}**")


def problems(machine: Machine, turns: dict[str, Turn]) -> list[str]:
    wrong = []
    for name, turn in turns.items():
        for kind, stream in (("passings", turn.passings), ("reports", turn.reports)):
            refused = {status: n for status, n in stream.statuses.items() if status != 201}
            wrong += [f"{name}: {kind} refused: {refused}"] if refused else []
            wrong += [f"{name}: {kind} left up to {stream.late:.1f} s late"] if stream.late > 1 else []
    if stored.ask(machine.database, NEWER)[0][0]:
        wrong.append("a device's state is not that of its newest report")
    return wrong


def main() -> int:
    options = _options()
    chosen = cores.chosen(options)
    with TemporaryDirectory(prefix="passline-bench-") as place, Machine(Path(place), chosen) as machine:
        key = machine.new_key()
        chosen.pin_load()
        turns = uvloop.run(run(Field(machine, key, options), options))
        wrong = problems(machine, turns)
    show(turns, options)
    return table.conclude(wrong, "nothing was refused, and every state is that of the newest report")


def _options() -> Namespace:
    parser = ArgumentParser(prog="python -m bench.fleet", description=__doc__)
    parser.add_argument("--devices", type=int, default=10_000)
    parser.add_argument("--rate", type=int, default=500, help="passings per second")
    parser.add_argument("--seconds", type=float, default=180.0, help="of each kind")
    cores.add_options(parser, pinned=True)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
