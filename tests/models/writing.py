"""Writes passings in many tasks, and prints every number once it is durable, until it is killed."""

import asyncio
import itertools
import sys

from models.database import Database
from models.ingest import Ingest, Writer
from models.ingest_postgres import PostgresWriter
from models.ingest_sqlite import SqliteWriter
from models.outcomes import Submission
from models.passings import Content

TASKS = 8


async def write(url: str, account_id: int, token: str, start: int) -> None:
    database = Database(url)
    path = database.url.database or ""
    writer: Writer = SqliteWriter(path) if database.sqlite else PostgresWriter(database.url)
    ingest = Ingest(database, writer, lambda commit: None, 10_000)
    ingest.start()
    numbers = itertools.count(start)

    async def send() -> None:
        while True:
            rows = [Content(next(numbers), 0, "T") for _ in range(3)]
            # The last one again: what was killed and sent once more must not be there twice.
            written = await ingest.write(Submission(account_id, token, 0, [*rows, rows[-1]]))
            assert written is not None and written.inserted == 3
            sys.stdout.write("".join(f"{row.number}\n" for row in rows))
            sys.stdout.flush()

    await asyncio.gather(*(send() for _ in range(TASKS)))


if __name__ == "__main__":
    asyncio.run(write(sys.argv[1], int(sys.argv[2]), sys.argv[3], int(sys.argv[4])))
