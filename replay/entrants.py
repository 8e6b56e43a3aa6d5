"""Enrols a file's competitors in an event, so that the passings find somebody."""

import contextlib

from replay import calls, races, wire

AT_ONCE = 1000
FIELDS = ("bib", "chip", "name", "lastname", "gender", "race", "category", "club", "team", "country", "city")


async def enrol(race: races.Race, server: wire.Server, event: str) -> int:
    """How many were added: those whose bib the event did not have. Refused when there is no such event."""
    caller = calls.Caller(server)
    path = f"/v0/events/{event}/participants"
    with contextlib.closing(caller.line):
        known = await bibs(caller, path)
        missing = [participant(entrant) for entrant in race.entrants if entrant["bib"] not in known]
        for at in range(0, len(missing), AT_ONCE):
            await caller.call("POST", path, {"participants": missing[at : at + AT_ONCE]})
    return len(missing)


async def bibs(caller: calls.Caller, path: str) -> set[str]:
    """The bibs that the event has."""
    known: set[str] = set()
    page, more = 1, True
    while more:
        answer = await caller.call("GET", f"{path}?page={page}")
        known.update(participant["bib"] for participant in answer["result"])
        page, more = page + 1, bool(answer.get("pagination", {}).get("has_more"))
    return known


def participant(entrant: dict[str, str]) -> dict[str, str]:
    """What the file tells of a competitor; public results have no names, so the bib stands in."""
    found = {field: entrant[field] for field in FIELDS if entrant.get(field)}
    return {"name": f"Bib {entrant['bib']}"} | found
