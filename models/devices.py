"""Devices: table and queries."""

from collections.abc import Iterable, Sequence

from sqlalchemy import BigInteger, UniqueConstraint
from sqlalchemy.sql import ColumnElement
from sqlmodel import Field, SQLModel, col, func, or_, select
from sqlmodel.ext.asyncio.session import AsyncSession

from models.keys import Owner


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


def of_owner(owner: Owner) -> list[ColumnElement[bool]]:
    """The tests of a device that is the owner's."""
    tests = [col(Device.account_id) == owner.account_id]
    return tests if owner.device_row is None else [*tests, col(Device.id) == owner.device_row]


async def by_device_id(
    session: AsyncSession, owner: Owner, device_id: str, *, lock: bool = False
) -> Device | None:
    """The owner's device of that name; with `lock` held against other writers until the end."""
    if not device_id.isalnum():  # no name of ours, and maybe one that a database cannot even be asked for
        return None
    query = select(Device).where(Device.device_id == device_id, *of_owner(owner))
    if lock:
        query = query.with_for_update(key_share=True)
    return (await session.exec(query)).first()


async def by_serial_number(
    session: AsyncSession, account_id: int, serial_number: str, *, lock: bool = False
) -> Device | None:
    """The account's device of that number; with `lock` held against other writers until the end."""
    query = select(Device).where(Device.account_id == account_id, Device.serial_number == serial_number)
    if lock:
        query = query.with_for_update(key_share=True)
    return (await session.exec(query)).first()


async def rows_of(session: AsyncSession, owner: Owner, device_ids: Iterable[str]) -> dict[str, int]:
    """The rows of the owner's devices among these names."""
    names = [name for name in device_ids if name.isalnum()]
    query = select(Device.device_id, Device.id).where(*of_owner(owner), col(Device.device_id).in_(names))
    return dict((await session.exec(query)).all())


async def by_ids(session: AsyncSession, owner: Owner, ids: Iterable[int]) -> Sequence[Device]:
    query = select(Device).where(*of_owner(owner), col(Device.id).in_(ids))
    return (await session.exec(query)).all()


async def add(session: AsyncSession, device: Device) -> Device:
    session.add(device)
    await session.flush()
    return device


async def page(
    session: AsyncSession,
    owner: Owner,
    *,
    bound: bool | None = None,
    search: str | None = None,
    after: int = 0,
    before: int | None = None,
    from_end: bool = False,
    offset: int = 0,
    limit: int,
) -> tuple[list[Device], int]:
    """Devices oldest first, and how many there are in all.
    `search` looks into alias, model and serial number."""
    wanted = of_owner(owner)
    if bound is not None:
        wanted.append(col(Device.bound) == bound)
    if search:
        texts = (Device.alias, Device.model, Device.serial_number, Device.device_id)
        wanted.append(or_(*(col(text).icontains(search, autoescape=True) for text in texts)))
    total = (await session.exec(select(func.count()).select_from(Device).where(*wanted))).one()
    wanted.append(col(Device.id) > after)
    if before is not None:
        wanted.append(col(Device.id) < before)
    order = col(Device.id).desc() if from_end else col(Device.id)
    query = select(Device).where(*wanted).order_by(order)
    found = (await session.exec(query.offset(offset).limit(limit))).all()
    return list(reversed(found) if from_end else found), total
