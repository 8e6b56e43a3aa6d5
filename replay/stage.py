"""An event is got ready before its race is played: races, their checkpoints' devices, competitors."""

import contextlib
import datetime
from collections.abc import AsyncIterator
from typing import Any, NamedTuple

from replay import contests, desk, entrants, play, races, reports, wire

CREATE_EVENT = "mutation ($event: EventInput!) { createEvent(input: $event) { token } }"
RACES = "query ($token: String!) { event(token: $token) { races { id name checkpoints { id name } } } }"
CREATE_RACE = """mutation ($token: String!, $race: RaceInput!) {
  createRace(eventToken: $token, input: $race) { id name checkpoints { id name } }
}"""
BIND = "mutation ($device: BindDeviceInput!) { bindDevice(input: $device) { device { deviceId } } }"
SERVE = """mutation ($checkpoint: ID!, $device: String!) {
  serveCheckpoint(input: {checkpointId: $checkpoint, deviceId: $device}) { id }
}"""
FINISHED = "query ($race: ID!) { leaderboard(raceId: $race, first: 1) { counts { finished } } }"


class Stage(NamedTuple):
    """An event that is ready. `boards`: the file's races that are in it, by name, with their global ids."""

    contests: list[contests.Contest]
    boards: dict[str, str]
    made: int
    enrolled: int

    async def finishers(self, server: wire.Server) -> list[reports.Board]:
        """What the boards say now, beside what the file says."""
        found = []
        async with asking(server) as at:
            for each in self.contests:
                if each.name in self.boards:
                    board = await at.ask(FINISHED, race=self.boards[each.name])
                    found.append(reports.Board(each.name, each.finishers, board["counts"]["finished"]))
        return found


@contextlib.asynccontextmanager
async def asking(server: wire.Server) -> AsyncIterator[desk.Desk]:
    at = desk.Desk(server)
    try:
        yield at
    finally:
        at.close()


async def new_event(server: wire.Server, name: str, day: datetime.date) -> str:
    """The token of a new event that everybody may see."""
    event = {"name": name, "startDate": day.isoformat(), "status": "PUBLISHED", "public": True}
    async with asking(server) as at:
        return str((await at.ask(CREATE_EVENT, event=event))["token"])


async def prepare(race: races.Race, server: wire.Server, options: play.Options, token: str) -> Stage:
    """Makes the file's races in an event that has none, and lets devices serve the races of these names.

    An event with races of other names is left as it is but for the competitors.
    """
    found = contests.of(race, options.start)
    async with asking(server) as at:
        event = await at.ask(RACES, token=token)
        if event is None:
            raise desk.Declined(f"There is no event {token}, or the key may not see it.", "NOT_FOUND")
        there = {each["name"]: each for each in event["races"]}
        made = [] if there else found
        for each in made:
            there[each.name] = await at.ask(CREATE_RACE, token=token, race=each.input)
        played = [each for each in found if each.name in there]
        boards = {each.name: str(there[each.name]["id"]) for each in played}
        enrolled = await entrants.enrol(race, at, token, boards)
        for mat in race.mats:
            spots = [spot for each in played for spot in spots_of(each, there[each.name], mat.name)]
            if spots:
                await serve(at, play.serial_of(race, mat, options), mat.name, spots)
    return Stage(found, boards, len(made), enrolled)


def spots_of(contest: contests.Contest, race: dict[str, Any], mat: str) -> list[str]:
    """The checkpoint of the race, if there is one, where the mat lies."""
    name = contest.spots.get(mat, "").casefold()
    return [spot["id"] for spot in race["checkpoints"] if spot["name"].casefold() == name]


async def serve(at: desk.Desk, serial: str, alias: str, checkpoints: list[str]) -> None:
    """The device is bound, now or from before, and serves these checkpoints, now or from before."""
    device = {"serialNumber": serial, "model": "Replay", "alias": alias}
    bound = await at.ask(BIND, device=device)
    for checkpoint in checkpoints:
        try:
            await at.ask(SERVE, checkpoint=checkpoint, device=bound["device"]["deviceId"])
        except desk.Declined as declined:
            if declined.code != "CONFLICT":
                raise
