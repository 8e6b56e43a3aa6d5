"""A race is played to a server that is not always well."""

import datetime

import pytest

from replay import calls, plans, play, races, simulated, wire

START = datetime.datetime(2014, 4, 21, 10, tzinfo=datetime.UTC)


def options(**changes):
    habits = plans.Habits(batch=20, singles=0.1, repeats=0.2)
    return play.Options(**{"start": START, "habits": habits, "patience": 5.0} | changes)


@pytest.fixture(scope="module")
def race():
    return simulated.race(60)


async def test_every_passing_is_stored_once_and_repeats_are_duplicates(race, moody):
    report = await play.play(race, moody.at, options())
    assert report.complaints() == []
    assert report.total.tally.inserted == report.total.stored == race.size
    assert report.total.tally.duplicates == sum(round(0.2 * len(mat.readings)) for mat in race.mats)
    assert len(moody.devices) == len(moody.sessions) == len(race.mats)
    stored = moody.sessions[report.lines[0].session]
    assert [stored[n]["bib"] for n in sorted(stored)] == [reading.bib for reading in race.mats[0].readings]


async def test_a_device_known_from_before_gets_a_fresh_session(race, moody):
    await play.play(race, moody.at, options())
    report = await play.play(race, moody.at, options())
    assert report.complaints() == []
    assert len(moody.devices) == len(race.mats)
    assert len(moody.sessions) == 2 * len(race.mats)


async def test_what_is_busy_or_dropped_is_sent_again_whole(race, moody):
    moody.moods = ["busy", "drop", "deaf", "deaf", ""] * 3
    report = await play.play(race, moody.at, options())
    assert report.complaints() == []
    assert report.total.stored == race.size
    assert report.total.tally.retries == 12
    assert report.total.tally.inserted < race.size
    assert report.total.tally.unanswered > 0


async def test_a_server_that_loses_passings_is_found_out(race, moody):
    moody.moods = ["lossy"]
    report = await play.play(race, moody.at, options(habits=plans.Habits()))
    assert any("the session holds" in complaint for complaint in report.complaints())


async def test_a_refusal_ends_the_play_with_the_servers_words(race, moody):
    moody.moods = ["broken"]
    with pytest.raises(calls.Refused, match="POST /v0/passings: 500 broken"):
        await play.play(race, moody.at, options())


async def test_patience_ends(race, unused_tcp_port):
    nobody = wire.server(f"http://127.0.0.1:{unused_tcp_port}", "ror-0")
    with pytest.raises(calls.Refused, match="given up after 0.2 s"):
        await play.play(race, nobody, options(patience=0.2))


async def test_at_full_speed_offline_devices_come_after_all_others(race, moody):
    report = await play.play(race, moody.at, options(offline=1, offline_for=1e6))
    assert report.complaints() == []
    ends = [{token for token, _ in moody.arrived[-n:]} for n in range(1, len(moody.arrived))]
    away = ends[0].pop()
    late = sum(tokens == {away} for tokens in ends)
    assert sum(len(numbers) for _, numbers in moody.arrived[-late:]) > 0.5 * len(moody.sessions[away])


async def test_a_paced_race_takes_its_time(moody):
    readings = [races.Reading(100.0 + at, str(at)) for at in range(31)]
    race = races.Race("short", [races.Mat("5k", readings)], [])
    report = await play.play(race, moody.at, options(speed=100.0, habits=plans.Habits(hold=5)))
    assert 0.3 <= report.seconds < 0.6
    assert report.complaints() == []


@pytest.mark.parametrize("url", ["localhost:8000", "ftp://host", "http://"])
def test_an_address_that_is_none_is_refused(url):
    with pytest.raises(wire.NoServer, match="not the http"):
        wire.server(url, "ror-0")
