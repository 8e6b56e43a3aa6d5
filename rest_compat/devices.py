"""D1 to D4."""

from models.sessions import Counts
from resolvers import devices, telemetry
from resolvers.context import Context
from resolvers.errors import DeviceTiming, NotFound
from rest_compat import shapes
from rest_compat.endpoints import Answer, Request


async def create(ctx: Context, request: Request) -> Answer:
    """D1. A client in the field takes 409 with `deviceid` as success."""
    body = request.fields()
    new = devices.NewDevice(
        model=body.get("model"),  # type: ignore[arg-type]  # judged by NewDevice
        serial_number=body.get("serial_number"),  # type: ignore[arg-type]
        type=body.get("type"),
        alias=body.get("alias"),
        firmware=body.get("firmware"),
    )
    try:
        device, fresh = await devices.bind(ctx, new)
    except DeviceTiming as timing:  # bound, and nothing of it is changed now
        return _already_bound(timing.device_id)
    if not fresh:
        return _already_bound(device.device_id)
    return Answer(201, {"description": "Device binded succesfully", "deviceid": device.device_id})


def _already_bound(device_id: str) -> Answer:
    return Answer(409, {"description": "Device already binded", "deviceid": device_id})


async def unbind(ctx: Context, request: Request) -> Answer:
    """D2."""
    device = await devices.unbind(ctx, request.path["deviceid"])
    return Answer(200, {"description": "Device unbinded succesfully", "deviceid": device.device_id})


async def index(ctx: Context, request: Request) -> Answer:
    """D3."""
    number, limit = request.number("page", 1), request.number("limit", 5000, 1, 5000)
    page = await devices.page(ctx, bound=True, number=number, limit=limit)
    pagination = {
        "page": number,
        "limit": limit,
        "total": page.total,
        "has_more": number * limit < page.total,
    }
    health = await telemetry.health(ctx, [device.id for device in page.devices])
    result = [
        shapes.device_summary(device, page.counts.get(device.id, Counts()), health.get(device.id))
        for device in page.devices
    ]
    return Answer(200, {"description": "Success", "result": result, "pagination": pagination})


async def show(ctx: Context, request: Request) -> Answer:
    """D4. Not found: without the id, unlike elsewhere."""
    try:
        device = await devices.of_id(ctx, request.path["deviceid"])
    except NotFound:
        raise NotFound("Device") from None
    counts = await devices.counts(ctx, [device.id])
    health = await telemetry.health(ctx, [device.id])
    result = shapes.device(device, counts.get(device.id, Counts()), health.get(device.id))
    return Answer(200, {"description": "Success", "result": result})
