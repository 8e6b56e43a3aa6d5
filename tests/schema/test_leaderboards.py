"""Leaderboards over GraphQL."""

import asyncio

import pytest

from resolvers.context import STRANGER
from tests.resolvers.day import Day
from tests.schema.conftest import code, fields

BOARD = """query($race: ID!, $ranking: Ranking! = OVERALL, $gender: String, $checkpoint: ID, $search: String,
    $first: Int, $after: String) { leaderboard(raceId: $race, ranking: $ranking, gender: $gender,
    checkpointId: $checkpoint, search: $search, first: $first, after: $after) { totalCount
    pageInfo { hasNextPage hasPreviousPage endCursor } counts { entered finished onCourse at { count checkpoint { name } } }
    edges { cursor node { key rank bib name gender category club team state time gunTime netTime netIsGun gap lap
    adjustment projectedTime checkpoint { name } splits { lap at gunTime netTime checkpoint { name } }
    members { bib } participant { bib name } } } } }"""


@pytest.fixture
async def day(machine):
    day = await Day(machine.ctx).begin()
    await day.enter("1", "2", "3", gender="F", club="Here", team="A")
    await day.enter("11", "12", gender="M", team="B")
    return day


async def lines(machine, day, **names):
    found = (await machine.execute(BOARD, race=race_id(day), **names))["leaderboard"]
    return [edge["node"] for edge in found["edges"]], found


def race_id(day) -> str:
    from schema.relay import global_id

    return str(global_id("Race", day.race.id))


async def failed(machine, query, ctx=None, **variables):
    result = await machine.schema.execute(query, variables, context_value=ctx or machine.ctx)
    return {"errors": [error.formatted for error in result.errors]}


async def test_a_line_tells_times_splits_and_whose_it_is(machine, day):
    await day.see(0, 2, "2")
    await day.see(1, 1202, "2")
    await day.see(2, 2402.5, "2")
    (line, *others), found = await lines(machine, day)
    assert (line["rank"], line["bib"], line["name"], line["gender"], line["club"]) == (
        1,
        "2",
        "N2",
        "F",
        "Here",
    )
    assert (line["time"], line["gunTime"], line["netTime"], line["netIsGun"]) == (
        2402.5,
        2402.5,
        2400.5,
        False,
    )
    assert (
        line["state"] == "FINISHED"
        and line["projectedTime"] is None
        and line["checkpoint"]["name"] == "Finish"
    )
    assert [(split["checkpoint"]["name"], split["gunTime"], split["netTime"]) for split in line["splits"]] == [
        ("Start", 2, 0), ("5 km", 1202, 1200), ("Finish", 2402.5, 2400.5),
    ]  # fmt: skip
    assert line["participant"] == {"bib": "2", "name": "N2"}
    assert {other["rank"] for other in others} == {None} and found["totalCount"] == 5
    assert found["counts"]["finished"] == 1
    assert [(each["checkpoint"]["name"], each["count"]) for each in found["counts"]["at"]] == [
        ("Start", 1),
        ("5 km", 1),
        ("Finish", 1),
    ]


async def test_equal_times_share_a_rank_and_pages_go_on(machine, day):
    for bib, seconds in (("1", 2000), ("2", 2000), ("3", 2001)):
        await day.see(2, seconds, bib)
    found, page = await lines(machine, day, first=2)
    assert [line["rank"] for line in found] == [1, 1] and page["pageInfo"]["hasNextPage"]
    found, page = await lines(machine, day, first=2, after=page["pageInfo"]["endCursor"])
    assert found[0]["rank"] == 3 and page["pageInfo"]["hasPreviousPage"] and page["totalCount"] == 5


async def test_filters_and_rankings_are_honoured(machine, day):
    for bib, seconds in (("11", 1900), ("1", 2000), ("12", 2050), ("2", 2100), ("3", 2200)):
        await day.see(2, seconds, bib)
    assert [(line["rank"], line["bib"]) for line in (await lines(machine, day, gender="F"))[0]] == [
        (1, "1"),
        (2, "2"),
        (3, "3"),
    ]
    by_gender, _ = await lines(machine, day, ranking="GENDER")
    assert [(line["bib"], line["rank"]) for line in by_gender] == [
        ("11", 1),
        ("1", 1),
        ("12", 2),
        ("2", 2),
        ("3", 3),
    ]
    teams, _ = await lines(machine, day, ranking="TEAM")
    assert [(line["rank"], line["name"], line["participant"]) for line in teams] == [
        (1, "A", None),
        (None, "B", None),
    ]
    assert [each["bib"] for each in teams[0]["members"]] == ["1", "2", "3"] and teams[0]["time"] == 6300
    assert [line["bib"] for line in (await lines(machine, day, search="n1"))[0]] == ["11", "1", "12"]


async def test_a_board_at_a_checkpoint(machine, day):
    await day.see(2, 2300, "1")
    await day.see(1, 1200, "2")
    from schema.relay import global_id

    checkpoint = str(global_id("Checkpoint", day.checkpoints[1].id))
    found, _ = await lines(machine, day, checkpoint=checkpoint)
    assert [(line["rank"], line["bib"], line["time"]) for line in found] == [(1, "2", 1200)]


async def test_what_is_wrong_is_named(machine, day):
    assert fields(await failed(machine, BOARD, race=race_id(day), checkpoint="Q2hlY2twb2ludDo5OTk=")) == {
        "checkpointId": "is no checkpoint of this race"
    }
    assert "first" in fields(await failed(machine, BOARD, race=race_id(day), first=-1))
    assert "after" in fields(await failed(machine, BOARD, race=race_id(day), after="x"))


async def test_what_is_hidden_is_not_there(machine, day):
    stranger, other = machine.context_of(STRANGER), await machine.newcomer()
    for ctx in (stranger, other):
        assert code(await failed(machine, BOARD, ctx, race=race_id(day))) == "NOT_FOUND"
        result = await machine.schema.subscribe(
            "subscription($race: ID!) { leaderboard(raceId: $race) { revision } }",
            {"race": race_id(day)},
            context_value=ctx,
        )
        errors = result.errors if hasattr(result, "errors") else (await anext(result)).errors
        assert errors[0].extensions["code"] == "NOT_FOUND"


async def test_a_page_takes_as_many_statements_whatever_its_size(machine, day):
    await day.enter(*(str(bib) for bib in range(100, 150)))
    for bib in range(100, 150):
        await day.see(2, 2000 + bib, str(bib))
    await machine.execute(BOARD, race=race_id(day))
    few, many = [await machine.statements(BOARD, race=race_id(day), first=first) for first in (5, 50)]
    assert few == many
    page = """query($first: Int) { passings(first: $first) { edges { node { verdict verdictReason
        checkpoint { name } participant { bib } } } } }"""
    few, many = [await machine.statements(page, first=first) for first in (5, 50)]
    assert few == many


async def test_an_update_has_what_was_asked_for(machine, day):
    query = """subscription($race: ID!) { leaderboard(raceId: $race, gender: "F", top: 2) { revision snapshot removed
        standings { key rank place bib participant { bib } } counts { finished } } }"""
    feed = await machine.schema.subscribe(query, {"race": race_id(day)}, context_value=machine.ctx)
    first = (await anext(feed)).data["leaderboard"]
    assert first["snapshot"] and [line["bib"] for line in first["standings"]] == ["1", "2"]
    await day.see(2, 2000, "3")
    async with asyncio.timeout(5):
        second = (await anext(feed)).data["leaderboard"]
    assert (second["revision"], second["snapshot"], second["counts"]) == (2, False, {"finished": 1})
    told = [
        (line["rank"], line["place"], line["bib"], line["participant"]["bib"]) for line in second["standings"]
    ]
    assert told == [(1, 1, "3", "3"), (None, 2, "1", "1")]
    assert second["removed"] == [first["standings"][1]["key"]]
    await feed.aclose()


async def test_passings_tell_their_verdict_and_are_found_by_event(machine, day):
    await day.see(0, 3, "1")
    await day.see(1, 5, "1")
    await day.see(2, 2000, "99")
    elsewhere = await machine.session()
    await machine.record(elsewhere, 1)
    query = """query($event: String, $checkpoint: ID) { passings(eventToken: $event, checkpointId: $checkpoint) { totalCount
        edges { node { bib verdict verdictReason checkpoint { name } participant { bib } } } } }"""
    found = (await machine.execute(query, event=day.event.token))["passings"]
    told = [
        (node["verdict"], node["checkpoint"]["name"], node["participant"])
        for node in (e["node"] for e in found["edges"])
    ]
    assert told == [
        ("VALID", "Start", {"bib": "1"}),
        ("TOO_SOON", "5 km", {"bib": "1"}),
        ("UNKNOWN_PARTICIPANT", "Finish", None),
    ]
    assert all(edge["node"]["verdictReason"] for edge in found["edges"]) and found["totalCount"] == 3
    from schema.relay import global_id

    at_finish = await machine.execute(query, checkpoint=str(global_id("Checkpoint", day.checkpoints[2].id)))
    assert [edge["node"]["bib"] for edge in at_finish["passings"]["edges"]] == ["99"]
    everything = (await machine.execute(query))["passings"]
    assert everything["totalCount"] == 4 and everything["edges"][-1]["node"]["verdict"] is None


async def test_the_passings_of_an_event_are_followed_without_those_beside_it(machine, day):
    elsewhere = await machine.session()
    query = (
        'subscription($event: String) { passings(eventToken: $event, after: "0") { passing { number bib } } }'
    )
    await machine.record(elsewhere, 1)
    await day.see(0, 3, "1")
    feed = await machine.schema.subscribe(query, {"event": day.event.token}, context_value=machine.ctx)
    assert (await anext(feed)).data["passings"]["passing"]["bib"] == "1"
    await machine.record(elsewhere, 2)
    await day.see(1, 900, "2")
    async with asyncio.timeout(5):
        assert (await anext(feed)).data["passings"]["passing"]["bib"] == "2"
    await feed.aclose()


async def test_anomalies_and_rescoring(machine, day):
    await day.see(2, 2000, "1")
    query = "query($race: ID!) { anomalies(raceId: $race) { kind sentence passingIds participant { bib } } }"
    found = (await machine.execute(query, race=race_id(day)))["anomalies"]
    assert found and found[0]["participant"]["bib"] == "1" and found[0]["sentence"]
    rescored = await machine.execute(
        "mutation($race: ID!) { rescoreRace(raceId: $race) { equal differences } }", race=race_id(day)
    )
    assert rescored["rescoreRace"] == {"equal": True, "differences": []}
    assert (
        code(await failed(machine, query, machine.context_of(STRANGER), race=race_id(day)))
        == "UNAUTHENTICATED"
    )
