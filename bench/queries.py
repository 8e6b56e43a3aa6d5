"""The pages that spectators ask for, over HTTP, while their board changes five times a second:
`python -m bench.queries`.

Beside them, in turn: bare Starlette answering the same bytes, and Strawberry as it comes, asked the same.
"""

import http.client
import itertools
import signal
import subprocess
import sys
import threading
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import orjson

from bench import cores, results, sessions, table, wire
from bench.cores import Cores
from bench.desk import Desk
from bench.load import Run, drive
from bench.machine import Machine, finish, free_port, wait_until_ready, worked
from bench.rounds import Measures, in_turn
from bench.stock_queries import PEOPLE

CHANGES = 5
"""A second: somebody finishes."""
FINISHED = 1_000
"""Of the people, before it begins."""
PAGE = 50
LINE = "rank place bib name category club state time gap lap"
BOARD = (
    "query Page($race: ID!, $first: Int!, $after: String) { leaderboard(raceId: $race, first: $first, "
    f"after: $after) {{ totalCount edges {{ cursor node {{ {LINE} }} }} }} }}"
)
COUNTS = "query Counts($race: ID!) { leaderboard(raceId: $race) { counts { finished } } }"
PASSING = "id number timestamp bib chip latitude longitude participantRef receivedAt status"
PASSINGS = (
    "query Passings($token: String!, $first: Int!, $after: String) { passings(sessionToken: $token, "
    f"first: $first, after: $after) {{ edges {{ cursor node {{ {PASSING} }} }} }} }}"
)
UNLIMITED = {f"PASSLINE_{who}_{what}": "1e12" for who in ("KEY", "ADDRESS") for what in ("RATE", "BURST")}
SAME, OTHER, PASSED = "page, the same again", "page, another each time", "passings, another page each time"
BYTES, JSON, STOCK = (
    "bare Starlette, the bytes",
    "bare Starlette, JSONResponse",
    "stock Strawberry, another each time",
)
"""Ours, and what they are divided by."""


def graphql(key: str, query: str, variables: dict[str, Any], path: str = "/graphql") -> bytes:
    return wire.post(path, key, orjson.dumps({"query": query, "variables": variables}))


class Client:
    """One request at a time; for who is no part of the load."""

    def __init__(self, port: int) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)

    def post(self, path: str, key: str, body: bytes) -> bytes:
        self._connection.request("POST", path, body, {"x-api-key": key, "content-type": "application/json"})
        answer = self._connection.getresponse()
        read = answer.read()
        if answer.status not in (200, 201):
            raise RuntimeError(f"status {answer.status}: {read!r}")
        return read

    def ask(self, key: str, query: str, variables: dict[str, Any]) -> bytes:
        return self.post("/graphql", key, orjson.dumps({"query": query, "variables": variables}))


@dataclass
class Finishing:
    """Somebody finishes five times a second; the next answer after each must have them all."""

    port: int
    key: str
    race: str
    token: str
    done: int = 0
    wrong: list[str] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)

    def finish(self, client: Client, count: int) -> None:
        bibs = range(self.done + 1, self.done + count + 1)
        reads = [(bib, 1_800.0 + bib * 0.37, str(bib)) for bib in bibs]
        client.post("/v0/passings", self.key, wire.v0_reads(self.token, reads))
        self.done += count

    def go_on(self) -> None:
        client = Client(self.port)
        while not self.over.wait(1 / CHANGES) and self.done < PEOPLE:
            self.finish(client, 1)
            told = orjson.loads(client.ask(self.key, COUNTS, {"race": self.race}))
            counted = told["data"]["leaderboard"]["counts"]["finished"]
            if counted != self.done:
                self.wrong.append(f"{self.done} had finished, the next answer counted {counted}")

    @contextmanager
    def going_on(self) -> Iterator[None]:
        thread = threading.Thread(target=self.go_on)
        thread.start()
        try:
            yield
        finally:
            self.over.set()
            thread.join()


def prepare(machine: Machine, key: str) -> Finishing:
    """A race of which half have finished."""
    with machine.client(key) as client:
        desk = Desk(client)
        event = desk.event("Queries", results.DAY)
        waves = [{"name": "all", "gunTime": results.GUN}]
        finish_line = [{"name": "finish", "kind": "FINISH"}]
        race = desk.race(event, {"name": "Race", "waves": waves, "checkpoints": finish_line})
        desk.enter(
            event,
            [
                {"bib": str(bib), "name": f"Name{bib}", "lastName": f"Last{bib}", "gender": "FM"[bib % 2],
                 "category": f"C{bib % 8}", "club": f"Club {bib % 40}"}
                for bib in range(1, PEOPLE + 1)
            ],
        )  # fmt: skip
        device, token = sessions.on_device(client, "finish")
        desk.serve(race.checkpoints["finish"], device)
    finishing = Finishing(machine.port, key, race.id, token)
    finishing.finish(Client(machine.port), FINISHED)
    return finishing


@contextmanager
def ceilings(body: bytes, place: Path, chosen: Cores) -> Iterator[subprocess.Popen[bytes]]:
    """A process that answers these bytes, and stock Strawberry; its last argument but one is its port."""
    port, held = free_port(), place / "answer.json"
    held.write_bytes(body)
    process = subprocess.Popen([sys.executable, "-m", "bench.stock_queries", str(port), str(held)])
    chosen.pin_server(process.pid)
    try:
        wait_until_ready(process, f"http://127.0.0.1:{port}/readyz")
        yield process
    finally:
        finish(process, signal.SIGKILL)


class Questions:
    """Requests, encoded beforehand."""

    def __init__(self, finishing: Finishing) -> None:
        self._finishing = finishing
        self._places = itertools.cycle(range(PEOPLE - PAGE))

    def page(self, after: int | None) -> dict[str, Any]:
        told = None if after is None else str(after)
        return {"race": self._finishing.race, "first": PAGE, "after": told}

    def same(self, calls: int, path: str = "/graphql") -> list[bytes]:
        return [graphql(self._finishing.key, BOARD, self.page(None), path)] * calls

    def other(self, calls: int) -> list[bytes]:
        places = itertools.islice(self._places, calls)
        return [graphql(self._finishing.key, BOARD, self.page(place)) for place in places]

    def passings(self, calls: int) -> list[bytes]:
        cursors = self._cursors()
        return [graphql(self._finishing.key, PASSINGS, self._of_session(next(cursors))) for _ in range(calls)]

    def _of_session(self, after: str | None) -> dict[str, Any]:
        return {"token": self._finishing.token, "first": PAGE, "after": after}

    def _cursors(self) -> Iterator[str]:
        client, first = Client(self._finishing.port), self._of_session(None) | {"first": FINISHED - PAGE}
        told = orjson.loads(client.ask(self._finishing.key, PASSINGS, first))
        return itertools.cycle([edge["cursor"] for edge in told["data"]["passings"]["edges"]])


def measures(machine: Machine, questions: Questions, port: int, pid: int, lines: int) -> Measures:
    def ours(requests: Callable[[int], list[bytes]]) -> Callable[[int], Run]:
        return lambda calls: _driven(machine.port, machine.pid, requests(calls), lines)

    def theirs(requests: Callable[[int], list[bytes]]) -> Callable[[int], Run]:
        return lambda calls: _driven(port, pid, requests(calls), lines)

    return {
        SAME: (ours(questions.same), 1),
        BYTES: (theirs(lambda calls: questions.same(calls, "/bytes")), 1),
        JSON: (theirs(lambda calls: questions.same(calls, "/json")), 1),
        OTHER: (ours(lambda calls: questions.other(calls // 4)), 1),
        PASSED: (ours(lambda calls: questions.passings(calls // 4)), 1),
        STOCK: (theirs(lambda calls: questions.other(calls // 16)), 1),
    }


def _driven(port: int, pid: int, requests: list[bytes], lines: int) -> Run:
    before = worked(pid)
    run = drive(port, requests, lines, b"200")
    run.served = worked(pid) - before
    return run


def problems(finishing: Finishing, told: bytes) -> list[str]:
    """The answer that was given again and again, beside one to a question that nobody asked before."""
    client = Client(finishing.port)
    page = {"race": finishing.race, "first": PAGE, "after": None}
    again, fresh = (client.ask(finishing.key, query, page) for query in (BOARD, f"{BOARD} # once"))
    wrong = list(finishing.wrong)
    if again != fresh:
        wrong.append("an answer that was kept differs from a fresh one")
    if len(orjson.loads(told)["data"]["leaderboard"]["edges"]) != PAGE:
        wrong.append("the page is not full")
    return wrong


def main() -> int:
    options = _options()
    chosen = cores.chosen(options)
    with (
        TemporaryDirectory(prefix="passline-bench-") as name,
        Machine(Path(name), chosen, UNLIMITED) as machine,
    ):
        key = machine.new_key()
        finishing = prepare(machine, key)
        questions = Questions(finishing)
        told = Client(machine.port).ask(key, BOARD, questions.page(None))
        with ceilings(told, Path(name), chosen) as process:
            chosen.pin_load()
            port = int(str(process.args[-2]))  # type: ignore[index]
            with finishing.going_on():
                all_measures = measures(machine, questions, port, process.pid, options.connections)
                samples = in_turn(all_measures, options.calls, options.rounds)
        wrong = problems(finishing, told)
    title = (
        f"Pages of {PAGE} × {len(LINE.split())} fields ({len(told):,} bytes), "
        f"{options.connections} connections, somebody finishes {CHANGES} times a second"
    )
    ratios: dict[str, Sequence[str]] = {SAME: [BYTES, JSON], OTHER: [STOCK, BYTES], PASSED: [STOCK, BYTES]}
    table.show_rates(title, "requests", samples, ratios)
    finished = finishing.done - FINISHED
    return table.conclude(
        wrong, f"{finished} finished meanwhile, each was on the next answer; a kept page equals a fresh one"
    )


def _options() -> Namespace:
    parser = ArgumentParser(prog="python -m bench.queries", description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--connections", type=int, default=32)
    parser.add_argument(
        "--calls", type=int, default=8_000, help="requests per round; fewer of what takes longer"
    )
    cores.add_options(parser, pinned=True)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
