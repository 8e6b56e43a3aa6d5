"""The group-commit writer of passings."""

from collections.abc import Callable, Sequence
from typing import Protocol

from models.batches import Batches, Failed
from models.database import Database
from models.outcomes import Commit, Submission, Written

Outcome = Written | Failed | None
"""What a submission is told after its commit. None: the account or the device has no such active session."""


class Writer(Protocol):
    """One way to a database. Takes submissions of any accounts and commits them in one transaction."""

    async def write(self, submissions: Sequence[Submission]) -> list[Written | None]:
        """One answer each, in order; None where the account has no such active session."""

    async def close(self) -> None: ...


class Ingest(Batches[Submission, Written]):
    """Takes passings; a submission without its active session is refused.

    `committed` is called after each commit that stored something; a failure of it is logged and changes
    nothing.
    """

    rows_are = "passings"

    def __init__(
        self, database: Database, writer: Writer, committed: Callable[[Commit], None], most_waiting: int
    ) -> None:
        super().__init__(most_waiting)
        self._database = database
        self._writer = writer
        self._committed = committed

    async def close(self) -> None:
        """Refuses what comes from now on, writes and answers what waits, then lets the database go."""
        await super().close()
        await self._writer.close()

    def _size(self, submission: Submission) -> int:
        return len(submission.passings)

    async def _store(self, submissions: Sequence[Submission]) -> list[Written | None]:
        async with self._database.writing():
            return await self._writer.write(submissions)

    def _stored(self, submissions: Sequence[Submission], written: Sequence[Written | None]) -> None:
        commit = Commit({}, {}, {})
        for submission, answer in zip(submissions, written, strict=True):
            if answer is not None:
                self.inserted += answer.inserted
                self.repeated += len(submission.passings) - answer.inserted
            if answer is not None and answer.inserted:
                last = answer.position + len(submission.passings) - 1
                commit.accounts[submission.account_id] = last
                commit.sessions[answer.session_row] = last
                commit.devices[answer.device_row] = last
        if commit.accounts:
            self._committed(commit)
