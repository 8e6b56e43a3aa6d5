"""Enrols a file's competitors in an event, so that the passings find somebody."""

from typing import Any

from replay import calls, contests, desk, races

AT_ONCE = 2000  # 5,000 are allowed; on a slow machine they would not be answered in time
RENAMED = {"lastname": "lastName"}
FIELDS = ("bib", "name", "lastname", "gender", "wave", "category", "club", "team", "country", "city")
ADD = """mutation ($token: String!, $entrants: [ParticipantInput!]!) {
  addParticipants(eventToken: $token, participants: $entrants) {
    createdCount
    results { bib errors { field reason } }
  }
}"""


async def enrol(race: races.Race, at: desk.Desk, token: str, boards: dict[str, str]) -> int:
    """How many were added: whom the event has by bib is left alone. `boards`: the event's races by name."""
    entrants = [participant(race, entrant, boards) for entrant in race.entrants]
    added = 0
    for first in range(0, len(entrants), AT_ONCE):
        answer = await at.ask(ADD, token=token, entrants=entrants[first : first + AT_ONCE])
        for result in answer["results"]:
            refuse_all_but_known(result["bib"], result["errors"])
        added += answer["createdCount"]
    return added


def refuse_all_but_known(bib: str | None, errors: list[dict[str, str]]) -> None:
    """Refused when something else is wrong than that the bib is the event's already."""
    for error in errors:
        if (error["field"], error["reason"]) == ("bib", "is already in use"):
            return
    for error in errors:
        raise calls.Refused(f"Bib {bib} cannot be enrolled: {error['field']} {error['reason']}.")


def participant(race: races.Race, entrant: dict[str, str], boards: dict[str, str]) -> dict[str, Any]:
    """What the file tells of a competitor; public results have no names, so the bib stands in."""
    found: dict[str, Any] = {
        RENAMED.get(field, field): entrant[field] for field in FIELDS if entrant.get(field)
    }
    if entrant.get("chip"):
        found["chips"] = [{"code": entrant["chip"]}]
    if entrant.get("age"):
        found["age"] = age(entrant)
    if (name := contests.name_of(race, entrant)) in boards:
        found["raceId"] = boards[name]
    return {"name": f"Bib {entrant['bib']}"} | found


def age(entrant: dict[str, str]) -> int:
    if not entrant["age"].isdecimal():
        raise calls.Refused(f"Bib {entrant['bib']}: {entrant['age']} is no age.")
    return int(entrant["age"])
