"""Kills the server with -9 in the midst of load, again and again: nothing acknowledged is lost or doubled."""

import asyncio
import random
import sys
import time
from argparse import ArgumentParser, Namespace
from pathlib import Path
from tempfile import TemporaryDirectory

import uvloop

from bench import sessions, stored, table
from bench.cores import Cores
from bench.devices import Device, Ledger
from bench.listener import Listener
from bench.machine import Machine

SETTLING_SECONDS = 60.0


async def kill_and_restart(machine: Machine, options: Namespace, up: asyncio.Event) -> None:
    for turn in range(options.rounds):
        await asyncio.sleep(random.uniform(0.0, options.longest))
        up.clear()
        machine.kill()
        await asyncio.to_thread(machine.start)
        up.set()
        print(f"\rkilled {turn + 1} times ", end="", file=sys.stderr, flush=True)
    await asyncio.sleep(options.longest / 2)


async def listen(listener: Listener, up: asyncio.Event) -> None:
    while True:
        await up.wait()
        await listener.hear_while_up()
        await asyncio.sleep(0.01)


async def storm(machine: Machine, key: str, ledgers: list[Ledger], options: Namespace) -> list[Listener]:
    """Load, listeners and kills at once; ends when everything sent is settled and everyone has heard it."""
    up, over = asyncio.Event(), asyncio.Event()
    up.set()
    tokens = [ledger.token for ledger in ledgers]
    listeners = [Listener(machine.url, key, token) for token in (*tokens, None)]
    async with asyncio.TaskGroup() as group:
        listening = [group.create_task(listen(listener, up)) for listener in listeners]
        async with asyncio.TaskGroup() as sending:
            for place in range(options.connections):
                device = Device([machine.port], key, ledgers[place % len(ledgers)], up, over)
                sending.create_task(device.send())
            await kill_and_restart(machine, options, up)
            over.set()
        await settle(machine, ledgers, listeners)
        for task in listening:
            task.cancel()
    return listeners


async def settle(machine: Machine, ledgers: list[Ledger], listeners: list[Listener]) -> None:
    """Waits until every listener has heard as much as is stored, or for as long as is decent."""
    heard_by = {listener.session: listener.numbers for listener in listeners}
    deadline = time.monotonic() + SETTLING_SECONDS
    while time.monotonic() < deadline:
        counts = {ledger.token: len(stored.numbers(machine.database, ledger.token)) for ledger in ledgers}
        expected = counts | {None: sum(counts.values())}
        if all(len(heard_by[session]) >= expected[session] for session in heard_by):
            break
        await asyncio.sleep(0.3)
    await asyncio.sleep(0.5)


def judge(machine: Machine, key: str, ledgers: list[Ledger], listeners: list[Listener]) -> dict[str, int]:
    """Every way in which a passing could have gone wrong, counted."""
    found = dict.fromkeys(
        [
            "lost",
            "doubled",
            "never sent",
            "counters wrong",
            "odd answers",
            "listeners that missed, repeated or reordered",
        ],
        0,
    )
    heard_by = {listener.session: listener.numbers for listener in listeners}
    everything: list[int] = []
    with machine.client(key) as client:
        for ledger in ledgers:
            rows = stored.numbers(machine.database, ledger.token)
            everything += rows
            found["lost"] += len(ledger.acknowledged - set(rows))
            found["doubled"] += len(rows) - len(set(rows)) + ledger.answered_as_known
            found["never sent"] += len(set(rows) - ledger.sent)
            found["odd answers"] += len(ledger.odd)
            found["counters wrong"] += sessions.passing_count(client, ledger.token) != len(rows)
            found["listeners that missed, repeated or reordered"] += heard_by[ledger.token] != rows
    found["odd ends of sockets"] = sum(len(listener.odd_ends) for listener in listeners)
    in_order = stored.numbers(machine.database)
    found["listeners that missed, repeated or reordered"] += heard_by[None] != in_order
    assert sorted(everything) == sorted(in_order)
    return found


def main() -> int:
    options = _options()
    with TemporaryDirectory(prefix="passline-bench-") as place, Machine(Path(place), Cores()) as machine:
        key = machine.new_key()
        with machine.client(key) as client:
            ledgers = [Ledger(token) for token in sessions.opened(client, options.sessions)]
        listeners = uvloop.run(storm(machine, key, ledgers, options))
        found = judge(machine, key, ledgers, listeners)
    calls = [sum(getattr(ledger, what) for ledger in ledgers) for what in ("calls", "retried", "abandoned")]
    acknowledged = sum(len(ledger.acknowledged) for ledger in ledgers)
    title = (
        f"{options.rounds} times kill -9 under load from {options.connections} connections, "
        f"{len(listeners)} listeners over {sum(listener.sockets for listener in listeners):,} sockets"
    )
    headings = ["calls", "retried", "abandoned", "acknowledged passings", *found]
    table.show(title, headings, [[f"{figure:,}" for figure in (*calls, acknowledged, *found.values())]])
    wrong = [f"{what}: {figure:,}" for what, figure in found.items() if figure]
    return table.conclude(
        wrong, "every acknowledged passing is stored once, and was heard once by each listener"
    )


def _options() -> Namespace:
    parser = ArgumentParser(prog="python -m bench.kill", description=__doc__)
    parser.add_argument("--rounds", type=int, default=50)
    parser.add_argument("--connections", type=int, default=48)
    parser.add_argument("--sessions", type=int, default=8)
    parser.add_argument("--longest", type=float, default=0.8, help="seconds a server lives at most")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
