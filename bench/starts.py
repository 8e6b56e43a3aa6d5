"""A start line: raw reads by the million of people who stand on the mat. The last read of each must count."""

import asyncio
import random
import sys
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import uvloop

from bench import cores, results, sessions, stored, table, wire
from bench.desk import Desk, Race
from bench.follower import Follower
from bench.load import Run, send
from bench.machine import Machine

BEFORE, AFTER = 600.0, 900.0
"""Seconds before the gun when the first step on the mat, and after it until the last are off."""
LINE = "rank bib gunTime netTime state splits{gunTime}"
RACE = {
    "name": "Half marathon",
    "waves": [{"name": "all", "gunTime": results.GUN}],
    "checkpoints": [{"name": "start", "kind": "START"}, {"name": "finish", "kind": "FINISH"}],
}


class Crowd(NamedTuple):
    """When each leaves the mat, in seconds after the gun by bib, and the calls of the mat's readers."""

    left: dict[str, float]
    calls: list[bytes]


def crowd(tokens: Sequence[str], key: str, options: Namespace) -> Crowd:
    """Everybody is read again and again, by any reader, until they leave. Calls come in any order."""
    left = {str(bib): round(random.uniform(0.0, AFTER), 3) for bib in range(1, options.people + 1)}
    each, more = divmod(options.reads, options.people)
    reads = []
    for place, (bib, leaves) in enumerate(left.items()):
        came = random.uniform(-BEFORE, leaves)
        reads += [(random.uniform(came, leaves), bib) for _ in range(each - 1 + (place < more))]
        reads.append((leaves, bib))
    random.shuffle(reads)
    calls = []
    for turn, at in enumerate(range(0, len(reads), options.batch)):
        batch = [(number, when, bib) for number, (when, bib) in enumerate(reads[at : at + options.batch], at)]
        body = wire.v0_reads(tokens[turn % len(tokens)], batch)
        calls.append(wire.post("/v0/passings", key, body))
    random.shuffle(calls)
    return Crowd(left, calls)


async def play(machine: Machine, calls: list[bytes], follower: Follower, readers: int) -> tuple[Run, float]:
    """How the calls went, and the seconds until the followed board knew all of it."""
    following = asyncio.create_task(follower.follow())
    await asyncio.wait_for(follower.ready.wait(), 30)
    run = await send(machine.port, calls, readers, b"201")
    over, seen = time.perf_counter(), -1
    while seen != follower.updates:
        seen = follower.updates
        await asyncio.sleep(3)
    following.cancel()
    with suppress(asyncio.CancelledError):
        await following
    return run, max(0.0, follower.heard_at - over)


def doubts(lines: list[dict[str, Any]], left: dict[str, float]) -> list[str]:
    """What is wrong with the board."""
    ranks = results.ranks((bib, round(seconds * 1000)) for bib, seconds in left.items())
    found = {line["bib"]: line for line in lines}
    wrong = [] if found.keys() == left.keys() else [f"{len(found):,} are on the board, not {len(left):,}"]
    several = sum(len(line["splits"]) != 1 for line in lines)
    late = sum(
        bib not in found or found[bib]["gunTime"] is None or abs(found[bib]["gunTime"] - seconds) > 1e-6
        for bib, seconds in left.items()
    )
    misplaced = sum(bib not in found or found[bib]["rank"] != rank for bib, rank in ranks.items())
    wrong += [f"{several:,} do not have one start"] if several else []
    wrong += [f"{late:,} have a start that is not their last read"] if late else []
    return wrong + ([f"{misplaced:,} have another rank"] if misplaced else [])


def prepare(desk: Desk, machine: Machine, key: str, options: Namespace) -> tuple[Race, list[str]]:
    event = desk.event("Start line", results.DAY)
    race = desk.race(event, RACE)
    desk.enter(event, [{"bib": str(bib), "name": f"N{bib}"} for bib in range(1, options.people + 1)])
    with machine.client(key) as client:
        opened = [sessions.on_device(client, f"READER-{place}") for place in range(options.readers)]
    for session in opened:
        desk.serve(race.checkpoints["start"], session.device)
    return race, [session.token for session in opened]


def main() -> int:
    options = _options()
    chosen = cores.chosen(options)
    with TemporaryDirectory(prefix="passline-bench-") as place, Machine(Path(place), chosen) as machine:
        key = machine.new_key()
        with machine.client(key) as client:
            desk = Desk(client)
            race, tokens = prepare(desk, machine, key, options)
            people = crowd(tokens, key, options)
            chosen.pin_load()
            before, worked = machine.memory, machine.worked
            follower = Follower(machine.url, key, race.id)
            run, behind = uvloop.run(play(machine, people.calls, follower, options.readers))
            worked, memory = machine.worked - worked, machine.memory
            lines = desk.board(race.id, checkpoint=race.checkpoints["start"], line=LINE)
            wrong = stored.problems(machine.database, options.reads) + doubts(lines, people.left)
            if found := desk.differences(race.id):
                wrong.append(f"the board differs from one made from scratch in {len(found)}: {found[0]}")
    figures = {
        "taken in per second": f"{options.reads / run.seconds:,.0f}",
        "server µs each": f"{worked / options.reads * 1e6:.1f}",
        "slowest call, s": f"{max(run.waits):.2f}",
        "board behind at the end, s": f"{behind:.2f}",
        "updates to a follower of the top 50": f"{follower.updates:,}",
        "counted starts": f"{sum(len(line['splits']) for line in lines):,}",
        "server MB before": f"{before:,.0f}",
        "server MB after": f"{memory:,.0f}",
    }
    title = (
        f"{options.reads:,} reads of {options.people:,} people by {options.readers} readers of a start mat, "
        f"{options.batch:,} in a call"
    )
    table.show(title, list(figures), [list(figures.values())])
    return table.conclude(wrong, "everybody has one counted start, their last read, and the board is right")


def _options() -> Namespace:
    parser = ArgumentParser(prog="python -m bench.starts", description=__doc__)
    parser.add_argument("--reads", type=int, default=1_500_000)
    parser.add_argument("--people", type=int, default=18_000)
    parser.add_argument("--readers", type=int, default=4)
    parser.add_argument("--batch", type=int, default=5_000)
    cores.add_options(parser, pinned=False)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
