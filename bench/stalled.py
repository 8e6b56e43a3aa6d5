"""Many who follow a board, with and without some beside them who do not read: what the others notice, what
becomes of these."""

import resource
import statistics
import sys
import time
from argparse import ArgumentParser, Namespace
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import uvloop

from bench import cores, filtered, table
from bench.desk import Desk
from bench.hearers import Heard, following
from bench.machine import Machine
from bench.rounds import percentiles
from bench.stalling import BROKEN
from bench.turns import ALONE, EVERYBODY, FIRST, SOCKETS, STREAMS, Race, Turn

TURNS = (ALONE, SOCKETS, ALONE, STREAMS)
PROCESSES = 2
UNREAD = "PASSLINE_UNREAD_SECONDS"
NOT_READ = "4429"


def look(turns: Sequence[Turn], processes: Sequence[Heard], wrong: list[str]) -> None:
    """From the answer to the POST of each finish to its frame at each of those who read."""
    by_bib = {
        str(turn.first + place): (turn, answered)
        for turn in turns
        for place, answered in enumerate(turn.events.answered)
    }
    for heard in processes:
        updates, start = [filtered.update_of(frame) for frame in heard.frames], 0
        for count in heard.sockets:
            span = slice(start, start + count)
            start += count
            frames = zip(heard.at[span], heard.which[span], strict=True)
            told = filtered.new_lines((at, updates[which]) for at, which in frames)
            clocked = [(at, by_bib[bib]) for at, (bib, _) in told if bib in by_bib]
            for at, (turn, answered) in clocked:
                turn.waits.append(at - answered)
            if len(clocked) != len(by_bib):
                wrong.append(f"a follower was told of {len(clocked)} of {len(by_bib)} finishes")


def judge(turn: Turn, wrong: list[str]) -> None:
    wrong += turn.wrong
    if turn.kind == ALONE:
        return
    if len(turn.closings) != len(turn.stalled):
        wrong.append(f"{len(turn.closings)} of {len(turn.stalled)} {turn.kind} were closed for being unread")
    due = NOT_READ if turn.kind == SOCKETS else BROKEN
    wrong += [
        f"one of the {turn.kind} that read late ended: {each.end}" for each in turn.late if each.end != due
    ]
    if turn.left > (due_left := len(turn.pausing) + len(turn.reading)):
        wrong.append(f"the server still has {turn.left - due_left:.0f} {turn.kind} that do not read")


def main() -> int:
    options = _options()
    chosen = cores.chosen(options)
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    settings = {UNREAD: str(options.unread)} if options.unread else {}
    wrong: list[str] = []
    with (
        TemporaryDirectory(prefix="passline-bench-") as place,
        Machine(Path(place), chosen, settings) as machine,
    ):
        key = machine.new_key()
        with machine.client(key) as client:
            race = Race(machine, key, Desk(client), options, options.rounds * len(TURNS))
            chosen.pin_load()
            queries = [FIRST.subscription(race.id)] * options.sockets
            with following(machine.port, key, queries, PROCESSES) as crowd:
                time.sleep(2)
                turns = [uvloop.run(race.turn(kind)) for _ in range(options.rounds) for kind in TURNS]
                processes = crowd.hear(0.0)
            look(turns, processes, wrong)
    for turn in turns:
        judge(turn, wrong)
    title = (
        f"{options.sockets} followers of the top {FIRST.top}, {options.pace:g} new leaders a second, beside "
        f"{options.stalled} followers of {EVERYBODY.top:,} lines who stop reading and {options.pausing} who "
        f"stop for {options.pause:g} s; unread seconds: {options.unread or 'the default'}"
    )
    headings = [
        "beside",
        "deliveries/s",
        "p50 ms",
        "p99 ms",
        "p99 ÷ alone",
        "server busy",
        "MB before, most, after",
    ]
    headings += [
        "news dropped after s",
        "closed",
        "after s",
        "who read late saw",
        "states that who paused skipped",
    ]
    alone = statistics.median(_late(turn) for turn in turns if turn.kind == ALONE)
    lines = [
        _cells([turn for turn in turns if turn.kind == kind], alone, options) for kind in dict.fromkeys(TURNS)
    ]
    table.show(title, headings, lines)
    readers = "readers busy: " + ", ".join(f"{heard.busy:.0%}" for heard in processes)
    print(f"\n{readers}; sender busy: {max(turn.events.busy for turn in turns):.0%}")
    return table.conclude(
        wrong[:10],
        "everybody who reads was told everything; whoever does not was closed, or skipped to the newest",
    )


def _late(turn: Turn) -> float:
    return percentiles(turn.waits)[1]


def _cells(turns: Sequence[Turn], alone: float, options: Namespace) -> list[str]:
    late, middle = (
        statistics.median(map(_late, turns)),
        percentiles([w for turn in turns for w in turn.waits])[0],
    )
    seconds = options.seconds * len(turns)
    memory = turns[0].memory[0], max(max(turn.memory) for turn in turns), turns[-1].memory[-1]
    figures = [
        turns[0].kind,
        f"{sum(len(turn.waits) for turn in turns) / seconds:,.0f}",
        f"{middle:.1f}",
        f"{late:.1f}",
        f"**{late / alone:.2f}**",
        f"{sum(turn.worked for turn in turns) / seconds:.0%}",
        ", ".join(f"{megabytes:.0f}" for megabytes in memory),
    ]
    if turns[0].kind == ALONE:
        return [*figures, *[""] * 5]
    closings = [each for turn in turns for each in turn.closings]
    drops = [each for turn in turns for each in turn.drops]
    ends = Counter(each.end for turn in turns for each in turn.late)
    skipped = [each.screen.skipped for turn in turns for each in turn.pausing]
    return [
        *figures,
        _span(drops),
        f"{sum(len(turn.closings) for turn in turns)} of {sum(len(turn.stalled) for turn in turns)}",
        _span(closings),
        ", ".join(f"{end}: {count}" for end, count in ends.items()),
        _span(skipped),
    ]


def _span(figures: Sequence[float]) -> str:
    return f"{min(figures):.3g}–{max(figures):.3g}" if figures else ""


def _options() -> Namespace:
    parser = ArgumentParser(prog="python -m bench.stalled", description=__doc__)
    parser.add_argument("--sockets", type=int, default=950)
    parser.add_argument("--stalled", type=int, default=50)
    parser.add_argument("--pausing", type=int, default=10)
    parser.add_argument("--pause", type=float, default=10.0, help="seconds for which those do not read")
    parser.add_argument("--pace", type=float, default=4.0, help="new leaders a second")
    parser.add_argument("--seconds", type=float, default=30.0, help="of a turn")
    parser.add_argument("--rounds", type=int, default=2, help="of four turns")
    parser.add_argument("--unread", type=float, help=f"seconds: {UNREAD}")
    cores.add_options(parser, pinned=True)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
