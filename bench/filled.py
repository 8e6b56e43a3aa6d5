"""A long history of several accounts, written straight into PostgreSQL's tables as the server would leave it.

On each weekend all devices of an account have a session, and their passings come interleaved. The newest
session of each device is active.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, NamedTuple

import asyncpg

EACH = 4_000
"""Passings of a session, a second apart."""
MATS, DEVICES_AT_A_MAT = 10, 8
"""Of the race that is run on each weekend: devices 0 to 7 are at the start, 8 to 15 at the next mat, …"""
RUNNERS = EACH * DEVICES_AT_A_MAT
LEG = 900
"""Seconds from a mat to the next."""
LEG_MICROS = f"{LEG * 1_000_000}::bigint"
SECOND, MINUTE, WEEK = 1_000_000, 60_000_000, 7 * 86_400_000_000
OTHERS, THEIR_DEVICES = 4, 50
"""Accounts beside the one that is measured, with a fifth of the rows."""

DEVICES = """
    INSERT INTO devices (account_id, device_id, serial_number, model, type, bound, created_at)
    SELECT $1::int, upper(encode(sha256(convert_to($1::int || ' ' || place, 'utf8')), 'hex')),
        'YEAR-' || place, 'Mat', 'ACTIVE', true, 0
    FROM generate_series(0, $2::int - 1) AS place ORDER BY place RETURNING id
"""
# Each session's first detection is at its mat; `first` and `many` tell its place among those of the weekend.
SESSIONS = f"""
    INSERT INTO sessions (
        account_id, device_row, token, created_at, closed_at, passing_count, conflict_count, first_passing_at,
        last_passing_at, last_received_at, last_position, sessions_before, passings_before,
        last_passing_before, last_received_before)
    SELECT $1::int, $2::int + s % $3::int,
        upper(encode(sha256(convert_to($1::int || ' session ' || s, 'utf8')), 'hex')),
        begins, CASE WHEN s + $3 < $4 THEN begins + {2 * 86_400 * SECOND} END, {EACH}, 0,
        begins + leg + {SECOND}, begins + leg + {EACH * SECOND}, begins + leg + {(EACH + 1) * SECOND},
        base + {EACH - 1} * many + s % $3 + 1, s / $3, s / $3 * {EACH},
        CASE WHEN s >= $3 THEN begins - {WEEK} + leg + {EACH * SECOND} END,
        CASE WHEN s >= $3 THEN begins - {WEEK} + leg + {(EACH + 1) * SECOND} END
    FROM generate_series(0, $4::int - 1) AS s,
        LATERAL (SELECT $5::bigint + s / $3 * {WEEK} AS begins, s / $3 * $3 * {EACH}::bigint AS base,
            least($3, $4 - s / $3 * $3) AS many, s % $3 / {DEVICES_AT_A_MAT} % {MATS} * {LEG_MICROS} AS leg)
    ORDER BY s RETURNING id
"""
PASSINGS = f"""
    INSERT INTO passings (account_id, position, session_row, device_row, received_at, number, at,
        timestamp_text, bib, chip)
    SELECT $1::int, $4::bigint + (number - 1) * $5::int + place + 1, $3::int + place, $2::int + place,
        begins + (number + 1) * {SECOND}, number, begins + number * {SECOND},
        to_char(moment, 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
        place % {DEVICES_AT_A_MAT} * {EACH} + number,
        'E2806894' || lpad(to_hex(place % {DEVICES_AT_A_MAT} * {EACH} + number), 16, '0')
    FROM generate_series(1::bigint, {EACH}) AS number, generate_series(0, $5::int - 1) AS place,
        LATERAL (SELECT $6::bigint + place / {DEVICES_AT_A_MAT} % {MATS} * {LEG_MICROS} AS begins),
        LATERAL (SELECT to_timestamp((begins + number * {SECOND}) / 1e6) AT TIME ZONE 'UTC' AS moment)
    ORDER BY number, place
"""
REPORTS = f"""
    INSERT INTO telemetry (device_row, reported_at, received_at, stale, status, mode, battery_percentage,
        charging, voltage, temperature, latitude, longitude, connectivity, reader_connected, antennas,
        firmware, passings_pending, clock_source)
    SELECT $1::int + place, at, at + {SECOND}, false, 'timing', 'IDLE',
        50 + n % 50, false, 12.6, 21.5, 41.3879, 2.16992, 'CELLULAR', true, 4, '2.4.1', 0, 'GPS'
    FROM generate_series(0, $3::int - 1) AS n, generate_series(0, $2::int - 1) AS place,
        LATERAL (SELECT $4::bigint - n * {MINUTE}::bigint AS at)
    ORDER BY n DESC
"""
STATES = """
    INSERT INTO device_states (device_row, account_id, reported_at, received_at, mode)
    SELECT device_row, $1::int, max(reported_at), max(received_at), 'IDLE' FROM telemetry
    WHERE device_row BETWEEN $2 AND $3 GROUP BY device_row
"""


class Size(NamedTuple):
    devices: int
    sessions: int


@dataclass
class Filled:
    """An account with a history. Rows of devices and sessions are consecutive."""

    account: int
    devices: int
    """The row of its first device."""
    sessions: int
    """The row of its first session."""
    size: Size
    last_weekend: int
    """When it begins, in microseconds since 1970."""

    @property
    def timing(self) -> int:
        """How many devices have sessions at all."""
        return min(self.size)

    @property
    def event_devices(self) -> int:
        """Devices of the newest weekend that are at the race's mats."""
        newest = self.size.sessions - (self.size.sessions - 1) // self.size.devices * self.size.devices
        return min(MATS * DEVICES_AT_A_MAT, newest)

    def device_id(self, place: int) -> str:
        return _name(f"{self.account} {place}")

    def token(self, place: int) -> str:
        return _name(f"{self.account} session {place}")

    def active(self) -> Sequence[int]:
        """The places of the sessions that take passings."""
        return range(max(0, self.size.sessions - self.size.devices), self.size.sessions)


def _name(of: str) -> str:
    return sha256(of.encode()).hexdigest().upper()


async def fill(dsn: str, account: int, rows: int, reports: int, now: int, devices: int = 400) -> Filled:
    """The account gets four fifths of the passings and all telemetry, others the rest."""
    connection = await asyncpg.connect(dsn)
    try:
        sessions = max(5, rows // EACH)
        found = await _account(connection, account, Size(devices, sessions * 4 // 5), now)
        each = (sessions - sessions * 4 // 5) // OTHERS or 1
        for number in range(OTHERS):
            new = "INSERT INTO accounts (name, created_at) VALUES ($1, 0) RETURNING id"
            other = await connection.fetchval(new, f"other {number}")
            await _account(connection, other, Size(THEIR_DEVICES, each), now)
        await _execute(connection, REPORTS, found.devices, devices, reports // devices, now)
        await _execute(connection, STATES, account, found.devices, found.devices + devices - 1)
        await connection.execute("VACUUM ANALYZE")
    finally:
        await connection.close()
    return found


async def _account(connection: Any, account: int, size: Size, now: int) -> Filled:
    weekends = (size.sessions - 1) // size.devices + 1
    first = now - now % SECOND - (weekends - 1) * WEEK - 86_400 * SECOND
    devices = min(row[0] for row in await connection.fetch(DEVICES, account, size.devices))
    made = await connection.fetch(SESSIONS, account, devices, size.devices, size.sessions, first)
    sessions = min(row[0] for row in made)
    for weekend in range(weekends):
        before = weekend * size.devices
        many = min(size.devices, size.sessions - before)
        begins = first + weekend * WEEK
        await _execute(connection, PASSINGS, account, devices, sessions + before, before * EACH, many, begins)
    count = "UPDATE accounts SET position = $2 WHERE id = $1"
    await _execute(connection, count, account, size.sessions * EACH)
    return Filled(account, devices, sessions, size, first + (weekends - 1) * WEEK)


async def _execute(connection: Any, statement: str, *values: int) -> None:
    await connection.execute(statement, *values, timeout=3600)
