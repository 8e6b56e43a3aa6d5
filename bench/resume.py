"""Thousands who follow passings, cut off and back at any moment, while their server dies and stops: each is
told of each passing once, in order."""

import asyncio
import resource
import sys
import time
from argparse import ArgumentParser, Namespace
from array import array
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from statistics import quantiles
from tempfile import TemporaryDirectory
from typing import NamedTuple

import uvloop

from bench import cores, sessions, stored, table
from bench.agreement import first_difference
from bench.devices import Device, Ledger
from bench.machine import Machine
from bench.resuming import MAY_END, Fate, Subscriber, Which
from bench.sessions import Session

SETTLING_SECONDS = 60.0
BATCH = (4 * 1 + 10 + 100) / 6
"""Passings of a call of `bench.devices`, on average."""
EVERYTHING = Which()
LIMITS = {"PASSLINE_KEY_RATE": "0", "PASSLINE_ADDRESS_RATE": "0"}
"""None: so many who come back from one address are more than one may."""


class Rows(NamedTuple):
    """What is stored for a filter: positions and numbers."""

    positions: "array[int]"
    numbers: "array[int]"


class Storm:
    """The server, those who send to it, and those who follow."""

    def __init__(self, machine: Machine, key: str, mats: Sequence[Session], options: Namespace) -> None:
        self.fate = Fate(options.life, options.away)
        self.ledgers = [Ledger(mat.token) for mat in mats]
        self.subscribers = [
            Subscriber(which, by_socket, self.fate)
            for which, by_socket in dealt(mats, options.subscribers, options.everything, options.ways)
        ]
        self.stopped: int | None = None
        self._machine, self._key, self._options = machine, key, options
        self._up, self._over = asyncio.Event(), asyncio.Event()

    async def run(self) -> None:
        self._up.set()
        async with asyncio.TaskGroup() as group:
            port = self._machine.port
            following = [group.create_task(each.live(port, self._key)) for each in self.subscribers]
            async with asyncio.TaskGroup() as sending:
                for ledger in self.ledgers:
                    sending.create_task(self._device(ledger).send())
                await self._end_twice()
                self._over.set()
            self.fate.calm.set()
            await self._settle()
            for task in following:
                task.cancel()

    def _device(self, ledger: Ledger) -> Device:
        pause = 2 * len(self.ledgers) * BATCH / self._options.rate
        return Device([self._machine.port], self._key, ledger, self._up, self._over, pause)

    async def _end_twice(self) -> None:
        third = self._options.seconds / 3
        for end in (self._machine.kill, self._stop):
            await asyncio.sleep(third)
            self._up.clear()
            await asyncio.to_thread(end)
            await asyncio.to_thread(self._machine.start)
            self._up.set()
            print(f"\rrestarted {self._machine.url} ", end="", file=sys.stderr, flush=True)
        await asyncio.sleep(third)

    def _stop(self) -> None:
        self.stopped = self._machine.stop()

    async def _settle(self) -> None:
        """Waits until everybody has heard as much as is stored, or for as long as is decent."""
        due = expected(stored.everywhere(self._machine.database))
        deadline = time.monotonic() + SETTLING_SECONDS
        while time.monotonic() < deadline:
            if all(len(each.positions) >= len(due[each.which].positions) for each in self.subscribers):
                break
            await asyncio.sleep(0.2)
        await asyncio.sleep(0.5)  # one too many is heard, too


def dealt(mats: Sequence[Session], count: int, everything: int, ways: str) -> list[tuple[Which, bool]]:
    """What each follows, and whether by a socket: some everything, half of the others a session, half a
    device."""
    found = []
    for place in range(count):
        mat = mats[place // 4 % len(mats)]
        narrow = Which(device=mat.device) if place % 4 < 2 else Which(session=mat.token)
        by_socket = ways == "sockets" or (ways == "both" and place % 2 == 0)
        found.append((EVERYTHING if place < everything else narrow, by_socket))
    return found


def expected(rows: Sequence[tuple[int, int, str, str]]) -> dict[Which, Rows]:
    due: dict[Which, Rows] = defaultdict(lambda: Rows(array("q"), array("q")))
    for position, number, token, device in rows:
        for which in (EVERYTHING, Which(session=token), Which(device=device)):
            due[which].positions.append(position)
            due[which].numbers.append(number)
    return due


def judge(machine: Machine, storm: Storm) -> list[str]:
    """Everything that is wrong, in sentences."""
    rows = stored.everywhere(machine.database)
    due, wrong = expected(rows), []
    acknowledged = {(ledger.token, number) for ledger in storm.ledgers for number in ledger.acknowledged}
    if lost := acknowledged - {(token, number) for _, number, token, _ in rows}:
        wrong.append(f"{len(lost)} acknowledged passings are not stored")
    if storm.stopped:
        wrong.append(f"the planned stop ended with {storm.stopped}")
    wrong += [
        f"an answer that no device ought to get: {each}" for ledger in storm.ledgers for each in ledger.odd
    ]
    wrong += [
        f"{count} connections ended with {end}"
        for end, count in storm.fate.ends.items()
        if end not in MAY_END
    ]
    return wrong + [complaint(each, due[each.which]) for each in wrong_ones(storm, due)]


def wrong_ones(storm: Storm, due: dict[Which, Rows]) -> list[Subscriber]:
    return [each for each in storm.subscribers if (each.positions, each.numbers) != due[each.which]]


def complaint(subscriber: Subscriber, due: Rows) -> str:
    way = "a socket" if subscriber.by_socket else "a stream"
    place = first_difference(subscriber.positions, due.positions)
    heard, there = len(subscriber.positions), len(due.positions)
    if place == heard < there:
        return f"{way} heard {heard:,} of {there:,} in order, and the others not in {SETTLING_SECONDS:.0f} s"
    return f"{way} heard {heard:,} of {there:,}, other ones from {place:,} on"


def show(machine: Machine, storm: Storm, options: Namespace) -> None:
    fate, rows = storm.fate, stored.everywhere(machine.database)
    due = expected(rows)
    wrong = wrong_ones(storm, due)
    by_socket = sum(each.by_socket for each in storm.subscribers)
    title = (
        f"{by_socket:,} subscribers of passings by socket, {len(storm.subscribers) - by_socket:,} by event "
        f"stream, {options.everything} of them of everything, cut off after {options.life:.0f} s on average; "
        f"in {options.seconds:.0f} s the server was killed once and stopped once"
    )
    headings = ["passings", "passings/s", "told", "cuts", "ends by the server", "wrong by socket, by stream"]
    headings += ["back after a cut, p50, p99, longest s", "after an end"]
    ends = ", ".join(f"{end}: {count:,}" for end, count in fate.ends.most_common())
    figures = [
        f"{len(rows):,}",
        f"{len(rows) / stored.seconds(machine.database):,.0f}",
        f"{fate.frames:,}",
        f"{fate.cuts:,}",
        ends,
        f"{sum(each.by_socket for each in wrong)}, {sum(not each.by_socket for each in wrong)}",
        _seconds(fate.backs),
        _seconds(fate.returns),
    ]
    table.show(title, headings, [figures])


def _seconds(waits: list[float]) -> str:
    cuts = quantiles(waits, n=100)
    return f"{cuts[49]:.2f}, {cuts[98]:.2f}, {max(waits):.2f}"


def main() -> int:
    options = _options()
    chosen = cores.chosen(options)
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    with (
        TemporaryDirectory(prefix="passline-bench-") as place,
        Machine(Path(place), chosen, LIMITS) as machine,
    ):
        key = machine.new_key()
        with machine.client(key) as client:
            mats = [sessions.on_device(client, f"RESUME-{each:03d}") for each in range(options.sessions)]
        chosen.pin_load()
        storm = uvloop.run(run(machine, key, mats, options))
        show(machine, storm, options)
        wrong = judge(machine, storm)
    return table.conclude(
        wrong[:10], "each subscriber was told of each passing that it follows once, in order"
    )


async def run(machine: Machine, key: str, mats: Sequence[Session], options: Namespace) -> Storm:
    storm = Storm(machine, key, mats, options)
    await storm.run()
    return storm


def _options() -> Namespace:
    parser = ArgumentParser(prog="python -m bench.resume", description=__doc__)
    parser.add_argument("--subscribers", type=int, default=2_000)
    parser.add_argument("--everything", type=int, default=20, help="of them follow the whole account")
    parser.add_argument("--ways", choices=["both", "sockets", "streams"], default="both")
    parser.add_argument("--sessions", type=int, default=40)
    parser.add_argument("--rate", type=int, default=200, help="passings a second")
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--life", type=float, default=20.0, help="seconds between two cuts, on average")
    parser.add_argument("--away", type=float, default=3.0, help="seconds a cut one stays away, at most")
    cores.add_options(parser, pinned=True)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
