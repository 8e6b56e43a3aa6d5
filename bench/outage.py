"""The bus dies and comes back under load: what devices are answered, and how long those who follow wait.

Two servers on one PostgreSQL, and a bus that is killed with -9; with `--bus postgres` its connections are
ended, again and again.
"""

import asyncio
import sys
import time
from argparse import ArgumentParser, Namespace
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from typing import Any

import asyncpg
import httpx
import orjson
import uvloop
from websockets.exceptions import WebSocketException

from bench import results, sessions, table, wire
from bench.caller import Caller
from bench.desk import Desk
from bench.rounds import percentiles
from bench.sockets import subscribed
from bench.topology import Topology
from bench.waits import KINDS, Ear, Gauge, Notes, Wait

DEVICES = 20
REPORTING = 4
FOLLOWERS = 20
"""Of passings: half of them of the account, half of a session, at this server and at the other."""
BOARDS = 4
FLEETS = 2
PEOPLE = 5_000
NORMAL = 5.0
"""Seconds after the return of the bus in which all has to be as before."""
PROMISED = 2.0
"""Seconds that nobody waits for longer without the bus."""
SETTLING = 30.0
PASSINGS = 'subscription($s:String){passings(sessionToken:$s,after:""){passing{number}}}'
BOARD = "subscription($r:ID!){leaderboard(raceId:$r,top:5){counts{finished}}}"
FLEET = "subscription{devices{deviceId health{batteryPercentage}}}"
ENDED = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
    " AND (query ILIKE 'LISTEN%' OR query ILIKE '%pg_notify%')"
)
PHASES = ("with the bus", "without it", f"{NORMAL:.0f} s from its return", "from then on")


@dataclass
class Turns:
    """When the bus went and came back, and when both servers said that they hear it."""

    gone: float = float("inf")
    back: float = float("inf")
    ready: float = float("inf")

    def phase(self, at: float) -> str:
        ends = (self.gone, self.back, self.back + NORMAL, float("inf"))
        return next(name for name, end in zip(PHASES, ends, strict=True) if at <= end)


class Field:
    """Devices that send, each to a server of its own, and those who follow."""

    def __init__(self, topology: Topology, options: Namespace) -> None:
        self._servers = topology.servers
        self._rate = options.rate / DEVICES
        self._key = topology.new_key()
        self._numbers = count(1)
        self.notes = Notes()
        self.over = False
        """Nobody sends any more: a cancellation may be lost with an answer that comes in the same moment."""
        with self._servers[0].client(self._key) as client:
            desk = Desk(client)
            event = desk.event("Outage", results.DAY)
            waves = [{"name": "all", "gunTime": results.GUN}]
            finish = [{"name": "finish", "kind": "FINISH"}]
            race = desk.race(event, {"name": "Race", "waves": waves, "checkpoints": finish})
            desk.enter(event, [{"bib": str(bib), "name": f"N{bib}"} for bib in range(1, PEOPLE + 1)])
            self._devices = [sessions.on_device(client, f"OUTAGE-{place:02d}") for place in range(DEVICES)]
            desk.serve(race.checkpoints["finish"], self._devices[0].device)
        self._race = race.id

    def follow(self, group: asyncio.TaskGroup) -> list[asyncio.Task[None]]:
        """Every second one at the other server."""
        notes, tasks = self.notes, []
        for place in range(FOLLOWERS):
            device = None if place < FOLLOWERS // 2 else place // 2 % DEVICES
            notes.ears.append(ear := Ear(place % 2, device))
            token = None if device is None else self._devices[device].token
            tasks.append(group.create_task(self._hear(place, PASSINGS, _passing(ear), s=token)))
        for place in range(BOARDS):
            notes.boards.append(gauge := Gauge())
            tasks.append(group.create_task(self._hear(place, BOARD, _finished(gauge), r=self._race)))
        for place in range(FLEETS):
            gauges = defaultdict[str, Gauge](Gauge)
            notes.fleets.append(gauges)
            tasks.append(group.create_task(self._hear(place, FLEET, _level(gauges))))
        return tasks

    def send(self, group: asyncio.TaskGroup) -> None:
        for place in range(DEVICES):
            group.create_task(self._pass(place))
        for place in range(REPORTING):
            group.create_task(self._report(place))

    async def _hear(
        self, place: int, query: str, heard: Callable[[dict[str, Any]], None], **variables: object
    ) -> None:
        """A socket that breaks, and a message that is no data, are noted and not made good."""
        try:
            async with subscribed(self._servers[place % 2].url, self._key, query, **variables) as news:
                async for data in news:
                    heard(data)
            self.notes.broken.append("a socket ended")
        except (OSError, EOFError, RuntimeError, WebSocketException) as error:
            self.notes.broken.append(repr(error))

    async def _pass(self, place: int) -> None:
        """Passings one by one. Those of the device at the finish are of somebody new each."""
        caller, token = Caller(self._servers[place % 2].port), self._devices[place].token
        began = time.perf_counter()
        for sent in count():
            await asyncio.sleep(max(0.0, began + sent / self._rate - time.perf_counter()))
            if self.over:
                return
            number = next(self._numbers)
            body = wire.v0_reads(token, [(number, 600 + 0.1 * sent, str(1 + sent))])
            if await self._answered(caller, "/v0/passings", body):
                self.notes.passings[number] = time.perf_counter(), place
                if place == 0:
                    self.notes.finishes.append((len(self.notes.finishes) + 1, time.perf_counter()))

    async def _report(self, place: int) -> None:
        """A little more battery each second."""
        caller, device = Caller(self._servers[place % 2].port), self._devices[place].device
        levels = self.notes.reports[device] = []
        for turn in count(1):
            await asyncio.sleep(1)
            if self.over:
                return
            at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
            body = orjson.dumps({"reported_at": at, "battery_percentage": turn / 10})
            if await self._answered(caller, f"/v0/devices/{device}/telemetry", body):
                levels.append((turn / 10, time.perf_counter()))

    async def _answered(self, caller: Caller, path: str, body: bytes) -> bool:
        try:
            answer = await caller.call(wire.post(path, self._key, body))
        except ConnectionError as error:
            self.notes.refused.append(f"no answer: {error!r}")
            return False
        if answer.status != 201:
            self.notes.refused.append(f"{answer.status}: {answer.body[:100]!r}")
        return answer.status == 201


def _passing(ear: Ear) -> Callable[[dict[str, Any]], None]:
    return lambda data: ear.hear(data["passings"]["passing"]["number"])


def _finished(gauge: Gauge) -> Callable[[dict[str, Any]], None]:
    return lambda data: gauge.show(data["leaderboard"]["counts"]["finished"])


def _level(gauges: defaultdict[str, Gauge]) -> Callable[[dict[str, Any]], None]:
    def heard(data: dict[str, Any]) -> None:
        device = data["devices"]
        if device["health"] and (level := device["health"]["batteryPercentage"]) is not None:
            gauges[device["deviceId"]].show(level)

    return heard


async def lose_the_bus(topology: Topology, options: Namespace) -> None:
    if options.bus == "valkey":
        topology.valkey.terminate()
        await asyncio.sleep(options.outage)
        await asyncio.to_thread(topology.valkey.start)
        return
    connection = await asyncpg.connect(topology.postgres.dsn())
    until = time.perf_counter() + options.outage
    while time.perf_counter() < until:
        await connection.execute(ENDED)
        await asyncio.sleep(0.02)
    await connection.close()


async def heard_again(topology: Topology) -> None:
    """Returns when both servers say that they hear the bus."""
    async with httpx.AsyncClient(trust_env=False, timeout=10) as client:
        for server in topology.servers:
            while not (await client.get(f"{server.url}/readyz")).json()["bus"]:
                await asyncio.sleep(0.02)


async def play(topology: Topology, field: Field, options: Namespace) -> Turns:
    turns = Turns()
    async with asyncio.TaskGroup() as group:
        following = field.follow(group)
        await asyncio.sleep(2)
        field.send(group)
        await asyncio.sleep(options.around)
        turns.gone = time.perf_counter()
        await lose_the_bus(topology, options)
        turns.back = time.perf_counter()
        await heard_again(topology)
        turns.ready = time.perf_counter()
        await asyncio.sleep(NORMAL + options.around)
        field.over = True
        deadline = time.monotonic() + SETTLING
        while field.notes.waiting and time.monotonic() < deadline:
            await asyncio.sleep(0.5)
        for task in following:
            task.cancel()
    return turns


def cells(waits: list[Wait]) -> list[str]:
    taken = sorted(wait.seconds for wait in waits if wait.seconds is not None)
    if len(taken) < 2:
        return ["", "", ""]
    longest = taken[-1] * 1000
    return [f"{min(figure, longest):.0f}" for figure in (*percentiles(taken), longest)]


def main() -> int:
    options = _options()
    with Topology(bus=options.bus) as topology:
        field = Field(topology, options)
        turns = uvloop.run(play(topology, field, options))
    notes, by = field.notes, defaultdict[tuple[str, str], list[Wait]](list)
    for wait in notes.waits():
        by[wait.kind, turns.phase(wait.since)].append(wait)
    lines = [
        [kind, phase, f"{len(by[kind, phase]):,}", *cells(by[kind, phase])]
        for kind in KINDS
        for phase in PHASES
    ]
    away = f"{options.bus} away for {turns.back - turns.gone:.0f} s"
    title = f"{away} under {options.rate} passings/s at two servers"
    table.show(
        title, ["who follows", "when it was answered", "waits", "p50 ms", "p99 ms", "longest ms"], lines
    )
    print(f"\nanswers that were no 201: {len(notes.refused)}; the bus was heard by both after "
          f"{turns.ready - turns.back:.1f} s; sockets that broke: {len(notes.broken)}")  # fmt: skip
    return table.conclude(
        wrong(notes, turns, by), "no error, nobody missed or heard anything twice, nobody waited too long"
    )


def wrong(notes: Notes, turns: Turns, by: dict[tuple[str, str], list[Wait]]) -> list[str]:
    longest = max((wait.seconds or 0.0 for kind in KINDS for wait in by[kind, PHASES[1]]), default=0.0)
    found = {
        f"{len(notes.refused)} refused, the first: {notes.refused[:1]}": bool(notes.refused),
        f"{len(notes.broken)} broken, the first: {notes.broken[:1]}": bool(notes.broken),
        f"{notes.waiting} never heard": bool(notes.waiting),
        f"{sum(ear.repeated for ear in notes.ears)} heard twice": any(ear.repeated for ear in notes.ears),
        f"{longest:.1f} s waited without the bus": longest > PROMISED,
        "the bus was not heard in time": turns.ready - turns.back > NORMAL,
    }
    return [sentence for sentence, is_so in found.items() if is_so]


def _options() -> Namespace:
    parser = ArgumentParser(prog="python -m bench.outage", description=__doc__)
    parser.add_argument("--bus", choices=("valkey", "postgres"), default="valkey")
    parser.add_argument("--rate", type=int, default=200, help="passings per second")
    parser.add_argument("--outage", type=float, default=30.0, help="seconds without the bus")
    parser.add_argument("--around", type=float, default=10.0, help="seconds before and after")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
