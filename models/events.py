"""Events and what happened to their definition: tables and queries."""

from collections.abc import Iterable
from typing import Any

import msgspec
from sqlalchemy import BigInteger, Index
from sqlmodel import Field, SQLModel, col, func, select
from sqlmodel.ext.asyncio.session import AsyncSession


class Event(SQLModel, table=True):
    """A competition. `revision` grows by one with every change of what defines it.

    Dates are texts in ISO 8601. Ages count on `reference_date`, else on `start_date`.
    """

    __tablename__ = "events"
    __table_args__ = (Index("public_events", "public", "status"),)

    id: int = Field(default=None, primary_key=True)
    account_id: int = Field(foreign_key="accounts.id", index=True)
    token: str = Field(unique=True)
    name: str
    edition: str | None = None
    location: str | None = None
    start_date: str
    end_date: str
    time_zone: str = "UTC"
    reference_date: str | None = None
    status: str = "DRAFT"
    public: bool = False
    revision: int = Field(default=0, sa_type=BigInteger)
    created_at: int = Field(sa_type=BigInteger)


class Change(SQLModel, table=True):
    """Who changed what of an event, when and why. `subject` names the things changed, as JSON.

    `key_id` None: the operator at the command line.
    """

    __tablename__ = "changes"

    event_id: int = Field(foreign_key="events.id", primary_key=True)
    revision: int = Field(sa_type=BigInteger, primary_key=True)
    at: int = Field(sa_type=BigInteger)
    key_id: int | None = Field(default=None, foreign_key="api_keys.id")
    kind: str
    subject: str
    reason: str | None = None


async def add(session: AsyncSession, event: Event) -> Event:
    session.add(event)
    await session.flush()
    return event


async def by_token(session: AsyncSession, token: str, *, lock: bool = False) -> Event | None:
    """The event of that name, of whatever account: the operation decides who may see it."""
    if not token.isalnum():
        return None
    query = select(Event).where(Event.token == token)
    if lock:
        query = query.with_for_update(key_share=True)
    return (await session.exec(query)).first()


async def by_id(session: AsyncSession, event_id: int, *, lock: bool = False) -> Event | None:
    query = select(Event).where(Event.id == event_id)
    if lock:
        query = query.with_for_update(key_share=True)
    return (await session.exec(query)).first()


async def page(
    session: AsyncSession,
    account_id: int | None,
    *,
    only: int | None = None,
    after: int = 0,
    offset: int = 0,
    limit: int,
) -> tuple[list[Event], int]:
    """Events of the account oldest first, and how many; account None: the public ones of everybody.
    `only`: this one event of them."""
    wanted = (
        [col(Event.public), col(Event.status) == "PUBLISHED"]
        if account_id is None
        else [col(Event.account_id) == account_id]
    )
    if only is not None:
        wanted.append(col(Event.id) == only)
    total = (await session.exec(select(func.count()).select_from(Event).where(*wanted))).one()
    query = select(Event).where(*wanted, col(Event.id) > after).order_by(col(Event.id))
    return list((await session.exec(query.offset(offset).limit(limit))).all()), total


async def published(session: AsyncSession, limit: int) -> list[Event]:
    """The newest events that are under way or to come, as far as their status tells."""
    query = select(Event).where(Event.status == "PUBLISHED").order_by(col(Event.id).desc()).limit(limit)
    return list((await session.exec(query)).all())


async def by_ids(session: AsyncSession, ids: Iterable[int]) -> list[Event]:
    return list((await session.exec(select(Event).where(col(Event.id).in_(ids)))).all())


async def note(
    session: AsyncSession,
    event: Event,
    *,
    at: int,
    key_id: int | None,
    kind: str,
    subject: Any,
    reason: str | None,
) -> None:
    """Writes down a change under the event's next revision. The event is one held against other writers."""
    event.revision += 1
    change = Change(
        event_id=event.id,
        revision=event.revision,
        at=at,
        key_id=key_id,
        kind=kind,
        subject=msgspec.json.encode(subject).decode(),
        reason=reason,
    )
    session.add(change)
    await session.flush()


async def changes(session: AsyncSession, event_id: int, after: int, limit: int = 1000) -> list[Change]:
    """What happened behind a revision, oldest first."""
    query = select(Change).where(Change.event_id == event_id, col(Change.revision) > after)
    return list((await session.exec(query.order_by(col(Change.revision)).limit(limit))).all())
