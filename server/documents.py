"""The commands `passline documents …`: what pages may ask by name."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from models import documents as rows
from resolvers import documents
from resolvers.context import Caller, Context
from resolvers.errors import Invalid
from server.keys import moment, print_table
from server.operator import operate

app = typer.Typer(help="Registered GraphQL documents.", no_args_is_help=True)

Account = Annotated[int, typer.Option(help="The account's id.")]


@app.command("add")
def add(
    files: Annotated[list[Path], typer.Argument(help="One document each.", exists=True, dir_okay=False)],
    account: Account,
) -> None:
    """Registers documents, named as their files, and prints what to ask them by. With a fault in one of them
    nothing is registered."""
    texts = {file: _read(file) for file in files}

    async def register(ctx: Context) -> list[rows.Document]:
        own, new = _of_account(ctx, account), []
        for file, text in texts.items():
            if fault := ctx.texts.fault(text):
                raise Invalid(str(file), fault)
            new.append(documents.NewDocument(text=text, name=file.name))
        return [await documents.register(own, each) for each in new]

    for row in operate(register):
        print(f"sha256:{row.hash.hex()}  {row.name}")


@app.command("list")
def show(account: Account) -> None:
    """Shows the documents of an account, newest first."""
    table = Table("hash", "name", "registered", "by", "characters")
    for row in operate(lambda ctx: documents.page(_of_account(ctx, account), limit=documents.MOST))[0]:
        by = "" if row.registered_by is None else f"key {row.registered_by}"
        table.add_row(row.hash.hex(), row.name or "", moment(row.registered_at), by, str(len(row.text)))
    print_table(table)


@app.command("remove")
def remove(
    hash: Annotated[str, typer.Argument(help="The document's hash, from `documents list`.")],
    account: Account,
) -> None:
    """Takes a document away; servers that run notice within a minute."""
    row = operate(lambda ctx: documents.unregister(_of_account(ctx, account), hash))
    print(f"sha256:{row.hash.hex()} is no longer registered")


def _read(file: Path) -> str:
    try:
        return file.read_bytes().decode()
    except UnicodeError:
        raise Invalid(str(file), "is not written in UTF-8") from None


def _of_account(ctx: Context, account: int) -> Context:
    """The operator, acting for the account."""
    scopes = frozenset({"events:read", "events:write"})
    return replace(ctx, caller=Caller(account, alias="operator", scopes=scopes))
