"""Real races through v0 in random order of arrival: are the ranks on the boards the official ones?"""

import asyncio
import random
import sys
from argparse import ArgumentParser, Namespace
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import uvloop

from bench import cores, results, sessions, stored, table, wire
from bench.desk import Desk, Race
from bench.follower import Follower
from bench.load import Run, send
from bench.machine import Machine
from bench.results import Field

FILES = ("boston_2014", "boston_2013", "boston_2001_gun_net", "laps_2024")
BY = {"overall_rank": "OVERALL", "gender_rank": "GENDER", "division_rank": "CATEGORY"}
NOT_BY_AGE = {("boston_2014", "Wheelchairs"), ("boston_2001_gun_net", "Runners")}
"""Their divisions are not the ten age bands."""
BY_NET = "mutation($r:ID!){updateRace(id:$r,input:{overallBy:NET}){id}}"


@dataclass
class Check:
    """A ranking of a race, and how many stand where they ought to."""

    what: str
    of: int
    right: int

    @property
    def cells(self) -> list[str]:
        return [self.what, f"{self.right:,}", f"{self.of:,}", f"{self.right / self.of:.2%}"]


@dataclass
class Played:
    """A file that was run: its races, what it took, and who followed."""

    run: Run
    file: Field
    races: dict[str, Race]
    followers: list[Follower]
    sent: int
    checks: list[Check] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)


def prepare(desk: Desk, machine: Machine, key: str, found: Field) -> tuple[dict[str, Race], dict[str, str]]:
    """The races with everybody entered, and the session of each mat."""
    event = desk.event(found.name, results.DAY)
    races = {new["name"]: desk.race(event, new) for new in found.races}
    for name, race in races.items():
        desk.enter(event, found.entries(name, race.id))
    tokens = {}
    with machine.client(key) as client:
        for mat in found.mats:
            device, tokens[mat.name] = sessions.on_device(client, mat.name)
            for name, spot in mat.serves:
                desk.serve(races[name].checkpoints[spot], device)
    return races, tokens


def calls(found: Field, tokens: dict[str, str], options: Namespace) -> Iterator[bytes]:
    """Each mat's reads in any order, some of them again later or sooner, in batches of any size."""
    for mat in found.mats:
        reads: list[wire.Read] = [(number, at, bib) for number, (at, bib) in enumerate(mat.reads, 1)]
        reads += random.sample(reads, round(len(reads) * options.repeats))
        random.shuffle(reads)
        while reads:
            size = random.randint(1, options.batch)
            yield wire.v0_reads(tokens[mat.name], reads[-size:])
            del reads[-size:]


async def play(machine: Machine, key: str, requests: list[bytes], followers: list[Follower]) -> Run:
    """All mats at once over 16 connections, while each race is followed."""
    following = [asyncio.create_task(follower.follow()) for follower in followers]
    for follower in followers:
        await asyncio.wait_for(follower.ready.wait(), 30)
    run = await send(machine.port, requests, 16, b"201")
    await asyncio.sleep(2)
    for task in following:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
    return run


def compare(desk: Desk, played: Played) -> None:
    if played.file.name.startswith("laps"):
        return compare_laps(desk, played)
    for name, race in played.races.items():
        people = played.file.people[name]
        for column, ranking in BY.items():
            if column == "division_rank" and (played.file.name, name) in NOT_BY_AGE:
                continue
            lines = desk.board(race.id, ranking)
            right = within_ties(lines, {bib: int(row[column]) for bib, row in people.items()}, ranking)
            played.checks.append(Check(f"{name}: {ranking.lower()}", len(people), right))
    if played.file.name == "boston_2001_gun_net":
        compare_net(desk, played)


def within_ties(lines: list[dict[str, Any]], official: dict[str, int], ranking: str) -> int:
    """Officially no two share a rank: theirs is right when it is one of those that the tied take together."""
    group = {"OVERALL": None, "GENDER": "gender", "CATEGORY": "category"}[ranking]
    places = {line["bib"]: (group and line[group], line["rank"]) for line in lines}
    tied = Counter(places.values())
    return sum(
        bib in places and (rank := places[bib][1]) is not None and rank <= place < rank + tied[places[bib]]
        for bib, place in official.items()
    )


def compare_net(desk: Desk, played: Played) -> None:
    """The same race by net: the ranks that the net times say, and other ones than by gun where they do."""
    race, rows = played.races["Runners"], played.file.rows
    ours = [{line["bib"]: line["rank"] for line in desk.board(race.id)}]
    desk.ask(BY_NET, r=race.id)
    ours.append({line["bib"]: line["rank"] for line in desk.board(race.id)})
    gun, net = (
        results.ranks((row["bib"], results.seconds(row[by])) for row in rows) for by in ("gun", "net")
    )
    moved = [bib for bib in gun if gun[bib] != net[bib]]
    right = sum(ours[1].get(bib) == rank for bib, rank in net.items())
    differs = sum(ours[0].get(bib) == gun[bib] and ours[1].get(bib) == net[bib] for bib in moved)
    played.checks.append(Check("Runners: overall by net", len(rows), right))
    played.checks.append(Check("Runners: net differs from gun", len(moved), differs))


def compare_laps(desk: Desk, played: Played) -> None:
    official: dict[tuple[str, int], dict[str, int]] = {}
    for row in played.file.rows:
        positions = official.setdefault((row["race"], int(row["lap"])), {})
        positions[f"{row['race']}-{row['bib']}"] = int(row["position"])
    found: Counter[str] = Counter()
    for (number, lap), positions in official.items():
        race = played.races[f"Race {number}"]
        lines = desk.board(race.id, checkpoint=race.checkpoints["line"], lap=lap)
        found[race.name] += sum(positions.get(line["bib"]) == line["rank"] for line in lines)
    for name in played.races:
        number = name.removeprefix("Race ")
        of = sum(len(positions) for (race, _), positions in official.items() if race == number)
        played.checks.append(Check(f"{name}: position after every lap", of, found[name]))


def doubts(desk: Desk, machine: Machine, played: Played) -> Iterator[str]:
    """What is wrong besides the ranks."""
    yield from stored.problems(machine.database, played.file.size)
    for check in played.checks:
        if check.right != check.of:
            yield f"{check.what}: {check.of - check.right:,} are not where they ought to be"
    for race, follower in zip(played.races.values(), played.followers, strict=True):
        if found := desk.differences(race.id):
            yield f"{race.name} differs from one computed from scratch in {len(found)}: {found[0]}"
        if follower.skipped:
            yield f"a follower of {race.name} missed {follower.skipped} revisions"


def unequal(desk: Desk, played: Played) -> Iterator[str]:
    """What followers have on their screens, if it is not what is there to ask for."""
    for race, follower in zip(played.races.values(), played.followers, strict=True):
        asked = [(line["rank"], line["gunTime"]) for line in desk.board(race.id)[: follower.top]]
        if [(line["rank"], line["gunTime"]) for line in follower.shown] != asked:
            yield f"a follower of {race.name} does not have the lines that a query gives"


def official(path: Path, options: Namespace) -> Played:
    found, chosen = results.read(path), cores.chosen(options)
    with TemporaryDirectory(prefix="passline-bench-") as place, Machine(Path(place), chosen) as machine:
        key = machine.new_key()
        with machine.client(key) as client:
            desk = Desk(client)
            races, tokens = prepare(desk, machine, key, found)
            requests = [wire.post("/v0/passings", key, body) for body in calls(found, tokens, options)]
            random.shuffle(requests)
            followers = [Follower(machine.url, key, race.id) for race in races.values()]
            run = uvloop.run(play(machine, key, requests, followers))
            sent = found.size + sum(round(len(mat.reads) * options.repeats) for mat in found.mats)
            played = Played(run, found, races, followers, sent)
            played.wrong += unequal(desk, played)
            compare(desk, played)
            played.wrong += doubts(desk, machine, played)
    return played


def main() -> int:
    options = _options()
    wrong = []
    for name in FILES if options.file == "all" else [options.file]:
        played = official(Path(options.data) / f"{name}.csv", options)
        show(played, options)
        wrong += [f"{name}: {each}" for each in played.wrong]
    return table.conclude(wrong, "every rank is the official one, every board equals one made from scratch")


def show(played: Played, options: Namespace) -> None:
    found, updates = played.file, sum(follower.updates for follower in played.followers)
    title = (
        f"{found.name}.csv: {found.size:,} passings of {len(found.mats)} devices in random order, "
        f"{played.sent - found.size:,} of them twice, {played.sent / played.run.seconds:,.0f} passings/s; "
        f"{updates} updates to followers of the top 50"
    )
    table.show(title, ["ranking", "right", "of", "share"], [check.cells for check in played.checks])


def _options() -> Namespace:
    parser = ArgumentParser(prog="python -m bench.official", description=__doc__)
    parser.add_argument("file", choices=[*FILES, "all"])
    parser.add_argument("--data", required=True, help="the folder of these files")
    parser.add_argument("--repeats", type=float, default=0.2)
    parser.add_argument("--batch", type=int, default=200, help="passings in a call, at most")
    cores.add_options(parser, pinned=False)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
