"""Our names and v0's keys, written out. Nothing here may change: devices in the field cannot be updated.

Bodies are compact JSON: a Java client finds its ids by searching the text for `"deviceid":"` and
`"token_session":"`.
"""

import re
from collections.abc import Sequence
from typing import Any, ClassVar

import msgspec

from models import devices, sessions
from models.events import Event
from models.participants import Chip, Participant
from models.passings import Row
from models.telemetry import Health, ReportRow
from resolvers.devices import last_seen
from resolvers.entries import NewParticipant
from resolvers.errors import Invalid
from resolvers.passings import NewPassing
from resolvers.reports import NewReport
from timing import clocks

KEYS = {
    "serial_number": "serial_number",
    "device_id": "deviceid",
    "session_token": "token_session",
    "passings": "passings_list",
    "number": "num_passing",
    "participant": "participant_id",
    "time_zone": "timezone",
    "last_name": "lastname",
}
"""Our name of a field to the client's, where they differ; for errors in the client's own words."""


class V0Passing(NewPassing):
    """An entry of `passings_list`. Some firmware says `chips` for `chip`."""

    bib_required: ClassVar[bool] = True

    number: Any = msgspec.field(default=None, name="num_passing")
    participant: Any = msgspec.field(default=None, name="participant_id")
    time_zone: Any = msgspec.field(default=None, name="timezone")
    chips: Any = None

    def __post_init__(self) -> None:
        if self.chip is None:
            self.chip = self.chips


class V0Passings(msgspec.Struct):
    """The body of P1. Kinds of values are judged by the operation, not here; unknown keys are ignored."""

    token_session: Any = None
    passings_list: list[V0Passing] | None = None


class V0Telemetry(NewReport):
    """The body of D5: a report itself, or several. Kinds of values are judged by the operation, not here."""

    reports: list[NewReport] | None | msgspec.UnsetType = msgspec.UNSET


def key_of(field: str) -> str:
    """`passings[3].number` to `passings_list[3].num_passing`."""
    return ".".join(_renamed(part) for part in field.split("."))


def chips_named(error: Invalid, passings: list[V0Passing]) -> Invalid:
    """The same error, about `chips` where that is what the device said."""
    place = re.fullmatch(r"passings\[(\d+)\]\.chip", error.field)
    if place is None or passings[int(place[1])].chips is None:
        return error
    return Invalid(error.field + "s", error.reason)


def _renamed(part: str) -> str:
    name, bracket, index = part.partition("[")
    return KEYS.get(name, name) + bracket + index


def date(at: int | None) -> str | None:
    return None if at is None else clocks.milliseconds(at)


def coordinate(value: float | None) -> str:
    """A text, `0.0` when unknown: scoring programs parse it without looking."""
    return "0.0" if value is None else repr(value)


def number(value: float | None) -> float | None:
    """Without decimals where it has none: some clients read a whole number."""
    return int(value) if value is not None and value.is_integer() else value


def telemetry(health: Health | None) -> dict[str, Any]:
    """What D3 and D4 tell of the newest report; null before the first."""
    newest = health and health.report
    return {
        "device_status": newest and newest.status,
        "battery_percentage": number(newest and newest.battery_percentage),
        "charging": newest and newest.charging,
        "last_telemetry_at": date(newest and newest.reported_at),
    }


def device_summary(device: devices.Device, counts: sessions.Counts, health: Health | None) -> dict[str, Any]:
    """D3."""
    return {
        "deviceid": device.device_id,
        "type": device.type,
        "model": device.model,
        "alias": device.alias or "",
        "firmware": device.firmware,
        "serial_number": device.serial_number,
        "last_login": date(device.last_login_at),
        "creation_date": date(device.created_at),
        "sessions": counts.sessions,
        **telemetry(health),
        "passings": counts.passings,
        "last_seen": date(last_seen(counts, health)),
    }


def device(found: devices.Device, counts: sessions.Counts, health: Health | None) -> dict[str, Any]:
    """D4."""
    return {
        "deviceid": found.device_id,
        "type": found.type,
        "model": found.model,
        "alias": found.alias or "",
        "firmware": found.firmware,
        "serial_number": found.serial_number,
        "creation_date": date(found.created_at),
        "sessions": counts.sessions,
        "passings": counts.passings,
        "last_seen": date(last_seen(counts, health)),
        **telemetry(health),
    }


def report(row: ReportRow) -> dict[str, Any]:
    """D6: what the device said (null where it did not), when it came, and whether a newer one was there."""
    return {
        "reported_at": date(row.reported_at),
        "device_status": row.status,
        "mode": row.mode,
        "battery_percentage": number(row.battery_percentage),
        "charging": row.charging,
        "voltage": number(row.voltage),
        "temperature": number(row.temperature),
        "latitude": number(row.latitude),
        "longitude": number(row.longitude),
        "altitude": number(row.altitude),
        "connectivity": row.connectivity,
        "signal_strength": number(row.signal_strength),
        "reader_connected": row.reader_connected,
        "antennas": row.antennas,
        "firmware": row.firmware,
        "passings_pending": row.passings_pending,
        "clock_source": row.clock_source,
        "configuration": raw(row.configuration),
        "extra": raw(row.extra),
        "received_at": date(row.received_at),
        "stale": row.stale,
    }


def raw(text: str | None) -> msgspec.Raw | None:
    """What is stored as JSON already."""
    return None if text is None else msgspec.Raw(text.encode())


def session(found: sessions.Session) -> dict[str, Any]:
    """S3."""
    return {
        "token_session": found.token,
        "alias": found.alias or "",
        "creation_date": date(found.created_at),
        "active": found.closed_at is None,
        "passings": found.passing_count,
    }


def session_in_full(found: sessions.Session) -> dict[str, Any]:
    """S4 and S5. `duration` is a date: when it was closed, or the last passing."""
    ended = found.closed_at if found.closed_at is not None else found.last_passing_at
    return session(found) | {
        "duration": date(ended),
        "first": date(found.first_passing_at),
        "last": date(found.last_passing_at),
    }


def passing(row: Row, token: str, device_id: str) -> dict[str, Any]:
    """P2 and P3. Every key is always there."""
    return {
        "token_session": token,
        "timestamp": clocks.milliseconds(row.at),
        "num_passing": row.number,
        "latitude": coordinate(row.latitude),
        "longitude": coordinate(row.longitude),
        "status": row.status,
        "participant_id": row.participant,
        "chip": row.chip,
        "bib": row.bib,
        "timezone": row.time_zone,
        "gender": row.gender,
        "deviceid": device_id,
    }


def polled_passing(row: Row) -> dict[str, Any]:
    """P4."""
    return {
        "bib": row.bib,
        "timestamp": clocks.milliseconds(row.at),
        "num_passing": row.number,
        "latitude": coordinate(row.latitude),
        "longitude": coordinate(row.longitude),
        "chip": row.chip,
    }


def event(found: Event) -> dict[str, Any]:
    """E1 and E2. The dates are days: `2026-06-01`."""
    return {
        "event_token": found.token,
        "name": found.name,
        "edition": found.edition or "",
        "location": found.location or "",
        "start_date": found.start_date,
        "end_date": found.end_date,
        "status": found.status,
    }


def participant(found: Participant, chips: Sequence[Chip], race: str | None) -> dict[str, Any]:
    """E3. The first of several chips; the category that was given."""
    return {
        "participant_id": found.participant_id,
        "bib": found.bib,
        "chip": chips[0].code if chips else None,
        "name": found.name,
        "lastname": found.last_name or "",
        "gender": found.gender,
        "birth_date": found.birth_date,
        "race": race,
        "category": found.category,
        "club": found.club,
        "team": found.team,
        "country": found.country,
        "city": found.city,
        "status": found.status,
    }


def new_participant(body: Any, field: str) -> NewParticipant:
    """E4. The other fields of a body, a `participant_id` among them, are ignored."""
    if not isinstance(body, dict):
        raise Invalid(field, "must be an object")
    return NewParticipant(
        bib=body.get("bib"),
        chip=body.get("chip"),
        name=body.get("name"),
        last_name=body.get("lastname"),
        gender=body.get("gender"),
        birth_date=body.get("birth_date"),
        race=body.get("race"),
        category=body.get("category"),
        club=body.get("club"),
        team=body.get("team"),
        country=body.get("country"),
        city=body.get("city"),
        status=body.get("status"),
    )
