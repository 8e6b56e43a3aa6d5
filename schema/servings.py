"""Who serves a checkpoint, in GraphQL."""

import enum
from typing import Annotated, Self

import strawberry
from strawberry import UNSET, Private

from models import races as rows
from resolvers import servings
from schema.context import Info
from schema.devices import Device
from schema.events import Reason
from schema.loaders import Loaders
from schema.patches import filled, written
from schema.races import Checkpoint
from schema.relay import Node, global_id, row_in
from schema.scalars import Instant
from schema.sessions import Session

ServingId = Annotated[strawberry.ID, strawberry.argument(description="The serving's global id.")]


@strawberry.enum(description="Which reads count first.")
class ServingRole(enum.Enum):
    PRIMARY = strawberry.enum_value("PRIMARY", description="Its reads count.")
    BACKUP = strawberry.enum_value("BACKUP", description="Its reads count where the primary has none.")


@strawberry.type(description="A device or a session that serves a checkpoint for a time.")
class Serving(Node):
    row: Private[rows.Serving]
    loaders: Private[Loaders]

    from_: Instant | None = strawberry.field(name="from", description="Since when, included; null: ever.")
    to: Instant | None = strawberry.field(description="Until when, excluded; null: for ever.")
    role: ServingRole = strawberry.field(description="Whether its reads count first.")

    @strawberry.field(description="The device; null if a session serves. Needs `devices:read`.")
    async def device(self) -> Device | None:
        row = self.row.device_row
        return None if row is None else Device.shape(await self.loaders.device.load(row), self.loaders)

    @strawberry.field(description="The session; null if a device serves. Needs `sessions:read`.")
    async def session(self) -> Session | None:
        row = self.row.session_row
        return None if row is None else Session.shape(await self.loaders.session.load(row), self.loaders)

    @classmethod
    def shape(cls, row: rows.Serving, loaders: Loaders) -> Self:
        return cls(
            row=row,
            loaders=loaders,
            id=global_id("Serving", row.id),
            from_=None if row.from_at is None else Instant(row.from_at),
            to=None if row.to_at is None else Instant(row.to_at),
            role=ServingRole(row.role),
        )


@strawberry.input(description="A device or a session that is to serve a checkpoint.")
class ServeCheckpointInput:
    checkpoint_id: strawberry.ID = strawberry.field(description="The checkpoint's global id.")
    device_id: str | None = strawberry.field(
        default=None, description="The device's name, or give a session."
    )
    session_token: str | None = strawberry.field(
        default=None, description="The session's name, or give a device. A session goes before its device."
    )
    from_: Instant | None = strawberry.field(
        name="from", default=None, description="Since when, included; null: ever."
    )
    to: Instant | None = strawberry.field(default=None, description="Until when, excluded; null: for ever.")
    role: ServingRole | None = strawberry.field(default=None, description="Default `PRIMARY`.")
    reason: str | None = strawberry.field(default=None, description="Why, for the list of changes.")


@strawberry.input(description="What is to be changed of a serving; what is left out stays.")
class ServingPatch:
    from_: Instant | None = strawberry.field(
        name="from", default=UNSET, description="Since when, included; null: ever."
    )
    to: Instant | None = strawberry.field(default=UNSET, description="Until when, excluded; null: for ever.")
    role: ServingRole | None = strawberry.field(default=UNSET, description="Whether its reads count first.")


@strawberry.type
class Mutation:
    @strawberry.mutation(
        description="A device or a session serves a checkpoint; passings that came before count too. Needs "
        "`events:write`."
    )
    async def serve_checkpoint(
        self,
        info: Info,
        input: Annotated[ServeCheckpointInput, strawberry.argument(description="Who serves what, when.")],
    ) -> Checkpoint:
        said = filled(input) | {"checkpoint_id": row_in(input.checkpoint_id, "Checkpoint")}
        reason = said.pop("reason", None)
        served = await servings.serve(info.context, servings.ServeCheckpoint(**said), reason)
        return Checkpoint.shape(served.checkpoint, Loaders(info.context))

    @strawberry.mutation(description="Changes the window or the role of a serving. Needs `events:write`.")
    async def update_serving(
        self,
        info: Info,
        id: ServingId,
        patch: Annotated[ServingPatch, strawberry.argument(description="What is to be changed.")],
        reason: Reason = None,
    ) -> Checkpoint:
        served = await servings.update(info.context, row_in(id, "Serving"), written(patch), reason)
        return Checkpoint.shape(served.checkpoint, Loaders(info.context))

    @strawberry.mutation(
        description="It serves no longer; what it detected before still counts. Needs `events:write`."
    )
    async def end_serving(
        self,
        info: Info,
        id: ServingId,
        at: Annotated[Instant | None, strawberry.argument(description="Since when; default now.")] = None,
        reason: Reason = None,
    ) -> Checkpoint:
        served = await servings.end(info.context, row_in(id, "Serving"), at, reason)
        return Checkpoint.shape(served.checkpoint, Loaders(info.context))

    @strawberry.mutation(
        description="As if it had never served: for an assignment that was wrong. Needs `events:write`."
    )
    async def remove_serving(self, info: Info, id: ServingId, reason: Reason = None) -> Checkpoint:
        checkpoint = await servings.remove(info.context, row_in(id, "Serving"), reason)
        return Checkpoint.shape(checkpoint, Loaders(info.context))
