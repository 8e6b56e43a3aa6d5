"""A fleet that falls silent all at once: when is each subscriber told of each device?"""

import sys
import time
from argparse import ArgumentParser, Namespace
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from statistics import quantiles
from tempfile import TemporaryDirectory
from typing import Any

import httpx
import orjson

from bench import cores, load, table, wire
from bench.hearers import Heard, following
from bench.machine import Machine

CONNECTED = 150.0
"""Seconds after its last sign of life for which a device is connected."""
INTERVAL = 0.5
"""The server's PASSLINE_FLEET_INTERVAL: how often it looks, at most."""
TOGETHER = "subscription { devices { deviceId connection } }"
ALONE = "subscription { ... on Subscription { devices { deviceId connection } } }"
"""The same, in a form that the server executes for each socket alone."""
SEEN = "{ devices(first: 1000) { edges { node { deviceId lastSeenAt connection } } } }"


@dataclass
class Told:
    """What came of one silence."""

    devices: int
    subscribers: int
    delays: list[float] = field(default_factory=list)
    """From a device's own instant of silence to each delivery."""
    last: float = 0.0
    """From the last device's instant to the last delivery."""
    spread: float = 0.0
    """Between the first report and the last."""
    rate: float = 0.0
    served: float = 0.0
    busy: float = 0.0
    wrong: list[str] = field(default_factory=list)


def bound(client: httpx.Client, count: int) -> list[str]:
    """The names of so many new devices."""
    bodies = ({"model": "Mat", "serial_number": f"SILENT-{place:04d}"} for place in range(count))
    return [client.post("/v0/devices", json=body).raise_for_status().json()["deviceid"] for body in bodies]


def report(port: int, key: str, names: Sequence[str]) -> None:
    """Each device says once that it is there."""
    requests = [wire.post(f"/v0/devices/{name}/telemetry", key, b'{"mode":"IDLE"}') for name in names]
    load.drive(port, requests, 200, b"201")


def silences(client: httpx.Client) -> dict[str, float]:
    """When each device is silent, by the server's own account of its last sign of life."""
    answer = client.post("/graphql", json={"query": SEEN}).raise_for_status().json()
    nodes = [edge["node"] for edge in answer["data"]["devices"]["edges"]]
    return {
        node["deviceId"]: datetime.fromisoformat(node["lastSeenAt"]).timestamp() + CONNECTED
        for node in nodes
        if node["connection"] == "CONNECTED"
    }


def measured(machine: Machine, options: Namespace, query: str) -> Told:
    told = Told(options.devices, options.subscribers)
    key = machine.new_key()
    with machine.client(key) as client:
        names = bound(client, options.devices)
        with following(machine.port, key, [query] * options.subscribers, options.processes) as crowd:
            time.sleep(1)
            report(machine.port, key, names)
            silent = silences(client)
            if len(silent) != len(names):
                told.wrong.append(f"{len(silent)} of {len(names)} devices are connected after their report")
            first, last = min(silent.values()), max(silent.values())
            told.spread = last - first
            time.sleep(first - 1 - time.time())
            worked = machine.worked
            time.sleep(last + options.patience - time.time())
            told.served = machine.worked - worked
            sum_up(told, crowd.hear(first - 1), silent)
    return told


def sum_up(told: Told, processes: Sequence[Heard], silent: dict[str, float]) -> None:
    times: list[float] = []
    for heard in processes:
        frames = [_device(frame) for frame in heard.frames]
        for moments in _by_socket(heard):
            count = Counter(frames[which]["deviceId"] for _, which in moments)
            told.wrong += _differences(count, silent)
            told.wrong += ["a device that was not silent" for _, which in moments if _alive(frames[which])]
            told.delays += [at - silent[frames[which]["deviceId"]] for at, which in moments]
            times += [at for at, _ in moments]
        told.busy = max(told.busy, heard.busy)
    if times:
        told.rate = len(times) / (max(times) - min(times))
        told.last = max(times) - max(silent.values())


def _by_socket(heard: Heard) -> Iterator[list[tuple[float, int]]]:
    start = 0
    for count in heard.sockets:
        yield list(zip(heard.at[start : start + count], heard.which[start : start + count], strict=True))
        start += count


def _differences(count: Counter[str], silent: dict[str, float]) -> Iterator[str]:
    missing = len(silent) - len(count)
    doubled = sum(count.values()) - len(count)
    if missing or doubled:
        yield f"a subscriber missed {missing} devices and heard of {doubled} twice"


def _alive(device: dict[str, Any]) -> bool:
    return bool(device["connection"] != "DISCONNECTED")


def _device(frame: bytes) -> dict[str, Any]:
    match orjson.loads(frame):
        case {"type": "next", "payload": {"data": {"devices": dict(device)}}}:
            return device
    raise RuntimeError(f"the subscription said {frame.decode()}")


def main() -> int:
    options = _options()
    chosen = cores.chosen(options)
    ways = {"one execution for all": TOGETHER} | ({"each for itself": ALONE} if options.alone else {})
    lines, wrong = [], []
    for name, query in ways.items():
        with TemporaryDirectory(prefix="passline-bench-") as place, Machine(Path(place), chosen) as machine:
            told = measured(machine, options, query)
        wrong += [f"{name}: {each}" for each in told.wrong[:3]]
        lines.append([name, *_cells(told)])
    title = (
        f"{options.devices:,} devices fall silent at once before {options.subscribers} subscribers; the "
        f"server looks every {INTERVAL} s"
    )
    headings = ["", "told", "first ms", "p50 ms", "p99 ms", "last ms", "after the last device's ms"]
    headings += ["deliveries/s", "server s", "server µs each", "reader busy", "reports within s"]
    table.show(title, headings, lines)
    return table.conclude(wrong, "each subscriber was told once of each device")


def _cells(told: Told) -> list[str]:
    if not told.delays:
        return ["0", *[""] * 10]
    cuts = quantiles(told.delays, n=100)
    moments = [min(told.delays), cuts[49], cuts[98], max(told.delays), told.last]
    each = told.served / len(told.delays) * 1e6
    return [
        f"{len(told.delays):,}",
        *(f"{moment * 1000:,.0f}" for moment in moments),
        f"{told.rate:,.0f}",
        f"{told.served:.2f}",
        f"{each:.1f}",
        f"{told.busy:.0%}",
        f"{told.spread:.2f}",
    ]


def _options() -> Namespace:
    parser = ArgumentParser(prog="python -m bench.silence", description=__doc__)
    parser.add_argument("--devices", type=int, default=1_000)
    parser.add_argument("--subscribers", type=int, default=200)
    parser.add_argument("--processes", type=int, default=2, help="of subscribers")
    parser.add_argument("--patience", type=float, default=10.0, help="seconds to listen after the silence")
    parser.add_argument("--alone", action="store_true", help="also without sharing, for comparison")
    cores.add_options(parser, pinned=False)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
