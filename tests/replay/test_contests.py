"""What an event is told of a file's races."""

import datetime

import pytest

from replay import contests, races

START = datetime.datetime(2014, 4, 21, 10, tzinfo=datetime.UTC)


def race(entrants=None, mats=None, **more):
    """Every bib crosses every mat, a minute apart."""
    entrants = entrants or [{"bib": "1", "gender": "M", "age": "38"}]
    found = [
        races.Mat(mat, [races.Reading(60.0 * place, entrant["bib"]) for entrant in entrants])
        for place, mat in enumerate(mats or ["5k", "finish"])
    ]
    return races.Race("file", found, entrants, **more)


def distances(*mats, **more):
    [contest] = contests.of(race(mats=list(mats), **more), START)
    return [spot["distance"] for spot in contest.input["checkpoints"]]


def test_the_mats_are_the_checkpoints_and_the_last_one_the_finish():
    [contest] = contests.of(race(mats=["start", "5k", "half", "finish"]), START)
    assert contest.input["checkpoints"] == [
        {"name": "Start", "kind": "START", "distance": 0.0},
        {"name": "5k", "kind": "INTERMEDIATE", "distance": 5000.0},
        {"name": "Half", "kind": "INTERMEDIATE", "distance": 21097.5},
        {"name": "Finish", "kind": "FINISH", "distance": 42195.0},
    ]
    assert contest.input["waves"] == [{"name": "file", "gunTime": "2014-04-21T10:00:00+00:00"}]
    assert contest.spots == {"start": "Start", "5k": "5k", "half": "Half", "finish": "Finish"}


@pytest.mark.parametrize(
    ("mats", "metres"),
    [
        (["2.5k", "10 km", "finish"], [2500.0, 10000.0, None]),
        (["10mi", "finish"], [16093.44, None]),
        (["bridge", "10k"], [None, 10000.0]),
        (["10k", "5k", "finish"], [10000.0, 10000.0, None]),
        (["finish"], [None]),
    ],
)
def test_distances_are_told_by_names(mats, metres):
    assert distances(*mats) == pytest.approx(metres)


def test_a_race_may_know_its_length():
    assert distances("5k", "finish", metres=10_000) == [5000.0, 10_000]


def test_each_wave_has_its_gun():
    waves = (races.Wave("Red", 0.0), races.Wave("Green", 300.0))
    [contest] = contests.of(race(waves=waves), START)
    assert contest.input["waves"] == [
        {"name": "Red", "gunTime": "2014-04-21T10:00:00+00:00"},
        {"name": "Green", "gunTime": "2014-04-21T10:05:00+00:00"},
    ]


def test_ages_and_genders_make_ten_bands_for_each_gender():
    [contest] = contests.of(
        race([{"bib": "1", "gender": "M", "age": "38"}, {"bib": "F2", "gender": "F"}]), START
    )
    names = [category["name"] for category in contest.input["categories"]]
    assert (len(names), names[:3], names[9:11]) == (20, ["F0-39", "F40-44", "F45-49"], ["F80+", "M0-39"])
    assert contest.input["categories"][1] == {"name": "F40-44", "gender": "F", "youngest": 40, "oldest": 44}


@pytest.mark.parametrize(
    "entrant",
    [{"gender": "M"}, {"age": "38"}, {}, {"gender": "M", "age": "38", "category": "Elite"}],
)
def test_without_them_or_with_categories_of_its_own_there_are_no_rules(entrant):
    [contest] = contests.of(race([{"bib": "1"} | entrant]), START)
    assert contest.input["categories"] == []


def test_wheelchairs_and_named_races_are_races_of_their_own():
    entrants = [{"bib": "1"}, {"bib": "W1"}, {"bib": "2", "race": "5 km"}, {"bib": "W2", "race": "5 km"}]
    found = contests.of(race(entrants), START)
    assert [each.name for each in found] == ["file", "file wheelchair", "5 km", "5 km wheelchair"]
    assert [each.finishers for each in found] == [1, 1, 1, 1]


def test_who_misses_the_finish_is_no_finisher_and_who_is_read_twice_is_one():
    mats = [
        races.Mat("5k", [races.Reading(60.0, bib) for bib in "123"]),
        races.Mat(
            "finish", [races.Reading(at, bib) for at, bib in ((120.0, "1"), (121.0, "1"), (130.0, "2"))]
        ),
    ]
    [contest] = contests.of(races.Race("file", mats, [{"bib": bib} for bib in "123"]), START)
    assert contest.finishers == 2


def test_laps_are_finished_by_who_made_all_of_them():
    readings = [races.Reading(60.0, "1-1"), races.Reading(61.0, "1-2"), races.Reading(120.0, "1-1")]
    entrants = [{"bib": bib, "race": "Race 1"} for bib in ("1-1", "1-2")]
    [contest] = contests.of(races.Race("file", [races.Mat("Race 1", readings)], entrants, laps=True), START)
    assert (contest.input["mode"], contest.input["laps"], contest.finishers) == ("LAPS", 2, 1)
    assert contest.spots == {"Race 1": "Finish"}
