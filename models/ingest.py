"""The group-commit writer: what gathered while the last commit ran goes into the next,
and is answered after it."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from models.database import Database
from models.outcomes import Commit, Submission, Written

logger = logging.getLogger(__name__)

MOST_ROWS = 8_000
"""In one transaction. Larger ones gain nothing and keep those who wait behind them longer."""


MOST_TURNS = 8
"""Looks at the door before a commit. Each costs microseconds when nobody is there, so this is no timer."""


class Full(Exception):
    """More rows wait to be written than the queue holds."""


class Failed(Exception):
    """The database did not take the rows: none of them is stored."""


Outcome = Written | Failed | None
"""What a submission is told after its commit. None: the account has no such active session."""


class Writer(Protocol):
    """One way to a database. Takes submissions of any accounts and commits them in one transaction."""

    async def write(self, submissions: Sequence[Submission]) -> list[Written | None]:
        """One answer each, in order; None where the account has no such active session."""

    async def close(self) -> None: ...


@dataclass(slots=True)
class _Waiting:
    submission: Submission
    told: Callable[[Outcome], None]


class Ingest:
    """Takes passings from many callers at once and makes them durable in few transactions.

    There is no timer: a lone submission is written at once, a burst while a commit runs forms the next batch.
    `committed` is called after each commit that stored something; a failure of it is logged and changes
    nothing.
    """

    def __init__(
        self, database: Database, writer: Writer, committed: Callable[[Commit], None], most_waiting: int
    ) -> None:
        self._database = database
        self._writer = writer
        self._committed = committed
        self._most_waiting = most_waiting
        self._queue: list[_Waiting] = []
        self._rows = 0
        self._work = asyncio.Event()
        self._closing = False
        self._task: asyncio.Task[None] | None = None
        self.commits = self.inserted = self.repeated = 0

    @property
    def waiting(self) -> int:
        """Rows that are not written yet."""
        return self._rows

    def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name="ingest")

    async def close(self) -> None:
        """Refuses what comes from now on, writes and answers what waits, then lets the database go."""
        self._closing = True
        self._work.set()
        if self._task is not None:
            await self._task
        await self._writer.close()

    def submit(self, submission: Submission, told: Callable[[Outcome], None]) -> None:
        """Queues the submission; `told` is called after the commit, in its turn of the loop. Raises Full."""
        rows = len(submission.passings)
        if self._closing or self._rows + rows > self._most_waiting:
            raise Full
        self._queue.append(_Waiting(submission, told))
        self._rows += rows
        self._work.set()

    async def write(self, submission: Submission) -> Written | None:
        """Returns after the commit. None: no such active session.
        Raises Full, or Failed with nothing stored."""
        answer: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        self.submit(submission, partial(_resolve, answer))
        outcome = await answer
        if isinstance(outcome, Failed):
            raise outcome
        return outcome

    async def _run(self) -> None:
        while not (self._closing and not self._queue):
            await self._work.wait()
            self._work.clear()
            while self._queue:
                await self._gather()
                batch = self._take()
                async with self._database.writing():
                    await self._commit(batch)
                self._rows -= sum(len(waiting.submission.passings) for waiting in batch)

    async def _gather(self) -> None:
        """Lets those come along who are at the door already:
        a request needs two turns of the loop to get here."""
        for _ in range(MOST_TURNS):
            waiting = len(self._queue)
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            if len(self._queue) == waiting:
                break

    def _take(self) -> list[_Waiting]:
        rows = count = 0
        for waiting in self._queue:
            rows += len(waiting.submission.passings)
            if count and rows > MOST_ROWS:
                break
            count += 1
        batch, self._queue = self._queue[:count], self._queue[count:]
        return batch

    async def _commit(self, batch: list[_Waiting]) -> None:
        try:
            written = await self._writer.write([waiting.submission for waiting in batch])
        except Exception as error:
            await self._one_by_one(batch, error)
            return
        for waiting, answer in zip(batch, written, strict=True):
            _tell(waiting, answer)
        self._announce(batch, written)

    async def _one_by_one(self, batch: list[_Waiting], error: Exception) -> None:
        """So that one submission which the database cannot take does not fail those beside it."""
        if len(batch) > 1:
            for waiting in batch:
                await self._commit([waiting])
            return
        logger.error("passings could not be written", exc_info=error)
        _tell(batch[0], Failed())

    def _announce(self, batch: list[_Waiting], written: Sequence[Written | None]) -> None:
        commit = Commit({}, {}, {})
        self.commits += 1
        for waiting, answer in zip(batch, written, strict=True):
            if answer is not None:
                self.inserted += answer.inserted
                self.repeated += len(waiting.submission.passings) - answer.inserted
            if answer is not None and answer.inserted:
                last = answer.position + len(waiting.submission.passings) - 1
                commit.accounts[waiting.submission.account_id] = last
                commit.sessions[answer.session_row] = last
                commit.devices[answer.device_row] = last
        if not commit.accounts:
            return
        try:
            self._committed(commit)
        except Exception:
            logger.exception("a commit could not be announced")


def _tell(waiting: _Waiting, outcome: Outcome) -> None:
    """One who cannot be told does not keep the others from it."""
    try:
        waiting.told(outcome)
    except Exception:
        logger.exception("the outcome of a submission could not be told")


def _resolve(answer: asyncio.Future[Outcome], outcome: Outcome) -> None:
    if not answer.done():  # the caller may have gone away; its rows are stored all the same
        answer.set_result(outcome)
