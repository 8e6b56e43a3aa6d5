"""Eight writers on one PostgreSQL and a reader that resumes behind the last row it saw: what it never sees,
by the rows' own numbers and by positions. `python -m bench.order`

Below the doors, so that the writers are as fast as they can be: the server's own, each with its connection.
"""

import asyncio
import random
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

import asyncpg
import uvloop

from bench import table, wire
from bench.backends import Postgres
from models import migrate, postgres, tail
from models.database import Database
from models.devices import Device
from models.ingest_postgres import PostgresWriter
from models.keys import Account, Owner
from models.outcomes import Submission
from models.passings import Content, Filter
from models.sessions import Session

AT_ONCE = 1_000
"""Rows that the reader asks for at a time."""
SCRATCH = """
    CREATE TABLE scratch (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, session_row bigint, number bigint, at bigint,
        timestamp_text text, bib text, chip text, UNIQUE (session_row, number)
    )
"""
INSERT = """
    INSERT INTO scratch (session_row, number, at, timestamp_text, bib, chip)
    SELECT $1, * FROM unnest($2::bigint[], $3::bigint[], $4::text[], $5::text[], $6::text[])
"""
BEHIND = f"SELECT id FROM scratch WHERE id > ? ORDER BY id LIMIT {AT_ONCE}"

Write = Callable[[int, Sequence[Content]], Awaitable[object]]
Read = Callable[[int], Awaitable[Sequence[int]]]
"""Behind a number: the numbers of the next rows, the last one is where it goes on."""


@dataclass
class Outcome:
    """What came of one round."""

    written: int = 0
    seconds: float = 0.0
    seen: set[int] = field(default_factory=set)

    @property
    def line(self) -> list[str]:
        missed = self.written - len(self.seen)
        return [f"{self.written:,}", f"{self.written / self.seconds:,.0f}", f"{missed:,}"]


async def round_of(write: Write, read: Read, options: Namespace) -> Outcome:
    """Everybody writes for some seconds; the reader reads all the time, and once more when they are done."""
    outcome, began = Outcome(), perf_counter()

    async def send(place: int) -> None:
        number, dice = 0, random.Random(place)
        while perf_counter() - began < options.seconds:
            rows = [_content(number + each) for each in range(dice.randint(1, options.rows))]
            await write(place, rows)
            number += len(rows)
            outcome.written += len(rows)

    writing = asyncio.gather(*(send(place) for place in range(options.writers)))
    last, over = 0, False
    while not over:
        over = writing.done()
        while found := await read(last):
            outcome.seen.update(found)
            last = found[-1]
        await asyncio.sleep(0)
        outcome.seconds = outcome.seconds or (over and perf_counter() - began)
    await writing
    return outcome


TOLD = [(wire.instant(number), wire.bib(number), wire.chip(number)) for number in range(1_000)]


def _content(number: int) -> Content:
    text, bib, chip = TOLD[number % 1_000]
    return Content(number, number * 37_000, text, None, bib, chip)


async def by_numbers(database: Database, options: Namespace) -> Outcome:
    """An identity column, as it is usually done: drawn in the transaction, seen after the commit."""
    lines: list[asyncpg.Connection] = [await postgres.connect(database.url) for _ in range(options.writers)]

    async def write(place: int, rows: Sequence[Content]) -> None:
        number, at, text, _, bib, chip, *_ = zip(*rows, strict=True)
        await lines[place].execute(INSERT, place, number, at, text, bib, chip)

    async def read(last: int) -> Sequence[int]:
        return [row[0] for row in await database.rows(BEHIND, last)]

    outcome = await round_of(write, read, options)
    for line in lines:
        await line.close()
    return outcome


async def by_positions(database: Database, options: Namespace, accounts: int) -> Outcome:
    """The server's writers. The reader follows one account, or all of them in turn."""
    made = [await _sessions(database, options.writers // accounts) for _ in range(accounts)]
    sessions = [session for mine in made for session in mine]
    writers = [PostgresWriter(database.url) for _ in sessions]
    lasts = {mine[0].account_id: 0 for mine in made}

    async def write(place: int, rows: Sequence[Content]) -> None:
        session = sessions[place]
        [written] = await writers[place].write([Submission(session.account_id, session.token, 0, rows)])
        assert written is not None and written.inserted == len(rows)

    async def read(_last: int) -> Sequence[int]:
        numbers: list[int] = []
        for account, last in lasts.items():
            found, _ = await tail.after(database, Owner(account), Filter(), last, AT_ONCE)
            lasts[account] = found[-1].position if found else last
            numbers += [account << 40 | row.position for row in found]
        return numbers

    outcome = await round_of(write, read, options)
    for writer in writers:
        await writer.close()
    return outcome


async def _sessions(database: Database, count: int) -> list[Session]:
    """Active sessions, each of a device of its own, of one account."""
    async with database.transaction() as session:
        account = Account(name="order", created_at=0)
        session.add(account)
        await session.flush()
        made = []
        for place in range(count):
            name = f"ORDER{account.id}X{place}"
            device = Device(
                account_id=account.id, device_id=name, serial_number=name, model="", type="", created_at=0
            )
            session.add(device)
            await session.flush()
            made.append(Session(account_id=account.id, device_row=device.id, token=name, created_at=0))
            session.add(made[-1])
        await session.flush()
    return made


async def measure(url: str, options: Namespace) -> list[list[str]]:
    await migrate.upgrade(url)
    database = Database(url)
    async with database.direct() as connection:
        await connection.execute(SCRATCH)
    ways: dict[str, Callable[[], Awaitable[Outcome]]] = {
        "number > last": lambda: by_numbers(database, options),
        "position > last, one account": lambda: by_positions(database, options, 1),
        f"position > last, {options.writers} accounts": lambda: by_positions(
            database, options, options.writers
        ),
    }
    lines = [[name, *(await way()).line] for name, way in ways.items()]
    await database.close()
    return lines


def main() -> int:
    options = _options()
    with TemporaryDirectory(prefix="passline-bench-") as place:
        Path(place).chmod(0o755)  # PostgreSQL runs as somebody else
        with Postgres(Path(place)).running() as server:
            lines = uvloop.run(measure(server.url(), options))
    title = f"{options.writers} writers, 1 to {options.rows} rows per statement, {options.seconds:g} s each"
    table.show(title, ["a reader resumes by", "rows", "rows/s", "never seen"], lines)
    wrong = [f"{name}: {missed} rows missed" for name, *_, missed in lines[1:] if missed != "0"]
    return table.conclude(wrong, "By positions no row was missed.")


def _options() -> Namespace:
    parser = ArgumentParser(prog="python -m bench.order", description=__doc__)
    parser.add_argument("--writers", type=int, default=8)
    parser.add_argument("--rows", type=int, default=200, help="the most in a statement")
    parser.add_argument("--seconds", type=float, default=10.0)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
