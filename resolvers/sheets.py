"""Sheets: the session of an event that holds the passings which officials saw and wrote down."""

from models import devices as device_rows
from models import keys as key_rows
from models import numbers as number_rows
from models import passings as rows
from models import sessions as session_rows
from models.batches import Failed, Full
from models.events import Event
from models.outcomes import Submission
from models.passings import Content, Row
from resolvers import inputs
from resolvers.context import Context
from resolvers.devices import new_token
from resolvers.errors import Busy
from timing import clocks

MOST_TRIES = 20
"""To find a free number, when others write at the same moment."""


async def record(ctx: Context, event: Event, bib: str, at: int) -> Row:
    """Stores the passing behind the others of the event's sheet. The operation has asked who may."""
    sheet, number = await _sheet(ctx, event)
    for free in range(number, number + MOST_TRIES):
        content = Content(free, at, clocks.text(at), bib=bib)
        try:
            written = await ctx.ingest.write(
                Submission(ctx.caller.account, sheet.token, ctx.clock(), [content])
            )
        except (Full, Failed):
            raise Busy from None
        if written is not None and written.inserted:
            async with ctx.database.reading() as session:
                passing = await rows.by_position(session, ctx.caller.owner, written.position)
            if passing is not None:
                return passing
    raise Busy


async def _sheet(ctx: Context, event: Event) -> tuple[session_rows.Session, int]:
    """The event's active sheet, made when it is needed first, and its next number.

    Each event has a device for it, as a device has one active session.
    """
    account, serial = ctx.caller.account, f"manual-{event.token[:16]}"
    async with ctx.database.transaction() as session:
        await key_rows.lock_account(session, account)  # so that two who enter the first one take turns
        device = await device_rows.by_serial_number(session, account, serial)
        if device is None:
            device = device_rows.Device(
                account_id=account,
                device_id=new_token(),
                serial_number=serial,
                model="Passline",
                type="MANUAL",
                alias=f"manual entries of {event.name}"[: inputs.LONGEST],
                created_at=ctx.clock(),
            )
        device.bound = True
        await device_rows.add(session, device)
        for sheet in await session_rows.active_of(session, [device.id]):
            span = (await number_rows.spans(session, [sheet.id])).get(sheet.id)
            return sheet, 1 if span is None else span[1] + 1
        sheet = session_rows.Session(
            account_id=account,
            device_row=device.id,
            token=new_token(),
            alias=device.alias,
            created_at=ctx.clock(),
        )
        return await session_rows.add(session, sheet), 1
