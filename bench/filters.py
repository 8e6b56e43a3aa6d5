"""A thousand followers of one race by a hundred filters, while passings pour in: who shows what, and when."""

import random
import resource
import sys
import time
from argparse import ArgumentParser, Namespace
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import orjson
import uvloop

from bench import cores, filtered, paced, results, sessions, table, wire
from bench.desk import Desk
from bench.filtered import Screen
from bench.hearers import Heard, following
from bench.machine import Machine, bare
from bench.rounds import percentiles
from bench.wire import Read

SPOTS = 10
WAVES, BETWEEN = 20, 240.0
"""Waves start so many seconds apart, so that boards at checkpoints go on changing: who starts late may be
fast."""
CATEGORIES = ("U23", "SENIOR", "MASTER", "VETERAN")
CLUBS = tuple(f"Club {place}" for place in range(1, 9))
AT_ONCE = 10
"""Passings of a call."""
SETTLING_SECONDS = 5.0
PROCESSES = 2
INTERVAL = "PASSLINE_LEADERBOARD_INTERVAL"


class Course(NamedTuple):
    """The race, its checkpoints along the course, and the session at each."""

    race: str
    checkpoints: list[str]
    tokens: list[str]


@dataclass
class Measured:
    """One of the two servers: from the answer to a POST, or from its start, to the frames that show it."""

    sockets: int
    seconds: float = 0.0
    waits: "array[float]" = field(default_factory=lambda: array("d"))
    frames: int = 0
    size: float = 0.0
    served: float = 0.0
    heard: float = 0.0
    """Busy shares: the server, the busier of the readers' processes, and the sender."""
    sent: float = 0.0
    missed: int = 0

    @property
    def rate(self) -> float:
        return self.frames / self.seconds


def prepare(desk: Desk, machine: Machine, key: str, people: int) -> Course:
    spots = [*(f"{mark} km" for mark in range(1, SPOTS)), "finish"]
    checkpoints = [{"name": spot, "kind": "FINISH" if spot == "finish" else "INTERMEDIATE"} for spot in spots]
    waves = [{"name": f"W{wave}", "gunTime": wire.moment(wave * BETWEEN)} for wave in range(WAVES)]
    event = desk.event("Filters", results.DAY)
    race = desk.race(event, {"name": "Race", "waves": waves, "checkpoints": checkpoints})
    desk.enter(event, [entry(bib) for bib in range(1, people + 1)])
    tokens = []
    with machine.client(key) as client:
        for spot in spots:
            device, token = sessions.on_device(client, spot)
            desk.serve(race.checkpoints[spot], device)
            tokens.append(token)
    return Course(race.id, [race.checkpoints[spot] for spot in spots], tokens)


def entry(bib: int) -> dict[str, object]:
    draw = random.Random(bib)
    return {
        "bib": str(bib),
        "name": f"N{bib}",
        "gender": draw.choice("FM"),
        "category": draw.choice(CATEGORIES),
        "club": draw.choice(CLUBS),
        "wave": f"W{bib % WAVES}",
    }


class Calls(NamedTuple):
    """What the mats send, in the order of time, and which passings are in which call: bib and milliseconds
    since the wave's gun."""

    requests: list[bytes]
    passings: list[list[tuple[str, int]]]


def calls(course: Course, key: str, people: int) -> Calls:
    """Each mat sends as soon as it has some together."""
    made, waiting = Calls([], []), [list[tuple[Read, int]]() for _ in range(SPOTS)]
    for number, (at, since, spot, bib) in enumerate(sorted(detections(people)), 1):
        waiting[spot].append(((number, at, str(bib)), since))
        if len(waiting[spot]) == AT_ONCE:
            put(made, course, key, spot, waiting[spot])
    for spot in range(SPOTS):
        if waiting[spot]:
            put(made, course, key, spot, waiting[spot])
    return made


def detections(people: int) -> Iterator[tuple[float, int, int, int]]:
    """Seconds after the first gun, milliseconds after the own one, place on the course, bib."""
    for bib in range(1, people + 1):
        draw = random.Random(-bib)
        pace, gun = draw.uniform(180.0, 420.0), BETWEEN * (bib % WAVES)
        for spot in range(SPOTS):
            since = round(1000 * (spot + 1) * pace * draw.uniform(0.99, 1.01))
            yield gun + since / 1000, since, spot, bib


def put(made: Calls, course: Course, key: str, spot: int, reads: list[tuple[Read, int]]) -> None:
    body = wire.v0_reads(course.tokens[spot], [read for read, _ in reads])
    made.requests.append(wire.post("/v0/passings", key, body))
    made.passings.append([(bib, since) for (_, _, bib), since in reads])
    reads.clear()


def clocked(machine: Machine, key: str, desk: Desk, course: Course, options: Namespace) -> Measured:
    filters = filtered.different(options.filters, CATEGORIES, CLUBS, course.checkpoints)
    due = calls(course, key, options.people)
    queries = [filters[place % len(filters)].subscription(course.race) for place in range(options.sockets)]
    with following(machine.port, key, queries, PROCESSES) as crowd:
        time.sleep(1)
        worked, since = machine.worked, time.time()
        sent = uvloop.run(paced.send(machine.port, due.requests, options.rate / AT_ONCE))
        served = (machine.worked - worked) / (time.time() - since)
        time.sleep(SETTLING_SECONDS)
        processes = crowd.hear(0.0)
    measured = Measured(options.sockets, sent.seconds, served=served, sent=sent.busy)
    committed = {passing: sent.answered[place] for place, call in enumerate(due.passings) for passing in call}
    right = [each.lines(desk, course.race) for each in filters]
    for process, heard in enumerate(processes):
        look(
            heard,
            measured,
            committed,
            [right[each % len(filters)] for each in dealt(options.sockets, process)],
        )
    measured.size /= measured.frames
    return measured


def dealt(sockets: int, process: int) -> range:
    """The places of the sockets of that process."""
    return range(process, sockets, PROCESSES)


def look(
    heard: Heard, measured: Measured, committed: dict[tuple[str, int], float], right: Sequence[object]
) -> None:
    """What was heard in one process, by socket in its order."""
    updates, start = [filtered.update_of(frame) for frame in heard.frames], 0
    for count, lines in zip(heard.sockets, right, strict=True):
        at, which = heard.at[start : start + count], heard.which[start : start + count]
        start += count
        screen = Screen()
        for frame in which:
            screen.show(updates[frame])
        measured.missed += screen.shown != lines or screen.unlike > 0
        measured.frames += count - 1  # the first one is what was there
        measured.size += sum(len(heard.frames[frame]) for frame in which[1:])
        told = filtered.new_lines((moment, updates[frame]) for moment, frame in zip(at, which, strict=True))
        measured.waits.extend(moment - committed[passing] for moment, passing in told)
    measured.heard = max(measured.heard, heard.busy)


def ceiling(like: Measured, chosen: cores.Cores) -> Measured:
    """As many frames of the same size at the same pace; each is posted once and goes to all sockets."""
    posts = max(100, round(like.frames / like.sockets))
    rate = like.rate / like.sockets
    bodies = [orjson.dumps({"n": place, "text": "x" * (round(like.size) - 24)}) for place in range(posts)]
    requests = [wire.post("/post", "", body) for body in bodies]
    with bare("sockets", chosen) as port:
        with following(port, "", ["subscription"] * like.sockets, PROCESSES) as crowd:
            time.sleep(1)
            sent = uvloop.run(paced.send(port, requests, rate))
            time.sleep(1)
            processes = crowd.hear(0.0)
    measured = Measured(like.sockets, sent.seconds, size=len(bodies[0]), sent=sent.busy)
    begun = {body: sent.sent[place] for place, body in enumerate(bodies)}
    for heard in processes:
        starts = [begun.get(frame) for frame in heard.frames]
        moments = zip(heard.at, heard.which, strict=True)
        measured.waits.extend(at - start for at, which in moments if (start := starts[which]) is not None)
        measured.heard = max(measured.heard, heard.busy)
    measured.frames = len(measured.waits)
    measured.missed = posts * like.sockets - measured.frames
    return measured


def main() -> int:
    options = _options()
    chosen = cores.chosen(options)
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    settings = {INTERVAL: str(options.interval)} if options.interval else {}
    with (
        TemporaryDirectory(prefix="passline-bench-") as place,
        Machine(Path(place), chosen, settings) as machine,
    ):
        key = machine.new_key()
        with machine.client(key) as client:
            desk = Desk(client)
            course = prepare(desk, machine, key, options.people)
            chosen.pin_load()
            ours = clocked(machine, key, desk, course, options)
            wrong = desk.differences(course.race)[:3]
    floor = ceiling(ours, chosen)
    title = (
        f"{options.sockets:,} followers of a race of {options.people:,} by {options.filters} filters, "
        f"{options.rate} passings/s in calls of {AT_ONCE}; interval: {options.interval or 'the default'}"
    )
    headings = ["", "sampled", "p50 ms", "p99 ms", "longest ms", "messages/s", "bytes each", "server busy"]
    headings += ["readers busy", "sender busy", "missed"]
    lines = [
        ["Passline: answer to the POST → frame that shows it", *_cells(ours, f"{ours.served:.0%}")],
        ["bare ASGI sockets: start of the POST → frame", *_cells(floor, "")],
    ]
    table.show(title, headings, lines)
    if ours.missed:
        wrong.append(f"{ours.missed} followers show something else than is there to ask for")
    return table.conclude(wrong, "each follower's lines are those of a fresh query with the same filter")


def _cells(measured: Measured, served: str) -> list[str]:
    middle, late = percentiles(list(measured.waits))
    return [
        f"{len(measured.waits):,}",
        f"{middle:.1f}",
        f"{late:.1f}",
        f"{max(measured.waits) * 1000:.0f}",
        f"{measured.rate:,.0f}",
        f"{measured.size:,.0f}",
        served,
        f"{measured.heard:.0%}",
        f"{measured.sent:.0%}",
        f"{measured.missed}",
    ]


def _options() -> Namespace:
    parser = ArgumentParser(prog="python -m bench.filters", description=__doc__)
    parser.add_argument("--sockets", type=int, default=1_000)
    parser.add_argument("--filters", type=int, default=100)
    parser.add_argument("--people", type=int, default=3_000)
    parser.add_argument("--rate", type=int, default=500, help="passings a second")
    parser.add_argument("--interval", type=float, help=f"seconds: {INTERVAL}")
    cores.add_options(parser, pinned=True)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
