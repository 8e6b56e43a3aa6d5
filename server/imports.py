"""The command `passline participants import`: a file into an event, with what was wrong line by line."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from models import events
from resolvers import imports
from resolvers.context import Caller, Context
from resolvers.errors import Invalid, NotFound
from resolvers.imports import Imported, Wrong
from server.operator import operate

app = typer.Typer(help="Who takes part in an event.", no_args_is_help=True)
WIDTH = 200
"""Of what is read by a program."""


@app.callback()
def participants() -> None:
    """Who takes part in an event."""


@app.command("import")
def import_participants(
    file: Annotated[Path, typer.Argument(help="A CSV file with a header.", exists=True, dir_okay=False)],
    event: Annotated[str, typer.Option(help="The event's token.")],
    map: Annotated[list[str] | None, typer.Option(help="A column of another name: FIELD=COLUMN.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only look; store nothing.")] = False,
    encoding: Annotated[str, typer.Option(help="How the file is written.")] = "utf-8-sig",
) -> None:
    """Enters the good lines and shows what is wrong with the others; with any of these it ends with 1."""
    text, mapping = _read(file, encoding), _mapping(map or ())
    out, err = Console(), Console(stderr=True)
    if not err.is_terminal:
        err = Console(stderr=True, width=WIDTH)
    with Progress(console=err, transient=True) as bar:
        task = bar.add_task("participants", total=None)

        async def run(ctx: Context) -> Imported:
            return await imports.participants(
                await _of_the_event(ctx, event),
                event,
                text,
                mapping,
                dry_run=dry_run,
                progress=lambda done, of: bar.update(task, completed=done, total=of),
            )

        found = operate(run)
    _show(found.wrong, err)
    _show_columns(found, err)
    out.print(f"{'would enter' if dry_run else 'entered'} {found.created}, refused {found.refused}")
    if found.refused:
        raise typer.Exit(1)


async def _of_the_event(ctx: Context, token: str) -> Context:
    """The operator, acting for the account that owns the event."""
    async with ctx.database.reading() as session:
        event = await events.by_token(session, token)
    if event is None:
        raise NotFound("Event", token)
    scopes = frozenset({"participants:write"})
    return replace(ctx, caller=Caller(event.account_id, alias="operator", scopes=scopes))


def _read(file: Path, encoding: str) -> str:
    try:
        return file.read_bytes().decode(encoding)
    except (UnicodeError, LookupError):
        raise Invalid("encoding", f"{file.name} is not written in {encoding}; name another one") from None


def _mapping(pairs: Sequence[str]) -> dict[str, str]:
    for pair in pairs:
        if "=" not in pair:
            raise Invalid("map", f"{pair}: must be FIELD=COLUMN")
    return dict(pair.split("=", 1) for pair in pairs)


def _show(wrong: Sequence[Wrong], console: Console) -> None:
    if wrong:
        table = Table("line", "bib", "field", "what is wrong")
        for each in wrong:
            table.add_row(str(each.line), each.bib or "", each.field, each.reason)
        console.print(table)


def _show_columns(found: Imported, console: Console) -> None:
    taken = ", ".join(f"{field}={column}" for field, column in found.columns.items())
    console.print(f"columns: {taken}", markup=False, highlight=False)
    if found.unused:
        console.print(f"not used: {', '.join(found.unused)}", markup=False, highlight=False)
