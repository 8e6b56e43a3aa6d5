"""Accounts and API keys: tables and queries."""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy import BigInteger, Column, LargeBinary, update
from sqlmodel import Field, SQLModel, col, func, select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.database import Database


class Owner(NamedTuple):
    """Whose devices, sessions and passings are meant: all of an account, or those of one of its devices."""

    account_id: int
    device_row: int | None = None


HIGHEST_ROW = 2**31 - 1
"""PostgreSQL refuses to look for what is no id of a row."""


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
    device_row: int | None = Field(default=None, index=True)
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


_KEY = f"SELECT {', '.join(ApiKey.model_fields)} FROM api_keys WHERE"


async def by_hashes(database: Database, hashes: Sequence[bytes]) -> list[ApiKey]:
    """Through the driver alone: every key that is used is asked for once a second."""
    if database.sqlite:
        marks = ", ".join("?" * len(hashes))
        return _keys(await database.rows(f"{_KEY} hash IN ({marks})", *hashes))
    return _keys(await database.rows(f"{_KEY} hash = ANY(?)", hashes))


async def by_rows(database: Database, ids: Sequence[int]) -> list[ApiKey]:
    """As `by_hashes`, for those who stay and listen."""
    if database.sqlite:
        marks = ", ".join("?" * len(ids))
        return _keys(await database.rows(f"{_KEY} id IN ({marks})", *ids))
    return _keys(await database.rows(f"{_KEY} id = ANY(?)", ids))


def _keys(rows: Iterable[Sequence[Any]]) -> list[ApiKey]:
    return [ApiKey(**dict(zip(ApiKey.model_fields, row, strict=True))) for row in rows]


async def by_id(session: AsyncSession, account_id: int | None, key_id: int) -> ApiKey | None:
    """A key of the account; None for the account means any."""
    query = select(ApiKey).where(ApiKey.id == key_id)
    if account_id is not None:
        query = query.where(ApiKey.account_id == account_id)
    return (await session.exec(query)).first()


async def by_ids(session: AsyncSession, account_id: int | None, ids: Iterable[int]) -> list[ApiKey]:
    """Keys of the account; None for it means any."""
    query = select(ApiKey).where(col(ApiKey.id).in_(ids))
    if account_id is not None:
        query = query.where(ApiKey.account_id == account_id)
    return list((await session.exec(query)).all())


async def of_account(session: AsyncSession, account_id: int | None, *, bindings: bool = True) -> list[ApiKey]:
    """Keys oldest first; None for the account means every account's. `bindings`: with those of bindings."""
    query = select(ApiKey).order_by(col(ApiKey.id))
    if account_id is not None:
        query = query.where(ApiKey.account_id == account_id)
    if not bindings:
        query = query.where(col(ApiKey.of_binding).is_(False))
    return list((await session.exec(query)).all())


async def live(session: AsyncSession, account_id: int, now: int) -> list[ApiKey]:
    """Keys of the account, without those of bindings, that let somebody in at this moment."""
    lasting = col(ApiKey.expires_at).is_(None) | (col(ApiKey.expires_at) > now)
    query = select(ApiKey).where(ApiKey.account_id == account_id, col(ApiKey.of_binding).is_(False))
    return list((await session.exec(query.where(col(ApiKey.revoked_at).is_(None), lasting))).all())


async def revoke_of_binding(session: AsyncSession, device_row: int, at: int) -> list[int]:
    """Revokes the live keys that the device got for binding tokens; returns which these were."""
    revoked = (
        update(ApiKey)
        .where(col(ApiKey.device_row) == device_row, col(ApiKey.of_binding), col(ApiKey.revoked_at).is_(None))
        .values(revoked_at=at)
        .returning(col(ApiKey.id))
    )
    return list((await (await session.connection()).execute(revoked)).scalars())


async def lock_account(session: AsyncSession, account_id: int) -> Account | None:
    """The account, held against other writers until the transaction ends."""
    return (
        await session.exec(select(Account).where(Account.id == account_id).with_for_update(key_share=True))
    ).first()


async def position(session: AsyncSession, account_id: int) -> int:
    """The newest position of the account's passings; 0 when it has none."""
    query = select(func.max(Account.position)).where(Account.id == account_id)
    return (await session.exec(query)).one() or 0
