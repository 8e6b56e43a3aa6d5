"""By which way PostgreSQL finds what the server asks for: the plans of hot requests, as they were run.

The server's own statements are explained, over HTTP, by PostgreSQL's auto_explain; nothing is copied here.
"""

import os
import re
import sys
import time
from argparse import ArgumentParser, Namespace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import orjson
import uvloop

from bench import cores, wire
from bench.backends import Postgres
from bench.year import SETTINGS, Ask, Year, asked, prepared

TELL = (
    "session_preload_libraries=auto_explain",
    "auto_explain.log_min_duration=0",
    "auto_explain.log_analyze=on",
    "auto_explain.log_buffers=on",
    "auto_explain.log_timing=off",
    "jit=off",
)
ENTRY = re.compile(r"duration: ([\d.]+) ms  plan:\n((?:\t.*\n)+)")
SETTLED = 7
"""Requests after which a prepared statement has the plan that serves any values."""
SETTLING = 5
"""Seconds after which the server has nothing left to do by itself after its start."""
BIG = ("passings", "telemetry")
TELEMETRY = (
    "query($d:String!){device(deviceId:$d){telemetry(last:50){edges{node{reportedAt batteryPercentage}}}}}"
)
PLOT = (
    "query($d:String!){device(deviceId:$d){telemetry(bucket:3600,last:24){edges{node{bucket{from reportCount "
    "batteryPercentage{min max average last}}}}}}}"
)
FLEET = "{devices(first:100){edges{node{deviceId passingCount health{connection mode batteryPercentage}}}}}"
BIB = "query($d:String!,$b:String!){passings(deviceId:$d,bib:$b,first:5){edges{node{number timestamp}}}}"


class Told(NamedTuple):
    """A statement that was run: milliseconds, its text in one line, its plan."""

    milliseconds: float
    statement: str
    plan: str


def more(year: Year) -> dict[str, tuple[Ask, bytes]]:
    """Requests beside those whose times are compared."""

    def graphql(query: str, **variables: str) -> tuple[Ask, bytes]:
        body = orjson.dumps({"query": query, "variables": variables})
        return (lambda: wire.post("/graphql", year.key, body)), b'"data":'

    device = year.history.device_id(0)
    return {
        "a device's newest telemetry": graphql(TELEMETRY, d=device),
        "a day of telemetry in buckets": graphql(PLOT, d=device),
        "100 devices with health and counts": graphql(FLEET),
        "a bib of a device": graphql(BIB, d=device, b="77"),
    }


def told(log: Path, start: int) -> list[Told]:
    """What was run since the log was so long, but for what is asked of small tables alone."""
    with log.open(encoding="utf-8") as file:
        file.seek(start)
        found = ENTRY.findall(file.read())
    entries = []
    for milliseconds, text in found:
        lines = [line[1:] for line in text.splitlines()]
        begin = next(number for number, line in enumerate(lines) if "(cost=" in line)
        statement = " ".join(" ".join(lines[:begin]).removeprefix("Query Text: ").split())
        entries.append(Told(float(milliseconds), statement, "\n".join(_short(lines[begin:]))))
    return [entry for entry in entries if any(f" {table}" in entry.plan for table in BIG)]


def _short(lines: list[str]) -> list[str]:
    """Without estimates: how many rows came, how many were thrown away, how many pages it took."""
    kept = [
        line for line in lines if not re.match(r" *(Output|Planning|Settings|Sort Method|Sort Key):", line)
    ]
    return [re.sub(r"  \(cost=\S+ rows=\S+ width=\S+\)", "", line) for line in kept]


def show(name: str, entries: list[Told]) -> None:
    print(f"\n### {name}\n")
    for entry in entries:
        print(f"`{entry.statement[:300]}` — {entry.milliseconds:.2f} ms\n\n```\n{entry.plan}\n```\n")


def main() -> int:
    options = _options()
    wrong = []
    with TemporaryDirectory(prefix="passline-bench-") as place:
        os.chmod(place, 0o755)  # PostgreSQL may run as another user
        with Postgres(Path(place), *SETTINGS, *TELL).running() as server:
            year = prepared(server, Path(place), cores.Cores(), "year", options.rows, options.rows)
            log = Path(place) / "postgresql.log"
            with year.machine:
                requests = year.requests() | more(year)
                for ask, holds in requests.values():
                    uvloop.run(asked(year, ask, holds, SETTLED))
                time.sleep(SETTLING)
                for name, (ask, holds) in requests.items():
                    uvloop.run(asked(year, ask, holds, SETTLED))
                    start = log.stat().st_size
                    uvloop.run(asked(year, ask, holds, 1))
                    entries = told(log, start)
                    show(name, entries)
                    scans = [f"Seq Scan on {table}" for table in BIG]
                    wrong += [name for entry in entries if any(scan in entry.plan for scan in scans)]
    print(
        "\n"
        + (f"WRONG: read from end to end by {wrong}" if wrong else "no big table is read from end to end")
    )
    return 1 if wrong else 0


def _options() -> Namespace:
    parser = ArgumentParser(prog="python -m bench.plans", description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000, help="passings, and as many reports")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
