"""Restarts two servers one after the other, again and again, while devices send and subscribers listen.

With nginx in front of them where it is installed; else clients know both servers and try the other one.
"""

import asyncio
import random
import sys
import time
from argparse import ArgumentParser, Namespace
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count

import uvloop

from bench import sessions, table, wire
from bench.agreement import Agreement, Ear, Found
from bench.caller import Caller
from bench.devices import NO_ANSWER, Ledger, answer_of
from bench.listener import Listener
from bench.machine import Machine
from bench.rounds import percentiles
from bench.topology import Nginx, Topology

GIVES_UP = 8.0
"""Seconds that a device waits for the acknowledgement of a passing, whatever it tries."""
BETWEEN = 3.0
"""Seconds between two restarts."""
LAME_DUCK = "5"


@dataclass
class Sender:
    """A device that sends each passing as it comes, and again when it is told to or hears nothing."""

    ports: list[int]
    key: str
    ledger: Ledger
    every: float
    waits: list[float] = field(default_factory=list)
    gave_up: int = 0

    async def send(self, over: asyncio.Event) -> None:
        callers = [Caller(port) for port in random.sample(self.ports, len(self.ports))]
        due = time.monotonic() + random.uniform(0.0, self.every)
        for number in count(1):
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            if over.is_set():
                return
            due += self.every
            self.ledger.sent.add(number)
            await self._deliver(callers, number)

    async def _deliver(self, callers: list[Caller], number: int) -> None:
        request = wire.post("/v0/passings", self.key, wire.v0_body(self.ledger.token, [number]))
        began, self.ledger.calls = time.monotonic(), self.ledger.calls + 1
        while time.monotonic() - began < GIVES_UP:
            answer = await answer_of(callers[0], request)
            if self.ledger.settle([number], answer, first=False):
                self.waits.append(time.monotonic() - began)
                return
            self.ledger.retried += 1
            callers.append(callers.pop(0))
            await asyncio.sleep(answer.retry_after if answer else 0.1)
        self.gave_up += 1


@dataclass
class Run:
    """Who takes part, and what a restart took."""

    senders: list[Sender]
    ears: list[Ear]
    seconds: list[float] = field(default_factory=list)
    codes: Counter[int | None] = field(default_factory=Counter)
    found: Found = field(default_factory=dict)


def prepare(topology: Topology, key: str, options: Namespace) -> Run:
    with topology.client(key) as client:
        tokens = sessions.opened(client, options.devices)
    every = options.devices / options.rate
    senders = [Sender(topology.ports, key, Ledger(token), every) for token in tokens]
    urls = topology.urls
    ears = [
        Ear(Listener(urls[0], key, token, others=urls[1:]), token)
        for token in (tokens[place % len(tokens)] for place in range(options.subscribers))
    ]
    return Run(senders, ears)


async def listen(listener: Listener) -> None:
    while True:
        await listener.hear_while_up()
        await asyncio.sleep(random.uniform(0.1, 1.0))


async def roll(topology: Topology, key: str, run: Run, options: Namespace) -> None:
    over = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        listening = [group.create_task(listen(ear.listener)) for ear in run.ears]
        async with asyncio.TaskGroup() as sending:
            for sender in run.senders:
                sending.create_task(sender.send(over))
            await asyncio.sleep(BETWEEN)
            for _ in range(options.times):
                for machine in topology.servers:
                    await restart(machine, run)
                    await asyncio.sleep(BETWEEN)
            over.set()
        ledgers = [sender.ledger for sender in run.senders]
        look = Agreement(topology, key, "", ledgers, run.ears, [])
        await look.ready()
        await look.settle()
        run.found = {**await asyncio.to_thread(look.counted), **look.heard()}
        for task in listening:
            task.cancel()


async def restart(machine: Machine, run: Run) -> None:
    began = time.monotonic()
    run.codes[await asyncio.to_thread(machine.stop)] += 1
    await asyncio.to_thread(machine.start)
    run.seconds.append(time.monotonic() - began)
    print(f"\rrestarted {len(run.seconds)} times ", end="", file=sys.stderr, flush=True)


def show(run: Run, options: Namespace, behind_nginx: bool) -> list[str]:
    """The table, and what is wrong."""
    answers: Counter[str] = Counter()
    ends: Counter[str] = Counter()
    for sender in run.senders:
        answers += sender.ledger.answers
    for ear in run.ears:
        ends += ear.listener.ends
    waits = [wait for sender in run.senders for wait in sender.waits]
    p50, p99 = percentiles(waits)
    faults = Counter({what: len(wrong) for what, wrong in run.found.items()})
    faults["devices that gave up"] = sum(sender.gave_up > 0 for sender in run.senders)
    faults["stops that did not end with 0"] = sum(run.codes.values()) - run.codes[0]
    odd = answers.keys() - {"201", "503", *(() if behind_nginx else (NO_ANSWER,))}
    faults["answers other than 201 and 503, and none"] = sum(answers[status] for status in odd)
    faults["sockets that ended oddly"] = sum(len(ear.listener.odd_ends) for ear in run.ears)
    where = "behind nginx" if behind_nginx else "that clients know both (nginx is not here)"
    title = (
        f"Two servers {where}, each restarted {options.times} times in turn, under {options.rate:g} "
        f"passings/s of {options.devices} devices, with {options.subscribers} subscribers"
    )
    lines = [
        ["seconds of a restart, longest", f"{max(run.seconds):.1f}"],
        ["answers to devices", ", ".join(f"{what} {times:,} ×" for what, times in sorted(answers.items()))],
        ["milliseconds to the acknowledgement, p50, p99, longest",
         f"{p50:.1f}, {p99:.1f}, {max(waits) * 1000:,.0f}"],
        ["sockets ended", ", ".join(f"{what} {times:,} ×" for what, times in sorted(ends.items()))],
        *([what, f"{times:,}"] for what, times in faults.items()),
    ]  # fmt: skip
    table.show(title, ["", ""], lines)
    examples = [f"{what}: {wrong[0]}" for what, wrong in run.found.items() if wrong]
    return [f"{what}: {times:,}" for what, times in faults.items() if times] + examples


def main() -> int:
    options = _options()
    behind_nginx = options.nginx and Nginx.command() is not None
    settings = {"PASSLINE_LAME_DUCK_SECONDS": LAME_DUCK}
    with Topology(behind_nginx=behind_nginx, settings=settings) as topology:
        key = topology.new_key()
        run = prepare(topology, key, options)
        with suppress(KeyboardInterrupt):
            uvloop.run(roll(topology, key, run, options))
        wrong = show(run, options, behind_nginx)
    return table.conclude(wrong, "no device gave up, and every subscriber heard every passing once")


def _options() -> Namespace:
    parser = ArgumentParser(prog="python -m bench.rolling", description=__doc__)
    parser.add_argument("--times", type=int, default=3, help="restarts of each server")
    parser.add_argument("--devices", type=int, default=50)
    parser.add_argument("--rate", type=float, default=500, help="passings per second of all devices together")
    parser.add_argument("--subscribers", type=int, default=50)
    parser.add_argument("--no-nginx", dest="nginx", action="store_false")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
