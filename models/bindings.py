"""Binding tokens: table and queries."""

from collections.abc import Iterable

import sqlalchemy as sa
from sqlalchemy import BigInteger, Column, LargeBinary
from sqlmodel import Field, SQLModel, col, func, select
from sqlmodel.ext.asyncio.session import AsyncSession


class BindingToken(SQLModel, table=True):
    """What a device exchanges, once, for its identity and a key of its own.
    The text is never stored: only its keyed hash and its last four characters."""

    __tablename__ = "binding_tokens"

    id: int = Field(default=None, primary_key=True)
    account_id: int = Field(foreign_key="accounts.id", index=True)
    hash: bytes = Field(sa_column=Column(LargeBinary, nullable=False, unique=True))
    hint: str
    alias: str | None = None
    made_by: int | None = None
    """The key that it was made with; null: the command line."""
    created_at: int = Field(sa_type=BigInteger)
    expires_at: int = Field(sa_type=BigInteger)
    used_at: int | None = Field(default=None, sa_type=BigInteger)
    revoked_at: int | None = Field(default=None, sa_type=BigInteger)
    device_row: int | None = Field(default=None, foreign_key="devices.id")
    """The device that exchanged it."""


async def add(session: AsyncSession, token: BindingToken) -> BindingToken:
    session.add(token)
    await session.flush()
    return token


async def by_hash(session: AsyncSession, hash: bytes, *, lock: bool = False) -> BindingToken | None:
    """The token of any account; with `lock` held against other writers until the end."""
    query = select(BindingToken).where(BindingToken.hash == hash)
    if lock:
        query = query.with_for_update()
    return (await session.exec(query)).first()


async def by_id(
    session: AsyncSession, account_id: int | None, token_id: int, *, lock: bool = False
) -> BindingToken | None:
    """A token of the account; None for the account means any."""
    query = select(BindingToken).where(BindingToken.id == token_id)
    if account_id is not None:
        query = query.where(BindingToken.account_id == account_id)
    if lock:
        query = query.with_for_update()
    return (await session.exec(query)).first()


async def by_ids(session: AsyncSession, account_id: int | None, ids: Iterable[int]) -> list[BindingToken]:
    """Tokens of the account; None for it means any."""
    query = select(BindingToken).where(col(BindingToken.id).in_(ids))
    if account_id is not None:
        query = query.where(BindingToken.account_id == account_id)
    return list((await session.exec(query)).all())


async def page(
    session: AsyncSession,
    account_id: int | None,
    *,
    usable_at: int | None = None,
    before: int | None = None,
    limit: int,
) -> tuple[list[BindingToken], int]:
    """Tokens before one (None: at all), newest first, and how many there are in all; None for the account
    means every account's. `usable_at`: only those that a device could exchange at this moment."""
    wanted = [] if account_id is None else [col(BindingToken.account_id) == account_id]
    if usable_at is not None:
        wanted += _usable(usable_at)
    total = (await session.exec(select(func.count()).select_from(BindingToken).where(*wanted))).one()
    query = select(BindingToken).where(*wanted).order_by(col(BindingToken.id).desc()).limit(limit)
    if before is not None:
        query = query.where(col(BindingToken.id) < before)
    return list((await session.exec(query)).all()), total


async def usable_count(session: AsyncSession, account_id: int, now: int) -> int:
    """How many of the account's tokens a device could exchange at this moment."""
    wanted = [col(BindingToken.account_id) == account_id, *_usable(now)]
    return (await session.exec(select(func.count()).select_from(BindingToken).where(*wanted))).one()


def _usable(now: int) -> list[sa.ColumnElement[bool]]:
    return [
        col(BindingToken.used_at).is_(None),
        col(BindingToken.revoked_at).is_(None),
        col(BindingToken.expires_at) > now,
    ]
