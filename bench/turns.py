"""Turns in which a board is followed by some who do not read, or by none of them."""

import asyncio
import time
from argparse import Namespace
from dataclasses import dataclass, field
from typing import NamedTuple

from bench import load, paced, results, sessions, wire
from bench.caller import Caller
from bench.desk import Desk
from bench.filtered import LINES, Filter, Line
from bench.machine import Machine
from bench.paced import Paced
from bench.stalling import NOT_YET, Stalled

ALONE, SOCKETS, STREAMS = "nobody", "sockets", "event streams"
FINISHED = 1_000
"""Already in: as many lines as a board has at most; all of them change with each new leader."""
WINNER = 40_000.0
EVERYBODY = Filter(None, None, None, None, FINISHED, "name club " + LINES)
FIRST = EVERYBODY._replace(top=10, line=LINES)
LONG = "Nomen nominandum " * 7
"""Names, of people and clubs, that soon fill what the system keeps for one who does not read."""
LOOK_EVERY = 0.2
FIGURES = b"passline_unread_sockets ", b"passline_skipped ", b"passline_audience "


@dataclass
class Turn:
    """Some seconds of a kind. `never`: read nothing any more; `late`: read on once they are closed;
    `pausing`: read on before."""

    kind: str
    events: Paced = field(default_factory=Paced)
    first: int = 0
    """The first of its finishers."""
    memory: list[float] = field(default_factory=list)
    closings: list[float] = field(default_factory=list)
    drops: list[float] = field(default_factory=list)
    """Seconds after they stopped to read until news were dropped for one, and one was closed, as the server
    counts."""
    never: list[Stalled] = field(default_factory=list)
    late: list[Stalled] = field(default_factory=list)
    pausing: list[Stalled] = field(default_factory=list)
    reading: list[Stalled] = field(default_factory=list)
    left: float = 0.0
    """Live connections that the server has in the end, beside those of the followers."""
    worked: float = 0.0
    waits: list[float] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    @property
    def stalled(self) -> list[Stalled]:
        return [*self.never, *self.late]

    @property
    def everybody(self) -> list[Stalled]:
        return [*self.stalled, *self.pausing, *self.reading]


class Race:
    """The server, its race, and its followers."""

    def __init__(self, machine: Machine, key: str, desk: Desk, options: Namespace, turns: int) -> None:
        self._machine, self._key, self._desk, self._options = machine, key, desk, options
        self._calls = round(options.pace * options.seconds)
        people = FINISHED + self._calls * turns
        self.id, self._token = self._prepared(people)
        self._next = FINISHED + 1

    def _prepared(self, people: int) -> tuple[str, str]:
        event = self._desk.event("Stalled", results.DAY)
        checkpoints = [{"name": "finish", "kind": "FINISH"}]
        waves = [{"name": "all", "gunTime": results.GUN}]
        race = self._desk.race(event, {"name": "Race", "waves": waves, "checkpoints": checkpoints})
        self._desk.enter(
            event, [{"bib": str(bib), "name": f"{LONG}{bib}", "club": LONG} for bib in range(1, people + 1)]
        )
        with self._machine.client(self._key) as client:
            device, token = sessions.on_device(client, "FINISH")
        self._desk.serve(race.checkpoints["finish"], device)
        reads = [(bib, WINNER + bib, str(bib)) for bib in range(1, FINISHED + 1)]
        request = wire.post("/v0/passings", self._key, wire.v0_reads(token, reads))
        load.drive(self._machine.port, [request], 1, b"201")
        return race.id, token

    async def turn(self, kind: str) -> Turn:
        """Each event is a finish: a new leader."""
        turn, seconds = Turn(kind, first=self._next), self._options.seconds
        self._next += self._calls
        turn.reading = [self._client(by_socket=True)]
        if kind != ALONE:
            counts = self._options.stalled // 2, -(-self._options.stalled // 2), self._options.pausing
            turn.never, turn.late, turn.pausing = (
                [self._client(kind == SOCKETS) for _ in range(count)] for count in counts
            )
        turn.memory.append(self._machine.memory)
        for each in turn.everybody:
            each.begin()
        worked = self._machine.worked
        async with asyncio.TaskGroup() as group:
            reading = [group.create_task(each.read_on()) for each in turn.reading]
            sending = group.create_task(
                paced.send(self._machine.port, self._requests(turn), self._options.pace)
            )
            pausing = [group.create_task(self._pause(each)) for each in turn.pausing]
            await self._watch(turn, time.time() + seconds)
            turn.events = await sending
            turn.worked = self._machine.worked - worked
            await asyncio.sleep(2)
            await asyncio.to_thread(self._compare, turn)
            for task in (*reading, *pausing):
                task.cancel()
        for each in turn.everybody:
            each.close()
        await asyncio.sleep(2)
        turn.memory.append(self._machine.memory)
        return turn

    def _client(self, by_socket: bool) -> Stalled:
        return Stalled(self._machine.port, self._key, EVERYBODY.subscription(self.id), by_socket)

    def _requests(self, turn: Turn) -> list[bytes]:
        bodies = (
            wire.v0_reads(self._token, [(bib, WINNER - 2 * bib, str(bib))])
            for bib in range(turn.first, turn.first + self._calls)
        )
        return [wire.post("/v0/passings", self._key, body) for body in bodies]

    async def _pause(self, client: Stalled) -> None:
        await asyncio.sleep(self._options.pause)
        await client.read_on()

    async def _watch(self, turn: Turn, until: float) -> None:
        """What the server says of itself; who reads late begins when all are closed that are to be closed."""
        caller = Caller(self._machine.port)
        before = await figures(caller)
        since = max(each.since for each in turn.everybody)
        late: list[asyncio.Task[None]] = []
        while time.time() < until:
            await asyncio.sleep(LOOK_EVERY)
            turn.memory.append(self._machine.memory)
            now, passed = await figures(caller), time.time() - since
            turn.closings += [passed] * round(now.closed - before.closed - len(turn.closings))
            turn.drops += [passed] * round(now.dropped - before.dropped - len(turn.drops))
            if turn.stalled and len(turn.closings) >= len(turn.stalled) and not late:
                late = [asyncio.create_task(each.read_on()) for each in turn.late]
        turn.left = now.live - self._options.sockets
        caller.close()
        for task in late:
            task.cancel()

    def _compare(self, turn: Turn) -> None:
        """Those who read in the end show what is there to ask for."""
        right: list[Line] = EVERYBODY.lines(self._desk, self.id)
        for each in (*turn.pausing, *turn.reading):
            if each.end != NOT_YET:
                turn.wrong.append(f"one who read on was ended: {each.end}")
            elif each.screen.shown != right or each.screen.unlike:
                turn.wrong.append("one who read on shows something else than is there to ask for")


class Figures(NamedTuple):
    """Connections that were closed for being unread, how often news were dropped for one, and how many live
    ones there are."""

    closed: float
    dropped: float
    live: float


async def figures(caller: Caller) -> Figures:
    lines = (await caller.call(wire.get("/metrics"))).body.splitlines()
    return Figures(
        *(next(float(line.removeprefix(name)) for line in lines if line.startswith(name)) for name in FIGURES)
    )
