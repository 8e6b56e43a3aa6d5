"""Passings: recording them, and every way to read them."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, ClassVar, NamedTuple

import msgspec

from models import devices as device_rows
from models import keys as key_rows
from models import passings as rows
from models import sessions as session_rows
from models import streams, tail
from models.batches import Failed, Full
from models.ingest import Outcome
from models.outcomes import Submission, Written
from models.passings import Content, Filter, Row
from resolvers import costs, inputs
from resolvers.context import Context
from resolvers.errors import Busy, Invalid, NotFound, SessionNotActive, TimingError, TooLarge
from timing import clocks

MOST = 5_000
"""Passings in one call."""
Between = tuple[int | None, int | None]


class NewPassing(msgspec.Struct):
    """A passing as a skin hands it in, unjudged. It must have a bib or, unless one is required, a chip."""

    bib_required: ClassVar[bool] = False

    number: Any = None
    timestamp: Any = None
    bib: Any = None
    chip: Any = None
    latitude: Any = None
    longitude: Any = None
    participant: Any = None
    status: Any = None
    time_zone: Any = None
    gender: Any = None


class Recorded(NamedTuple):
    """What became of a call: `written` tells it for each of `passings`."""

    written: Written
    passings: Sequence[Content]


Judged = Recorded | TimingError


async def record(ctx: Context, token: Any, passings: Sequence[NewPassing] | None) -> Recorded:
    """Stores what is new; returns when it is durable.

    One passing that is nonsense refuses the whole call. Raises Invalid, TooLarge, SessionNotActive, Busy.
    """
    ctx.must("passings:write", costs.recording(len(passings or ()), costs.PASSINGS))
    try:
        submission = _submission(ctx, token, passings)
    except clocks.NoZone:
        submission = _submission(ctx, token, passings, await _zone_of(ctx, token))
    try:
        written = await ctx.ingest.write(submission)
    except (Full, Failed):
        raise Busy from None
    return _recorded(submission, written)


def hand_in(
    ctx: Context, token: Any, passings: Sequence[NewPassing] | None, told: Callable[[Judged], None]
) -> None:
    """`record` without a coroutine: `told` gets its answer, or what it would raise, after the commit. Raises
    as `record` does, with nothing handed in; and NoZone where the device's own zone is asked for."""
    ctx.caller.must("passings:write")
    submission = _submission(ctx, token, passings)  # what is refused here comes again by `record` and pays
    ctx.meter.spend(costs.recording(len(submission.passings), costs.PASSINGS))
    try:
        ctx.ingest.submit(submission, partial(_tell, submission, told))
    except Full:
        raise Busy from None


def _tell(submission: Submission, told: Callable[[Judged], None], outcome: Outcome) -> None:
    try:
        judged: Judged = _recorded(submission, outcome)
    except TimingError as error:
        judged = error
    told(judged)


def _recorded(submission: Submission, outcome: Outcome) -> Recorded:
    if outcome is None:
        raise SessionNotActive(submission.token)
    if isinstance(outcome, Failed):
        raise Busy
    return Recorded(outcome, submission.passings)


def _submission(
    ctx: Context, token: Any, passings: Sequence[NewPassing] | None, zone: str | None = None
) -> Submission:
    """What is handed to the writer. Raises Invalid, TooLarge, and NoZone where `zone` is needed."""
    inputs.required(token, "session_token")
    if passings is None:
        raise Invalid("passings", "is missing", missing=True)
    if not passings:
        raise Invalid("passings", f"must hold 1 to {MOST} passings")
    if len(passings) > MOST:
        raise TooLarge("passings", f"must hold 1 to {MOST} passings")
    judged, caller = judge(passings, zone), ctx.caller
    return Submission(caller.account, token, ctx.clock(), judged, caller.device_row)


def judge(passings: Sequence[NewPassing], zone: str | None = None) -> list[Content]:
    """What is stored of each. Raises Invalid naming the first bad field; NoZone where `zone` is needed."""
    judged = []
    try:
        for new in passings:
            number, text, bib, zone_name = new.number, new.timestamp, new.bib, new.time_zone
            if type(number) is not int or not 0 <= number <= inputs.HIGHEST:
                number = inputs.whole(number, "number")
            if type(bib) is not str or len(bib) > inputs.LONGEST or not bib.isascii() or "\0" in bib:
                bib = _bib(new)
            judged.append(
                Content(
                    number,
                    _instant(text, inputs.text(zone_name, "time_zone") or zone),
                    text,
                    zone_name,
                    bib,
                    None if new.chip is None else inputs.text(new.chip, "chip"),
                    None if new.latitude is None else inputs.decimal(new.latitude, "latitude"),
                    None if new.longitude is None else inputs.decimal(new.longitude, "longitude"),
                    None if new.participant is None else inputs.text(new.participant, "participant"),
                    None if new.status is None else inputs.text(new.status, "status"),
                    None if new.gender is None else inputs.text(new.gender, "gender"),
                )
            )
    except Invalid as error:
        where = f"passings[{len(judged)}].{error.field}"
        raise Invalid(where, error.reason, missing=error.missing) from None
    return judged


def _bib(new: NewPassing) -> str | None:
    value = new.bib
    if value is None and (new.bib_required or new.chip is None):
        raise Invalid("bib", "is missing", missing=True)
    if isinstance(value, int | float) and not isinstance(value, bool):
        try:
            value = str(value)
        except ValueError:  # more digits than Python turns into a text
            raise Invalid("bib", f"must not be longer than {inputs.LONGEST} characters") from None
    return inputs.text(value, "bib")


def _instant(value: Any, zone: str | None) -> int:
    if value is None:
        raise Invalid("timestamp", "is missing", missing=True)
    if type(value) is not str or len(value) > inputs.LONGEST:
        raise Invalid("timestamp", "must be a text")
    try:
        return clocks.instant(value, zone)
    except clocks.NoZone:
        raise
    except clocks.UnknownZone:
        raise Invalid("time_zone", "is not a time zone") from None
    except ValueError:
        raise Invalid("timestamp", "is not an ISO 8601 instant") from None


async def _zone_of(ctx: Context, token: str) -> str:
    """The zone of the session's device, else UTC."""
    async with ctx.database.reading() as session:
        found = await session_rows.by_token(session, ctx.caller.owner, token)
        ids = [] if found is None else [found.device_row]
        devices = await device_rows.by_ids(session, ctx.caller.owner, ids)
    return next((device.time_zone for device in devices if device.time_zone), "UTC")


async def numbered(
    ctx: Context,
    token: str,
    *,
    first: int | None = None,
    last: int | None = None,
    page: int = 1,
    limit: int = MOST,
) -> tuple[list[Row], session_rows.Session, device_rows.Device]:
    """A page of a session's passings by number, both ends included, with the session and its device."""
    ctx.must("passings:read")
    async with ctx.database.reading() as session:
        found = await session_rows.by_token(session, ctx.caller.owner, token)
        if found is None:
            raise NotFound("Session", token)
        device = (await device_rows.by_ids(session, ctx.caller.owner, [found.device_row]))[0]
        page_rows = await rows.numbered(
            session, found.id, first=first, last=last, offset=(page - 1) * limit, limit=limit
        )
    ctx.meter.charge(costs.rows(len(page_rows)))
    return page_rows, found, device


async def timed(
    ctx: Context, device_id: str, between: Between = (None, None), page: int = 1, limit: int = MOST
) -> tuple[list[Row], dict[int, session_rows.Session]]:
    """A page of a device's passings by time, both ends included, with the sessions they belong to."""
    ctx.must("passings:read")
    async with ctx.database.reading() as session:
        device = await device_rows.by_device_id(session, ctx.caller.owner, device_id)
        if device is None:
            raise NotFound("Device")
        found = await rows.timed(session, device.id, between=between, offset=(page - 1) * limit, limit=limit)
        of_rows = await session_rows.by_ids(session, ctx.caller.owner, {row.session_row for row in found})
    ctx.meter.charge(costs.rows(len(found)))
    return found, {each.id: each for each in of_rows}


async def which(
    ctx: Context, *, session_token: str | None = None, device_id: str | None = None, **tests: Any
) -> Filter:
    """The filter for these names. Raises NotFound for a session or device that is not the account's."""
    ctx.must("passings:read")
    for field in ("bib", "chip"):
        inputs.text(tests.get(field), field)
    if session_token is not None:
        tests["session_row"] = await session_rows.row_of(ctx.database, ctx.caller.owner, session_token)
        if tests["session_row"] is None:
            raise NotFound("Session", session_token)
    if device_id is not None:
        async with ctx.database.reading() as session:
            device = await device_rows.by_device_id(session, ctx.caller.owner, device_id)
        if device is None:
            raise NotFound("Device", device_id)
        tests["device_row"] = device.id
    return Filter(**tests)


async def after(ctx: Context, which: Filter, position: int, limit: int) -> tuple[list[Row], int]:
    """Passings behind a position in the order of commit, and the position up to which there is no other."""
    ctx.must("passings:read")
    looked: list[int] = []
    found, newest = await tail.after(ctx.database, ctx.caller.owner, which, position, limit, looked.append)
    upto = found[-1].position if len(found) == limit else max(position, newest)
    ctx.meter.charge(costs.rows(len(found), sum(looked)))
    return found, upto


async def before(ctx: Context, which: Filter, position: int | None, limit: int) -> list[Row]:
    """The last passings before a position (None: at all), in the order of commit."""
    ctx.must("passings:read")
    looked: list[int] = []
    async with ctx.database.reading() as session:
        behind = await key_rows.position(session, ctx.caller.account) + 1
        end = behind if position is None else min(position, behind)  # a cursor may be ahead of everything
        found = await streams.before(session, ctx.caller.owner, which, end, limit, looked.append)
    ctx.meter.charge(costs.rows(len(found), sum(looked)))
    return found


async def position(ctx: Context) -> int:
    """The newest position of the account."""
    ctx.must("passings:read")
    async with ctx.database.reading() as session:
        return await key_rows.position(session, ctx.caller.account)


async def count(ctx: Context, which: Filter) -> int:
    """How many passings match, by the sessions' own counts unless a narrower filter asks for more."""
    ctx.must("passings:read")
    async with ctx.database.reading() as session:
        if which.whole:
            return await session_rows.passing_total(
                session, ctx.caller.owner, session_row=which.session_row, device_row=which.device_row
            )
        found = await streams.count(session, ctx.caller.owner, which)
        ctx.meter.charge(costs.rows(0, await streams.held(session, ctx.caller.owner, which)))
    return found


async def of_numbers(ctx: Context, session_row: int, numbers: Sequence[int]) -> dict[int, Row]:
    """Stored passings of a session by number."""
    ctx.must("passings:read")
    async with ctx.database.reading() as session:
        owned = await session_rows.by_ids(session, ctx.caller.owner, [session_row])
        found = await rows.by_numbers(session, session_row, numbers) if owned else []
    return {row.number: row for row in found}


async def of_position(ctx: Context, position: int) -> Row:
    ctx.must("passings:read")
    async with ctx.database.reading() as session:
        found = await rows.by_position(session, ctx.caller.owner, position)
    if found is None:
        raise NotFound("Passing")
    return found
