"""E1 and E2."""

from resolvers import events
from resolvers.context import Context
from rest_compat import shapes
from rest_compat.endpoints import Answer, Request


async def index(ctx: Context, request: Request) -> Answer:
    """E1."""
    number, limit = request.number("page", 1), request.number("limit", 1000, 1, 1000)
    found, total = await events.page(ctx, number=number, limit=limit)
    pagination = {"page": number, "limit": limit, "total": total, "has_more": number * limit < total}
    result = [shapes.event(each) for each in found]
    return Answer(200, {"description": "Success", "result": result, "pagination": pagination})


async def show(ctx: Context, request: Request) -> Answer:
    """E2: one object. Only the account's own, however public another's is."""
    found = await events.own(ctx, request.path["event_token"])
    return Answer(200, {"description": "Success", "result": shapes.event(found)})
