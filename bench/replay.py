"""Plays a real race at full speed, with repeats and one device offline, while a subscriber follows it all."""

import asyncio
import sys
import time
from argparse import ArgumentParser, Namespace
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import uvloop

from bench import cores, stored, table
from bench.listener import Listener
from bench.machine import COMMAND, Machine

PATIENCE_SECONDS = 60.0


async def play(machine: Machine, key: str, options: Namespace) -> int:
    """The replay's own verdict, as its exit code; what it shows goes to standard error."""
    command = [COMMAND, "replay", options.file, "--url", machine.url, "--key", key, "--speed", "max"]
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


def main() -> int:
    options = _options()
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


def _options() -> Namespace:
    parser = ArgumentParser(prog="python -m bench.replay", description=__doc__)
    parser.add_argument("file", help="a results file with splits")
    parser.add_argument("--expect", type=int, default=287_302, help="passings that the file holds")
    parser.add_argument("--repeats", type=float, default=0.2)
    parser.add_argument("--devices-offline", type=int, default=1)
    cores.add_options(parser, pinned=False)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
