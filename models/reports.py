"""The group-commit writer of telemetry."""

from collections.abc import Callable, Mapping

from models.database import Database


class Reports:
    """Takes reports from many devices at once and makes them durable in few transactions.

    `touched` is called after each commit with the devices whose state is new: device row to account.
    """

    def __init__(
        self, database: Database, touched: Callable[[Mapping[int, int]], None], most_waiting: int
    ) -> None:
        self._database = database
        self._touched = touched
        self._most_waiting = most_waiting

    def start(self) -> None: ...

    async def close(self) -> None: ...
