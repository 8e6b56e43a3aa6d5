"""Accounts, keys and who is asking, in GraphQL."""

import enum
from typing import Annotated, Self

import strawberry

from models import keys as rows
from resolvers import callers, keys
from resolvers.errors import NotFound
from schema.context import Info
from schema.relay import Node, global_id, parts_of, row_of
from schema.scalars import Instant


@strawberry.enum(description="What a key may do at most.")
class Access(enum.Enum):
    READ = strawberry.enum_value("READ", description="Everything that reads.")
    WRITE = strawberry.enum_value("WRITE", description="Everything that a device sends.")
    READ_WRITE = strawberry.enum_value("READ_WRITE", description="Both, and the keys of the account.")


@strawberry.enum(description="How v0 answers a key.")
class V0Shape(enum.Enum):
    BOTH = strawberry.enum_value("BOTH", description="Bare fields, and the same under `body`.")
    BARE = strawberry.enum_value("BARE", description="Bare fields.")
    BODY = strawberry.enum_value("BODY", description="Under `body` only.")


@strawberry.type(description="A timing company. Nothing of one account is visible to another.")
class Account(Node):
    name: str = strawberry.field(description="What it is called.")
    created_at: Instant = strawberry.field(description="When it was made.")

    @classmethod
    def shape(cls, row: rows.Account) -> Self:
        return cls(id=global_id("Account", row.id), name=row.name, created_at=Instant(row.created_at))


@strawberry.type(description="What lets a caller in. The key's text is shown once, when it is made.")
class ApiKey(Node):
    alias: str | None = strawberry.field(description="What people call it.")
    hint: str = strawberry.field(description="The last four characters of the key.")
    access: Access = strawberry.field(description="What it may do at most.")
    may_unbind: bool = strawberry.field(description="Whether it may unbind devices.")
    scopes: list[str] = strawberry.field(description="What it may do: `passings:write`, `devices:read`, …")
    v0_shape: V0Shape = strawberry.field(description="How v0 answers it.")
    created_at: Instant = strawberry.field(description="When it was made.")
    last_used_at: Instant | None = strawberry.field(
        description="When it was used last, to about half a minute."
    )
    revoked_at: Instant | None = strawberry.field(description="When it was revoked; null while it is live.")

    @classmethod
    def shape(cls, row: rows.ApiKey) -> Self:
        return cls(
            id=global_id("ApiKey", row.id),
            alias=row.alias,
            hint=row.hint,
            access=Access(row.access),
            may_unbind=row.may_unbind,
            scopes=sorted(callers.rights(row)),
            v0_shape=V0Shape(row.v0_shape),
            created_at=Instant(row.created_at),
            last_used_at=None if row.last_used_at is None else Instant(row.last_used_at),
            revoked_at=None if row.revoked_at is None else Instant(row.revoked_at),
        )


@strawberry.type(description="Who is asking, and what they may.")
class Viewer:
    key_alias: str | None = strawberry.field(description="What the key is called; null without a key.")
    access: Access | None = strawberry.field(description="The key's access type; null without a key.")
    scopes: list[str] = strawberry.field(description="What the key may do.")
    authenticated: bool = strawberry.field(description="Whether a live key was shown.")

    @strawberry.field(description="The account that the key belongs to; null without a key.")
    async def account(self, info: Info) -> Account | None:
        return Account.shape(await keys.account(info.context)) if self.authenticated else None

    @strawberry.field(description="Every key of the account, oldest first. Needs `keys:admin`.")
    async def api_keys(self, info: Info) -> list[ApiKey]:
        return [ApiKey.shape(row) for row in await keys.page(info.context)]


@strawberry.input(description="A key that is to be made.")
class ApiKeyInput:
    access: Access = strawberry.field(description="What it may do at most.")
    unbind: bool = strawberry.field(
        default=False, description="Whether it may unbind devices; not with READ."
    )
    alias: str | None = strawberry.field(default=None, description="What people call it.")
    scopes: list[str] | None = strawberry.field(
        default=None, description="Less than the access type allows; null: all of it."
    )
    v0_shape: V0Shape = strawberry.field(default=V0Shape.BOTH, description="How v0 answers it.")


@strawberry.type(description="A key that was made.")
class CreateApiKeyPayload:
    key: str = strawberry.field(description="The key's text. It is shown this once and never again.")
    api_key: ApiKey = strawberry.field(description="What is kept of it.")


@strawberry.type
class Query:
    @strawberry.field(description="Who is asking, and what they may.")
    async def viewer(self, info: Info) -> Viewer:
        caller = info.context.caller
        return Viewer(
            key_alias=caller.alias,
            access=Access(caller.access) if caller.access else None,
            scopes=sorted(caller.scopes),
            authenticated=caller.key_id is not None,
        )


@strawberry.type
class Mutation:
    @strawberry.mutation(
        description="A new key of the account; at most 10 live ones, and none with rights that this one "
        "lacks. "
        "Needs `keys:admin`."
    )
    async def create_api_key(
        self, info: Info, input: Annotated[ApiKeyInput, strawberry.argument(description="The key.")]
    ) -> CreateApiKeyPayload:
        new = keys.NewKey(
            access=Access(input.access).name,
            may_unbind=input.unbind,
            alias=input.alias,
            scopes=None if input.scopes is None else tuple(input.scopes),
            v0_shape=V0Shape(input.v0_shape).name,
        )
        row, text = await keys.create(info.context, new)
        return CreateApiKeyPayload(key=text, api_key=ApiKey.shape(row))

    @strawberry.mutation(description="From now on nobody gets in with the key. Needs `keys:admin`.")
    async def revoke_api_key(
        self,
        info: Info,
        id: Annotated[strawberry.ID, strawberry.argument(description="The key's global id.")],
    ) -> ApiKey:
        kind, key = parts_of(id)
        row = row_of(key)
        if kind != "ApiKey" or row is None:
            raise NotFound("Key")
        return ApiKey.shape(await keys.revoke(info.context, row))
