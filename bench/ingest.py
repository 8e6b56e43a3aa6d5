"""Durable ingest beside what the same machine could do: `python -m bench.ingest single|batch|graphql`."""

import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from bench import cores, sessions, stored, table, wire
from bench.disk import BareTable
from bench.load import Run, drive
from bench.machine import Machine, bare
from bench.rounds import Measures, in_turn

POST, HEALTH, GENERATOR = "POST /v0/passings", "GET /healthz", "a bare protocol, same requests"
SAME, BARE = "executemany, our table", "executemany, bare table"
COUNTS, OUTCOMES = "GraphQL recordPassings, counts", "GraphQL recordPassings, counts and outcomes"


@dataclass
class Senders:
    """Sends fresh passings, each number once, and remembers how many were acknowledged."""

    machine: Machine
    key: str
    tokens: list[str]
    connections: int
    batch: int
    acknowledged: int = 0
    taken: int = 0

    def v0(self, calls: int) -> Run:
        return self._acknowledged(self._drive_ours(self._v0_calls(calls)), calls)

    def graphql(self, selection: str) -> Callable[[int], Run]:
        def send(calls: int) -> Run:
            bodies = [wire.graphql_body(token, numbers, selection) for token, numbers in self._fresh(calls)]
            requests = [wire.post("/graphql", self.key, body) for body in bodies]
            return self._acknowledged(self._drive_ours(requests, b"200"), calls)

        return send

    def health(self, calls: int) -> Run:
        return self._drive_ours([wire.get("/healthz")] * calls, b"200")

    def to_nobody(self, port: int) -> Callable[[int], Run]:
        """The same requests to another server: what the generator could send at most."""
        return lambda calls: drive(port, self._v0_calls(calls), self.connections, b"201")

    def _v0_calls(self, calls: int) -> list[bytes]:
        bodies = [wire.v0_body(token, numbers) for token, numbers in self._fresh(calls)]
        return [wire.post("/v0/passings", self.key, body) for body in bodies]

    def _fresh(self, calls: int) -> list[tuple[str, Sequence[int]]]:
        numbers = range(self.taken + 1, self.taken + calls * self.batch + 1)
        self.taken = numbers[-1]
        return list(wire.dealt(self.tokens, numbers, self.batch))

    def _drive_ours(self, requests: list[bytes], wanted: bytes = b"201") -> Run:
        before = self.machine.worked
        run = drive(self.machine.port, requests, self.connections, wanted)
        run.served = self.machine.worked - before
        return run

    def _acknowledged(self, run: Run, calls: int) -> Run:
        self.acknowledged += calls * self.batch
        return run


def single(senders: Senders, options: Namespace, nobody: int) -> None:
    measures: Measures = {
        POST: (senders.v0, 1),
        HEALTH: (senders.health, 1),
        GENERATOR: (senders.to_nobody(nobody), 1),
    }
    samples = in_turn(measures, options.calls or 12_000, options.rounds)
    title = f"One passing per request, {options.connections} connections"
    table.show_rates(title, "requests", samples, {POST: [HEALTH]})


def batch(senders: Senders, options: Namespace, nobody: int) -> None:
    size = options.batch
    database = senders.machine.database
    same, ten = stored.SameTable(database, database.parent), BareTable(database.parent)
    measures: Measures = {
        POST: (senders.v0, size),
        SAME: (lambda calls: same.fill(calls * size), 1),
        BARE: (lambda calls: ten.fill(calls * size), 1),
        GENERATOR: (senders.to_nobody(nobody), size),
    }
    samples = in_turn(measures, options.calls or 1_500, options.rounds)
    title = (
        f"{size} passings per request, {options.connections} connections, beside 1,000 rows per transaction; "
        f"our table has {same.columns} columns and {same.keys} indexes, the bare one 10 and 1"
    )
    table.show_rates(title, "passings", samples, {POST: [SAME, BARE]})


def graphql(senders: Senders, options: Namespace, nobody: int) -> None:
    size = options.batch
    measures: Measures = {
        POST: (senders.v0, size),
        COUNTS: (senders.graphql(wire.COUNTS), size),
        OUTCOMES: (senders.graphql(wire.OUTCOMES), size),
        GENERATOR: (senders.to_nobody(nobody), size),
    }
    samples = in_turn(measures, options.calls or 1_000, options.rounds)
    title = f"{size} passings per request over GraphQL and v0, {options.connections} connections"
    table.show_rates(title, "passings", samples, {COUNTS: [POST], OUTCOMES: [POST]})


WHAT = {"single": single, "batch": batch, "graphql": graphql}


def main() -> int:
    options = _options()
    chosen = cores.chosen(options)
    with TemporaryDirectory(prefix="passline-bench-") as place:
        with Machine(Path(place), chosen) as machine, bare("protocol", chosen) as nobody:
            key = machine.new_key()
            with machine.client(key) as client:
                tokens = sessions.opened(client, options.sessions)
            chosen.pin_load()
            size = 1 if options.what == "single" else options.batch
            senders = Senders(machine, key, tokens, options.connections, size)
            WHAT[options.what](senders, options, nobody)
        wrong = stored.problems(machine.database, senders.acknowledged)
    return table.conclude(
        wrong, f"{senders.acknowledged:,} passings acknowledged, as many stored, none doubled"
    )


def _options() -> Namespace:
    parser = ArgumentParser(prog="python -m bench.ingest", description=__doc__)
    parser.add_argument("what", choices=["single", "batch", "graphql"])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--sessions", type=int, default=8)
    parser.add_argument("--batch", type=int, default=100, help="passings per request, where not one")
    parser.add_argument("--calls", type=int, help="requests per round")
    cores.add_options(parser, pinned=True)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
