"""Honest devices alone, and beside one who sends many times their limit: `python -m bench.abuse`."""

import asyncio
import json
import random
import subprocess
import sys
import time
from argparse import ArgumentParser, Namespace
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import uvloop

from bench import cores, sessions, stored, table, wire
from bench.machine import Machine
from bench.rounds import percentiles

ALONE, GREEDY, KEYS = "alone", "beside a key that sends {} times its limit", "beside as many wrong keys"
EACH = 10_000_000
"""Numbers of passings that a flood has for itself."""
BEFORE = 1.5
"""Seconds that a flood runs before anything is measured: until what had gathered is spent."""


@dataclass
class Device:
    """A device with a key of its own, at an address: one passing at a time over one connection."""

    port: int
    key: str
    token: str
    address: str
    statuses: Counter[int]
    numbers: Iterator[int] = field(default_factory=lambda: count(1))

    async def send(self, pace: float, until: float) -> list[float]:
        """Seconds until each answer."""
        streams = await asyncio.open_connection("127.0.0.1", self.port, local_addr=(self.address, 0))
        waits = []
        await asyncio.sleep(random.uniform(0, 1 / pace))
        while time.perf_counter() < until:
            request = wire.post("/v0/passings", self.key, wire.v0_body(self.token, [next(self.numbers)]))
            began = time.perf_counter()
            streams[1].write(request)
            head = (await streams[0].readuntil(b"\r\n\r\n")).lower()
            await streams[0].readexactly(int(head.split(b"content-length: ", 1)[1].split(b"\r", 1)[0]))
            waits.append(time.perf_counter() - began)
            self.statuses[int(head[9:12])] += 1
            await asyncio.sleep(random.uniform(0.5, 1.5) / pace)
        streams[1].close()
        return waits


@dataclass
class Measure:
    """The rounds of one line of the table."""

    waits: list[float] = field(default_factory=list)
    p99s: list[float] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)
    flood: Counter[str] = field(default_factory=Counter)
    busy: list[float] = field(default_factory=list)
    seconds: float = 0.0


class Field:
    """The server, the honest devices and the others."""

    def __init__(self, machine: Machine, options: Namespace) -> None:
        self.machine, self.options = machine, options
        self.statuses: Counter[int] = Counter()
        self.floods = 0
        self.greedy = machine.new_key("greedy")
        with machine.client(self.greedy) as client:
            (self.token,) = sessions.opened(client, 1)
        self.devices = list(self._bound(machine.new_key("honest")))

    def _bound(self, key: str) -> Sequence[Device]:
        """By binding tokens, as devices are: each gets a key that acts for it alone."""
        devices = []
        with self.machine.client(key) as desk:
            for index in range(self.options.devices):
                made = desk.post(
                    "/graphql", json={"query": "mutation { createBindingToken { token } }"}
                ).json()
                body = {"token": made["data"]["createBindingToken"]["token"], "serial_number": f"H{index}"}
                bound = desk.post("/v0/bind", json=body | {"model": "Bench"}).json()
                headers = {"x-api-key": bound["api_key"]}
                opened = desk.post("/v0/sessions", json={"deviceid": bound["deviceid"]}, headers=headers)
                address = f"127.0.0.{1 if index % 2 else 2 + index % 5}"
                token = opened.json()["token_session"]
                devices.append(Device(self.machine.port, bound["api_key"], token, address, self.statuses))
        return devices

    def run(self, kind: str, measure: Measure) -> None:
        flood = None if kind == "alone" else self._flood(kind)
        if flood:
            time.sleep(BEFORE)
        self.statuses.clear()
        worked, began = self.machine.worked, time.perf_counter()
        waits = uvloop.run(self._honest())
        seconds = time.perf_counter() - began
        measure.busy.append((self.machine.worked - worked) / seconds)
        measure.waits += waits
        measure.p99s.append(percentiles(waits)[1])
        measure.statuses += self.statuses
        measure.seconds += seconds + BEFORE
        if flood:
            measure.flood += Counter(json.loads(flood.communicate()[0]))

    async def _honest(self) -> list[float]:
        until = time.perf_counter() + self.options.seconds
        sent = await asyncio.gather(*(each.send(self.options.pace, until) for each in self.devices))
        return [wait for waits in sent for wait in waits]

    def _flood(self, kind: str) -> "subprocess.Popen[bytes]":
        pace, seconds = self.options.limit * self.options.times, self.options.seconds + BEFORE
        self.floods += 1
        words = [kind, self.machine.port, pace, seconds, self.greedy, self.token, self.floods * EACH]
        return subprocess.Popen(
            [sys.executable, "-m", "bench.flood", *map(str, words)], stdout=subprocess.PIPE
        )


def main() -> int:
    options = _options()
    chosen = cores.chosen(options)
    limits = {
        "PASSLINE_KEY_RATE": str(options.limit),
        "PASSLINE_KEY_BURST": str(options.limit * 40),
        "PASSLINE_BAD_KEY_RATE": "10",
        "PASSLINE_BAD_KEY_BURST": "20",
    }
    greedy = GREEDY.format(options.times)
    measures = {ALONE: Measure(), greedy: Measure(), KEYS: Measure()}
    with TemporaryDirectory(prefix="passline-bench-") as place:
        with Machine(Path(place), chosen, limits) as machine:
            ground = Field(machine, options)
            chosen.pin_load()
            for _ in range(options.rounds):
                for kind, measure in zip(("alone", "greedy", "keys"), measures.values(), strict=True):
                    ground.run(kind, measure)
                    time.sleep(1)
        taken = sum(each.statuses[201] + each.flood["201"] for each in measures.values())
        wrong = stored.problems(machine.database, taken)
    _show(measures, options)
    refused = [name for name, each in measures.items() if set(each.statuses) != {201}]
    return table.conclude(
        [*wrong, *(f"an honest device was refused {name}" for name in refused)],
        f"{taken:,} passings acknowledged, as many stored; no honest device was refused",
    )


def _show(measures: dict[str, Measure], options: Namespace) -> None:
    alone = median(measures[ALONE].p99s)
    lines = []
    for name, each in measures.items():
        p50, p99 = percentiles(each.waits)
        flood = ", ".join(
            f"{count / each.seconds:,.0f}/s {status}" for status, count in sorted(each.flood.items())
        )
        lines.append(
            [
                name,
                f"{len(each.waits):,}",
                str(each.statuses[429]),
                f"{p50:.2f}",
                f"{p99:.2f}",
                f"**{median(each.p99s) / alone:.2f}**",
                f"{median(each.busy):.0%}",
                flood,
            ]
        )
    title = (
        f"{options.devices} devices, {options.pace:g} passings a second each, half of them at the address "
        f"of the others; limit of a key {options.limit:g}/s; {options.rounds} rounds of {options.seconds:g} s"
    )
    headings = [
        "",
        "passings",
        "429",
        "p50 ms",
        "p99 ms",
        "p99, ratio",
        "server busy",
        "the other is answered",
    ]
    table.show(title, headings, lines)


def _options() -> Namespace:
    parser = ArgumentParser(prog="python -m bench.abuse", description=__doc__)
    parser.add_argument("--devices", type=int, default=100)
    parser.add_argument("--pace", type=float, default=2, help="passings of a device per second")
    parser.add_argument("--limit", type=float, default=50, help="points of a key per second")
    parser.add_argument("--times", type=int, default=50, help="how many times the limit is sent")
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--rounds", type=int, default=3)
    cores.add_options(parser, pinned=True)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
