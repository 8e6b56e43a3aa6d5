"""A leaderboard before thousands of sockets: how long from a passing to the message at each of them, beside a
bare ASGI socket with the same bytes at the same pace."""

import gc
import re
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median, quantiles

from bench import contenders, crowd, table
from bench.contenders import INTERVAL, OURS, SOCKET, Contender, passline
from bench.cores import Cores
from bench.machine import worked
from bench.paces import at_times

SETTINGS = Path(__file__).parents[1] / "docs" / "settings.md"
WARM_UP = 1.0


@dataclass
class Clocked:
    """What was measured of one server, all rounds together; `lates`: the 99th percentile of each round."""

    waits: list[float] = field(default_factory=list)
    lags: list[float] = field(default_factory=list)
    lates: list[float] = field(default_factory=list)
    served: list[float] = field(default_factory=list)
    busy: list[float] = field(default_factory=list)
    events: int = 0
    messages: int = 0


def measure(contender: Contender, options: Namespace, clocked: Clocked) -> list[str]:
    """One round: what is wrong with it."""
    contender = contender.fresh()
    with contender.followed(options.sockets) as everybody:
        at_times(everybody, contender.posts, options.rate, WARM_UP)
        before = worked(contender.pid)
        heard = at_times(everybody, contender.posts, options.rate, options.seconds)
        clocked.served.append((worked(contender.pid) - before) / heard.seconds)
        clocked.busy.append(heard.busy)
        clocked.waits += heard.waits
        clocked.lags += heard.lags
        clocked.lates.append(quantiles(heard.waits, n=100)[98])
        clocked.events += round(options.rate * options.seconds)
        clocked.messages += heard.messages
        return everybody.wrong + list(contender.problems(everybody))


def clock(options: Namespace, chosen: Cores) -> int:
    crowd.allow_sockets()
    settings = {} if options.interval is None else {INTERVAL: f"{options.interval:g}"}
    ours, bare = Clocked(), Clocked()
    wrong: list[str] = []
    with passline(chosen, options.people, settings) as (us, race):
        with contenders.running(SOCKET, chosen, contenders.captured(us), race) as other:
            chosen.pin_load()
            gc.freeze()
            for _ in range(options.rounds):
                wrong += measure(us, options, ours)[:2] + measure(other, options, bare)[:2]
    title = (
        f"{options.sockets:,} sockets on one leaderboard, {options.rate:g} events/s for "
        f"{options.rounds * options.seconds:.0f} s ({INTERVAL}={settings.get(INTERVAL) or _default()})"
    )
    headings = ["", "events", "messages a socket", "POST → frame, p50 ms", "p99 ms", "longest ms"]
    headings += [
        "commit → frame, p50 ms",
        "p99 ms",
        "longest ms",
        "server busy",
        "generator busy",
        "ratio of p99",
    ]
    ratio = f"**{median(ours.lates) / median(bare.lates):.2f}** of {SOCKET}"
    lines = [
        [OURS, *_counts(ours), *_moments(ours.waits), *_moments(ours.lags), *_shares(ours), ratio],
        [SOCKET, *_counts(bare), *_moments(bare.waits), "", "", "", *_shares(bare), ""],
    ]
    table.show(title, headings, lines)
    return table.conclude(
        wrong, "every socket heard every event, once and in order, and shows the board as it is"
    )


def add_options(parser: ArgumentParser) -> None:
    parser.add_argument("--sockets", type=int, help="so many followers of one leaderboard; then also:")
    parser.add_argument("--rate", type=float, default=8.0, help="events a second")
    parser.add_argument("--seconds", type=float, default=10.0, help="of each round")
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--people", type=int, default=1_000, help="in the race")
    parser.add_argument("--interval", type=float, help="the server's least time between two updates")


def _default() -> str:
    """The interval that a server has which was told none."""
    row = re.search(rf"^\| `{INTERVAL}` \| `([\d.]+)`", SETTINGS.read_text(), re.MULTILINE)
    assert row
    return f"{row[1]}, the default"


def _counts(clocked: Clocked) -> list[str]:
    return [f"{clocked.events:,}", f"{clocked.messages:,}"]


def _moments(seconds: Sequence[float]) -> list[str]:
    cuts = quantiles(seconds, n=100)
    return [f"{moment * 1000:.1f}" for moment in (cuts[49], cuts[98], max(seconds))]


def _shares(clocked: Clocked) -> list[str]:
    return [f"{median(share):.0%}" for share in (clocked.served, clocked.busy)]
