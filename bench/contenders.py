"""Servers with one subscription on a leaderboard: ours, ceilings without GraphQL, and others of its kind."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import orjson
import uvloop

from bench import laps, wire
from bench.caller import Caller
from bench.cores import Cores
from bench.crowd import Crowd, Message, gathered
from bench.machine import Machine, finish, free_port, wait_until_ready
from bench.paces import at_full_speed

PEERS = Path(__file__).parent / "peers"
PYTHON, NODE = sys.executable, shutil.which("node") or "node"
CAPTURED = 100
INTERVAL = "PASSLINE_LEADERBOARD_INTERVAL"

OURS, SOCKET, PROTOCOL = "Passline", "bare ASGI socket", "bare protocol"
STOCK, YOGA, MERCURIUS = "Strawberry as it comes", "GraphQL Yoga, graphql-ws", "Mercurius"
COMMANDS: dict[str, list[str]] = {
    SOCKET: [PYTHON, "-m", "bench.bare", "sockets"],
    PROTOCOL: [PYTHON, "-m", "bench.bare", "frames"],
    STOCK: [PYTHON, "-m", "bench.stock"],
    YOGA: [NODE, str(PEERS / "yoga.mjs")],
    MERCURIUS: [NODE, str(PEERS / "mercurius.mjs")],
}
"""The others, each to be given its port."""
WHOLE = {SOCKET, PROTOCOL}
"""Those that send what is posted as it came. The others execute a subscription over it."""


class Contender(NamedTuple):
    """A server that is running, and the events that it is to be sent, without end."""

    pid: int
    port: int
    init: Message
    subscription: Message
    posts: Iterator[bytes]
    problems: Callable[[Crowd], Iterator[str]]
    """What is wrong with what a crowd heard when all was told."""
    fresh: Callable[[], "Contender"]
    """The same server for another round; ours with a new race, so that no result grows for ever."""

    def followed(self, sockets: int) -> AbstractContextManager[Crowd]:
        return gathered(self.port, sockets, self.init, self.subscription)


@contextmanager
def passline(cores: Cores, people: int, settings: dict[str, str]) -> Iterator[tuple[Contender, laps.Race]]:
    """Ours, with a race of so many."""
    with TemporaryDirectory(prefix="passline-bench-") as place:
        with Machine(Path(place), cores, settings) as machine:
            yield _ours(machine, machine.new_key(), people)


def _ours(machine: Machine, key: str, people: int) -> tuple[Contender, laps.Race]:
    race = laps.prepare(machine, key, people)

    def problems(crowd: Crowd) -> Iterator[str]:
        updates = [laps.update(message) for message in (crowd.snapshot, *crowd.messages)]
        yield from laps.problems(updates, laps.shown(machine, race))

    def fresh() -> Contender:
        return _ours(machine, key, people)[0]

    init = {"apiKey": key}
    found = Contender(machine.pid, machine.port, init, race.payload(), race.posts(), problems, fresh)
    return found, race


def captured(contender: Contender) -> list[bytes]:
    """Messages of ours, each with one event, for the others to send."""
    with contender.followed(1) as crowd:
        while len(crowd.messages) < CAPTURED:
            at_full_speed(crowd, contender.posts, 1)
        if len({len(laps.update(message)["standings"]) for message in crowd.messages}) > 1:
            raise RuntimeError("a message with more than one event, though nobody was in a hurry")
        return crowd.messages[:CAPTURED]


@contextmanager
def running(name: str, cores: Cores, messages: Sequence[bytes], race: laps.Race) -> Iterator[Contender]:
    """One of the others, on the server's core. Its events are these messages, with revisions of their own."""
    port = free_port()
    quiet = subprocess.DEVNULL  # some write of each socket that leaves
    process = subprocess.Popen([*COMMANDS[name], str(port)], stdout=quiet, stderr=quiet)
    try:
        wait_until_ready(process, f"http://127.0.0.1:{port}/readyz")
        for thread in os.listdir(f"/proc/{process.pid}/task"):  # Node starts some before it can be pinned
            cores.pin_server(int(thread))
        posted: list[bytes] = []
        posts = _recorded(laps.renumbered(messages), posted, whole=name in WHOLE)
        uvloop.run(Caller(port).call(next(posts)))  # who comes new is told what was posted last

        def problems(crowd: Crowd) -> Iterator[str]:
            return _strange(crowd, posted)

        def fresh() -> Contender:
            return found

        found = Contender(process.pid, port, {}, race.payload(), posts, problems, fresh)
        yield found
    finally:
        finish(process, signal.SIGKILL)


def missing(name: str) -> str | None:
    """Why one of the others cannot run here."""
    if COMMANDS[name][0] == NODE and shutil.which("node") is None:
        return "no Node.js here"
    if COMMANDS[name][0] == NODE and not (PEERS / "node_modules").is_dir():
        return "not installed: npm install --prefix bench/peers"
    return None


def _recorded(messages: Iterator[bytes], posted: list[bytes], whole: bool) -> Iterator[bytes]:
    for message in messages:
        posted.append(message)
        body = message if whole else orjson.dumps(laps.update(message))
        yield wire.post("/post", "", body)


def _strange(crowd: Crowd, posted: Sequence[bytes]) -> Iterator[str]:
    """Messages that are not what was posted, in that order."""
    last = posted[-len(crowd.messages) :] if crowd.messages else []
    for heard, meant in zip(crowd.messages, last, strict=True):
        if laps.update(heard) != laps.update(meant):
            yield f"{heard!r} instead of {meant!r}"
            return
