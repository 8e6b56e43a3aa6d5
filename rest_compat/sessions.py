"""S1 to S5."""

from resolvers import inputs, sessions
from resolvers.context import Context
from rest_compat import shapes
from rest_compat.endpoints import Answer, Request


async def create(ctx: Context, request: Request) -> Answer:
    """S1."""
    body = request.fields()
    device_id = inputs.required(body.get("deviceid"), "device_id")
    session = await sessions.open(ctx, device_id, body.get("alias"))
    return Answer(201, {"description": "Session inserted succesfully", "token_session": session.token})


async def close(ctx: Context, request: Request) -> Answer:
    """S2."""
    session = await sessions.close(ctx, request.path["token_session"])
    return Answer(200, {"description": "Session closed succesfully", "token_session": session.token})


async def of_device(ctx: Context, request: Request) -> Answer:
    """S3."""
    found = await sessions.of_device(ctx, request.path["deviceid"])
    return Answer(200, {"description": "Success", "result": [shapes.session(each) for each in found]})


async def active(ctx: Context, request: Request) -> Answer:
    """S4: an array of one."""
    found = await sessions.active_of(ctx, request.path["deviceid"])
    return Answer(200, {"description": "Success", "result": [shapes.session_in_full(found)]})


async def show(ctx: Context, request: Request) -> Answer:
    """S5: an array of one."""
    found = await sessions.of_token(ctx, request.path["token_session"])
    return Answer(200, {"description": "Success", "result": [shapes.session_in_full(found)]})
