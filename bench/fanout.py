"""A leaderboard and a stadium of sockets: messages delivered a second, beside ceilings and other servers."""

import gc
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from contextlib import ExitStack
from time import sleep

from bench import contenders, cores, crowd, table
from bench.contenders import OURS, SOCKET, Contender, passline
from bench.cores import Cores
from bench.machine import memory, worked
from bench.paces import at_full_speed
from bench.rounds import Samples

WARM_UP = 0.5
"""Seconds at full speed before the clock starts, in each round."""
IDLE = 3.0
"""Seconds of rest before memory is looked at."""


def measure(contender: Contender, sockets: int, seconds: float, samples: Samples) -> list[str]:
    """One round: what is wrong with it."""
    contender = contender.fresh()
    with contender.followed(sockets) as everybody:
        at_full_speed(everybody, contender.posts, WARM_UP)
        before = worked(contender.pid)
        heard = at_full_speed(everybody, contender.posts, seconds)
        samples.rates.append(heard.rate)
        samples.served.append((worked(contender.pid) - before) / heard.deliveries)
        samples.waits += heard.waits
        samples.busy.append(heard.busy)
        return everybody.wrong + list(contender.problems(everybody))


def fan_out(options: Namespace, chosen: Cores) -> int:
    settings = {contenders.INTERVAL: str(options.interval)}
    samples, wrong = {name: Samples() for name in (OURS, *contenders.COMMANDS)}, []
    with ExitStack() as servers:
        us, race = servers.enter_context(passline(chosen, options.people, settings))
        messages = contenders.captured(us)
        running = {OURS: us}
        for name in contenders.COMMANDS:
            if options.only is not None and name not in options.only:
                del samples[name]
            elif (why := contenders.missing(name)) is not None:
                samples[f"{name} ({why})"] = samples.pop(name)
            else:
                running[name] = servers.enter_context(contenders.running(name, chosen, messages, race))
        chosen.pin_load()
        gc.freeze()
        for _ in range(options.rounds):
            for name, contender in running.items():
                try:
                    found = measure(contender, options.sockets, options.seconds, samples[name])
                except (OSError, RuntimeError) as error:  # the others are measured all the same
                    found = [f"{error}"]
                wrong += [f"{name}: {each}" for each in found[:2]]
    size = sum(map(len, messages)) / len(messages)
    title = (
        f"{options.sockets:,} sockets on one leaderboard, {size:.0f} bytes a message, as fast as it goes "
        f"({contenders.INTERVAL}={options.interval:g})"
    )
    ratios: dict[str, Sequence[str]] = {name: [OURS] for name in running}
    ratios[OURS] = [SOCKET] if samples.get(SOCKET, Samples()).rates else []
    table.show_rates(title, "deliveries", samples, ratios)
    return table.conclude(
        wrong, "every socket heard every event, once and in order, and shows the board as it is"
    )


def remember(options: Namespace, chosen: Cores) -> int:
    """Memory for each subscriber that only waits."""
    lines, wrong = [], []
    for name in (OURS, SOCKET):
        for sockets in (1_000, 5_000):
            with ExitStack() as servers:
                us, race = servers.enter_context(passline(chosen, options.people, {}))
                messages = contenders.captured(us)
                other = contenders.running(name, chosen, messages, race) if name != OURS else None
                contender = us if other is None else servers.enter_context(other)
                before = memory(contender.pid)
                with contender.followed(sockets) as everybody:
                    sleep(IDLE)
                    after = memory(contender.pid)
                    wrong += everybody.wrong
            each = (after - before) / sockets * 1024
            lines.append([name, f"{sockets:,}", f"{before:.0f}", f"{after:.0f}", f"{each:.1f}"])
    headings = ["", "sockets", "MB before", "MB with them", "kB a subscriber"]
    table.show("Memory of the server, each socket with a running subscription", headings, lines)
    return table.conclude(wrong, "every socket had its first message")


def main() -> int:
    options = _options()
    crowd.allow_sockets()
    return (remember if options.memory else fan_out)(options, cores.chosen(options))


def _options() -> Namespace:
    parser = ArgumentParser(prog="python -m bench.fanout", description=__doc__)
    parser.add_argument("--sockets", type=int, default=1_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=3.0, help="of each round")
    parser.add_argument("--people", type=int, default=1_000, help="in the race")
    parser.add_argument(
        "--interval", type=float, default=0.01, help="the server's least time between two updates"
    )
    parser.add_argument("--only", nargs="*", choices=contenders.COMMANDS, help="beside Passline")
    parser.add_argument("--memory", action="store_true", help="of a subscriber, instead of deliveries")
    cores.add_options(parser, pinned=True)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
