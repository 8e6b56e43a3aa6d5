"""Relay's conventions: global ids, pages, cursors.
A cursor is a place in a list; clients must not read it."""

import base64
import binascii
import contextlib
from collections.abc import Sequence
from typing import Annotated, Generic, NamedTuple, TypeVar

import strawberry

from resolvers import inputs
from resolvers.errors import Invalid, NotFound

T = TypeVar("T")
MOST = 1000

First = Annotated[
    int | None, strawberry.argument(description="How many to give, from the start: up to 1000, default 50.")
]
After = Annotated[str | None, strawberry.argument(description="Give what follows this cursor.")]
Last = Annotated[int | None, strawberry.argument(description="How many to give, from the end: up to 1000.")]
Before = Annotated[str | None, strawberry.argument(description="Give what comes before this cursor.")]


@strawberry.interface(description="Anything that can be asked for by its global id.")
class Node:
    id: strawberry.ID = strawberry.field(description="Opaque and global; `node(id:)` finds it again.")


@strawberry.type(description="Where a page stands in its list.")
class PageInfo:
    has_next_page: bool = strawberry.field(description="Whether something follows.")
    has_previous_page: bool = strawberry.field(description="Whether something comes before.")
    start_cursor: str | None = strawberry.field(description="The first cursor of the page.")
    end_cursor: str | None = strawberry.field(description="The last cursor of the page.")


@strawberry.type(description="An entry of a page.")
class Edge(Generic[T]):
    cursor: str = strawberry.field(description="The entry's place in the list.")
    node: T = strawberry.field(description="The entry itself.")


class Part(NamedTuple):
    """How many entries of a list are wanted, from its start or from its end."""

    size: int
    from_end: bool

    def of(self, found: list[T]) -> list[T]:
        """Of the entries that were found one more than wanted, if there are so many."""
        return found[max(0, len(found) - self.size) :] if self.from_end else found[: self.size]


def part(first: int | None, after: str | None, last: int | None, before: str | None) -> Part:
    """Raises Invalid for what does not go together."""
    if last is not None and (first is not None or after is not None):
        raise Invalid("last", "goes not together with first and after")
    if before is not None and last is None:
        raise Invalid("before", "goes only with last")
    if last is not None:
        return Part(inputs.page_size(last, "last", MOST), True)
    return Part(inputs.page_size(first, "first", MOST), False)


def page_info(cursors: Sequence[str], following: bool, preceding: bool) -> PageInfo:
    return PageInfo(
        has_next_page=following,
        has_previous_page=preceding,
        start_cursor=cursors[0] if cursors else None,
        end_cursor=cursors[-1] if cursors else None,
    )


def global_id(kind: str, key: object) -> strawberry.ID:
    return strawberry.ID(base64.urlsafe_b64encode(f"{kind}:{key}".encode()).decode())


def row_of(key: str) -> int | None:
    """The row that a global id's key names; None for what no row is called."""
    return int(key) if key.isascii() and key.isdigit() and len(key) < 19 else None


def parts_of(id: str) -> tuple[str, str]:
    """Kind and key of a global id. Raises NotFound for what is none."""
    try:
        kind, colon, key = base64.urlsafe_b64decode(id.encode()).decode().partition(":")
    except (binascii.Error, UnicodeError):
        raise NotFound("Node") from None
    if not colon:
        raise NotFound("Node")
    return kind, key


def row_in(id: str, kind: str) -> int:
    """The row that a global id of this kind names; 0, which nothing has, for any other text."""
    with contextlib.suppress(NotFound):
        found, key = parts_of(id)
        if found == kind:
            return row_of(key) or 0
    return 0
