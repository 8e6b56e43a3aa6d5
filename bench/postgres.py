"""Durable ingest on PostgreSQL beside what the same PostgreSQL can do: `python -m bench.postgres`."""

import asyncio
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Sequence
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

import asyncpg

from bench import cores, sessions, table, wire
from bench.backends import Postgres
from bench.ingest import HEALTH, POST, Senders
from bench.machine import Machine
from bench.rounds import Measures, in_turn

RAW, RAW_8 = "INSERT … SELECT unnest, 1 connection", "INSERT … SELECT unnest, 8 connections"
TABLE = "CREATE TABLE raw (LIKE passings); ALTER TABLE raw ADD UNIQUE (session_row, number)"
COLUMNS = """SELECT column_name, udt_name FROM information_schema.columns
    WHERE table_name = 'raw' ORDER BY ordinal_position"""
STORED = "SELECT count(*), count(DISTINCT (session_row, number)) FROM passings"
Row = dict[str, object]


class Raw:
    """A table with the columns and the unique key of the server's, filled through the driver alone: one
    statement, and one commit, for each `at_once` rows."""

    def __init__(self, dsn: str, at_once: int) -> None:
        self._dsn = dsn
        self._at_once = at_once
        self._numbers = count(1)

    async def make(self) -> None:
        connection = await asyncpg.connect(self._dsn)
        await connection.execute(TABLE)
        self._columns = [(name, kind) for name, kind in await connection.fetch(COLUMNS)]
        await connection.close()

    def by(self, connections: int) -> Callable[[int], float]:
        """Rows per second of so many statements, spread over the connections."""
        return lambda statements: asyncio.run(self._fill(statements, connections))

    async def _fill(self, statements: int, connections: int) -> float:
        lines = [await asyncpg.connect(self._dsn) for _ in range(connections)]
        batches = [[self._row(next(self._numbers)) for _ in range(self._at_once)] for _ in range(statements)]
        began = perf_counter()
        await asyncio.gather(*(self._send(line, batches[at::connections]) for at, line in enumerate(lines)))
        seconds = perf_counter() - began
        for line in lines:
            await line.close()
        return statements * self._at_once / seconds

    async def _send(self, line: asyncpg.Connection, batches: Sequence[Sequence[Row]]) -> None:
        names = [name for name, _ in self._columns]
        arrays = ", ".join(f"${place}::{kind}[]" for place, (_, kind) in enumerate(self._columns, 1))
        insert = await line.prepare(
            f"INSERT INTO raw ({', '.join(names)}) SELECT * FROM unnest({arrays}) ON CONFLICT DO NOTHING"
        )
        for batch in batches:
            await insert.fetch(*([row.get(name) for row in batch] for name in names))

    def _row(self, number: int) -> Row:
        return {
            "account_id": 1,
            "position": number,
            "session_row": number // self._at_once % 8 + 1,
            "device_row": number // self._at_once % 8 + 1,
            "received_at": number,
            "number": number,
            "at": number * 37_000,
            "timestamp_text": wire.instant(number),
            "bib": wire.bib(number),
            "chip": wire.chip(number),
        }


def batches(senders: Senders, raw: Raw, options: Namespace) -> None:
    size = options.batch
    measures: Measures = {
        POST: (senders.v0, size),
        RAW: (raw.by(1), 1),
        RAW_8: (raw.by(8), 1),
    }
    samples = in_turn(measures, options.calls or 600, options.rounds)
    title = (
        f"{size} passings per request, {options.connections} connections, beside {size} rows per statement"
    )
    table.show_rates(title, "passings", samples, {POST: [RAW, RAW_8]})


def single(senders: Senders, options: Namespace) -> None:
    measures: Measures = {POST: (senders.v0, 1), HEALTH: (senders.health, 1)}
    samples = in_turn(measures, options.singles, options.rounds)
    title = f"One passing per request, {options.connections} connections"
    table.show_rates(title, "requests", samples, {POST: [HEALTH]})


async def problems(dsn: str, expected: int) -> list[str]:
    connection = await asyncpg.connect(dsn)
    rows, different = await connection.fetchrow(STORED)
    await connection.close()
    wrong = [] if rows == expected else [f"{expected:,} passings were acknowledged, {rows:,} are stored"]
    return wrong if rows == different else [*wrong, f"{rows - different:,} rows are doubled"]


def main() -> int:
    options = _options()
    chosen = cores.chosen(options)
    with TemporaryDirectory(prefix="passline-bench-") as place:
        Path(place).chmod(0o755)  # PostgreSQL runs as somebody else
        with Postgres(Path(place)).running() as postgres:
            settings = {"PASSLINE_DATABASE_URL": postgres.url(), "PASSLINE_KEY_RATE": "0"}
            with Machine(Path(place), chosen, settings | {"PASSLINE_ADDRESS_RATE": "0"}) as machine:
                acknowledged = _measure(machine, postgres, options, chosen)
            wrong = asyncio.run(problems(postgres.dsn(), acknowledged))
    return table.conclude(wrong, f"{acknowledged:,} passings acknowledged, as many stored, none doubled")


def _measure(machine: Machine, postgres: Postgres, options: Namespace, chosen: cores.Cores) -> int:
    key = machine.new_key()
    with machine.client(key) as client:
        tokens = sessions.opened(client, options.sessions)
    chosen.pin_load()
    raw = Raw(postgres.dsn(), options.batch)
    asyncio.run(raw.make())
    many = Senders(machine, key, tokens, options.connections, options.batch)
    batches(many, raw, options)
    one = Senders(machine, key, tokens, options.connections, 1, taken=many.taken)
    single(one, options)
    return many.acknowledged + one.acknowledged


def _options() -> Namespace:
    parser = ArgumentParser(prog="python -m bench.postgres", description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--sessions", type=int, default=8)
    parser.add_argument("--batch", type=int, default=100, help="passings per request and rows per statement")
    parser.add_argument("--calls", type=int, help="requests, and statements, per round")
    parser.add_argument("--singles", type=int, default=6_000, help="requests of one passing per round")
    cores.add_options(parser, pinned=False)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
