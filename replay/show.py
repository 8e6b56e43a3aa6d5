"""What the person who started a replay sees: a bar per device, and the reckoning as a table."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

from rich import box, console, progress, table

from replay import devices, reports, stage

REFRESH = 0.25  # seconds; drawing takes time from sending


class Screen:
    """Bars and tables on one console."""

    def __init__(self, screen: console.Console) -> None:
        self.console = screen

    @contextlib.asynccontextmanager
    async def bars(self, players: list[devices.Device]) -> AsyncIterator[None]:
        """While inside, a bar per device shows how many of its passings are acknowledged."""
        columns = (
            progress.TextColumn("{task.description}"),
            progress.BarColumn(),
            progress.TextColumn("{task.completed:>9,.0f} / {task.total:,.0f}"),
            progress.TimeElapsedColumn(),
        )
        with progress.Progress(*columns, console=self.console, auto_refresh=False) as drawn:
            rows = [(drawn.add_task(device.name, total=device.total), device) for device in players]
            ticker = asyncio.create_task(follow(drawn, rows))
            try:
                yield
            finally:
                ticker.cancel()
                update(drawn, rows)

    def ready(self, ready: stage.Stage, entrants: int) -> None:
        """What was got ready in the event."""
        names = ", ".join(ready.boards) or "none that the file knows"
        what = "Races made" if ready.made else "Races of the event"
        self.console.print(f"{what}: {names}.", highlight=False)
        self.console.print(f"{ready.enrolled:,} of {entrants:,} competitors enrolled; the others were known.")

    def report(self, report: reports.Report, what: str) -> None:
        """The table, then either that all is well or a sentence per wrong count."""
        self.console.print(of_report(report, what))
        if again := report.total.tally.retries:
            self.console.print(f"{again:,} calls were sent again: the server was busy or did not answer.")
        for board in report.boards:
            if not board.complaints():
                self.console.print(
                    f"{board.name}: {board.shown:,} finishers on the board, as in the file.", style="green"
                )
        for complaint in report.complaints():
            self.console.print(complaint, style="red", highlight=False)
        if not any(line.complaints() for line in report.lines):
            self.console.print(f"Each of the {report.readings:,} passings is stored once.", style="green")


async def follow(drawn: progress.Progress, rows: list[tuple[progress.TaskID, devices.Device]]) -> None:
    while True:
        update(drawn, rows)
        await asyncio.sleep(REFRESH)


def update(drawn: progress.Progress, rows: list[tuple[progress.TaskID, devices.Device]]) -> None:
    for row, device in rows:
        drawn.update(row, completed=device.tally.sent)
    drawn.refresh()


def of_report(report: reports.Report, what: str) -> table.Table:
    drawn = table.Table(
        "device", title=what, title_justify="left", show_footer=True, box=box.SIMPLE, pad_edge=False
    )
    for heading in ("passings", "sent", "inserted", "duplicates", "stored", "passings/s"):
        drawn.add_column(heading, justify="right", no_wrap=True)
    cells = [(line.name, *numbers(line)) for line in (*report.lines, report.total)]
    for row in cells[:-1]:
        drawn.add_row(*row)
    for column, cell in zip(drawn.columns, cells[-1], strict=True):
        column.footer = cell
    return drawn


def numbers(line: reports.Line) -> list[str]:
    tally = line.tally
    rate = tally.sent / line.seconds if line.seconds else 0
    counts = (
        line.readings,
        tally.sent,
        tally.inserted,
        tally.duplicates,
        line.stored,
        round(rate),
    )
    return [f"{count:,}" for count in counts]
