"""Registered documents in GraphQL."""

from typing import Annotated, Self

import strawberry
from strawberry import Private

from models import documents as rows
from resolvers import documents, inputs
from resolvers.documents import NewDocument
from schema.context import Info
from schema.keys import ApiKey
from schema.loaders import Loaders
from schema.relay import MOST, After, Edge, First, Node, PageInfo, global_id, page_info
from schema.scalars import Instant


@strawberry.type(
    description="A document that clients may name instead of sending it. Its name is no secret and gives no "
    "right: whoever asks by it is told what they may see."
)
class Document(Node):
    row: Private[rows.Document]
    loaders: Private[Loaders]

    document_id: str = strawberry.field(
        description="What clients send in place of the text: `sha256:` and the hash."
    )
    hash: str = strawberry.field(description="The SHA-256 of its text in UTF-8: 64 hexadecimal digits.")
    text: str = strawberry.field(description="What is executed when it is named.")
    name: str | None = strawberry.field(description="What people call it.")
    registered_at: Instant = strawberry.field(description="When it was registered first.")

    @strawberry.field(
        description="The key that it was registered with; null for the operator at the command line. Needs "
        "`keys:admin`."
    )
    async def registered_by(self) -> ApiKey | None:
        row = self.row.registered_by
        return None if row is None else ApiKey.shape(await self.loaders.api_key.load(row), self.loaders)

    @classmethod
    def shape(cls, row: rows.Document, loaders: Loaders) -> Self:
        hash = row.hash.hex()
        return cls(
            row=row,
            loaders=loaders,
            id=global_id("Document", row.id),
            document_id=f"sha256:{hash}",
            hash=hash,
            text=row.text,
            name=row.name,
            registered_at=Instant(row.registered_at),
        )


@strawberry.type(description="A page of registered documents.")
class DocumentConnection:
    edges: list[Edge[Document]] = strawberry.field(description="The entries, newest first.")
    page_info: PageInfo = strawberry.field(description="Where the page stands.")
    total_count: int = strawberry.field(description="How many there are in all.")


@strawberry.input(description="A document that is to be registered.")
class DocumentInput:
    text: str = strawberry.field(
        description="As it will be asked for, to the last blank: up to 100,000 characters, and valid."
    )
    name: str | None = strawberry.field(
        default=None, description="What people call it; up to 128 characters."
    )


@strawberry.type
class Query:
    @strawberry.field(
        description="The account's registered documents, newest first; none for a key that is for one event. "
        "Needs `events:read`."
    )
    async def documents(self, info: Info, first: First = None, after: After = None) -> DocumentConnection:
        size, place = inputs.page_size(first, "first", MOST), inputs.cursor(after, "after") or None
        found, total = await documents.page(info.context, before=place, limit=size + 1)
        loaders = Loaders(info.context)
        edges = [Edge(cursor=str(row.id), node=Document.shape(row, loaders)) for row in found[:size]]
        where = page_info([edge.cursor for edge in edges], len(found) > size, place is not None)
        return DocumentConnection(edges=edges, page_info=where, total_count=total)


@strawberry.type
class Mutation:
    @strawberry.mutation(
        description="From now on anybody may ask this document by its hash, on every server. Registering a "
        "text again changes nothing but its name; an account has at most 1,000. Needs `events:write`, of a "
        "key that is not for one event."
    )
    async def register_document(
        self,
        info: Info,
        input: Annotated[DocumentInput, strawberry.argument(description="The document.")],
    ) -> Document:
        row = await documents.register(info.context, NewDocument(text=input.text, name=input.name))
        return Document.shape(row, Loaders(info.context))

    @strawberry.mutation(
        description="Its hash names nothing any more, unless another account has registered the same text: "
        "at once here, within a minute on every server. Needs `events:write`."
    )
    async def unregister_document(
        self,
        info: Info,
        hash: Annotated[
            str, strawberry.argument(description="The document's hash, with or without `sha256:`.")
        ],
    ) -> Document:
        row = await documents.unregister(info.context, hash)
        return Document.shape(row, Loaders(info.context))
