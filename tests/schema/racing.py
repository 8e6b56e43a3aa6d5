"""Events and races over GraphQL, for those who test what is done with them."""

from typing import Any

from tests.conftest import Desk

CREATE_EVENT = """mutation($input: EventInput!) { createEvent(input: $input) { id token name edition location
    startDate endDate timeZone referenceDate status public revision races { id } } }"""
CREATE_RACE = """mutation($event: String!, $input: RaceInput!) { createRace(eventToken: $event, input: $input) {
    id name mode laps durationSeconds overallBy genderBy categoryBy teamSize teamByRank event { token }
    waves { id name gunTime } categories { id name gender youngest oldest }
    checkpoints { id name kind distance bounceSeconds minimumSeconds cutoffSeconds counts race { name } } } }"""


def make_event(desk: Desk, **more: Any) -> dict[str, Any]:
    """A private draft unless told."""
    given = {"name": "Run", "startDate": "2026-06-01"} | more
    return dict(desk.data(CREATE_EVENT, input=given)["createEvent"])


def make_public_event(desk: Desk, **more: Any) -> dict[str, Any]:
    return make_event(desk, status="PUBLISHED", public=True, **more)


def make_race(desk: Desk, event: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A race with a start and a finish unless told."""
    return dict(desk.data(CREATE_RACE, event=event["token"], input={"name": "10K"} | more)["createRace"])
