"""Accounts and API keys: tables and queries."""

from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy import BigInteger, Column, LargeBinary, update
from sqlmodel import Field, SQLModel, col, func, select
from sqlmodel.ext.asyncio.session import AsyncSession


class Owner(NamedTuple):
    """Whose devices, sessions and passings are meant: all of an account, or those of one of its devices."""

    account_id: int
    device_row: int | None = None


class Account(SQLModel, table=True):
    """A timing company. `position` is the newest place in its stream of passings;
    it grows in commit order."""

    __tablename__ = "accounts"

    id: int = Field(default=None, primary_key=True)
    name: str
    created_at: int = Field(sa_type=BigInteger)
    position: int = Field(default=0, sa_type=BigInteger, sa_column_kwargs={"server_default": "0"})


class ApiKey(SQLModel, table=True):
    """What lets a caller in. The key itself is never stored:
    only its keyed hash and its last four characters."""

    __tablename__ = "api_keys"

    id: int = Field(default=None, primary_key=True)
    account_id: int = Field(foreign_key="accounts.id", index=True)
    hash: bytes = Field(sa_column=Column(LargeBinary, nullable=False, unique=True))
    hint: str
    alias: str | None = None
    access: str
    may_unbind: bool = False
    scopes: str | None = None
    v0_shape: str = "BOTH"
    created_at: int = Field(sa_type=BigInteger)
    revoked_at: int | None = Field(default=None, sa_type=BigInteger)
    last_used_at: int | None = Field(default=None, sa_type=BigInteger)
    device_row: int | None = None
    """The only device that it acts for; null: any."""
    event_id: int | None = None
    """The only event that it acts for; null: any."""
    expires_at: int | None = Field(default=None, sa_type=BigInteger)
    made_by: int | None = None
    """The key that it was made with; null: the command line, or an exchanged binding token."""
    replaced_by: int | None = None
    """The key that came in its place when it was rotated."""
    of_binding: bool = Field(default=False, sa_column_kwargs={"server_default": sa.false()})
    """Whether a device got it for its binding token: it lives as long as the binding."""


async def add_account(session: AsyncSession, account: Account) -> Account:
    session.add(account)
    await session.flush()
    return account


async def account(session: AsyncSession, account_id: int) -> Account | None:
    return await session.get(Account, account_id)


async def add(session: AsyncSession, key: ApiKey) -> ApiKey:
    session.add(key)
    await session.flush()
    return key


async def by_hash(session: AsyncSession, hash: bytes) -> ApiKey | None:
    return (await session.exec(select(ApiKey).where(ApiKey.hash == hash))).first()


async def by_id(session: AsyncSession, account_id: int | None, key_id: int) -> ApiKey | None:
    """A key of the account; None for the account means any."""
    query = select(ApiKey).where(ApiKey.id == key_id)
    if account_id is not None:
        query = query.where(ApiKey.account_id == account_id)
    return (await session.exec(query)).first()


async def of_account(session: AsyncSession, account_id: int | None, live: bool = False) -> list[ApiKey]:
    """Keys oldest first; None for the account means every account's."""
    query = select(ApiKey).order_by(col(ApiKey.id))
    if account_id is not None:
        query = query.where(ApiKey.account_id == account_id)
    if live:
        query = query.where(col(ApiKey.revoked_at).is_(None))
    return list((await session.exec(query)).all())


async def lock_account(session: AsyncSession, account_id: int) -> Account | None:
    """The account, held against other writers until the transaction ends."""
    return (
        await session.exec(select(Account).where(Account.id == account_id).with_for_update(key_share=True))
    ).first()


async def position(session: AsyncSession, account_id: int) -> int:
    """The newest position of the account's passings; 0 when it has none."""
    query = select(func.max(Account.position)).where(Account.id == account_id)
    return (await session.exec(query)).one() or 0


async def mark_used(session: AsyncSession, used: dict[int, int]) -> None:
    """Notes when each key was last used: key id to instant."""
    connection = await session.connection()
    for key_id, at in used.items():
        await connection.execute(update(ApiKey).where(col(ApiKey.id) == key_id).values(last_used_at=at))
