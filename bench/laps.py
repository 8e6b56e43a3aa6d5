"""A race in laps whose leaders pass the line in turn: each passing changes one line of the board."""

import re
from collections.abc import Iterator, Sequence
from itertools import count
from secrets import token_hex
from typing import Any, NamedTuple

import orjson

from bench import results, sessions, wire
from bench.desk import Desk
from bench.machine import Machine

LEADERS = 10
EVERY = 6.0
"""Seconds of the race between two passings."""
DAYS = 30
LINE = "key rank bib name state lap gunTime"
FOLLOW = (
    f"subscription($r:ID!){{leaderboard(raceId:$r,top:{LEADERS})"
    f"{{revision snapshot removed standings{{{LINE}}}}}}}"
)
SHOWN = f"query($r:ID!){{leaderboard(raceId:$r,first:{LEADERS}){{edges{{node{{{LINE}}}}}}}}}"
NAMES = ("Amina", "Birgit", "Chloé", "Dolores", "Emma", "Fatou", "Greta", "Hanna", "Inés", "Joan")
_REVISION = re.compile(rb'"revision":\d+')

Update = dict[str, Any]


class Race(NamedTuple):
    """Where the leaders' passings go to, and what is followed."""

    id: str
    key: str
    token: str

    def payload(self) -> dict[str, object]:
        """Of a `subscribe`."""
        return {"query": FOLLOW, "variables": {"r": self.id}}

    def posts(self) -> Iterator[bytes]:
        """A request for each passing, in the order of the race."""
        for number in count(1):
            yield wire.post("/v0/passings", self.key, self._read(number))

    def _read(self, number: int) -> bytes:
        bib = str((number - 1) % LEADERS + 1)
        return wire.v0_reads(self.token, [(number, EVERY * number, bib)])


def prepare(machine: Machine, key: str, people: int) -> Race:
    """A race of so many, in which nobody has passed the line yet."""
    with machine.client(key) as client:
        desk = Desk(client)
        event = desk.event("Laps", results.DAY)
        race = desk.race(
            event,
            {
                "name": f"{DAYS} days",
                "mode": "TIMED",
                "durationSeconds": DAYS * 86_400,
                "waves": [{"name": "all", "gunTime": results.GUN}],
                "checkpoints": [{"name": "line", "kind": "FINISH"}],
            },
        )
        names = (f"{NAMES[bib % len(NAMES)]} Runner" for bib in range(1, people + 1))
        desk.enter(event, [{"bib": str(bib), "name": name} for bib, name in enumerate(names, 1)])
        device, token = sessions.on_device(client, f"LINE-{token_hex(4)}")
        desk.serve(race.checkpoints["line"], device)
    return Race(race.id, key, token)


def shown(machine: Machine, race: Race) -> list[Update]:
    """The first lines of the board, by a query."""
    with machine.client(race.key) as client:
        page = Desk(client).ask(SHOWN, r=race.id)
    return [edge["node"] for edge in page["edges"]]


def update(message: bytes) -> Update:
    """What a subscription's message says of the board."""
    found: Update = orjson.loads(message)["payload"]["data"]["leaderboard"]
    return found


def renumbered(messages: Sequence[bytes]) -> Iterator[bytes]:
    """These messages over and over, with revisions that grow by one."""
    for number in count(1):
        message = messages[(number - 1) % len(messages)]
        yield _REVISION.sub(b'"revision":%d' % number, message, count=1)


def problems(updates: Sequence[Update], lines: Sequence[Update] | None) -> Iterator[str]:
    """What is wrong with a socket's updates: missed ones, and, where it is known what ought to be on the
    screen in the end, a screen that differs."""
    screen: dict[str, Update] = {}
    for place, each in enumerate(updates):
        if place and each["revision"] != updates[place - 1]["revision"] + 1:
            yield f"revision {each['revision']} after {updates[place - 1]['revision']}"
        if each["snapshot"]:
            screen.clear()
        for key in each["removed"]:
            screen.pop(key, None)
        screen.update((line["key"], line) for line in each["standings"])
    if lines is not None and sorted(screen.values(), key=_rank) != sorted(lines, key=_rank):
        yield "the screens differ from the board at the end"


def _rank(line: Update) -> tuple[bool, int, str]:
    return line["rank"] is None, line["rank"] or 0, line["key"]
