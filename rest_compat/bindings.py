"""The exchange of a binding token; the one route that asks for no key."""

from resolvers import bindings, devices
from resolvers.context import Context
from rest_compat.endpoints import Answer, Request


async def create(ctx: Context, request: Request) -> Answer:
    """The device keeps both: `deviceid` names it, `api_key` lets it in and is shown this once."""
    body = request.fields()
    new = devices.NewDevice(
        model=body.get("model"),  # type: ignore[arg-type]  # judged by NewDevice
        serial_number=body.get("serial_number"),  # type: ignore[arg-type]
        type=body.get("type"),
        firmware=body.get("firmware"),
    )
    device, key = await bindings.exchange(ctx, body.get("token"), new)
    fields = {"deviceid": device.device_id, "api_key": key}
    return Answer(201, {"description": "Device binded succesfully", **fields})
