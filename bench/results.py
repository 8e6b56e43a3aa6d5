"""Results files with official ranks, as races that can be run: who takes part, and what the mats detected."""

import csv
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

Row = dict[str, str]

DAY = "2024-04-15"
GUN = f"{DAY}T10:00:00Z"
BANDS = ((0, 39), *((youngest, youngest + 4) for youngest in range(40, 80, 5)), (80, None))
ABOUT = {"bib", "gender", "age", "overall_rank", "gender_rank", "division_rank"}


class Mat(NamedTuple):
    """A device, the (race, checkpoint) pairs that it serves, and its reads: seconds after the gun, bib."""

    name: str
    serves: list[tuple[str, str]]
    reads: list[tuple[float, str]]


class Field(NamedTuple):
    """The races as GraphQL makes them, the people of each by bib, the mats; `rows`: the file's own lines."""

    name: str
    races: list[dict[str, Any]]
    people: dict[str, dict[str, Row]]
    mats: list[Mat]
    rows: list[Row]

    @property
    def size(self) -> int:
        return sum(len(mat.reads) for mat in self.mats)

    def entries(self, race: str, race_id: str) -> list[dict[str, Any]]:
        """The people of a race as GraphQL takes them in."""
        return [
            {"bib": bib, "name": f"Bib {bib}", "raceId": race_id}
            | ({"gender": row["gender"], "age": int(row["age"])} if "age" in row else {})
            for bib, row in self.people[race].items()
        ]


def read(path: Path) -> Field:
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    if "lap" in rows[0]:
        return _laps(path.stem, rows)
    if "gun" in rows[0]:
        return _gun_and_net(path.stem, rows)
    return _splits(path.stem, rows)


def seconds(time: str) -> int:
    hours, minutes, rest = time.split(":")
    return int(hours) * 3600 + int(minutes) * 60 + int(rest)


def _splits(name: str, rows: list[Row]) -> Field:
    """One start for all. Wheelchairs, bibs with W, have a race of their own over the same mats."""
    spots = [column for column in rows[0] if column not in ABOUT]
    people: defaultdict[str, dict[str, Row]] = defaultdict(dict)
    for row in rows:
        people["Wheelchairs" if row["bib"].startswith("W") else "Runners"][row["bib"]] = row
    mats = []
    for spot in spots:
        reads = [(float(seconds(row[spot])), row["bib"]) for row in rows if row[spot]]
        mats.append(Mat(spot, [(race, spot) for race in people], reads))
    return Field(name, [_race(race, spots) for race in people], dict(people), mats, rows)


def _gun_and_net(name: str, rows: list[Row]) -> Field:
    """The finish was crossed at the gun time, the start as much earlier as the net time tells."""
    starts = [(float(seconds(row["gun"]) - seconds(row["net"])), row["bib"]) for row in rows]
    ends = [(float(seconds(row["gun"])), row["bib"]) for row in rows]
    mats = [Mat(spot, [("Runners", spot)], reads) for spot, reads in (("start", starts), ("finish", ends))]
    race = _race("Runners", ["start", "finish"])
    return Field(name, [race], {"Runners": {row["bib"]: row for row in rows}}, mats, rows)


def _laps(name: str, rows: list[Row]) -> Field:
    """Each race has a mat of its own. A bib comes again in other races, so the race goes before it."""
    passed: defaultdict[str, defaultdict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for row in rows:
        times = passed[row["race"]][f"{row['race']}-{row['bib']}"]
        times.append((times[-1] if times else 0.0) + float(row["lap_time_s"]))
    mats, races, people = [], [], {}
    for race, laps in passed.items():
        most = max(map(len, laps.values()))
        races.append(_race(f"Race {race}", ["line"]) | {"mode": "LAPS", "laps": most, "categories": []})
        people[f"Race {race}"] = {bib: Row() for bib in laps}
        reads = [(at, bib) for bib, times in laps.items() for at in times]
        mats.append(Mat(f"line of race {race}", [(f"Race {race}", "line")], reads))
    return Field(name, races, people, mats, rows)


def _race(name: str, spots: list[str]) -> dict[str, Any]:
    kinds = {"start": "START", spots[-1]: "FINISH"}
    return {
        "name": name,
        "waves": [{"name": "all", "gunTime": GUN}],
        "checkpoints": [{"name": spot, "kind": kinds.get(spot, "INTERMEDIATE")} for spot in spots],
        "categories": [
            {"name": f"{gender}{youngest}", "gender": gender, "youngest": youngest, "oldest": oldest}
            for gender in "FM"
            for youngest, oldest in BANDS
        ],
    }


def ranks(times: Iterable[tuple[str, int]]) -> dict[str, int]:
    """The rank of each by time; equal times share one."""
    found: dict[str, int] = {}
    former = rank = -1
    for place, (time, bib) in enumerate(sorted((time, bib) for bib, time in times), 1):
        if time != former:
            former, rank = time, place
        found[bib] = rank
    return found
