"""The command `passline copy`: from one database into another, for those who outgrow the embedded one."""

import asyncio
import sys
from collections.abc import Callable, Coroutine
from typing import Annotated, Any, TypeVar

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table

from models import copying
from models.copying import Compared

T = TypeVar("T")
WIDTH = 120
"""Of what is read by a program."""
OVERTAKEN = (
    "The source was written to while it was copied; what came after the copy began is not in it."
    " Stop the server on the source, empty the target and copy again."
)

From = Annotated[str, typer.Option("--from", help="The database's URL, as in PASSLINE_DATABASE_URL.")]
To = Annotated[str, typer.Option("--to", help="The URL of an empty database.")]


def copy(
    source: From,
    target: To,
    check: Annotated[bool, typer.Option("--check", help="Copy nothing; only compare the two.")] = False,
) -> None:
    """Copies all there is from one database into an empty one, SQLite or PostgreSQL, and compares them.

    The source is only read, and a server may go on reading it. All is copied, or nothing. Ends with 1 where
    they differ, or where the source was written to meanwhile.
    """
    overtaken = False
    if check:
        tables = _run(lambda progress: copying.compare(source, target, progress))
    else:
        tables, overtaken = _run(lambda progress: copying.copy(source, target, progress))
    _show(tables)
    if overtaken:
        print(OVERTAKEN, file=sys.stderr)
    if overtaken or not all(each.same for each in tables):
        raise typer.Exit(1)


def _run(work: Callable[[copying.Progress], Coroutine[Any, Any, T]]) -> T:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as drawn:
        tasks: dict[str, TaskID] = {}

        def progress(table: str, done: int, total: int) -> None:
            if table not in tasks:
                tasks[table] = drawn.add_task(table, total=total)
            drawn.update(tasks[table], completed=done)

        return asyncio.run(work(progress))


def _show(tables: list[Compared]) -> None:
    shown = Table("table", "rows", "digest", "")
    for each in tables:
        rows, digest = str(each.source.rows), each.source.digest
        if not each.same:
            rows, digest = f"{rows} → {each.target.rows}", f"{digest} → {each.target.digest}"
        shown.add_row(each.table, rows, digest, "same" if each.same else "DIFFERS")
    Console(width=None if sys.stdout.isatty() else WIDTH).print(shown)
