"""Accounts and keys in GraphQL."""

import enum
from typing import TYPE_CHECKING, Annotated, Self

import strawberry
from strawberry import Private

from models import audits as audit_rows
from models import keys as rows
from resolvers import alarms, callers, inputs, keys
from schema.context import Info
from schema.loaders import Loaders
from schema.relay import First, Node, global_id, row_in
from schema.scalars import BigInt, Instant

if TYPE_CHECKING:
    from schema.alarms import AlarmThresholds
    from schema.devices import Device
    from schema.events import Event

SCOPES = {
    "devices:read": "devices, their binding, health and alarms",
    "devices:write": "binding devices, binding tokens, alarm thresholds",
    "devices:unbind": "unbinding devices; only with the unbind flag",
    "telemetry:read": "what devices reported of themselves",
    "telemetry:write": "reporting it",
    "sessions:read": "sessions",
    "sessions:write": "opening and closing sessions",
    "passings:read": "passings, what is missing of them, and verdicts on them",
    "passings:write": "recording passings",
    "events:read": "events, races, results and standings that are not public, documents",
    "events:write": "events, races, gun times, servings, corrections, documents",
    "participants:read": "participants with what is personal of them",
    "participants:write": "entering and changing participants",
    "keys:admin": "the keys of the account and its audit trail",
}
"""Every scope that a key may have, and what it lets do."""
BUNDLES = {
    "READ": "every `…:read`",
    "WRITE": "every `…:write`",
    "READ_WRITE": "both, and `keys:admin`",
}
TABLE = "\n".join(
    [
        "| scope | lets do |\n|---|---|",
        *(f"| `{scope}` | {what} |" for scope, what in SCOPES.items()),
        "",
        "| access type | scopes |\n|---|---|",
        *(f"| `{access}` | {what} |" for access, what in BUNDLES.items()),
    ]
)
NARROW = (
    "A key for one device has at most `devices:read`, `telemetry:read`, `telemetry:write`, `sessions:read`, "
    "`sessions:write`, `passings:read` and `passings:write`; a key for one event at most `events:read`, "
    "`events:write`, `participants:read` and `participants:write`."
)


@strawberry.enum(description="What a key may do at most.")
class Access(enum.Enum):
    READ = strawberry.enum_value("READ", description="Everything that reads: every scope `…:read`.")
    WRITE = strawberry.enum_value("WRITE", description="Everything that is sent: every scope `…:write`.")
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

    @strawberry.field(description="When it wants to be alarmed of its devices. Needs `devices:read`.")
    async def alarm_thresholds(
        self, info: Info
    ) -> Annotated["AlarmThresholds", strawberry.lazy("schema.alarms")]:
        from schema.alarms import AlarmThresholds

        return AlarmThresholds.shape(await alarms.thresholds(info.context))

    @classmethod
    def shape(cls, row: rows.Account) -> Self:
        return cls(id=global_id("Account", row.id), name=row.name, created_at=Instant(row.created_at))


@strawberry.type(description="How often a key let somebody in on one day.")
class KeyUse:
    day: str = strawberry.field(description="The day in UTC: `2026-06-01`.")
    count: BigInt = strawberry.field(
        description="How many requests, and sockets that were opened, showed it."
    )
    first_at: Instant = strawberry.field(description="When it was shown first that day.")
    last_at: Instant = strawberry.field(description="When it was shown last that day.")

    @classmethod
    def shape(cls, row: audit_rows.Use) -> Self:
        first, last = Instant(row.first_at), Instant(row.last_at)
        return cls(day=row.day, count=BigInt(row.count), first_at=first, last_at=last)


@strawberry.type(description="What lets a caller in. The key's text is shown once, when it is made.")
class ApiKey(Node):
    row: Private[rows.ApiKey]
    loaders: Private[Loaders]

    alias: str | None = strawberry.field(description="What people call it.")
    hint: str = strawberry.field(description="The last four characters of the key.")
    access: Access = strawberry.field(description="What it may do at most.")
    may_unbind: bool = strawberry.field(description="Whether it may unbind devices.")
    scopes: list[str] = strawberry.field(
        description=f"What it may do, in the order of the alphabet.\n\n{TABLE}\n\n{NARROW}"
    )
    v0_shape: V0Shape = strawberry.field(description="How v0 answers it.")
    created_at: Instant = strawberry.field(description="When it was made.")
    last_used_at: Instant | None = strawberry.field(
        description="When it was used last, to about half a minute."
    )
    revoked_at: Instant | None = strawberry.field(description="When it was revoked; null if it was not.")
    expires_at: Instant | None = strawberry.field(
        description="From when on it lets nobody in; null: it never expires."
    )
    of_binding: bool = strawberry.field(
        description="Whether a device got it for a binding token; it is then revoked when the device is "
        "unbound or bound by another token."
    )

    @strawberry.field(description="The only device that it acts for; null: any. Needs `devices:read`.")
    async def device(self) -> Annotated["Device", strawberry.lazy("schema.devices")] | None:
        from schema.devices import Device

        row = self.row.device_row
        return None if row is None else Device.shape(await self.loaders.device.load(row), self.loaders)

    @strawberry.field(description="The only event that it acts for; null: any. Needs `events:read`.")
    async def event(self) -> Annotated["Event", strawberry.lazy("schema.events")] | None:
        from schema.events import Event

        row = self.row.event_id
        return None if row is None else Event.shape(await self.loaders.event.load(row), self.loaders)

    @strawberry.field(
        description="The key that it was made with; null: the command line, or an exchanged binding token. "
        "Needs `keys:admin`."
    )
    async def made_by(self) -> Annotated["ApiKey", strawberry.lazy("schema.keys")] | None:
        return await self._key(self.row.made_by)

    @strawberry.field(
        description="The key that came in its place; null if it was not rotated. Needs `keys:admin`."
    )
    async def replaced_by(self) -> Annotated["ApiKey", strawberry.lazy("schema.keys")] | None:
        return await self._key(self.row.replaced_by)

    @strawberry.field(
        description="The last days on which it let somebody in, newest first; to about half a minute. Needs "
        "`keys:admin`."
    )
    async def uses(self, first: First = None) -> list[KeyUse]:
        size = inputs.page_size(first, "first", default=30)
        return [KeyUse.shape(use) for use in await self.loaders.key_uses.load((self.row.id, size))]

    async def _key(self, row: int | None) -> "ApiKey | None":
        return None if row is None else ApiKey.shape(await self.loaders.api_key.load(row), self.loaders)

    @classmethod
    def shape(cls, row: rows.ApiKey, loaders: Loaders) -> Self:
        return cls(
            row=row,
            loaders=loaders,
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
            expires_at=None if row.expires_at is None else Instant(row.expires_at),
            of_binding=row.of_binding,
        )


@strawberry.input(description="A key that is to be made.")
class ApiKeyInput:
    access: Access = strawberry.field(description="What it may do at most.")
    unbind: bool = strawberry.field(
        default=False, description="Whether it may unbind devices; not with READ."
    )
    alias: str | None = strawberry.field(default=None, description="What people call it.")
    scopes: list[str] | None = strawberry.field(
        default=None,
        description=f"Less than the access type allows; null: all of it.\n\n{TABLE}\n\n{NARROW}",
    )
    v0_shape: V0Shape = strawberry.field(default=V0Shape.BOTH, description="How v0 answers it.")
    device_id: str | None = strawberry.field(
        default=None,
        description="The name of the only device that it is to act for; another device of the account is "
        "then like another account's. Null: any.",
    )
    event_token: str | None = strawberry.field(
        default=None,
        description="The name of the only event that it is to act for; another event of the account is then "
        "seen as by a stranger. Null: any. Goes not with a device.",
    )
    expires_in: int | None = strawberry.field(
        default=None,
        description="For how many seconds it is to let somebody in, from 1 up to ten years; null: for ever.",
    )
    expires_at: Instant | None = strawberry.field(
        default=None, description="The same as a moment, up to ten years ahead; give one of both."
    )


@strawberry.type(description="A key that was made in the place of another.")
class RotateApiKeyPayload:
    key: str = strawberry.field(description="The new key's text. It is shown this once and never again.")
    api_key: ApiKey = strawberry.field(description="What is kept of the new key.")
    replaced: ApiKey = strawberry.field(description="The old key; it lets somebody in until `expiresAt`.")


@strawberry.type(description="A key that was made.")
class CreateApiKeyPayload:
    key: str = strawberry.field(description="The key's text. It is shown this once and never again.")
    api_key: ApiKey = strawberry.field(description="What is kept of it.")


@strawberry.type
class Mutation:
    @strawberry.mutation(
        description="A new key of the account: at most 10 live ones, and none with rights that this one "
        "lacks, nor one that outlives it. Keys that devices got for binding tokens are not counted, nor are "
        "those that were rotated. Needs `keys:admin`."
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
            device_id=input.device_id,
            event_token=input.event_token,
            expires_in=input.expires_in,
            expires_at=input.expires_at,  # type: ignore[arg-type]  # a text, until the operation judges it
        )
        row, text = await keys.create(info.context, new)
        return CreateApiKeyPayload(key=text, api_key=ApiKey.shape(row, Loaders(info.context)))

    @strawberry.mutation(
        description="A new key in the place of one, with the same rights and the same expiry; the old one "
        "goes on working for a while. At most 10 rotated keys of an account work at a time. Needs "
        "`keys:admin`."
    )
    async def rotate_api_key(
        self,
        info: Info,
        id: Annotated[strawberry.ID, strawberry.argument(description="The old key's global id.")],
        overlap: Annotated[
            int | None,
            strawberry.argument(
                description="For how many seconds the old one goes on working, 0 to 604800 (a week); default "
                "86400. Not beyond its own expiry."
            ),
        ] = None,
    ) -> RotateApiKeyPayload:
        row, seconds = row_in(id, "ApiKey"), keys.OVERLAP if overlap is None else overlap
        new, text = await keys.rotate(info.context, row, seconds)
        loaders = Loaders(info.context)
        old = ApiKey.shape(await loaders.api_key.load(row), loaders)
        return RotateApiKeyPayload(key=text, api_key=ApiKey.shape(new, loaders), replaced=old)

    @strawberry.mutation(description="From now on nobody gets in with the key. Needs `keys:admin`.")
    async def revoke_api_key(
        self,
        info: Info,
        id: Annotated[strawberry.ID, strawberry.argument(description="The key's global id.")],
    ) -> ApiKey:
        row = await keys.revoke(info.context, row_in(id, "ApiKey"))
        return ApiKey.shape(row, Loaders(info.context))
