"""One account's commits are one after the other, on however many servers: what does that carry?

Measured on a real PostgreSQL with one connection for each server, and simulated with nothing but the times of
a lone commit. Where the two agree, the simulation is run for what this machine is not.
"""

import asyncio
import heapq
import itertools
import os
import random
import sys
import time
from argparse import ArgumentParser, Namespace
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import asyncpg
import uvloop

from bench import cores, filled, table
from bench.backends import Postgres
from bench.machine import Machine
from bench.rounds import percentiles

MOST_ROWS = 8_000
TICK = 0.002
"""Seconds between looks at what has arrived meanwhile."""
DISKS = (0.0, 0.002, 0.010)
"""Seconds that a commit takes longer than on this machine's disk, by a sleep while the row is held."""
# As a group commit does it: the account's row is held from the first line to the end.
COMMIT = """
    WITH moved AS (
        UPDATE accounts SET position = position + $2::int WHERE id = 1 RETURNING position - $2::int AS base
    ), put AS (
        INSERT INTO passings (account_id, position, session_row, device_row, received_at, number, at,
            timestamp_text, bib)
        SELECT 1, base + n, $1::int, $1::int, 0, base + n, base * 1000 + n, '2026-06-01T10:00:00.000Z', n
        FROM moved, generate_series(1, $2::int) AS n
    )
    UPDATE sessions SET passing_count = passing_count + $2::int WHERE id = $1::int
    AND (SELECT count(pg_sleep($3::float8)) FROM moved) = 1
"""


class Times(NamedTuple):
    """Seconds that a group commit takes."""

    outside: float
    """On the way to the database and back, while others commit."""
    held: list[float]
    """While the account's row is held: the disk and what does not depend on the rows. As often as it took so
    long."""
    row: float
    """More for each row."""


class Load(NamedTuple):
    servers: int
    rate: int
    """Passings a second, each in a request of its own, at random times, at any server."""


class Result(NamedTuple):
    rate: float
    waits: list[float]

    @property
    def cells(self) -> list[str]:
        if not self.waits:
            return ["", "", ""]
        p50, p99 = percentiles(self.waits)
        return [f"{self.rate:,.0f}", _milliseconds(p50), _milliseconds(p99)]


def _milliseconds(value: float) -> str:
    return f"{value:.1f}" if value < 1000 else "over 1 s"


def arrivals(load: Load, seconds: float) -> Iterator[tuple[float, int]]:
    """When each passing comes, and at which server."""
    chance, at = random.Random(load.rate), 0.0
    while (at := at + chance.expovariate(load.rate)) < seconds:
        yield at, chance.randrange(load.servers)


def simulated(load: Load, times: Times, seconds: float) -> Result:
    """Servers take all that waits with them, reach the database, queue for the row, and answer."""
    events: list[tuple[float, int, str, int, list[float]]] = []
    order = itertools.count()

    def plan(at: float, what: str, server: int, batch: list[float]) -> None:
        heapq.heappush(events, (at, next(order), what, server, batch))

    for at, server in arrivals(load, seconds):
        plan(at, "arrive", server, [at])
    waiting: list[deque[float]] = [deque() for _ in range(load.servers)]
    chance = random.Random(1)
    busy, row_held, in_line = [False] * load.servers, False, deque[tuple[int, list[float]]]()
    waits, done = list[float](), 0.0

    def begin(at: float, server: int) -> None:
        queue = waiting[server]
        if queue and not busy[server]:
            busy[server] = True
            batch = [queue.popleft() for _ in range(min(len(queue), MOST_ROWS))]
            plan(at + times.outside / 2, "ask", server, batch)

    def take(at: float) -> None:
        nonlocal row_held
        if in_line and not row_held:
            row_held = True
            server, batch = in_line.popleft()
            held = chance.choice(times.held)
            plan(at + held + times.row * len(batch), "release", server, batch)

    while events:
        at, _, what, server, batch = heapq.heappop(events)
        if what == "arrive":
            waiting[server] += batch
        elif what == "ask":
            in_line.append((server, batch))
        elif what == "release":
            row_held = False
            plan(at + times.outside / 2, "answer", server, batch)
        else:
            busy[server], done = False, at
            waits += [at - came for came in batch]
        begin(at, server)
        take(at)
    return Result(len(waits) / done, waits)


async def lone(dsn: str, disk: float = 0.0, settings: dict[str, str] | None = None) -> Times:
    """What a commit takes that nobody else is in the way of."""
    connection, rounds = await asyncpg.connect(dsn, server_settings=settings), 100 if disk else 300
    one, ten, many = [await _timed(connection, COMMIT, 1, rows, disk, rounds=rounds) for rows in (1, 10, 200)]
    outside = median(await _timed(connection, "SELECT 1", rounds=rounds))
    await connection.close()
    row = max(0.0, (median(many) - median(ten)) / 190)
    return Times(outside, [max(0.0, each - outside - row) for each in one], row)


async def _timed(connection: Any, statement: str, *values: float, rounds: int) -> list[float]:
    taken = []
    prepared = await connection.prepare(statement)
    for _ in range(rounds):
        began = time.perf_counter()
        await prepared.fetch(*values)
        taken.append(time.perf_counter() - began)
    return taken


async def measured(dsn: str, load: Load, disk: float, seconds: float) -> Result:
    """The same with real commits; each server is a connection that takes what waits for it."""
    coming = list(arrivals(load, seconds))
    waiting: list[deque[float]] = [deque() for _ in range(load.servers)]
    bells = [asyncio.Event() for _ in range(load.servers)]
    waits, began, last = list[float](), time.perf_counter(), 0.0

    async def serve(server: int) -> None:
        nonlocal last
        connection = await asyncpg.connect(dsn)
        commit, queue = await connection.prepare(COMMIT), waiting[server]
        while True:
            await bells[server].wait()
            bells[server].clear()
            while queue:
                batch = [queue.popleft() for _ in range(min(len(queue), MOST_ROWS))]
                await commit.fetch(server + 1, len(batch), disk)
                last = time.perf_counter() - began
                waits.extend(last - came for came in batch)

    tasks = [asyncio.create_task(serve(server)) for server in range(load.servers)]
    await asyncio.sleep(0.3)
    began = time.perf_counter()
    for at, server in coming:
        while (left := at - (time.perf_counter() - began)) > 0:
            await asyncio.sleep(min(left, TICK))
        waiting[server].append(at)
        bells[server].set()
    while len(waits) < len(coming):
        await asyncio.sleep(0.01)
    for task in tasks:
        task.cancel()
    return Result(len(waits) / last, waits)


def validation(dsn: str, options: Namespace) -> None:
    lines = []
    for disk in DISKS:
        times = uvloop.run(lone(dsn, disk))
        for servers, rate in itertools.product((1, 2, 4), options.rates):
            load = Load(servers, rate)
            found = uvloop.run(measured(dsn, load, disk, options.seconds))
            other = simulated(load, times, options.seconds)
            ratio = f"{median(found.waits) / median(other.waits):.2f}"
            asked = [f"{disk * 1000:.0f}", f"{servers}", f"{rate:,}"]
            lines.append([*asked, *found.cells, *other.cells, ratio])
    headings = ["commit longer by ms", "servers", "passings/s asked", "measured/s", "p50 ms", "p99 ms"]
    headings += ["simulated/s", "p50 ms", "p99 ms", "p50, measured ÷ simulated"]
    table.show("One account, singles, on this machine", headings, lines)


def elsewhere(times: Times, cpu: Times, options: Namespace) -> None:
    """With other disks, at rates that this machine's clients cannot send."""
    here = max(0.0, median(times.held) - median(cpu.held))
    lines = []
    for disk, rate in itertools.product((here, 0.0005, 0.002, 0.010), (5_000, 20_000, 50_000)):
        cells = []
        for servers in (1, 2, 8):
            slower = times._replace(held=[each + disk for each in cpu.held])
            found = simulated(Load(servers, rate), slower, min(options.seconds, 2.0))
            cells.append(
                " / ".join(found.cells[1:]) if found.rate > 0.8 * rate else f"only {found.rate:,.0f}/s"
            )
        lines.append([f"{disk * 1000:.1f}", f"{rate:,}", *cells])
    headings = ["disk ms", "passings/s", *(f"{servers} servers, p50 / p99 ms" for servers in (1, 2, 8))]
    table.show("The same simulated: one account's stream on other disks", headings, lines)


def main() -> int:
    options = _options()
    with TemporaryDirectory(prefix="passline-bench-") as place:
        os.chmod(place, 0o755)  # PostgreSQL may run as another user
        with Postgres(Path(place)).running() as server:
            uvloop.run(server.run("CREATE DATABASE scale"))
            machine = Machine(Path(place), cores.Cores(), {"PASSLINE_DATABASE_URL": server.url("scale")})
            machine.command("migrate")
            machine.new_key()
            dsn = server.dsn("scale")
            asyncio.run(filled.fill(dsn, 1, 20_000, 400, time.time_ns() // 1000))
            uvloop.run(server.run("UPDATE accounts SET position = 1000000000 WHERE id = 1", database="scale"))
            times = uvloop.run(lone(dsn))
            cpu = uvloop.run(lone(dsn, settings={"synchronous_commit": "off"}))
            names = ["a lone commit", "the same without the disk"]
            lines = [
                [name, *(f"{value * 1e6:,.1f}" for value in (each.outside, median(each.held), each.row))]
                for name, each in zip(names, (times, cpu), strict=True)
            ]
            table.show("Seconds × 10⁻⁶", ["", "outside", "row held", "each passing"], lines)
            validation(dsn, options)
            elsewhere(times, cpu, options)
    return 0


def _options() -> Namespace:
    parser = ArgumentParser(prog="python -m bench.scale", description=__doc__)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--rates", type=int, nargs="+", default=[500, 2_000])
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
