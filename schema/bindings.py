"""Binding tokens in GraphQL."""

from typing import TYPE_CHECKING, Annotated, Self

import strawberry
from strawberry import Private

from models import bindings as rows
from resolvers import bindings
from schema.context import Info
from schema.keys import ApiKey
from schema.loaders import Loaders
from schema.relay import Edge, Node, PageInfo, global_id, row_in
from schema.scalars import Instant

if TYPE_CHECKING:
    from schema.devices import Device


@strawberry.type(
    description="What a device exchanges once, at `POST /v0/bind`, for its name and a key for it alone."
)
class BindingToken(Node):
    row: Private[rows.BindingToken]
    loaders: Private[Loaders]

    token: str | None = strawberry.field(
        description="Its text: `bind-` and 20 hexadecimal digits. Shown once, by `createBindingToken`."
    )
    hint: str = strawberry.field(description="The last four characters of its text.")
    alias: str | None = strawberry.field(description="What the device that shows it is to be called.")
    created_at: Instant = strawberry.field(description="When it was made.")
    expires_at: Instant = strawberry.field(description="From when on no device gets in with it.")
    used_at: Instant | None = strawberry.field(description="When a device exchanged it; null while none has.")
    revoked_at: Instant | None = strawberry.field(description="When it was revoked; null if it was not.")

    @strawberry.field(description="The device that exchanged it. Needs `devices:read`.")
    async def device(self) -> Annotated["Device", strawberry.lazy("schema.devices")] | None:
        from schema.devices import Device

        row = self.row.device_row
        return None if row is None else Device.shape(await self.loaders.device.load(row), self.loaders)

    @strawberry.field(
        description="The key that it was made with; null for the operator at the command line. Needs "
        "`keys:admin`."
    )
    async def made_by(self) -> ApiKey | None:
        row = self.row.made_by
        return None if row is None else ApiKey.shape(await self.loaders.api_key.load(row), self.loaders)

    @classmethod
    def shape(cls, row: rows.BindingToken, loaders: Loaders, text: str | None = None) -> Self:
        return cls(
            row=row,
            loaders=loaders,
            id=global_id("BindingToken", row.id),
            token=text,
            hint=row.hint,
            alias=row.alias,
            created_at=Instant(row.created_at),
            expires_at=Instant(row.expires_at),
            used_at=None if row.used_at is None else Instant(row.used_at),
            revoked_at=None if row.revoked_at is None else Instant(row.revoked_at),
        )


@strawberry.type(description="A page of binding tokens.")
class BindingTokenConnection:
    edges: list[Edge[BindingToken]] = strawberry.field(description="The entries, newest first.")
    page_info: PageInfo = strawberry.field(description="Where the page stands.")
    total_count: int = strawberry.field(description="How many there are in all.")


@strawberry.type
class Mutation:
    @strawberry.mutation(
        description="A token with which a device binds itself to the account, once; at most 1,000 wait for a "
        "device at a time. Needs `devices:write`."
    )
    async def create_binding_token(
        self,
        info: Info,
        expires_in: Annotated[
            int | None,
            strawberry.argument(description="For how many seconds, 60 to 604800 (a week); default 86400."),
        ] = None,
        alias: Annotated[
            str | None,
            strawberry.argument(description="What the device is to be called; up to 128 characters."),
        ] = None,
    ) -> BindingToken:
        life = bindings.LIFE if expires_in is None else expires_in
        row, text = await bindings.create(info.context, life, alias)
        return BindingToken.shape(row, Loaders(info.context), text)

    @strawberry.mutation(
        description="From now on no device gets in with the token; one that was used stays as it is. Needs "
        "`devices:write`."
    )
    async def revoke_binding_token(
        self,
        info: Info,
        id: Annotated[strawberry.ID, strawberry.argument(description="The token's global id.")],
    ) -> BindingToken:
        row = await bindings.revoke(info.context, row_in(id, "BindingToken"))
        return BindingToken.shape(row, Loaders(info.context))
