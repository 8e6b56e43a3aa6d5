"""An event of the real server gets ready for a race."""

import dataclasses
import datetime

import pytest

from replay import calls, plans, play, races, reports, simulated, stage, wire

START = datetime.datetime(2026, 5, 3, 10, tzinfo=datetime.UTC)
BOARD = """query ($race: ID!, $gender: String) {
  leaderboard(raceId: $race, gender: $gender, first: 1000) {
    totalCount edges { node { rank bib name category state netIsGun } }
  }
}"""
RACES = """query ($token: String!) {
  event(token: $token) {
    public status
    races { name waves { name gunTime } checkpoints { name kind distance servings { device { alias } } } }
  }
}"""


@pytest.fixture
def at(server, key):
    return wire.server(server.url, key)


@pytest.fixture
def options(request):
    serial = f"stage-{request.node.name}"
    return play.Options(START, habits=plans.Habits(batch=50, repeats=0.2), serial=serial, patience=20)


def race(*bibs, **about):
    mats = [races.Mat("5k", [races.Reading(900.0 + place, bib) for place, bib in enumerate(bibs)])]
    mats.append(races.Mat("finish", [races.Reading(1900.0 + place, bib) for place, bib in enumerate(bibs)]))
    return races.Race("run", mats, [{"bib": bib} | about for bib in bibs])


async def test_a_simulated_race_in_waves_is_finished_on_the_board_as_in_the_file(at, options, desk):
    run = simulated.race(300)
    token = await stage.new_event(at, "Simulated", START.date())
    ready = await stage.prepare(run, at, options, token)
    assert (ready.made, ready.enrolled) == (1, 300)
    report = (await play.play(run, at, options))._replace(boards=await ready.finishers(at))
    assert report.complaints() == []
    assert report.boards[0].shown > 280
    event = desk.data(RACES, token=token)["event"]
    assert (event["public"], event["status"]) == (True, "PUBLISHED")
    assert [wave["name"] for wave in event["races"][0]["waves"]] == ["Red", "Yellow", "Green"]
    spots = event["races"][0]["checkpoints"]
    assert [(spot["kind"], spot["distance"]) for spot in spots][::4] == [("START", 0.0), ("FINISH", 10_000.0)]
    assert [spot["servings"][0]["device"]["alias"] for spot in spots] == list(simulated.COURSE)
    board = desk.data(BOARD, race=ready.boards["10 km"], gender="F")["leaderboard"]
    assert board["totalCount"] == sum(entrant["gender"] == "F" for entrant in run.entrants)
    assert all(edge["node"]["category"].startswith("F") for edge in board["edges"])


async def test_a_wheelchair_race_shares_the_mats(at, options, desk):
    run = race("1", "2", "W1")
    ready = await stage.prepare(run, at, options, await stage.new_event(at, "Two races", START.date()))
    report = (await play.play(run, at, options))._replace(boards=await ready.finishers(at))
    assert report.boards == [reports.Board("run", 2, 2), reports.Board("run wheelchair", 1, 1)]


async def test_laps_are_raced_on_one_mat_each(at, options, tmp_path):
    path = tmp_path / "laps.csv"
    path.write_text("race,bib,lap,lap_time_s\n1,7,1,100\n1,7,2,99\n1,9,1,120\n2,7,1,60\n")
    run = races.read(path)
    ready = await stage.prepare(run, at, options, await stage.new_event(at, "Laps", START.date()))
    report = (await play.play(run, at, options))._replace(boards=await ready.finishers(at))
    assert report.complaints() == []
    assert report.boards == [reports.Board("Race 1", 1, 1), reports.Board("Race 2", 1, 1)]


async def test_getting_ready_twice_changes_nothing(at, options, desk):
    token = await stage.new_event(at, "Twice", START.date())
    await stage.prepare(race("1"), at, options, token)
    before = desk.data(RACES, token=token)
    ready = await stage.prepare(race("1", "2"), at, options, token)
    assert (ready.made, ready.enrolled) == (0, 1)
    assert desk.data(RACES, token=token) == before


async def test_an_event_with_other_races_only_gets_the_competitors(at, options, desk):
    token = await stage.new_event(at, "Another", START.date())
    await stage.prepare(race("1"), at, options, token)
    other = race("2")._replace(name="other")
    ready = await stage.prepare(other, at, dataclasses.replace(options, serial="other"), token)
    assert (ready.made, ready.enrolled, ready.boards) == (0, 1, {})
    assert await ready.finishers(at) == []
    assert len(desk.data(RACES, token=token)["event"]["races"]) == 1


@pytest.mark.parametrize("about", [{"age": "old"}, {"age": "200"}, {"club": "x" * 500}])
async def test_a_competitor_that_cannot_be_enrolled_is_named(at, options, about):
    token = await stage.new_event(at, "Strict", START.date())
    with pytest.raises(calls.Refused, match="Bib 1"):
        await stage.prepare(race("1", **about), at, options, token)


async def test_an_event_of_somebody_else_is_not_found(server, at, other_key, options):
    token = await stage.new_event(at, "Mine", START.date())
    with pytest.raises(calls.Refused):
        await stage.prepare(race("1"), wire.server(server.url, other_key), options, token)


@pytest.fixture
def reader(server, make_key):
    return wire.server(server.url, make_key("READ"))


async def test_a_key_that_may_not_write_is_declined_in_a_sentence(reader):
    with pytest.raises(calls.Refused, match="GraphQL: "):
        await stage.new_event(reader, "No", START.date())
