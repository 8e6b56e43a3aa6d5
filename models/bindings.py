"""Binding tokens: table and queries."""

from sqlalchemy import BigInteger, Column, LargeBinary
from sqlmodel import Field, SQLModel


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
