"""Devices as they change, in GraphQL."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Annotated

import strawberry

from schema.context import GraphQLContext, Info
from schema.devices import Device
from schema.loaders import Loaders
from subscriptions import devices as feeds
from subscriptions.fleets import NOTHING, Told


@strawberry.type
class Subscription:
    @strawberry.subscription(
        description="A device whenever it changes: names, firmware, binding, connection, mode, telemetry, "
        "active session, alarms. Each change comes once; who reads slowly gets the device as it is by then. "
        "Silence of 150 s turns it `DISCONNECTED` by itself. That a connected device sent passings is no "
        "change. Needs `devices:read`."
    )
    async def devices(
        self,
        info: Info,
        device_ids: Annotated[
            list[str] | None,
            strawberry.argument(
                description="Names of 1 to 1000 devices; default all of the account, later ones too."
            ),
        ] = None,
        snapshot: Annotated[
            bool, strawberry.argument(description="Whether each device first comes as it is.")
        ] = False,
    ) -> AsyncGenerator[Device, None]:
        async with aclosing(feeds.feed(info.context, device_ids, snapshot=snapshot)) as changes:
            async for changed in changes:
                for told in changed:
                    info.context.span.position = told.revision or NOTHING  # those all count as one
                    yield _shape(info.context, told)


def _shape(ctx: GraphQLContext, told: Told) -> Device:
    """The device as it was read: what it leads to is known already, where the caller may see it."""
    sight, loaders = told.sight, Loaders(ctx.at(told.at))
    row = sight.device.id
    loaders.device.prime(row, sight.device)
    loaders.counts.prime(row, sight.counts)
    loaders.health.prime(row, sight.health)
    loaders.open_alarms.prime(row, sight.alarms)
    if "sessions:read" in ctx.caller.scopes:
        loaders.active_session.prime(row, sight.active)
    return Device.shape(sight.device, loaders)
