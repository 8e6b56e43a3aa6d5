"""Devices: table and queries."""

from collections.abc import Iterable, Sequence

from sqlalchemy import BigInteger, UniqueConstraint
from sqlmodel import Field, SQLModel, col, func, or_, select
from sqlmodel.ext.asyncio.session import AsyncSession


class Device(SQLModel, table=True):
    """Hardware or software that detects competitors. Its history outlives its binding."""

    __tablename__ = "devices"
    __table_args__ = (UniqueConstraint("account_id", "serial_number"),)

    id: int = Field(default=None, primary_key=True)
    account_id: int = Field(foreign_key="accounts.id", index=True)
    device_id: str = Field(unique=True)
    serial_number: str
    model: str
    type: str
    alias: str | None = None
    firmware: str | None = None
    time_zone: str | None = None
    bound: bool = True
    created_at: int = Field(sa_type=BigInteger)
    last_login_at: int | None = Field(default=None, sa_type=BigInteger)


async def by_device_id(
    session: AsyncSession, account_id: int, device_id: str, *, lock: bool = False
) -> Device | None:
    """The account's device of that name; with `lock` held against other writers until the end."""
    if not device_id.isalnum():  # no name of ours, and maybe one that a database cannot even be asked for
        return None
    query = select(Device).where(Device.device_id == device_id, Device.account_id == account_id)
    if lock:
        query = query.with_for_update(key_share=True)
    return (await session.exec(query)).first()


async def by_serial_number(session: AsyncSession, account_id: int, serial_number: str) -> Device | None:
    query = select(Device).where(Device.account_id == account_id, Device.serial_number == serial_number)
    return (await session.exec(query)).first()


async def by_ids(session: AsyncSession, account_id: int, ids: Iterable[int]) -> Sequence[Device]:
    query = select(Device).where(Device.account_id == account_id, col(Device.id).in_(ids))
    return (await session.exec(query)).all()


async def add(session: AsyncSession, device: Device) -> Device:
    session.add(device)
    await session.flush()
    return device


async def page(
    session: AsyncSession,
    account_id: int,
    *,
    bound: bool | None = None,
    search: str | None = None,
    after: int = 0,
    offset: int = 0,
    limit: int,
) -> tuple[list[Device], int]:
    """Devices oldest first, and how many there are in all.
    `search` looks into alias, model and serial number."""
    wanted = [col(Device.account_id) == account_id]
    if bound is not None:
        wanted.append(col(Device.bound) == bound)
    if search:
        texts = (Device.alias, Device.model, Device.serial_number, Device.device_id)
        wanted.append(or_(*(col(text).icontains(search, autoescape=True) for text in texts)))
    total = (await session.exec(select(func.count()).select_from(Device).where(*wanted))).one()
    query = select(Device).where(*wanted, col(Device.id) > after).order_by(col(Device.id))
    return list((await session.exec(query.offset(offset).limit(limit))).all()), total
