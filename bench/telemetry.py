"""A million telemetry reports: how 500 devices stand, and a week of one of them in 200 buckets."""

import asyncio
import sqlite3
import sys
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import orjson
import uvloop

from bench import cores, table, wire
from bench.caller import Caller
from bench.load import Run, drive
from bench.machine import Machine
from bench.rounds import percentiles

AT_ONCE = 1_000
MINUTE = timedelta(minutes=1)
WEEK = 7 * 24 * 60
BUCKETS = 200
WIDTH = WEEK * 60 // BUCKETS
GLANCE = (
    "query($n:Int!){devices(first:$n){edges{node{deviceId alias health{connection mode deviceStatus "
    "batteryPercentage charging temperature readerConnected passingsPending firmware age}}}}}"
)
ALL = (
    "query($n:Int!){devices(first:$n){edges{node{deviceId serialNumber model alias firmware lastSeenAt "
    "health{connection reportedAt age deviceStatus mode batteryPercentage charging voltage temperature "
    "latitude longitude altitude connectivity signalStrength readerConnected antennas firmware "
    "passingsPending clockSource alarms{kind severity}}}}}}"
)
PLOT = (
    "query($d:String!,$w:Int!,$from:Instant!,$to:Instant!){device(deviceId:$d){telemetry(bucket:$w,from:$from,"
    "to:$to,first:1000){edges{node{bucket{from reportCount batteryPercentage{min max average last}"
    "voltage{min max average last}temperature{min max average last}}}}}}}"
)
BARE_HEALTH = (
    "SELECT * FROM devices JOIN device_states ON device_states.device_row = devices.id JOIN telemetry ON "
    "telemetry.device_row = devices.id AND telemetry.reported_at = device_states.reported_at LIMIT 500"
)
BARE_PLOT = (
    "SELECT reported_at / :width, count(*), min(battery_percentage), max(battery_percentage), "
    "avg(battery_percentage), min(voltage), max(voltage), avg(voltage), min(temperature), max(temperature), "
    "avg(temperature) FROM telemetry WHERE device_row = :device AND reported_at BETWEEN :from AND :to "
    "GROUP BY 1"
)


def report(at: datetime, number: int) -> dict[str, Any]:
    """All that a device can tell of itself, but for its settings."""
    return {
        "reported_at": at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "device_status": "timing",
        "mode": "IDLE",
        "battery_percentage": 100 - number % 90 / 2,
        "charging": number % 7 == 0,
        "voltage": 12 + number % 20 / 10,
        "temperature": 20 + number % 300 / 10,
        "latitude": 41.3879,
        "longitude": 2.16992,
        "altitude": 12,
        "connectivity": "CELLULAR",
        "signal_strength": -60 - number % 30,
        "reader_connected": True,
        "antennas": 4,
        "firmware": "2.4.1",
        "passings_pending": number % 5,
        "clock_source": "GPS",
    }


@dataclass
class Fleet:
    """Devices with a history that ends now, a report a minute; the first one's goes back a week at least."""

    machine: Machine
    key: str
    ends: datetime = field(default_factory=lambda: datetime.now(UTC).replace(microsecond=0))
    devices: list[str] = field(default_factory=list)

    def bind(self, count: int) -> None:
        with self.machine.client(self.key) as client:
            for number in range(count):
                new = {"model": "Mat", "serial_number": f"FLEET-{number:05}", "alias": f"Mat {number}"}
                self.devices.append(
                    client.post("/v0/devices", json=new).raise_for_status().json()["deviceid"]
                )

    def load(self, rows: int) -> Run:
        first, *others = self.devices
        each = max(1, (rows - WEEK) // len(others))
        calls = [*self._calls(first, rows - each * len(others))]
        calls += [call for device in others for call in self._calls(device, each)]
        return drive(self.machine.port, calls, 4, b"201")

    def _calls(self, device: str, rows: int) -> Iterator[bytes]:
        oldest = self.ends - rows * MINUTE
        for at in range(0, rows, AT_ONCE):
            numbers = range(at, min(at + AT_ONCE, rows))
            body = orjson.dumps({"reports": [report(oldest + (n + 1) * MINUTE, n) for n in numbers]})
            yield wire.post(f"/v0/devices/{device}/telemetry", self.key, body)


async def asked(
    machine: Machine, key: str, query: str, rounds: int, **variables: Any
) -> tuple[list[float], Any]:
    """Seconds until the answer, one at a time, and the last answer."""
    caller = Caller(machine.port)
    request = wire.post("/graphql", key, orjson.dumps({"query": query, "variables": variables}))
    taken, data = [], {}
    for _ in range(rounds):
        began = time.perf_counter()
        answer = await caller.call(request)
        taken.append(time.perf_counter() - began)
        data = answer.json()
        if answer.status != 200 or "errors" in data:
            raise RuntimeError(f"status {answer.status}: {answer.body[:500]!r}")
        await asyncio.sleep(0.02)
    caller.close()
    return taken, data["data"]


def bare(path: Path, query: str, rounds: int, **values: Any) -> list[float]:
    """Seconds of the same read through the driver alone, in this process."""
    taken = []
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
        for _ in range(rounds):
            began = time.perf_counter()
            database.execute(query, values).fetchall()
            taken.append(time.perf_counter() - began)
    return taken


def measured(fleet: Fleet, rounds: int) -> tuple[list[list[str]], list[str]]:
    """The lines of the table, and what is wrong with the answers."""
    machine, key, path = fleet.machine, fleet.key, fleet.machine.database
    from_ = fleet.ends - WEEK * MINUTE + MINUTE
    plot = {"d": fleet.devices[0], "w": WIDTH, "from": from_.isoformat(), "to": fleet.ends.isoformat()}
    bounds = {"from": _micros(from_), "to": _micros(fleet.ends), "device": 1, "width": WIDTH * 1_000_000}
    measures: dict[str, tuple[str, dict[str, Any], str, dict[str, Any]]] = {
        "health of 500 devices, 12 fields each": (GLANCE, {"n": 500}, BARE_HEALTH, {}),
        "the same, 27 fields each and open alarms": (ALL, {"n": 500}, BARE_HEALTH, {}),
        f"a week of one device in {BUCKETS} buckets, 14 figures each": (PLOT, plot, BARE_PLOT, bounds),
    }
    lines, wrong = [], []
    for name, (query, variables, sql, values) in measures.items():
        uvloop.run(asked(machine, key, query, 3, **variables))
        bare(path, sql, 3, **values)
        taken, alone = list[float](), list[float]()
        data: Any = {}
        for _ in range(rounds):
            mine, data = uvloop.run(asked(machine, key, query, 5, **variables))
            taken += mine
            alone += bare(path, sql, 5, **values)
        wrong += _problems(name, data)
        ratio = median(taken) / median(alone)
        lines.append([name, *_cells(taken), f"{max(taken) * 1000:.1f}", _cells(alone)[0], f"{ratio:.1f}"])
    return lines, wrong


def _micros(at: datetime) -> int:
    return int(at.timestamp()) * 1_000_000


def _cells(seconds: list[float]) -> list[str]:
    return [f"{figure:.1f}" for figure in percentiles(seconds)]


def _problems(name: str, data: Any) -> list[str]:
    if "devices" in data:
        nodes = [edge["node"]["health"] for edge in data["devices"]["edges"]]
        whole = len(nodes) == 500 and all(each["deviceStatus"] == "timing" for each in nodes)
    else:
        nodes = [edge["node"]["bucket"] for edge in data["device"]["telemetry"]["edges"]]
        whole = sum(each["reportCount"] for each in nodes) == WEEK and len(nodes) in (BUCKETS, BUCKETS + 1)
    return [] if whole else [f"{name}: not all is in the answer"]


def main() -> int:
    options = _options()
    chosen = cores.chosen(options)
    with TemporaryDirectory(prefix="passline-bench-") as place, Machine(Path(place), chosen) as machine:
        fleet = Fleet(machine, machine.new_key())
        fleet.bind(options.devices)
        chosen.pin_load()
        before = machine.worked
        loading = fleet.load(options.rows)
        worked = machine.worked - before
        lines, wrong = measured(fleet, options.rounds)
    rate = options.rows / loading.seconds
    size = [
        f"{options.rows:,}",
        f"{loading.seconds:.0f}",
        f"{rate:,.0f}",
        f"{worked / options.rows * 1e6:.1f}",
    ]
    table.show(
        "Loaded, 1,000 reports a POST, 4 connections", ["reports", "s", "reports/s", "server µs each"], [size]
    )
    headings = ["", "p50 ms", "p99 ms", "slowest", "bare SQL p50 ms", "ratio"]
    table.show(f"{options.rows:,} reports of {options.devices} devices, over HTTP", headings, lines)
    return table.conclude(wrong, "every device and every report of the week is in the answers")


def _options() -> Namespace:
    parser = ArgumentParser(prog="python -m bench.telemetry", description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--devices", type=int, default=500)
    parser.add_argument("--rounds", type=int, default=10)
    cores.add_options(parser, pinned=False)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
