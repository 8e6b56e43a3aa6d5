"""The audit trail of keys, binding tokens and bindings: tables and queries."""

from sqlalchemy import BigInteger, Index
from sqlmodel import Field, SQLModel


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
