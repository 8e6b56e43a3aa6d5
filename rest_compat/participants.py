"""E3 and E4."""

from typing import Any

from resolvers import participants, registrations
from resolvers.context import Context
from resolvers.entries import NewParticipant
from resolvers.errors import Invalid
from rest_compat import shapes
from rest_compat.endpoints import Answer, Request


async def index(ctx: Context, request: Request) -> Answer:
    """E3."""
    number, limit = request.number("page", 1), request.number("limit", 5000, 1, 5000)
    page = await participants.page(ctx, request.path["event_token"], number=number, limit=limit)
    pagination = {
        "page": number,
        "limit": limit,
        "total": page.total,
        "has_more": number * limit < page.total,
    }
    result = [
        shapes.participant(each, page.chips.get(each.id, ()), page.races.get(each.race_id or 0))
        for each in page.participants
    ]
    return Answer(200, {"description": "Success", "result": result, "pagination": pagination})


async def create(ctx: Context, request: Request) -> Answer:
    """E4: all of them or none."""
    event_token, body = request.path["event_token"], request.fields()
    try:
        added = await registrations.add(ctx, event_token, _new(body), all_or_nothing=True)
    except Invalid as error:
        raise (error if "participants" in body else _alone(error)) from None
    stored = [each.participant for each in added if each.participant is not None]
    return Answer(
        201,
        {
            "description": "Participants inserted succesfully",
            "event_token": event_token,
            "inserted_count": len(stored),
            "result": [{"participant_id": each.participant_id, "bib": each.bib} for each in stored],
        },
    )


def _new(body: Any) -> list[NewParticipant]:
    if "participants" not in body:
        return [shapes.new_participant(body, "body")]
    given = body["participants"]
    if not isinstance(given, list):
        raise Invalid("participants", "must be a list")
    return [shapes.new_participant(each, f"participants[{index}]") for index, each in enumerate(given)]


def _alone(error: Invalid) -> Invalid:
    """The same error of one that was not sent in a list."""
    return Invalid(error.field.removeprefix("participants[0]."), error.reason, missing=error.missing)
