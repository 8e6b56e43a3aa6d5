"""From the POST of a finish to the changed board at a follower, while others pass; and who hears nothing."""

import asyncio
import random
import sys
import time
from argparse import ArgumentParser, Namespace
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import uvloop

from bench import cores, results, sessions, table, wire
from bench.caller import Caller
from bench.desk import Desk
from bench.follower import Follower, Line
from bench.latency import Frames, hear_frames
from bench.machine import Machine, bare
from bench.rounds import percentiles

MARKS = 40
"""Intermediate checkpoints: enough for others to pass at something while the finishes are clocked."""
FINISHED = 60
"""Already in when the clock starts: half of them women, so that both boards are full of finishers."""
SILENT = 200
AT_ONCE = 10
WINNER = 2 * 3600.0
INTERVAL = "PASSLINE_LEADERBOARD_INTERVAL"


class Course(NamedTuple):
    """The race, and the session at each of its checkpoints, along the course."""

    race: str
    tokens: list[str]


@dataclass
class Clocked:
    """What was measured at one interval."""

    interval: float
    answers: list[float] = field(default_factory=list)
    frames: list[float] = field(default_factory=list)
    bare: list[float] = field(default_factory=list)
    others: int = 0
    seconds: float = 0.0
    men_only: int = 0
    one_woman: int = 0
    wrong: list[str] = field(default_factory=list)


def prepare(desk: Desk, machine: Machine, key: str, people: int) -> Course:
    """Even bibs are women, odd ones men."""
    spots = [*(f"{mark} km" for mark in range(1, MARKS + 1)), "finish"]
    kinds = {"finish": "FINISH"}
    checkpoints = [{"name": spot, "kind": kinds.get(spot, "INTERMEDIATE")} for spot in spots]
    waves = [{"name": "all", "gunTime": results.GUN}]
    event = desk.event("Follow", results.DAY)
    race = desk.race(event, {"name": "Race", "waves": waves, "checkpoints": checkpoints})
    bibs = range(1, people + 1)
    desk.enter(event, [{"bib": str(bib), "name": f"N{bib}", "gender": "FM"[bib % 2]} for bib in bibs])
    tokens = []
    with machine.client(key) as client:
        for spot in spots:
            device, token = sessions.on_device(client, spot)
            desk.serve(race.checkpoints[spot], device)
            tokens.append(token)
    return Course(race.id, tokens)


class Mats:
    """Sends what the mats detect, with fresh numbers."""

    def __init__(self, machine: Machine, key: str, course: Course) -> None:
        self._key, self._course = key, course
        self._caller = Caller(machine.port)
        self._number = 0

    async def detect(self, spot: int, reads: Sequence[tuple[float, int]]) -> None:
        numbered = []
        for at, bib in reads:
            self._number += 1
            numbered.append((self._number, at, str(bib)))
        body = wire.v0_reads(self._course.tokens[spot], numbered)
        answer = await self._caller.call(wire.post("/v0/passings", self._key, body))
        if answer.status != 201:
            raise RuntimeError(f"status {answer.status}: {answer.body!r}")

    async def finish(self, bib: int, at: float) -> None:
        await self.detect(MARKS, [(at, bib)])


def on_the_way(bibs: Sequence[int]) -> Iterator[tuple[int, list[tuple[float, int]]]]:
    """The others, mark by mark, a few at a time."""
    for mark in range(MARKS):
        for at in range(0, len(bibs), AT_ONCE):
            yield mark, [(150.0 * (mark + 1) + 0.05 * bib, bib) for bib in bibs[at : at + AT_ONCE]]


async def pass_by(mats: Mats, bibs: Sequence[int], rate: int, clocked: Clocked) -> None:
    """So many passings a second, until it is cancelled."""
    began = time.perf_counter()
    try:
        for mark, reads in on_the_way(bibs):
            await asyncio.sleep(max(0.0, began + clocked.others / rate - time.perf_counter()))
            await mats.detect(mark, reads)
            clocked.others += len(reads)
        clocked.wrong.append("the others were through before the last finish")
    finally:
        clocked.seconds = time.perf_counter() - began


async def clock(
    mats: Mats, follower: Follower, bibs: Sequence[int], in_memory: int, clocked: Clocked
) -> None:
    """Each finish is the fastest so far, so all lines of the board change with it. In turn with sockets that
    know no database and no board, on the same busy machine."""
    sockets, frames = Caller(in_memory), Frames()
    hearing = asyncio.create_task(hear_frames(in_memory, frames))
    came: asyncio.Queue[tuple[float, Line]] = asyncio.Queue()
    follower.heard = lambda update: came.put_nowait((time.perf_counter(), update))
    for place, bib in enumerate(bibs):
        await asyncio.sleep(random.uniform(0.02, 0.02 + clocked.interval))
        began = time.perf_counter()
        await mats.finish(bib, WINNER - place)
        clocked.answers.append(time.perf_counter() - began)
        while True:
            heard, update = await asyncio.wait_for(came.get(), 10)
            if any(line["bib"] == str(bib) for line in update["standings"]):
                break
            clocked.wrong.append(f"a message that tells nothing of bib {bib}, the only finisher")
        clocked.frames.append(heard - began)
        if (follower.shown[0]["bib"], len(follower.lines)) != (str(bib), follower.top):
            clocked.wrong.append(f"bib {bib} does not lead a board of {follower.top}")
        began = time.perf_counter()
        await sockets.call(wire.post("/post", "", wire.v0_reads("", [(place, WINNER, str(bib))])))
        clocked.bare.append(await asyncio.wait_for(frames.get(), 10) - began)
    hearing.cancel()


async def hush(mats: Mats, women: Follower, men: Sequence[int], woman: int, clocked: Clocked) -> None:
    """Men finish, each the fastest so far; then one woman does, to see that the follower hears at all."""
    before = women.updates
    for place, bib in enumerate(men):
        await mats.finish(bib, WINNER / 2 - place)
        await asyncio.sleep(random.uniform(0.0, 0.02))
    await asyncio.sleep(1 + clocked.interval)
    clocked.men_only = women.updates - before
    await mats.finish(woman, WINNER / 2)
    await asyncio.sleep(1 + clocked.interval)
    clocked.one_woman = women.updates - before - clocked.men_only


@asynccontextmanager
async def followed(follower: Follower) -> AsyncIterator[None]:
    task = asyncio.create_task(follower.follow())
    try:
        await asyncio.wait_for(follower.ready.wait(), 10)
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def run(
    machine: Machine, key: str, course: Course, in_memory: int, options: Namespace, clocked: Clocked
) -> None:
    mats, background = Mats(machine, key, course), Mats(machine, key, course)
    last = FINISHED + 1 + 2 * (options.finishes + SILENT)
    early, silent = range(FINISHED + 1, last - 2 * SILENT, 2), range(last - 2 * SILENT, last, 2)
    others = sorted(set(range(FINISHED + 1, options.people + 1)) - set(early) - set(silent) - {FINISHED + 2})
    await mats.detect(MARKS, [(WINNER + 60 + bib, bib) for bib in range(1, FINISHED + 1)])
    everybody = Follower(machine.url, key, course.race)
    women = Follower(machine.url, key, course.race, top=20, gender="F", counts=True)
    async with AsyncExitStack() as followers:
        await followers.enter_async_context(followed(everybody))
        passing = asyncio.create_task(pass_by(background, others, options.rate, clocked))
        await asyncio.sleep(1)
        await clock(mats, everybody, early, in_memory, clocked)
        passing.cancel()
        with suppress(asyncio.CancelledError):
            await passing
        await followers.enter_async_context(followed(women))
        await asyncio.sleep(1)
        await hush(mats, women, silent, FINISHED + 2, clocked)


def measured(interval: float, options: Namespace) -> Clocked:
    """A server of its own, with this least time between two messages."""
    chosen, clocked = cores.chosen(options), Clocked(interval)
    with TemporaryDirectory(prefix="passline-bench-") as place:
        settings = {INTERVAL: str(interval)}
        with Machine(Path(place), chosen, settings) as machine, bare("sockets", chosen) as in_memory:
            key = machine.new_key()
            with machine.client(key) as client:
                desk = Desk(client)
                course = prepare(desk, machine, key, options.people)
                uvloop.run(run(machine, key, course, in_memory, options, clocked))
                clocked.wrong += desk.differences(course.race)[:1]
    if clocked.men_only:
        clocked.wrong.append(f"{clocked.men_only} messages to the women's follower while men finished")
    if clocked.one_woman != 1:
        clocked.wrong.append(f"{clocked.one_woman} messages to the women's follower when a woman finished")
    return clocked


def main() -> int:
    options = _options()
    taken = [measured(interval, options) for interval in options.intervals]
    headings = ["interval ms", "p50 ms", "p99 ms", "p50 beyond it", "p99 beyond it"]
    headings += ["p50, p99 ms to the answer", "p50, p99 ms bare sockets", "others' passings/s"]
    headings += ["women's top 20: men finish", "one woman does"]
    title = (
        f"{options.finishes} finishes in a race of {options.people:,}, each a new leader of the top 50, "
        f"while {options.rate} passings/s of others arrive"
    )
    table.show(title, headings, [_cells(clocked) for clocked in taken])
    wrong = [f"{clocked.interval} s: {each}" for clocked in taken for each in clocked.wrong[:5]]
    return table.conclude(wrong, f"a message for each finish, to the women's follower none for {SILENT} men")


def _cells(clocked: Clocked) -> list[Any]:
    interval = clocked.interval * 1000
    middle, late = percentiles(clocked.frames)
    figures = [middle, late, middle - interval, late - interval]
    floors = [percentiles(taken) for taken in (clocked.answers, clocked.bare)]
    rate = clocked.others / clocked.seconds
    messages = [f"{clocked.men_only} messages", f"{clocked.one_woman} message"]
    return [
        f"{interval:.0f}",
        *(f"{figure:.1f}" for figure in figures),
        *(f"{p50:.1f}, {p99:.1f}" for p50, p99 in floors),
        f"{rate:,.0f}",
        *messages,
    ]


def _options() -> Namespace:
    parser = ArgumentParser(prog="python -m bench.follow", description=__doc__)
    parser.add_argument("--finishes", type=int, default=200)
    parser.add_argument("--people", type=int, default=2_000)
    parser.add_argument("--rate", type=int, default=500, help="passings of others, per second")
    parser.add_argument("--intervals", type=float, nargs="+", default=[0.2, 0.02], help="seconds")
    cores.add_options(parser, pinned=False)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
