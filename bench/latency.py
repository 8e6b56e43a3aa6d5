"""From a POST to the frame on a subscriber's socket, on an idle server, or with `--sockets` to those of a
stadium, beside the same in memory."""

import asyncio
import random
import sys
import time
from argparse import ArgumentParser, Namespace
from pathlib import Path
from tempfile import TemporaryDirectory

import uvloop
from websockets.asyncio.client import connect

from bench import cores, sessions, stadium, stored, table, wire
from bench.caller import Caller
from bench.disk import BareTable
from bench.listener import Listener
from bench.machine import Machine, bare
from bench.rounds import percentiles

Frames = asyncio.Queue[float]
Clocked = list[tuple[float, float]]


async def hear_passings(listener: Listener, frames: Frames) -> None:
    async for _ in listener.hear():
        frames.put_nowait(time.perf_counter())


async def hear_frames(port: int, frames: Frames) -> None:
    async with connect(f"ws://127.0.0.1:{port}/listen", compression=None, proxy=None) as socket:
        async for _ in socket:
            frames.put_nowait(time.perf_counter())


async def clocked(caller: Caller, request: bytes, frames: Frames) -> tuple[float, float]:
    """Seconds until the answer, and until the frame, after a moment of rest."""
    await asyncio.sleep(random.uniform(0.002, 0.01))
    began = time.perf_counter()
    answer = await caller.call(request)
    answered = time.perf_counter() - began
    if answer.status != 201:
        raise RuntimeError(f"status {answer.status}: {answer.body!r}")
    heard = await asyncio.wait_for(frames.get(), 10)
    return answered, heard - began


async def race(machine: Machine, key: str, token: str, in_memory: int, count: int) -> tuple[Clocked, Clocked]:
    """Both servers in turn, one passing at a time; a listener that fails ends the race."""
    ours, theirs = Frames(), Frames()
    async with asyncio.TaskGroup() as listening:
        tasks = [
            listening.create_task(hear_passings(Listener(machine.url, key, token), ours)),
            listening.create_task(hear_frames(in_memory, theirs)),
        ]
        await asyncio.sleep(0.5)
        to_us, to_them = Caller(machine.port), Caller(in_memory)
        mine, others = [], []
        for number in range(1, count + 1):
            body = wire.v0_body(token, [number])
            mine.append(await clocked(to_us, wire.post("/v0/passings", key, body), ours))
            others.append(await clocked(to_them, wire.post("/post", key, body), theirs))
        for task in tasks:
            task.cancel()
    assert ours.empty() and theirs.empty(), "a frame too many"
    return mine, others


def main() -> int:
    options = _options()
    chosen = cores.chosen(options)
    if options.sockets:
        return stadium.clock(options, chosen)
    with TemporaryDirectory(prefix="passline-bench-") as place:
        with Machine(Path(place), chosen) as machine, bare("sockets", chosen) as in_memory:
            key = machine.new_key()
            with machine.client(key) as client:
                (token,) = sessions.opened(client, 1)
            chosen.pin_load()
            mine, others = uvloop.run(race(machine, key, token, in_memory, options.count))
            commits = BareTable(Path(place)).fill_one_by_one(options.count)
        wrong = stored.problems(machine.database, options.count)
    lines = [
        ["Passline: durable POST → frame", *_cells(mine)],
        ["bare ASGI socket, in memory: POST → frame", *_cells(others)],
        ["one SQLite commit of one row", *_milliseconds(commits), "", ""],
    ]
    headings = ["", "p50 ms", "p99 ms", "p50 ms to the answer", "p99 ms to the answer"]
    table.show(f"{options.count} passings, one at a time", headings, lines)
    return table.conclude(wrong, "as many stored as sent, none doubled, one frame for each")


def _cells(clocked: Clocked) -> list[str]:
    answers, frames = zip(*clocked, strict=True)
    return _milliseconds(frames) + _milliseconds(answers)


def _milliseconds(seconds: tuple[float, ...] | list[float]) -> list[str]:
    return [f"{figure:.2f}" for figure in percentiles(list(seconds))]


def _options() -> Namespace:
    parser = ArgumentParser(prog="python -m bench.latency", description=__doc__)
    parser.add_argument("--count", type=int, default=500, help="passings, without --sockets")
    stadium.add_options(parser)
    cores.add_options(parser, pinned=False)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
