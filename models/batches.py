"""Group commit: what gathered while the last commit ran goes into the next, and is answered after it."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Generic, TypeVar

from models.database import Unreachable

logger = logging.getLogger(__name__)

MOST_ROWS = 8_000
"""In one transaction, as a rule. Larger ones gain nothing and keep those who wait behind them longer."""
MOST_TURNS = 8
"""Looks at the door before a commit. Each costs microseconds when nobody is there, so this is no timer."""

Submission = TypeVar("Submission")
Written = TypeVar("Written")


class Full(Exception):
    """More rows wait to be written than the queue holds."""


class Failed(Exception):
    """The database did not take the rows. None of them is stored, unless it was lost before it could answer:
    whoever sends them again does no harm."""


@dataclass(slots=True)
class _Waiting(Generic[Submission, Written]):
    submission: Submission
    rows: int
    told: Callable[[Written | Failed | None], None]


class Batches(Generic[Submission, Written]):
    """Takes submissions from many callers at once and makes them durable in few transactions.

    There is no timer: a lone submission is written at once, a burst while a commit runs forms the next batch.
    Who writes says how many rows a submission has, how a batch is stored, and what follows from it.
    """

    rows_are: str
    """What the rows are called, for the log."""
    most_rows = MOST_ROWS

    def __init__(self, most_waiting: int) -> None:
        self._most_waiting = most_waiting
        self._queue: list[_Waiting[Submission, Written]] = []
        self._rows = 0
        self._work = asyncio.Event()
        self._closing = False
        self._reached = True
        self._task: asyncio.Task[None] | None = None
        self.commits = self.inserted = self.repeated = 0

    def _size(self, submission: Submission) -> int:
        raise NotImplementedError

    async def _store(self, submissions: Sequence[Submission]) -> Sequence[Written | None]:
        """Commits all of them in one transaction, or none; one answer each, in order, None for a refusal."""
        raise NotImplementedError

    def _stored(self, submissions: Sequence[Submission], written: Sequence[Written | None]) -> None:
        """Called after the commit, when those who wait are told. What it raises is logged, no more."""
        raise NotImplementedError

    @property
    def waiting(self) -> int:
        """Rows that are not written yet."""
        return self._rows

    def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name=self.rows_are)

    async def close(self) -> None:
        """Refuses what comes from now on, then writes and answers what waits."""
        self._closing = True
        self._work.set()
        if self._task is not None:
            await self._task

    def submit(self, submission: Submission, told: Callable[[Written | Failed | None], None]) -> None:
        """Queues the submission; `told` is called after the commit, in its turn of the loop. Raises Full."""
        rows = self._size(submission)
        if self._closing or self._rows + rows > self._most_waiting:
            raise Full
        self._queue.append(_Waiting(submission, rows, told))
        self._rows += rows
        self._work.set()

    async def write(self, submission: Submission) -> Written | None:
        """Returns after the commit. None: it was refused. Raises Full and Failed."""
        answer: asyncio.Future[Written | Failed | None] = asyncio.get_running_loop().create_future()
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
                await self._commit(batch)
                self._rows -= _rows(batch)

    async def _gather(self) -> None:
        """Lets those come along who are at the door already:
        a request needs two turns of the loop to get here."""
        for _ in range(MOST_TURNS):
            waiting = len(self._queue)
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            if len(self._queue) == waiting:
                break

    def _take(self) -> list[_Waiting[Submission, Written]]:
        rows = count = 0
        for waiting in self._queue:
            rows += waiting.rows
            if count and rows > self.most_rows:
                break
            count += 1
        batch, self._queue = self._queue[:count], self._queue[count:]
        return batch

    async def _commit(self, batch: list[_Waiting[Submission, Written]]) -> None:
        submissions = [waiting.submission for waiting in batch]
        try:
            written = await self._store(submissions)
        except Unreachable as error:
            self._lost(batch, error)
            return
        except Exception as error:
            await self._one_by_one(batch, error)
            return
        if not self._reached:
            self._reached = True
            logger.warning("%s are written again", self.rows_are)
        self.commits += 1
        for waiting, answer in zip(batch, written, strict=True):
            _tell(waiting, answer)
        try:
            self._stored(submissions, written)
        except Exception:
            logger.exception("a commit could not be announced")

    async def _one_by_one(self, batch: list[_Waiting[Submission, Written]], error: Exception) -> None:
        """So that one submission which the database cannot take does not fail those beside it."""
        self._reached = True
        if len(batch) > 1:
            for place, waiting in enumerate(batch):
                await self._commit([waiting])
                if not self._reached:
                    _fail(batch[place + 1 :])
                    return
            return
        logger.error("%s could not be written", self.rows_are, exc_info=error)
        _tell(batch[0], Failed())

    def _lost(self, batch: list[_Waiting[Submission, Written]], error: Unreachable) -> None:
        """Nobody waits for a database that is not there: those behind the batch have waited as long."""
        if self._reached:
            self._reached = False
            logger.warning("%s cannot be written: %s", self.rows_are, error)
        behind, self._queue = self._queue, []
        self._rows -= _rows(behind)
        _fail([*batch, *behind])


def _rows(some: Sequence[_Waiting[Submission, Written]]) -> int:
    return sum(waiting.rows for waiting in some)


def _fail(some: Sequence[_Waiting[Submission, Written]]) -> None:
    for waiting in some:
        _tell(waiting, Failed())


def _tell(waiting: _Waiting[Submission, Written], outcome: Written | Failed | None) -> None:
    """One who cannot be told does not keep the others from it."""
    try:
        waiting.told(outcome)
    except Exception:
        logger.exception("the outcome of a submission could not be told")


def _resolve(answer: asyncio.Future[Written | Failed | None], outcome: Written | Failed | None) -> None:
    if not answer.done():  # the caller may have gone away; its rows are stored all the same
        answer.set_result(outcome)
