"""What a race is called, measures and counts by in an event: as much as a file tells of it. Pure."""

import datetime
import re
from collections import Counter
from typing import Any, NamedTuple

from replay import races

BANDS = ((0, 39), *((youngest, youngest + 4) for youngest in range(40, 80, 5)), (80, None))
DISTANCE = re.compile(r"(\d+(?:\.\d+)?) ?(k|km|mi)", re.I)
METRES = {"k": 1000.0, "km": 1000.0, "mi": 1609.344}
HALF = 21_097.5


class Contest(NamedTuple):
    """A race of an event: how GraphQL defines it, and how many the file has finish.

    `spots`: the checkpoint of each of its mats, in the order of the course.
    """

    name: str
    spots: dict[str, str]
    finishers: int
    input: dict[str, Any]


def of(race: races.Race, start: datetime.datetime) -> list[Contest]:
    """The races of a file whose competitors had their common start then."""
    groups: dict[str, set[str]] = {}
    for entrant in race.entrants:
        groups.setdefault(name_of(race, entrant), set()).add(entrant["bib"])
    found = [contest(race, name, bibs, start) for name, bibs in groups.items()]
    return [each for each in found if each.spots]


def name_of(race: races.Race, entrant: dict[str, str]) -> str:
    """The race that the file names, else the file's name. Wheelchairs, bibs with W, have one of their own."""
    name = entrant.get("race") or race.name
    return f"{name} wheelchair" if entrant["bib"].startswith("W") else name


def contest(race: races.Race, name: str, bibs: set[str], start: datetime.datetime) -> Contest:
    """The race of these bibs, over the mats that any of them crossed."""
    seen = {mat.name: [each.bib for each in mat.readings if each.bib in bibs] for mat in race.mats}
    seen = {mat: found for mat, found in seen.items() if found}
    mats = list(seen)
    times = Counter(seen[mats[-1]]) if mats else Counter()
    laps = max(times.values(), default=1) if race.laps else None
    finishers = sum(laps is None or each == laps for each in times.values())
    waves = race.waves or (races.Wave(name, 0.0),)
    spots = dict.fromkeys(mats, "Finish") if race.laps else {mat: mat[:1].upper() + mat[1:] for mat in mats}
    input: dict[str, Any] = {
        "name": name,
        "waves": [{"name": each.name, "gunTime": moment(start, each.gun)} for each in waves],
        "checkpoints": checkpoints(race, spots),
        "categories": categories([each for each in race.entrants if each["bib"] in bibs]),
    }
    if laps is not None:
        input |= {"mode": "LAPS", "laps": laps}
    return Contest(name, spots, finishers, input)


def moment(start: datetime.datetime, seconds: float) -> str:
    return (start + datetime.timedelta(seconds=seconds)).isoformat()


def checkpoints(race: races.Race, spots: dict[str, str]) -> list[dict[str, Any]]:
    """The course: the last mat is the finish, a first one called start the start."""
    found: list[dict[str, Any]] = []
    furthest = 0.0
    mats = list(spots)
    for mat, name in spots.items():
        kind = "FINISH" if mat == mats[-1] else "START" if mat == mats[0] == "start" else "INTERMEDIATE"
        metres = distance(race, mat, kind)
        if metres is not None:
            metres = furthest = max(metres, furthest)
        found.append({"name": name, "kind": kind, "distance": metres})
    return found


def distance(race: races.Race, mat: str, kind: str) -> float | None:
    """Metres from the start, where the name tells: 5k, 10mi, half. A half makes it a marathon."""
    if kind == "START":
        return 0.0
    if mat == "half":
        return HALF
    if match := DISTANCE.fullmatch(mat):
        return float(match[1]) * METRES[match[2].lower()]
    if kind == "FINISH" and race.metres is None and any(each.name == "half" for each in race.mats):
        return 2 * HALF
    return race.metres if kind == "FINISH" else None


def categories(entrants: list[dict[str, str]]) -> list[dict[str, Any]]:
    """Boston's ten age bands for each gender; none if the file tells categories, or not both."""
    genders = sorted({each["gender"] for each in entrants if each.get("gender")})
    if not any(each.get("age") for each in entrants) or any(each.get("category") for each in entrants):
        return []
    return [
        {"name": band(gender, youngest, oldest), "gender": gender, "youngest": youngest, "oldest": oldest}
        for gender in genders
        for youngest, oldest in BANDS
    ]


def band(gender: str, youngest: int, oldest: int | None) -> str:
    return f"{gender}{youngest}+" if oldest is None else f"{gender}{youngest}-{oldest}"
