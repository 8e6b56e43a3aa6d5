"""Views of one race by many different filters, as followers see them and as a query gives them."""

import random
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import orjson

from bench.desk import Desk

LINES = "key rank place bib state gunTime gap"
TOPS = (10, 20, 50)
Line = dict[str, Any]


class Filter(NamedTuple):
    """What a follower wants to see of a race."""

    gender: str | None
    category: str | None
    club: str | None
    checkpoint: str | None
    top: int
    line: str = LINES

    def subscription(self, race: str) -> str:
        shown = f"revision snapshot removed standings{{{self.line}}}"
        return f"subscription{{leaderboard({self._which(race)},top:{self.top}){{{shown}}}}}"

    def lines(self, desk: Desk, race: str) -> list[Line]:
        """What is there to ask for."""
        page = desk.ask(
            f"{{leaderboard({self._which(race)},first:{self.top}){{edges{{node{{{self.line}}}}}}}}}"
        )
        return [edge["node"] for edge in page["edges"]]

    def _which(self, race: str) -> str:
        given = {
            "raceId": race,
            "gender": self.gender,
            "category": self.category,
            "club": self.club,
            "checkpointId": self.checkpoint,
        }
        return ",".join(f"{name}:{orjson.dumps(value).decode()}" for name, value in given.items() if value)


def different(
    count: int, categories: Sequence[str], clubs: Sequence[str], checkpoints: Sequence[str]
) -> list[Filter]:
    """So many filters, no two alike; the same whenever the race is."""
    draw, found = random.Random(count), dict[Filter, None]()
    while len(found) < count:
        found[
            Filter(
                draw.choice((None, "F", "M")),
                draw.choice((None, *categories)),
                draw.choice((None, None, *clubs)),
                draw.choice((None, None, *checkpoints)),
                draw.choice(TOPS),
            )
        ] = None
    return list(found)


class Screen:
    """The lines of one follower: a snapshot, then what changes."""

    def __init__(self) -> None:
        self.lines: dict[str, Line] = {}
        self.updates = 0
        self.unlike = 0
        """Changes of another revision than the one that it has; none ought to be told."""
        self.skipped = 0
        """Revisions for which a later snapshot stood in."""
        self._revision: int | None = None

    def show(self, update: Line) -> None:
        missed = 0 if self._revision is None else update["revision"] - self._revision - 1
        if update["snapshot"]:
            self.lines.clear()
            self.skipped += missed
        else:
            self.unlike += missed != 0
        self.updates += 1
        self._revision = update["revision"]
        for key in update["removed"]:
            self.lines.pop(key, None)
        self.lines.update((line["key"], line) for line in update["standings"])

    @property
    def shown(self) -> list[Line]:
        return sorted(self.lines.values(), key=lambda line: int(line["place"]))


def update_of(frame: bytes) -> Line:
    match orjson.loads(frame):
        case {"type": "next", "payload": {"data": {"leaderboard": dict(update)}}}:
            return update
    raise RuntimeError(f"the subscription said {frame[:300].decode()}")


def new_lines(heard: Iterable[tuple[float, Line]]) -> Iterator[tuple[float, tuple[str, int]]]:
    """When a follower saw which passing first: bib and milliseconds since its wave's gun."""
    seen: set[tuple[str, int]] = set()
    for at, update in heard:
        for line in update["standings"]:
            if line["gunTime"] is None:
                continue
            passing = line["bib"], round(line["gunTime"] * 1000)
            if passing not in seen:
                seen.add(passing)
                yield at, passing
