"""Nothing that is asked all day grows with the history: no big table is read from end to end, and eight times
the history is not much more work."""

from functools import partial

from models import (
    alarms,
    conditions,
    fleets,
    history,
    keys,
    numbers,
    passings,
    reads,
    reports,
    sessions,
    streams,
    tail,
    telemetry,
)
from models.database import Database
from models.history import Period
from models.keys import Owner
from models.outcomes import Submission
from models.passings import Content, Filter, Window
from tests import factories as make
from tests.backends import execute
from tests.models.explained import Seen, look

DEVICES, EACH, REPORTS = 20, 40, 60
"""Of a weekend: each device has a session of so many passings, and so many reports."""
FEW, MANY = 4, 32
SECOND, MINUTE, WEEK = 10**6, 60 * 10**6, 604_800 * 10**6
MUCH_MORE, ROOM = 2, {"sqlite": 500, "postgresql": 15}
OWNER, DEVICE, OLD = Owner(1), 7, 27
"""An account, one of its devices, and that device's session on the second weekend."""

BEGIN = (
    "INSERT INTO accounts (id, name, created_at) VALUES (1, 'one', 0)",
    f"""INSERT INTO devices (id, account_id, device_id, serial_number, model, type, bound, created_at)
        WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {DEVICES})
        SELECT i, 1, 'D' || i, 'D' || i, 'M', 'T', true, 0 FROM n""",
)
NUMBERS = (
    "WITH RECURSIVE n(i) AS (SELECT CAST({0} AS bigint) UNION ALL SELECT i + 1 FROM n WHERE i + 1 < {1})"
)


def grown(first: int, end: int) -> list[str]:
    """The statements that add these weekends."""

    def each(many: int) -> str:
        return NUMBERS.format(first * many, end * many)

    all_passings = DEVICES * EACH
    return [
        "UPDATE sessions SET closed_at = 1",
        f"""INSERT INTO sessions (id, account_id, device_row, token, created_at, closed_at, passing_count,
                conflict_count, first_passing_at, last_passing_at, last_received_at, last_position,
                sessions_before, passings_before, last_passing_before, last_received_before)
            {each(DEVICES)}
            SELECT i + 1, 1, i % {DEVICES} + 1, 'S' || i, 0,
                CASE WHEN i < {(end - 1) * DEVICES} THEN 1 END, {EACH}, 1,
                i / {DEVICES} * {WEEK} + {SECOND}, i / {DEVICES} * {WEEK} + {EACH * SECOND},
                i / {DEVICES} * {WEEK} + {EACH * SECOND}, i / {DEVICES} * {all_passings} + {all_passings - DEVICES}
                + i % {DEVICES} + 1, i / {DEVICES}, i / {DEVICES} * {EACH}, 0, 0 FROM n""",
        f"""INSERT INTO passings (account_id, position, session_row, device_row, received_at, number, at,
                timestamp_text, bib)
            {each(all_passings)}
            SELECT 1, i + 1, i / {all_passings} * {DEVICES} + i % {DEVICES} + 1, i % {DEVICES} + 1, 0,
                i % {all_passings} / {DEVICES} + 1,
                i / {all_passings} * {WEEK} + (i % {all_passings} / {DEVICES} + 1) * {SECOND}, 'T',
                CAST(i % {all_passings} / {DEVICES} AS text) FROM n""",
        f"""INSERT INTO telemetry (device_row, reported_at, received_at, stale, mode, battery_percentage)
            {each(DEVICES * REPORTS)}
            SELECT i % {DEVICES} + 1, i / {DEVICES} * {MINUTE}, 0, false, 'IDLE', 50 FROM n""",
        "DELETE FROM device_states",
        """INSERT INTO device_states (device_row, account_id, reported_at, received_at, mode)
            SELECT device_row, 1, max(reported_at), 0, 'IDLE' FROM telemetry GROUP BY device_row""",
        f"""INSERT INTO conflicts (id, session_row, number, digest, received_at, claimed)
            {each(DEVICES * 20)} SELECT i + 1, i / 20 + 1, i % 20, 'd', 0, '' FROM n""",
        f"""INSERT INTO alarms (id, account_id, device_row, kind, severity, started_at, ended_at)
            {each(DEVICES * 20)} SELECT i + 1, 1, i / {20 * 4} % {DEVICES} + 1, 'k', 'LOW', 0, 1 FROM n""",
        f"UPDATE accounts SET position = {end * all_passings}",
    ]


def asked(database: Database, weekends: int) -> dict[str, partial]:
    """What is asked all day, of a history of so many weekends."""
    newest, end = (weekends - 1) * DEVICES + DEVICE, weekends * DEVICES * EACH
    race = (weekends - 1) * WEEK, weekends * WEEK
    window = Window(DEVICE, None, *race)
    served = Filter(served=(window, Window(DEVICE + 1, None, *race), Window(None, newest + 2, None, None)))
    session, device = Filter(session_row=OLD), Filter(device_row=DEVICE)
    last_day = Period(weekends * REPORTS * MINUTE - 30 * MINUTE, weekends * REPORTS * MINUTE)
    one = partial(_ask, database)
    return {
        "a page by number": one(passings.numbered, OLD, first=10, last=20, limit=99),
        "a page by arrival": one(passings.arrived, OLD, 0, limit=20),
        "a page by time": one(passings.timed, DEVICE, between=race, limit=20),
        "passings by number": one(passings.by_numbers, OLD, [3, 4, 5]),
        "a passing by position": one(passings.by_position, OWNER, 100),
        "where to resume": one(passings.first_position_above, newest, 10),
        "the account from anywhere": one(streams.after, OWNER, Filter(), 900, 20),
        "a session's page": one(streams.after, OWNER, session, 0, 20),
        "a session's last page": one(streams.before, OWNER, session, end, 20),
        "a device from the beginning": one(streams.after, OWNER, device, 0, 20),
        "a device near the end": one(streams.after, OWNER, device, end - 50, 20),
        "a device's last page": one(streams.before, OWNER, device, end, 20),
        "an event's first page": one(streams.after, OWNER, served, 0, 20),
        "an event's last page": one(streams.before, OWNER, served, end, 20),
        "a time, of the account": one(streams.after, OWNER, Filter(from_=race[0], to=race[1]), 0, 20),
        "a bib of a device in a time": one(
            streams.after, OWNER, device._replace(bib="9", from_=race[0], to=race[1]), end - 800, 20
        ),
        "the end of the account's stream": partial(tail.after, database, OWNER, Filter(), end - 5, 500),
        "the end of a session": partial(
            tail.after, database, OWNER, Filter(session_row=newest), end - 50, 500
        ),
        "the end of a device": partial(tail.after, database, OWNER, device, end - 50, 500),
        "a device's first page, the short way": partial(tail.after, database, OWNER, device, 0, 20),
        "the end of an event": partial(tail.after, database, OWNER, served, end - 50, 500),
        "ends of sessions": one(numbers.spans, [OLD, newest]),
        "gaps": one(numbers.gaps, [OLD], 100),
        "conflicts": one(numbers.conflicts, [OLD], 10),
        "counts of devices": one(sessions.counts_by_device, [DEVICE, DEVICE + 1]),
        "passings of a device in all": one(sessions.passing_total, OWNER, device_row=DEVICE),
        "the newest session": one(sessions.newest, DEVICE),
        "the session to resume in": one(
            sessions.next_with_passings, DEVICE, after_position=end - DEVICES * EACH
        ),
        "health": one(telemetry.health_of, [DEVICE, DEVICE + 1]),
        "telemetry": one(history.pages, OWNER, [DEVICE], Period(), limit=20, from_end=True),
        "telemetry by time": one(history.timed, DEVICE, Period(), limit=20),
        "buckets": one(history.buckets, OWNER, [DEVICE], last_day, 600, limit=20),
        "the watch": one(conditions.of, [DEVICE, DEVICE + 1]),
        "numbers above": one(conditions.counts_above, [(newest, EACH - 3)]),
        "open alarms": one(alarms.open_of, [DEVICE], OWNER),
        "the account's position": one(keys.position, 1),
        "a fleet": partial(_all, partial(fleets.read, database, 1, [DEVICE])),
        "a board's passings of a device": partial(_all, partial(reads.of_device, database, 1, DEVICE, *race)),
        "a board's passings of a session": partial(_all, partial(reads.of_session, database, 1, newest)),
        "a board catches up": partial(reads.after, database, 1, end - 20, end),
    }


def _ask(database: Database, query, *values, **more) -> partial:
    async def run():
        async with database.reading() as session:
            return await query(session, *values, **more)

    return partial(run)


async def _all(read):
    return [each async for each in read()]


async def written(database: Database, weekends: int, see) -> dict[str, Seen]:
    """What writers do: new passings, and the same again; reports."""
    token, taken = f"S{(weekends - 1) * DEVICES + DEVICE - 1}", EACH
    contents: list[Content] = []
    async with make.running(database) as ingest:

        async def record(count):
            nonlocal taken, contents
            contents = [make.content(taken + n, at=WEEK) for n in range(1, count + 1)]
            taken += count
            await ingest.write(Submission(1, token, 0, contents))

        async def repeat():
            await ingest.write(Submission(1, token, 0, contents))

        found = {
            "one passing": await see(partial(record, 1)),
            "a hundred": await see(partial(record, 100)),
            "the same again": await see(repeat),
        }
    minute = weekends * REPORTS
    taker = reports.Reports(database, lambda touched: None, 1_000)
    taker.start()

    async def report():
        nonlocal minute
        minute += 1
        await taker.write(reports.Submission(OWNER, f"D{DEVICE}", 0, [telemetry.Content(minute * MINUTE)]))

    found["a report"] = await see(report)
    await taker.close()
    return found


async def test_nothing_that_is_asked_all_day_grows_with_the_history(backend, backends, monkeypatch):
    found: dict[int, dict[str, Seen]] = {}
    for weekends in (FEW, MANY):
        url = backends.make(backend)
        execute(url, *BEGIN, *grown(0, weekends))
        execute(url, "ANALYZE")
        with monkeypatch.context() as patch:
            see = look(url, backends, patch)
            database = Database(url)
            try:
                mine = {name: await see(ask) for name, ask in asked(database, weekends).items()}
                found[weekends] = mine | await written(database, weekends, see)
            finally:
                await database.close()
        backends.drop(url)
    few, many = found[FEW], found[MANY]
    assert {name: seen.scanned for name, seen in many.items() if seen.scanned} == {}
    limits = {name: MUCH_MORE * seen.work + ROOM[backend] for name, seen in few.items()}
    assert {
        name: (few[name].work, seen.work) for name, seen in many.items() if seen.work > limits[name]
    } == {}


async def test_a_scan_is_noticed(backend, backends, monkeypatch):
    url = backends.make(backend)
    execute(url, *BEGIN, *grown(0, 1))
    see = look(url, backends, monkeypatch)
    database = Database(url)

    async def careless():
        return await database.rows("SELECT count(*) FROM passings WHERE bib IS NULL")

    seen = await see(careless)
    await database.close()
    backends.drop(url)
    assert len(seen.scanned) == 1
