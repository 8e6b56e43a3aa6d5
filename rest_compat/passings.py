"""P1 to P4."""

from resolvers import inputs, passings, polls
from resolvers.context import Context
from resolvers.errors import Invalid
from rest_compat import shapes
from rest_compat.endpoints import Answer, Request


async def create(ctx: Context, request: Request) -> Answer:
    """P1. Answered when the rows are durable."""
    body = request.decode(shapes.V0Passings)
    try:
        recorded = await passings.record(ctx, body.token_session, body.passings_list)
    except Invalid as error:
        raise shapes.chips_named(error, body.passings_list or []) from None
    return inserted(body.token_session, recorded)


def inserted(token: str, recorded: passings.Recorded) -> Answer:
    """P1's answer. A conflict counts as a duplicate: the device is done with it."""
    written = recorded.written
    return Answer(
        201,
        {
            "description": "Passings inserted succesfully",
            "token_session": token,
            "inserted_count": written.inserted,
            "duplicate_count": len(recorded.passings) - written.inserted,
        },
    )


async def of_session(ctx: Context, request: Request) -> Answer:
    """P2. Both ends included, by number."""
    rows, session, device = await passings.numbered(
        ctx,
        request.path["token_session"],
        first=request.number_or_none("first"),
        last=request.number_or_none("last"),
        page=request.number("page", 1),
    )
    result = [shapes.passing(row, session.token, device.device_id) for row in rows]
    return Answer(200, {"description": "Success", "result": result})


async def of_device(ctx: Context, request: Request) -> Answer:
    """P3. Across the device's sessions, by time."""
    device_id = request.path["deviceid"]
    between = request.instant("from"), request.instant("to")
    rows, sessions = await passings.timed(ctx, device_id, between, request.number("page", 1))
    result = [shapes.passing(row, sessions[row.session_row].token, device_id) for row in rows]
    return Answer(200, {"description": "Success", "result": result})


async def poll(ctx: Context, request: Request) -> Answer:
    """P4. Scoring programs poll with `last`;
    those that can should give `cursor` back, which loses nothing."""
    device_id = request.path["deviceid"]
    found = await polls.poll(
        ctx,
        device_id,
        token=request.query.get("token_session"),
        last=request.number_or_none("last"),
        cursor=inputs.cursor(request.query.get("cursor"), "cursor"),
        between=(request.instant("from"), request.instant("to")),
        page=request.number("page", 1),
    )
    return Answer(
        200,
        {
            "description": "Success",
            "deviceid": device_id,
            "session_used": found.session and found.session.token,
            "session_label": found.session and (found.session.alias or ""),
            "resumed_from": found.resumed_from,
            "passings": [shapes.polled_passing(row) for row in found.passings],
            "cursor": str(found.cursor),
        },
    )
