"""Who is asking, in GraphQL."""

from typing import TYPE_CHECKING, Annotated

import strawberry
from strawberry import Private

from resolvers import audits, bindings, inputs, keys
from resolvers.context import Caller
from schema.allowances import ViewerLimits
from schema.audits import AuditConnection, AuditEntry
from schema.bindings import BindingToken, BindingTokenConnection
from schema.context import Info
from schema.keys import Access, Account, ApiKey
from schema.loaders import Loaders
from schema.relay import MOST, After, Edge, First, page_info
from schema.scalars import Instant

if TYPE_CHECKING:
    from schema.devices import Device
    from schema.events import Event


@strawberry.type(description="Who is asking, and what they may.")
class Viewer:
    caller: Private[Caller]

    key_alias: str | None = strawberry.field(description="What the key is called; null without a key.")
    access: Access | None = strawberry.field(description="The key's access type; null without a key.")
    scopes: list[str] = strawberry.field(description="What the key may do: see `ApiKey.scopes`.")
    authenticated: bool = strawberry.field(description="Whether a live key was shown.")

    @strawberry.field(description="What may still be asked; null where nothing is limited.")
    def limits(self, info: Info) -> ViewerLimits | None:
        return ViewerLimits.shape(info.context.meter.allowance())

    expires_at: Instant | None = strawberry.field(
        description="From when on the key lets nobody in; null: it never expires."
    )

    @strawberry.field(description="The account that the key belongs to; null without a key.")
    async def account(self, info: Info) -> Account | None:
        return Account.shape(await keys.account(info.context)) if self.authenticated else None

    @strawberry.field(
        description="The only device that the key acts for; null: any of the account. Needs `devices:read`."
    )
    async def device(self, info: Info) -> Annotated["Device", strawberry.lazy("schema.devices")] | None:
        from schema.devices import Device

        row, loaders = self.caller.device_row, Loaders(info.context)
        return None if row is None else Device.shape(await loaders.device.load(row), loaders)

    @strawberry.field(
        description="The only event that the key acts for; null: any of the account. Needs `events:read`."
    )
    async def event(self, info: Info) -> Annotated["Event", strawberry.lazy("schema.events")] | None:
        from schema.events import Event

        row, loaders = self.caller.event_id, Loaders(info.context)
        return None if row is None else Event.shape(await loaders.event.load(row), loaders)

    @strawberry.field(description="Every key of the account, oldest first. Needs `keys:admin`.")
    async def api_keys(
        self,
        info: Info,
        bindings: Annotated[
            bool,
            strawberry.argument(
                description="Those too that devices got for binding tokens; there may be as many as devices."
            ),
        ] = False,
    ) -> list[ApiKey]:
        loaders = Loaders(info.context)
        return [ApiKey.shape(row, loaders) for row in await keys.page(info.context, bindings=bindings)]

    @strawberry.field(description="The account's binding tokens, newest first. Needs `devices:write`.")
    async def binding_tokens(
        self,
        info: Info,
        usable: Annotated[
            bool, strawberry.argument(description="Only those that a device could exchange now.")
        ] = False,
        first: First = None,
        after: After = None,
    ) -> BindingTokenConnection:
        size, place = inputs.page_size(first, "first", MOST), inputs.cursor(after, "after") or None
        found, total = await bindings.page(info.context, usable=usable, before=place, limit=size + 1)
        loaders = Loaders(info.context)
        edges = [Edge(cursor=str(row.id), node=BindingToken.shape(row, loaders)) for row in found[:size]]
        where = page_info([edge.cursor for edge in edges], len(found) > size, place is not None)
        return BindingTokenConnection(edges=edges, page_info=where, total_count=total)

    @strawberry.field(
        description="Who made, used, rotated and revoked what of the account's keys, binding tokens and "
        "bindings, newest first. Needs `keys:admin`."
    )
    async def audit(self, info: Info, first: First = None, after: After = None) -> AuditConnection:
        size, place = inputs.page_size(first, "first", MOST), inputs.cursor(after, "after") or None
        found, total = await audits.page(info.context, before=place, limit=size + 1)
        loaders = Loaders(info.context)
        edges = [Edge(cursor=str(row.id), node=AuditEntry.shape(row, loaders)) for row in found[:size]]
        where = page_info([edge.cursor for edge in edges], len(found) > size, place is not None)
        return AuditConnection(edges=edges, page_info=where, total_count=total)


@strawberry.type
class Query:
    @strawberry.field(description="Who is asking, and what they may.")
    async def viewer(self, info: Info) -> Viewer:
        caller = info.context.caller
        return Viewer(
            caller=caller,
            key_alias=caller.alias,
            access=Access(caller.access) if caller.access else None,
            scopes=sorted(caller.scopes),
            authenticated=caller.key_id is not None,
            expires_at=None if caller.expires_at is None else Instant(caller.expires_at),
        )
