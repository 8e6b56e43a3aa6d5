"""Registered documents: table and queries."""

from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy import BigInteger, Column, LargeBinary
from sqlmodel import Field, SQLModel, col, func, select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.database import Database


class Document(SQLModel, table=True):
    """A document that clients may name instead of sending it. Each account has its own, also of one text."""

    __tablename__ = "documents"
    __table_args__ = (
        sa.UniqueConstraint("hash", "account_id"),
        sa.Index("documents_of_account", "account_id", "id"),
    )

    id: int = Field(default=None, primary_key=True)
    account_id: int = Field(foreign_key="accounts.id")
    hash: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    """SHA-256 of the text in UTF-8."""
    text: str
    name: str | None = None
    registered_by: int | None = None
    """The key that it was registered with; null: the command line."""
    registered_at: int = Field(sa_type=BigInteger)


async def texts(database: Database, hashes: Sequence[bytes]) -> dict[bytes, str]:
    """Those of any account by their hash, through the driver alone: strangers ask for them."""
    if database.sqlite:
        among = f"IN ({', '.join('?' * len(hashes))})"
        found = await database.rows(f"SELECT hash, text FROM documents WHERE hash {among}", *hashes)
    else:
        found = await database.rows("SELECT hash, text FROM documents WHERE hash = ANY(?)", hashes)
    return {row[0]: row[1] for row in found}


async def add(session: AsyncSession, document: Document) -> Document:
    session.add(document)
    await session.flush()
    return document


async def by_hash(session: AsyncSession, account_id: int, hash: bytes) -> Document | None:
    query = select(Document).where(Document.hash == hash, Document.account_id == account_id)
    return (await session.exec(query)).first()


async def by_id(session: AsyncSession, account_id: int, document_id: int) -> Document | None:
    query = select(Document).where(Document.id == document_id, Document.account_id == account_id)
    return (await session.exec(query)).first()


async def count(session: AsyncSession, account_id: int) -> int:
    query = select(func.count()).select_from(Document).where(Document.account_id == account_id)
    return (await session.exec(query)).one()


async def page(
    session: AsyncSession, account_id: int, *, before: int | None, limit: int
) -> tuple[list[Document], int]:
    """Documents before one (None: at all), newest first, and how many there are in all."""
    query = select(Document).where(Document.account_id == account_id)
    query = query.order_by(col(Document.id).desc()).limit(limit)
    if before is not None:
        query = query.where(col(Document.id) < before)
    return list((await session.exec(query)).all()), await count(session, account_id)


async def remove(session: AsyncSession, document: Document) -> None:
    await session.delete(document)
    await session.flush()
