"""D5, its alias, and D6."""

import msgspec

from models.history import Period
from resolvers import telemetry
from resolvers.context import Context
from resolvers.errors import Invalid
from rest_compat import shapes
from rest_compat.endpoints import Answer, Request
from timing import clocks


async def create(ctx: Context, request: Request) -> Answer:
    """D5: one report, or several under `reports`; all of them or none."""
    device_id, asked = request.path["deviceid"], request.decode(shapes.V0Telemetry)
    new = [asked] if isinstance(asked.reports, msgspec.UnsetType) else asked.reports
    try:
        reported = await telemetry.report(ctx, device_id, new)
    except Invalid as error:
        raise (error if new is asked.reports else _alone(error)) from None
    written = reported.written
    return Answer(
        201,
        {
            "description": "Telemetry inserted succesfully",
            "deviceid": device_id,
            "inserted_count": written.inserted,
            "duplicate_count": len(written.duplicates),
            "stale_count": len(written.stale),
        },
    )


def _alone(error: Invalid) -> Invalid:
    """The same error of one that was not sent in a list."""
    return Invalid(error.field.removeprefix("reports[0]."), error.reason, missing=error.missing)


async def of_device(ctx: Context, request: Request) -> Answer:
    """D6. Newest first, both ends included."""
    device_id = request.path["deviceid"]
    from_, to = request.instant("from"), request.instant("to")
    period = Period(clocks.FIRST if from_ is None else from_, clocks.LAST if to is None else to)
    found = await telemetry.timed(ctx, device_id, period, request.number("page", 1))
    result = [shapes.report(row) for row in found]
    return Answer(200, {"description": "Success", "deviceid": device_id, "result": result})
