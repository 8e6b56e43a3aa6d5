"""The audit trail of keys, binding tokens and bindings: tables and queries."""

import enum
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy import BigInteger, Index
from sqlmodel import Field, SQLModel, col, func, select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.keys import ApiKey


class Action(enum.StrEnum):
    """What was done to a key, a token or a binding."""

    KEY_MADE = "KEY_MADE"
    KEY_ROTATED = "KEY_ROTATED"
    KEY_REVOKED = "KEY_REVOKED"
    TOKEN_MADE = "TOKEN_MADE"
    TOKEN_USED = "TOKEN_USED"
    TOKEN_REVOKED = "TOKEN_REVOKED"
    DEVICE_BOUND = "DEVICE_BOUND"
    DEVICE_UNBOUND = "DEVICE_UNBOUND"


class Entry(SQLModel, table=True):
    """Who did what to a key, a token or a binding, and when. Never changed, never deleted."""

    __tablename__ = "audit_entries"
    __table_args__ = (Index("audit_of_account", "account_id", "id"),)

    id: int = Field(default=None, primary_key=True)
    account_id: int = Field(foreign_key="accounts.id")
    at: int = Field(sa_type=BigInteger)
    actor: int | None = None
    """The key that asked for it; null: the command line, or whoever showed the binding token."""
    action: str
    key_id: int | None = None
    token_id: int | None = None
    device_row: int | None = None
    detail: str | None = None


class Use(SQLModel, table=True):
    """How often a key let somebody in on one day (UTC), and from when to when."""

    __tablename__ = "key_uses"

    key_id: int = Field(
        foreign_key="api_keys.id", primary_key=True, sa_column_kwargs={"autoincrement": False}
    )
    day: str = Field(primary_key=True)
    count: int = Field(sa_type=BigInteger)
    first_at: int = Field(sa_type=BigInteger)
    last_at: int = Field(sa_type=BigInteger)


class Used(NamedTuple):
    """How often a key was used on a day since that was written down last."""

    key_id: int
    day: str
    times: int
    first_at: int
    last_at: int


_ADD_USES = sa.text("""
    INSERT INTO key_uses (key_id, day, count, first_at, last_at)
    VALUES (:key_id, :day, :times, :first_at, :last_at)
    ON CONFLICT (key_id, day) DO UPDATE SET
        count = key_uses.count + excluded.count,
        first_at = CASE WHEN excluded.first_at < key_uses.first_at
            THEN excluded.first_at ELSE key_uses.first_at END,
        last_at = CASE WHEN excluded.last_at > key_uses.last_at
            THEN excluded.last_at ELSE key_uses.last_at END
""")


async def add(session: AsyncSession, *entries: Entry) -> None:
    """To be called in the transaction that does what the entries tell, so that there is never one alone."""
    session.add_all(entries)
    await session.flush()


async def page(
    session: AsyncSession, account_id: int, *, before: int | None = None, limit: int
) -> tuple[list[Entry], int]:
    """Entries of the account before one (None: at all), newest first, and how many there are in all."""
    mine = col(Entry.account_id) == account_id
    total = (await session.exec(select(func.count()).select_from(Entry).where(mine))).one()
    query = select(Entry).where(mine).order_by(col(Entry.id).desc()).limit(limit)
    if before is not None:
        query = query.where(col(Entry.id) < before)
    return list((await session.exec(query)).all()), total


async def note_uses(session: AsyncSession, used: Sequence[Used]) -> None:
    """Adds to what is known of the use of keys; each key and day at most once, sorted by key."""
    connection = await session.connection()
    await connection.execute(_ADD_USES, [each._asdict() for each in used])
    last = {each.key_id: each.last_at for each in used}
    before, at = col(ApiKey.last_used_at), sa.bindparam("at", type_=BigInteger)
    # Another server may have noted a later use.
    marked = sa.update(ApiKey).where(col(ApiKey.id) == sa.bindparam("key"), before.is_(None) | (before < at))
    await connection.execute(
        marked.values(last_used_at=at), [{"key": key, "at": at} for key, at in last.items()]
    )


async def uses(session: AsyncSession, key_ids: Iterable[int], days: int) -> dict[int, list[Use]]:
    """The last days on which each key was used, newest first; a key that never was is missing."""
    place = func.row_number().over(partition_by=col(Use.key_id), order_by=col(Use.day).desc()).label("place")
    wanted = col(Use.key_id).in_(key_ids)
    ranked = sa.select(col(Use.key_id).label("key_id"), col(Use.day).label("day"), place).where(wanted)
    newest = ranked.subquery()
    mine = (col(Use.key_id) == newest.c.key_id) & (col(Use.day) == newest.c.day)
    query = select(Use).join(newest, mine).where(newest.c.place <= days)
    found: dict[int, list[Use]] = {}
    for use in (await session.exec(query.order_by(col(Use.key_id), col(Use.day).desc()))).all():
        found.setdefault(use.key_id, []).append(use)
    return found
