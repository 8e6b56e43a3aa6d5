"""Kills anything with -9 while devices send to two servers: nothing is lost or doubled, and all see the same.

Two servers on one PostgreSQL and one Valkey; each round one of these four dies at random and comes back.
"""

import asyncio
import random
import sys
import time
from argparse import ArgumentParser, Namespace
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field

import uvloop
from websockets.exceptions import WebSocketException

from bench import results, sessions, table, wire
from bench.agreement import Agreement, Ear
from bench.desk import Desk
from bench.devices import Device, Ledger
from bench.follower import Follower
from bench.listener import MAY_END, NOT_REACHED, Listener
from bench.sockets import Told
from bench.topology import Topology

WEIGHTS = {"server 1": 1, "server 2": 1, "Valkey": 1, "PostgreSQL": 1}
LONGEST_PAUSE = 0.25
"""Seconds between two calls of a device."""
QUIET_SECONDS = 30.0


@dataclass
class Field:
    """Who takes part: devices with their sessions at the checkpoints of one race, and those who watch."""

    race: str
    ledgers: list[Ledger]
    devices: list[Device]
    ears: list[Ear]
    followers: list[Follower]
    up: asyncio.Event = field(default_factory=asyncio.Event)


@dataclass
class Day:
    """What happened."""

    kills: Counter[str] = field(default_factory=Counter)
    away: dict[str, list[float]] = field(default_factory=dict)
    """Seconds from each death until it answers again."""
    looks: int = 0
    ready: list[float] = field(default_factory=list)
    """Seconds from a standstill until both servers were ready."""
    settled: list[float] = field(default_factory=list)
    """Seconds from there until everybody had heard everything."""
    found: Counter[str] = field(default_factory=Counter)
    examples: list[str] = field(default_factory=list)
    ends: Counter[str] = field(default_factory=Counter)
    """Of followers' sockets, as listeners note theirs."""


def reads(people: int, place: int) -> Callable[[str, Iterable[int]], bytes]:
    """How the device at a checkpoint writes its passings: all come by again and again, in the same order."""

    def body(token: str, numbers: Iterable[int]) -> bytes:
        at = [(number, 600.0 * (place + 1) + 0.1 * number, str(1 + number % people)) for number in numbers]
        return wire.v0_reads(token, at)

    return body


def prepare(topology: Topology, key: str, options: Namespace) -> Field:
    """A race with everybody entered and a device at each checkpoint."""
    spots = [*(f"{mark} km" for mark in range(1, options.sessions)), "finish"]
    checkpoints = [{"name": spot, "kind": "FINISH" if spot == "finish" else "INTERMEDIATE"} for spot in spots]
    with topology.client(key) as client:
        desk = Desk(client)
        event = desk.event("Cluster", results.DAY)
        waves = [{"name": "all", "gunTime": results.GUN}]
        race = desk.race(event, {"name": "Race", "waves": waves, "checkpoints": checkpoints})
        desk.enter(event, [{"bib": str(bib), "name": f"N{bib}"} for bib in range(1, options.people + 1)])
        places = [sessions.on_device(client, spot) for spot in spots]
        for spot, place in zip(spots, places, strict=True):
            desk.serve(race.checkpoints[spot], place.device)
    made = Field(race.id, [Ledger(place.token) for place in places], [], [], [])
    urls, ports, never = topology.urls, topology.ports, asyncio.Event()
    for number in range(options.connections):
        at = number % len(places)
        ledger, body = made.ledgers[at], reads(options.people, at)
        made.devices.append(Device(ports, key, ledger, made.up, never, LONGEST_PAUSE, body))
    for place in places:
        made.ears.append(Ear(Listener(urls[0], key, place.token, others=urls[1:]), place.token))
        made.ears.append(Ear(Listener(urls[0], key, device=place.device, others=urls[1:]), place.token))
    made.ears += [Ear(Listener(urls[0], key, others=urls[1:]), None) for _ in range(2)]
    made.followers = [Follower(urls[number % len(urls)], key, race.id) for number in range(options.followers)]
    return made


async def listen(listener: Listener) -> None:
    while True:
        await listener.hear_while_up()
        await asyncio.sleep(random.uniform(0.05, 0.3))


async def watch(follower: Follower, day: Day) -> None:
    """On the same server again and again; each socket begins with the whole board."""
    while True:
        end = NOT_REACHED
        try:
            await follower.follow()
        except (OSError, EOFError, WebSocketException):
            pass
        except Told as said:
            end = said.code or str(said)
        day.ends[end] += 1
        await asyncio.sleep(random.uniform(0.05, 0.3))


async def kill_one(topology: Topology, day: Day, longest: float) -> None:
    victim = random.choices(list(WEIGHTS), list(WEIGHTS.values()))[0]
    day.kills[victim] += 1
    begun = time.monotonic()
    kill, start = deaths(topology)[victim]
    await asyncio.to_thread(kill)
    await asyncio.sleep(random.uniform(0.0, longest))
    await asyncio.to_thread(start)
    day.away.setdefault(victim, []).append(time.monotonic() - begun)


def deaths(topology: Topology) -> dict[str, tuple[Callable[[], None], Callable[[], None]]]:
    first, second = topology.servers
    return {
        "server 1": (first.kill, first.start),
        "server 2": (second.kill, second.start),
        "Valkey": (topology.valkey.terminate, topology.valkey.start),
        "PostgreSQL": (topology.postgres.kill, topology.postgres.start),
    }


async def storm(topology: Topology, key: str, field_: Field, day: Day, options: Namespace) -> None:
    """Load, kills, and a standstill every few rounds at which everything must be right."""
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(device.send()) for device in field_.devices]
        tasks += [group.create_task(listen(ear.listener)) for ear in field_.ears]
        tasks += [group.create_task(watch(follower, day)) for follower in field_.followers]
        field_.up.set()
        for turn in range(1, options.rounds + 1):
            await asyncio.sleep(random.uniform(0.0, options.longest))
            await kill_one(topology, day, options.away)
            print(f"\rkilled {turn} times ", end="", file=sys.stderr, flush=True)
            if turn % options.every == 0 or turn == options.rounds:
                await compare(topology, key, field_, day)
        for task in tasks:
            task.cancel()


async def compare(topology: Topology, key: str, field_: Field, day: Day) -> None:
    """Everybody rests, and what is stored, told and shown is compared."""
    field_.up.clear()
    async with asyncio.timeout(QUIET_SECONDS):
        while not all(device.resting for device in field_.devices):
            await asyncio.sleep(0.02)
    look = Agreement(topology, key, field_.race, field_.ledgers, field_.ears, field_.followers)
    day.ready.append(await look.ready())
    day.settled.append(await look.settle())
    found = await look.compare()
    for what, wrong in found.items():
        day.found[what] = max(day.found[what], len(wrong))  # what is wrong once is wrong at every look
    day.examples += [f"{what}: {each}" for what, wrong in found.items() for each in wrong[:2]]
    day.looks += 1
    field_.up.set()


def show(field_: Field, day: Day, options: Namespace) -> list[str]:
    """The table, and what is wrong."""
    answers: Counter[str] = Counter()
    ends = day.ends.copy()
    for ledger in field_.ledgers:
        answers += ledger.answers
    for ear in field_.ears:
        ends += ear.listener.ends
    day.found["sockets that ended otherwise than they may"] = sum(ends[end] for end in ends.keys() - MAY_END)
    acknowledged = sum(len(ledger.acknowledged) for ledger in field_.ledgers)
    title = (
        f"{options.rounds} times kill -9 of {', '.join(WEIGHTS)} at random, started again 0 to "
        f"{options.away:g} s later, under load from {options.connections} connections to both servers; "
        f"{len(field_.ears)} resuming subscribers and {len(field_.followers)} followers of a board of "
        f"{options.people:,} over {sum(ends.values()):,} sockets"
    )
    lines = [
        ["killed", told(day.kills)],
        ["seconds until it was back, median and longest",
         "; ".join(f"{victim} {spread(times)}" for victim, times in sorted(day.away.items()))],
        ["calls of devices", f"{sum(ledger.calls for ledger in field_.ledgers):,}"],
        ["answered", told(answers)],
        ["acknowledged passings", f"{acknowledged:,}"],
        ["sockets ended", told(ends)],
        ["standstills at which all was compared", f"{day.looks}"],
        ["seconds until both were ready, median and longest", spread(day.ready)],
        ["seconds until all had heard all, median and longest", spread(day.settled)],
        *([what, f"{count:,}"] for what, count in day.found.items()),
    ]  # fmt: skip
    table.show(title, ["", ""], lines)
    return [f"{what}: {count:,}" for what, count in day.found.items() if count] + day.examples[:10]


def told(counts: Counter[str]) -> str:
    return ", ".join(f"{what} {count:,} ×" for what, count in sorted(counts.items()))


def spread(seconds: list[float]) -> str:
    ordered = sorted(seconds)
    return f"{ordered[len(ordered) // 2]:.1f}, {ordered[-1]:.1f}" if ordered else ""


def main() -> int:
    options = _options()
    random.seed(options.seed)
    settings = {"PASSLINE_BAD_KEY_RATE": "0"}
    with Topology(settings=settings) as topology:
        key, day = topology.new_key(), Day()
        field_ = prepare(topology, key, options)
        with suppress(KeyboardInterrupt):
            uvloop.run(storm(topology, key, field_, day, options))
        wrong = show(field_, day, options)
    return table.conclude(
        wrong, "every acknowledged passing is stored once and was heard once; every board is the same"
    )


def _options() -> Namespace:
    parser = ArgumentParser(prog="python -m bench.cluster", description=__doc__)
    parser.add_argument("--rounds", type=int, default=60)
    parser.add_argument("--every", type=int, default=10, help="rounds between two standstills")
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--sessions", type=int, default=8)
    parser.add_argument("--people", type=int, default=5_000)
    parser.add_argument("--followers", type=int, default=4)
    parser.add_argument("--longest", type=float, default=3.0, help="seconds between two kills at most")
    parser.add_argument("--away", type=float, default=2.0, help="seconds until what died is started, at most")
    parser.add_argument("--seed", type=int, default=None)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
