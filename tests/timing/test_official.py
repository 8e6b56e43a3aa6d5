"""Real races: their passings in random order, and the ranks that were official.

The folder is named by PASSLINE_DATA, else `../shared/data`. The data is not ours to copy. No two runners share an
official rank though thousands tie to the second, so a rank is right inside the span that its tie can take.
"""

import csv
import os
import random
from collections import Counter, defaultdict
from dataclasses import replace
from pathlib import Path

import pytest

from timing.clocks import SECOND
from timing.leaderboards import Ranking, Which
from timing.races import (
    Basis,
    Category,
    Checkpoint,
    Counts,
    Definition,
    Kind,
    Mode,
    Participant,
    Race,
    Read,
    Serving,
    Wave,
)
from timing.scoring import Scoring

FOLDER = Path(os.environ.get("PASSLINE_DATA") or Path(__file__).parents[3] / "shared" / "data")
pytestmark = pytest.mark.skipif(
    not FOLDER.is_dir(), reason=f"no real races: set PASSLINE_DATA (no {FOLDER.parent.name}/{FOLDER.name})"
)
RUNNERS, WHEELCHAIRS = 1, 2
RANKINGS = {"overall_rank": Ranking.OVERALL, "gender_rank": Ranking.GENDER, "division_rank": Ranking.CATEGORY}


def divisions(years):
    """Age bands of so many years from 40 on, per gender; the last one is open."""
    last = 80 if years == 5 else 70
    bands = [(None, 39), *((low, low + years - 1) for low in range(40, last, years)), (last, None)]
    return tuple(
        Category(f"{gender} {low or 0}", gender, low, high) for gender in "FM" for low, high in bands
    )


def rows(name):
    with (FOLDER / name).open(newline="") as file:
        return list(csv.DictReader(file))


def time(text):
    hours, minutes, seconds = text.split(":")
    return (int(hours) * 3600 + int(minutes) * 60 + int(seconds)) * SECOND


def race(id, names, years=5, **more):
    """A course of these mats, the last of them the finish, with one gun at 0."""
    kinds = {"start": Kind.START, names[-1]: Kind.FINISH}
    points = tuple(
        Checkpoint(
            id * 100 + at,
            kinds.get(name, Kind.INTERMEDIATE),
            name,
            bounce=10 * SECOND,
            counts=Counts.LAST if name == "start" else Counts.FIRST,
        )
        for at, name in enumerate(names)
    )
    return Race(id, "", checkpoints=points, waves=(Wave(id, "", 0),), categories=divisions(years), **more)


def entered(id, row):
    of = WHEELCHAIRS if row["bib"].startswith("W") else RUNNERS
    return Participant(id, of, row["bib"], gender=row["gender"], age=int(row["age"]))


def scored(races, participants, found, repeats=0.2):
    """Of (mat, bib, time), in random order of arrival, some of them again; a mat is a session of its own."""
    reads = [Read(at, mat, mat, at, when, bib, None) for at, (mat, bib, when) in enumerate(found, 1)]
    chance = random.Random(2014)
    told = reads + chance.sample(reads, int(len(reads) * repeats))
    chance.shuffle(told)
    servings = [
        Serving(each.id, mat.id, session_row=mat.id % 100) for each in races for mat in each.checkpoints
    ]
    scoring = Scoring(Definition(races, servings, participants))
    for at in range(0, len(told), 10_000):
        scoring.take(told[at : at + 10_000])
        scoring.settle()
    return scoring


def outside(scoring, race, official, ranking, group):
    """Participants whose official rank is not in the span of those with the same rank on our board."""
    view = scoring.boards[race].view(Which(ranking))
    ours = {id: view.rank_of(id) for id in official}
    tied = Counter((group(id), rank) for id, rank in ours.items())
    return [
        id
        for id, rank in official.items()
        if ours[id] is None or not ours[id] <= rank < ours[id] + tied[group(id), ours[id]]
    ]


def all_official_ranks_hold(scoring, people, found, race=RUNNERS, columns=tuple(RANKINGS)):
    """How many participants were compared."""
    of = {id: person for id, person in people.items() if person.race == race}
    lines = scoring.boards[race].lines
    groups = {"overall_rank": lambda id: None, "gender_rank": lambda id: of[id].gender}
    groups["division_rank"] = lambda id: lines[id].category
    for column in columns:
        official = {id: int(found[id][column]) for id in of}
        assert outside(scoring, race, official, RANKINGS[column], groups[column]) == [], column
    return len(of)


@pytest.mark.parametrize(
    ("year", "mats", "passings", "runners"),
    [
        (2014, "5k 10k 20k half 25k 30k 35k 40k finish", 287_302, 31_931),
        (2013, "5k 10k 15k 20k half 25k 30k 35k 40k finish", 175_763, 17_600),
    ],
)
def test_boston_with_its_splits(year, mats, passings, runners):
    names = mats.split()
    found = dict(enumerate(rows(f"boston_{year}.csv"), 1))
    people = {id: entered(id, row) for id, row in found.items()}
    seen = [
        (mat, row["bib"], time(row[name]))
        for row in found.values()
        for mat, name in enumerate(names)
        if row[name]
    ]
    assert len(seen) == passings
    scoring = scored([race(RUNNERS, names), race(WHEELCHAIRS, names)], list(people.values()), seen)
    assert all_official_ranks_hold(scoring, people, found) == runners
    all_official_ranks_hold(scoring, people, found, WHEELCHAIRS, ("overall_rank", "gender_rank"))
    judged = [sum(scoring.verdict_counts(each).values()) for each in (RUNNERS, WHEELCHAIRS)]
    assert sum(judged) == passings
    finish = scoring.boards[RUNNERS].counts()
    assert finish.finished == finish.entered == runners


def test_boston_2001_is_ranked_by_gun():
    found = dict(enumerate(rows("boston_2001_gun_net.csv"), 1))
    people = {id: entered(id, row) for id, row in found.items()}
    seen = [(0, row["bib"], time(row["gun"]) - time(row["net"])) for row in found.values()]
    seen += [(1, row["bib"], time(row["gun"])) for row in found.values()]
    by_gun = race(RUNNERS, ["start", "finish"], years=10)
    scoring = scored([by_gun], list(people.values()), seen)
    assert all_official_ranks_hold(scoring, people, found) == 13_408

    by_net = replace(by_gun, overall_by=Basis.NET)
    servings = [Serving(1, mat.id, session_row=mat.id % 100) for mat in by_net.checkpoints]
    anew = Scoring(Definition([by_net], servings, list(people.values())))
    anew.take(scoring.reads())
    anew.settle()
    view = anew.boards[RUNNERS].view()
    nets = sorted(time(row["net"]) for row in found.values())
    first = {net: place for place, net in reversed(list(enumerate(nets, 1)))}
    assert all(view.rank_of(id) == first[time(row["net"])] for id, row in found.items())
    official = {id: int(row["overall_rank"]) for id, row in found.items()}
    moved = outside(anew, RUNNERS, official, Ranking.OVERALL, lambda id: None)
    assert len(moved) > 10_000


def test_positions_at_the_end_of_every_lap():
    laps = defaultdict(list)
    for row in rows("laps_2024.csv"):
        laps[int(row["race"]), row["bib"]].append(
            (round(float(row["lap_time_s"]) * SECOND), int(row["position"]))
        )
    right = 0
    for id in sorted({race for race, _ in laps}):
        drivers = {bib: driven for (race, bib), driven in laps.items() if race == id}
        people = {bib: Participant(at, id, bib) for at, bib in enumerate(drivers, 1)}
        seen = [
            (0, bib, sum(taken for taken, _ in driven[: lap + 1]))
            for bib, driven in drivers.items()
            for lap in range(len(driven))
        ]
        contest = race(id, ["finish"], mode=Mode.LAPS, laps=max(map(len, drivers.values())))
        scoring = scored([contest], list(people.values()), seen)
        for bib, driven in drivers.items():
            for lap, (_, position) in enumerate(driven, 1):
                right += scoring.boards[id].view(Which(lap=lap)).rank_of(people[bib].id) == position
    assert right == 6_069
