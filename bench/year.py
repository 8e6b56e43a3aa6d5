"""A year of passings in PostgreSQL: is each request as fast with 10^7 of them as with 10^5?

Two databases of one PostgreSQL, a server on each; every figure is asked of both in turn.
"""

import asyncio
import itertools
import os
import random
import sys
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import asyncpg
import orjson
import uvloop

from bench import cores, filled, table, wire
from bench.backends import Postgres
from bench.caller import Caller
from bench.desk import Desk, Race
from bench.filled import EACH, MATS, RUNNERS, Filled
from bench.machine import Machine
from bench.rounds import percentiles

AT_ONCE = 20
"""Requests to one server before the other has its turn."""
ALLOWED = 1.5
SETTINGS = ("shared_buffers=1GB", "max_wal_size=4GB")
PAGE = (
    "query($t:String!,$a:String){session(token:$t){token active passingCount conflictCount missingCount "
    "missingNumbers(first:10) conflicts(first:10){number} passings(first:50,after:$a){totalCount "
    "pageInfo{hasNextPage endCursor} edges{cursor node{number bib chip timestamp receivedAt}}}}}"
)
HEALTH = (
    "query($d:String!){device(deviceId:$d){deviceId alias lastSeenAt sessions(first:1){totalCount} "
    "health{connection reportedAt age deviceStatus mode batteryPercentage temperature passingsPending "
    "alarms{kind severity}}}}"
)
OF_DEVICE = (
    "query($d:String!){passings(deviceId:$d,first:50){totalCount edges{cursor node{number bib timestamp}}}}"
)
BOARD = "query($r:ID!){leaderboard(raceId:$r,first:10){totalCount edges{node{rank bib time}}}}"
SERVE = "mutation($i:ServeCheckpointInput!){serveCheckpoint(input:$i){id}}"
SIZES = """
    SELECT relname, pg_relation_size(oid) FROM pg_class
    WHERE relname LIKE 'passings%' AND relkind IN ('r', 'i') ORDER BY relkind DESC, relname
"""

Ask = Callable[[], bytes]


@dataclass
class Year:
    """A server on a database that is filled."""

    machine: Machine
    key: str
    dsn: str
    history: Filled
    seconds: float
    """What filling took."""
    numbers: dict[int, Iterator[int]] = field(default_factory=dict)
    """Of the passings that are still to come, for each session."""

    def requests(self) -> dict[str, tuple[Ask, bytes]]:
        """What is asked, and something that the answer must hold."""
        chance = random.Random(1)
        history = self.history

        def device() -> str:
            return history.device_id(chance.randrange(history.timing))

        def session() -> str:
            return history.token(chance.randrange(history.size.sessions))

        def record(count: int) -> bytes:
            place = chance.choice(history.active())
            numbers = itertools.islice(self.numbers.setdefault(place, itertools.count(EACH + 1)), count)
            return wire.post("/v0/passings", self.key, wire.v0_body(history.token(place), numbers))

        def graphql(query: str, **variables: Any) -> bytes:
            return wire.post("/graphql", self.key, orjson.dumps({"query": query, "variables": variables}))

        def polled() -> bytes:
            place = chance.choice(history.active())
            name = history.device_id(place % history.size.devices)
            path = f"/v0/passings/device2/{name}?token_session={history.token(place)}&last={EACH - 100}"
            return self.get(path)

        return {
            "POST of one passing": (lambda: record(1), b'"inserted_count":1,'),
            "POST of 100 passings": (lambda: record(100), b'"inserted_count":100,'),
            "`device2`, the last 100 and what is new": (polled, b'"num_passing":4000'),
            "a session's page of 100, v0": (
                lambda: self.get(f"/v0/passings/session/{session()}?first=2001&last=2100"),
                b'"num_passing":2100',
            ),
            "a session's page of 50 and its counts, GraphQL": (
                lambda: graphql(PAGE, t=session(), a=str(chance.randrange(EACH))),
                b'"missingCount":0',
            ),
            "a session's counts, v0": (lambda: self.get(f"/v0/sessions/{session()}"), b'"passings":'),
            "a device's first 50 passings and their count, GraphQL": (
                lambda: graphql(OF_DEVICE, d=device()), b'"number":50,'),
            "a device's health, v0": (lambda: self.get(f"/v0/devices/{device()}"), b'"battery'),
            "a device's health and counts, GraphQL": (
                lambda: graphql(HEALTH, d=device()), b'"deviceStatus":"timing"'),
        }  # fmt: skip

    def get(self, path: str) -> bytes:
        return f"GET {path} HTTP/1.1\r\nHost: passline\r\nx-api-key: {self.key}\r\n\r\n".encode()

    def race(self) -> Race:
        """A race of everybody over ten mats of the newest weekend."""
        history = self.history
        begins = datetime.fromtimestamp(history.last_weekend / 1e6, UTC)
        ends = datetime.fromtimestamp((history.last_weekend + filled.WEEK) / 1e6, UTC)
        names = [f"mat {mat}" for mat in range(1, MATS + 1)]
        kinds = {names[0]: "START", names[-1]: "FINISH"}
        new = {
            "name": "Everybody",
            "waves": [{"name": "all", "gunTime": begins.isoformat()}],
            "checkpoints": [{"name": name, "kind": kinds.get(name, "INTERMEDIATE")} for name in names],
        }
        with self.machine.client(self.key) as client:
            desk = Desk(client)
            event = desk.event("Year", begins.date().isoformat())
            race = desk.race(event, new)
            for place in range(history.event_devices):
                mat = race.checkpoints[names[place // filled.DEVICES_AT_A_MAT]]
                window = {"from": begins.isoformat(), "to": ends.isoformat()}
                serving = {"checkpointId": mat, "deviceId": history.device_id(place)} | window
                desk.ask(SERVE, i=serving)
            people = [{"bib": str(n), "name": f"Bib {n}", "raceId": race.id} for n in range(1, RUNNERS + 1)]
            desk.enter(event, people)
        return race

    def board_at_start(self, race: Race) -> tuple[float, float, int]:
        """Seconds from the start of a server until it is ready, from there to the board, and its lines."""
        self.machine.stop()
        began = time.perf_counter()
        self.machine.start()
        ready = time.perf_counter()
        with self.machine.client(self.key) as client:
            board = Desk(client).ask(BOARD, r=race.id)
        return ready - began, time.perf_counter() - ready, board["totalCount"]


async def asked(year: Year, ask: Ask, holds: bytes, count: int) -> list[float]:
    """Seconds until the answer, one at a time."""
    caller, taken = Caller(year.machine.port), list[float]()
    for _ in range(count):
        request = ask()
        began = time.perf_counter()
        answer = await caller.call(request)
        taken.append(time.perf_counter() - began)
        if answer.status not in (200, 201) or holds not in answer.body or b'"errors"' in answer.body:
            raise RuntimeError(f"{request[:300]!r}: {answer.status} {answer.body[:500]!r}")
    caller.close()
    return taken


def in_turn(years: Mapping[str, Year], rounds: int) -> dict[str, dict[str, list[float]]]:
    """By figure and database, after one round that does not count."""
    requests = {name: year.requests() for name, year in years.items()}
    figures = next(iter(requests.values()))
    taken = {figure: {name: list[float]() for name in years} for figure in figures}
    for turn in range(rounds + 1):
        for figure, of_each in taken.items():
            for name in sorted(years, reverse=bool(turn % 2)):
                found = uvloop.run(asked(years[name], *requests[name][figure], AT_ONCE))
                if turn:
                    of_each[name] += found
    return taken


def prepared(server: Postgres, folder: Path, chosen: cores.Cores, name: str, rows: int, reports: int) -> Year:
    uvloop.run(server.run(f"CREATE DATABASE {name}"))
    (folder / name).mkdir()
    machine = Machine(folder / name, chosen, {"PASSLINE_DATABASE_URL": server.url(name)})
    machine.command("migrate")
    key, dsn = machine.new_key(), server.dsn(name)
    began = time.perf_counter()
    history = asyncio.run(filled.fill(dsn, 1, rows, reports, time.time_ns() // 1000))
    return Year(machine, key, dsn, history, time.perf_counter() - began)


async def _sizes(dsn: str) -> list[tuple[str, int]]:
    connection = await asyncpg.connect(dsn)
    try:
        return [(row[0], row[1]) for row in await connection.fetch(SIZES)]
    finally:
        await connection.close()


def show_sizes(year: Year, rows: int) -> None:
    lines = [
        [name, f"{size / 2**20:,.0f}", f"{size / rows:.0f}"] for name, size in uvloop.run(_sizes(year.dsn))
    ]
    table.show(
        f"{rows:,} passings, filled in {year.seconds:.0f} s, on the disk", ["", "MB", "bytes a row"], lines
    )


def show_figures(taken: dict[str, dict[str, list[float]]], names: tuple[str, str]) -> list[str]:
    """The table; which figures are worse than they may be."""
    lines, over = [], []
    for figure, of_each in taken.items():
        small, big = (of_each[name] for name in names)
        cells = [f"{value:.2f}" for each in (small, big) for value in percentiles(each)]
        ratios = [median(big) / median(small), percentiles(big)[1] / percentiles(small)[1]]
        lines.append([figure, *cells, f"**{ratios[0]:.2f}**", f"{ratios[1]:.2f}"])
        over += [figure] if ratios[0] > ALLOWED else []
    headings = ["", *(f"{what} ms, {name}" for name in names for what in ("p50", "p99")), "p50 ÷", "p99 ÷"]
    table.show(f"One at a time, over HTTP, {len(big)} of each, in turn", headings, lines)
    return over


def main() -> int:
    options = _options()
    chosen = cores.chosen(options)
    names = f"a{options.small}", f"b{options.rows}"
    with TemporaryDirectory(prefix="passline-bench-") as place:
        os.chmod(place, 0o755)  # PostgreSQL may run as another user
        with Postgres(Path(place), *SETTINGS).running() as server:
            years = {}
            for name, rows in zip(names, (options.small, options.rows), strict=True):
                years[name] = prepared(server, Path(place), chosen, name, rows, rows // 10)
            show_sizes(years[names[1]], options.rows)
            chosen.pin_load()
            with years[names[0]].machine, years[names[1]].machine:
                races = {name: year.race() for name, year in years.items()}
                taken = in_turn(years, options.rounds)
                starts = {name: year.board_at_start(races[name]) for name, year in years.items()}
    over = show_figures(taken, names)
    lines = [
        [name, f"{lines:,}", f"{ready:.1f}", f"{board:.1f}"] for name, (ready, board, lines) in starts.items()
    ]
    table.show(
        f"A race at server start, up to {MATS * RUNNERS:,} of its passings",
        ["", "lines", "server ready, s", "board, s"],
        lines,
    )
    wrong = [f"{figure} is more than {ALLOWED} ×" for figure in over]
    return table.conclude(wrong, f"each median is within {ALLOWED} × of the smaller database's")


def _options() -> Namespace:
    parser = ArgumentParser(prog="python -m bench.year", description=__doc__)
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--small", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=50)
    cores.add_options(parser, pinned=False)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
