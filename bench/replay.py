"""Plays a real race at full speed, with repeats and one device offline, while a subscriber follows it all."""

import asyncio
import sys
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Coroutine
from contextlib import suppress
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import NamedTuple

import uvloop

from bench import cores, results, stored, table
from bench.desk import Desk
from bench.follower import Follower
from bench.listener import Listener
from bench.machine import COMMAND, Machine

PATIENCE_SECONDS = 60.0
RACES = "query($e:String!){event(token:$e){races{id}}}"


async def play(machine: Machine, key: str, options: Namespace, *more: str) -> int:
    """The replay's own verdict, as its exit code; what it shows goes to standard error."""
    command = [COMMAND, "replay", options.file, "--url", machine.url, "--key", key, "--speed", "max", *more]
    command += ["--repeats", str(options.repeats), "--devices-offline", str(options.devices_offline)]
    process = await asyncio.create_subprocess_exec(*command, stdout=sys.stderr)
    return await process.wait()


async def follow(listener: Listener, expected: int) -> None:
    """Ends soon after the last expected passing, so that one too many is still heard."""
    late = False
    with suppress(TimeoutError):
        async with asyncio.timeout(None) as limit:
            async for _ in listener.hear():
                if not late and len(listener.numbers) >= expected:
                    late = True
                    limit.reschedule(asyncio.get_running_loop().time() + 1.0)


async def replay(machine: Machine, key: str, options: Namespace) -> tuple[int, float, float, Listener]:
    """The exit code, the seconds of the play, those that the subscriber needed beyond it, what it heard."""
    listener = Listener(machine.url, key)
    following = asyncio.create_task(follow(listener, options.expect))
    began = time.perf_counter()
    code = await play(machine, key, options)
    played = time.perf_counter()
    while len(listener.numbers) < options.expect and time.perf_counter() - played < PATIENCE_SECONDS:
        await asyncio.sleep(0.01)
    caught_up = time.perf_counter()
    with suppress(TimeoutError):
        await asyncio.wait_for(following, 5)
    return code, played - began, caught_up - played, listener


def listened(options: Namespace) -> int:
    chosen = cores.chosen(options)
    with TemporaryDirectory(prefix="passline-bench-") as place:
        with Machine(Path(place), chosen) as machine:
            key = machine.new_key()
            chosen.pin_load()
            code, seconds, behind, listener = uvloop.run(replay(machine, key, options))
        wrong = stored.problems(machine.database, options.expect)
        if listener.numbers != stored.numbers(machine.database):
            wrong.append(
                f"the subscriber heard {len(listener.numbers):,} passings, or not in the stored order"
            )
    if code:
        wrong.append(f"passline replay ended with {code}")
    figures = {
        "new passings": f"{options.expect:,}",
        "heard by the subscriber": f"{len(listener.numbers):,}",
        "seconds": f"{seconds:.1f}",
        "new passings/s": f"{options.expect / seconds:,.0f}",
        "subscriber behind at the end, s": f"{behind:.2f}",
    }
    offline = f"{options.devices_offline} device(s) offline"
    title = f"{Path(options.file).name} at full speed, {options.repeats:.0%} repeats, {offline}"
    table.show(title, list(figures), [list(figures.values())])
    return table.conclude(wrong, "every passing is stored once and was heard once, in the order of storing")


class Turn(NamedTuple):
    """One play: new passings per second, seconds of the server's processor from the first passing to the end,
    messages to the follower if there was one, and what was wrong."""

    rate: float
    worked: float
    updates: int
    wrong: list[str]


def turn(options: Namespace, boards: bool) -> Turn:
    """On a server of its own: everybody entered, every mat serving and a follower; or without any event."""
    chosen = cores.chosen(options)
    with TemporaryDirectory(prefix="passline-bench-") as place:
        with Machine(Path(place), chosen) as machine:
            key = machine.new_key()
            chosen.pin_load()
            done = uvloop.run(ranked(machine, key, options) if boards else unranked(machine, key, options))
        wrong = done.wrong + stored.problems(machine.database, options.expect)
        return done._replace(rate=options.expect / stored.seconds(machine.database), wrong=wrong)


async def unranked(machine: Machine, key: str, options: Namespace) -> Turn:
    worked, code = await clocked(machine, play(machine, key, options))
    return Turn(0, worked, 0, [f"passline replay ended with {code}"] if code else [])


async def clocked(machine: Machine, play: Coroutine[None, None, int]) -> tuple[float, int]:
    """What the server worked from the first passing on, and the play's exit code."""
    playing, before = asyncio.create_task(play), 0.0
    while not before and not playing.done():
        await asyncio.sleep(0.1)
        before = machine.worked if stored.any_yet(machine.database) else 0.0
    code = await playing
    return machine.worked - before, code


async def ranked(machine: Machine, key: str, options: Namespace) -> Turn:
    with machine.client(key) as client:
        desk = Desk(client)
        event = desk.event("Replay", results.DAY)
        playing = asyncio.create_task(clocked(machine, play(machine, key, options, "--event", event)))
        while not (race := await first_race(desk, event)):
            if playing.done():
                raise RuntimeError(f"passline replay ended with {playing.result()} before there was a race")
            await asyncio.sleep(0.1)
        follower = Follower(machine.url, key, race)
        following = asyncio.create_task(follower.follow())
        worked, code = await playing
        following.cancel()
        with suppress(asyncio.CancelledError):
            await following
        wrong = [f"passline replay ended with {code}"] if code else []
        for each in desk.ask(RACES, e=event)["races"]:
            wrong += desk.differences(each["id"])[:1]
    return Turn(0, worked, follower.updates, wrong)


async def first_race(desk: Desk, event: str) -> str | None:
    """The id of the race that the replay makes first, the one with most people."""
    races = (await asyncio.to_thread(desk.ask, RACES, e=event))["races"]
    return races[0]["id"] if races else None


def compared(options: Namespace) -> int:
    """Boards off and on in turn; the figure is the share of speed that is left with them on."""
    turns: dict[bool, list[Turn]] = {False: [], True: []}
    for _ in range(options.rounds):
        for boards, taken in turns.items():
            taken.append(turn(options, boards))
    rates = {boards: [each.rate for each in taken] for boards, taken in turns.items()}
    share = median(rates[True]) / median(rates[False])
    lines = [
        [
            f"boards {'on' if boards else 'off'}",
            f"{median(rates[boards]):,.0f}",
            f"{min(rates[boards]):,.0f}–{max(rates[boards]):,.0f}",
            f"{median(each.worked for each in turns[boards]) / options.expect * 1e6:.1f}",
            f"{median(each.updates for each in turns[boards]):,.0f}" if boards else "",
            f"**{share:.2f}** of boards off" if boards else "",
        ]
        for boards in (True, False)
    ]
    name = Path(options.file).name
    title = f"{name} at full speed, {options.repeats:.0%} repeats, {options.rounds} times in turn, followed"
    headings = [
        "",
        "new passings/s, median",
        "lowest–highest",
        "server µs each",
        "updates to the follower",
        "ratio",
    ]
    table.show(title, headings, lines)
    wrong = [each for taken in turns.values() for one in taken for each in one.wrong]
    return table.conclude(wrong, "every passing is stored once, and the boards equal ones made from scratch")


def main() -> int:
    options = _options()
    return compared(options) if options.boards else listened(options)


def _options() -> Namespace:
    parser = ArgumentParser(prog="python -m bench.replay", description=__doc__)
    parser.add_argument("file", help="a results file with splits")
    parser.add_argument("--expect", type=int, default=287_302, help="passings that the file holds")
    parser.add_argument("--repeats", type=float, default=0.2)
    parser.add_argument("--devices-offline", type=int, default=1)
    parser.add_argument("--boards", action="store_true", help="with boards on and off in turn, no listener")
    parser.add_argument("--rounds", type=int, default=2, help="of each, with --boards")
    cores.add_options(parser, pinned=False)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
