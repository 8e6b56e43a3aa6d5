"""The audit trail of keys, binding tokens and bindings in GraphQL."""

import enum
from typing import TYPE_CHECKING, Annotated, Self

import strawberry
from strawberry import Private

from models import audits as rows
from schema.bindings import BindingToken
from schema.keys import ApiKey
from schema.loaders import Loaders
from schema.relay import Edge, PageInfo
from schema.scalars import Instant

if TYPE_CHECKING:
    from schema.devices import Device


@strawberry.enum(description="What was done to a key, a binding token or a binding.")
class AuditAction(enum.Enum):
    KEY_MADE = strawberry.enum_value("KEY_MADE", description="A key was made.")
    KEY_ROTATED = strawberry.enum_value("KEY_ROTATED", description="Another key was made in its place.")
    KEY_REVOKED = strawberry.enum_value("KEY_REVOKED", description="A key lets nobody in any more.")
    TOKEN_MADE = strawberry.enum_value("TOKEN_MADE", description="A binding token was made.")
    TOKEN_USED = strawberry.enum_value("TOKEN_USED", description="A device exchanged a binding token.")
    TOKEN_REVOKED = strawberry.enum_value("TOKEN_REVOKED", description="A binding token was revoked.")
    DEVICE_BOUND = strawberry.enum_value("DEVICE_BOUND", description="A device may send from now on.")
    DEVICE_UNBOUND = strawberry.enum_value("DEVICE_UNBOUND", description="A device may send no more.")


@strawberry.type(
    description="Who did what to a key, a binding token or a binding, and when. Entries are never removed."
)
class AuditEntry:
    row: Private[rows.Entry]
    loaders: Private[Loaders]

    at: Instant = strawberry.field(description="When.")
    action: AuditAction = strawberry.field(description="What was done.")
    detail: str | None = strawberry.field(description="What else is to be said of it.")

    @strawberry.field(
        description="The key that asked for it; null for the operator at the command line, and for a device "
        "that showed a binding token."
    )
    async def actor(self) -> ApiKey | None:
        return await self._key(self.row.actor)

    @strawberry.field(description="The key that it was done to; null if it was none.")
    async def api_key(self) -> ApiKey | None:
        return await self._key(self.row.key_id)

    @strawberry.field(
        description="The binding token that it was done to, or with; null if there was none. Needs "
        "`devices:write`."
    )
    async def binding_token(self) -> BindingToken | None:
        row = self.row.token_id
        if row is None:
            return None
        return BindingToken.shape(await self.loaders.binding_token.load(row), self.loaders)

    @strawberry.field(description="The device that it concerns; null if it is none. Needs `devices:read`.")
    async def device(self) -> Annotated["Device", strawberry.lazy("schema.devices")] | None:
        from schema.devices import Device

        row = self.row.device_row
        return None if row is None else Device.shape(await self.loaders.device.load(row), self.loaders)

    async def _key(self, row: int | None) -> ApiKey | None:
        return None if row is None else ApiKey.shape(await self.loaders.api_key.load(row), self.loaders)

    @classmethod
    def shape(cls, row: rows.Entry, loaders: Loaders) -> Self:
        return cls(
            row=row,
            loaders=loaders,
            at=Instant(row.at),
            action=AuditAction(row.action),
            detail=row.detail,
        )


@strawberry.type(description="A page of the audit trail.")
class AuditConnection:
    edges: list[Edge[AuditEntry]] = strawberry.field(description="The entries, newest first.")
    page_info: PageInfo = strawberry.field(description="Where the page stands.")
    total_count: int = strawberry.field(description="How many there are in all.")
