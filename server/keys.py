"""The commands `passline keys …`: who may come in, and who did."""

import sys
import time
from typing import Annotated

import rich
import typer
from rich.console import Console
from rich.table import Table

from models import audits as audit_rows
from models import keys as rows
from resolvers import audits, callers, keys
from resolvers.context import Context
from server.operator import operate
from timing import clocks

app = typer.Typer(help="API keys.", no_args_is_help=True)
WIDTH = 260
"""Of what is read by a program."""
AT_ONCE = 1000
"""Entries of the audit trail that are read at a time."""

KeyId = Annotated[int, typer.Argument(help="The key's id, from `keys list`.")]


@app.command("create")
def create(
    account: Annotated[int, typer.Option(help="The account's id.")],
    access: Annotated[str, typer.Option(help="READ, WRITE or READ_WRITE.")],
    unbind: Annotated[bool, typer.Option("--unbind", help="May unbind devices.")] = False,
    alias: Annotated[str | None, typer.Option(help="What people call the key.")] = None,
    scope: Annotated[list[str] | None, typer.Option(help="Less than the access type allows.")] = None,
    v0_shape: Annotated[str, typer.Option(help="BOTH, BARE or BODY.")] = "BOTH",
    device: Annotated[str | None, typer.Option(help="The name of the only device it is for.")] = None,
    event: Annotated[str | None, typer.Option(help="The token of the only event it is for.")] = None,
    expires_in: Annotated[int | None, typer.Option(help="Seconds; default: it never expires.")] = None,
) -> None:
    """Makes a key and prints it, this once."""
    new = keys.NewKey(
        access=access,
        may_unbind=unbind,
        alias=alias,
        scopes=tuple(scope) if scope else None,
        v0_shape=v0_shape,
        device_id=device,
        event_token=event,
        expires_in=expires_in,
    )
    print(operate(lambda ctx: keys.create(ctx, new, account))[1])


@app.command("list")
def show(
    account: Annotated[int | None, typer.Option(help="The account's id; default all accounts.")] = None,
) -> None:
    """Shows keys, never their text."""
    table = Table(
        *("id", "account", "key", "alias", "access", "unbind", "scopes", "for", "v0"),
        *("used", "expires", "replaced by", "revoked"),
    )
    for row in operate(lambda ctx: keys.page(ctx, account, bindings=True)):
        table.add_row(
            str(row.id),
            str(row.account_id),
            f"ror-…{row.hint}",
            row.alias or "",
            row.access,
            "yes" if row.may_unbind else "",
            row.scopes or "",
            _only(row),
            row.v0_shape,
            moment(row.last_used_at),
            moment(row.expires_at),
            str(row.replaced_by or ""),
            moment(row.revoked_at),
        )
    print_table(table)


@app.command("rotate")
def rotate(
    key_id: KeyId,
    overlap: Annotated[
        int, typer.Option(help="Seconds that the old one goes on working, up to a week.")
    ] = keys.OVERLAP,
) -> None:
    """Makes a key in the place of another and prints it, this once; returns when every server has taken
    note."""
    text = operate(lambda ctx: keys.rotate(ctx, key_id, overlap))[1]
    print(text, flush=True)
    _wait_for_every_server()


@app.command("revoke")
def revoke(key_id: KeyId) -> None:
    """From now on nobody gets in with the key; returns when every server has taken note."""
    operate(lambda ctx: keys.revoke(ctx, key_id))
    _wait_for_every_server()
    rich.print(f"key {key_id} is revoked")


@app.command("audit")
def audit(account: Annotated[int, typer.Option(help="The account's id.")]) -> None:
    """Shows who made, used, rotated and revoked what of an account, newest first."""

    async def read(ctx: Context) -> tuple[list[audit_rows.Entry], dict[int, list[audit_rows.Use]]]:
        entries, total = await audits.page(ctx, account, limit=AT_ONCE)
        while len(entries) < total:
            entries += (await audits.page(ctx, account, before=entries[-1].id, limit=AT_ONCE))[0]
        owned = await keys.page(ctx, account, bindings=True)
        return entries, await audits.uses(ctx, [key.id for key in owned], days=7)

    entries, uses = operate(read)
    trail = Table("when", "what", "key", "token", "device", "asked for by", "detail", title="what was done")
    for entry in entries:
        numbers = (entry.key_id, entry.token_id, entry.device_row)
        told = (str(each or "") for each in numbers)
        trail.add_row(
            moment(entry.at), entry.action, *told, f"key {entry.actor}" if entry.actor else "", entry.detail
        )
    print_table(trail)
    use = Table("key", "day", "times", "first", "last", title="who came in, the last seven days of each key")
    for day in (day for days in uses.values() for day in days):
        use.add_row(str(day.key_id), day.day, str(day.count), moment(day.first_at), moment(day.last_at))
    print_table(use)


def moment(at: int | None) -> str:
    return "" if at is None else clocks.text(at)


def print_table(table: Table) -> None:
    """Whole also where it is read by a program."""
    Console(width=None if sys.stdout.isatty() else WIDTH, markup=False).print(table)


def _only(row: rows.ApiKey) -> str:
    if row.device_row is not None:
        return f"device {row.device_row}" + (" (bound)" if row.of_binding else "")
    return "" if row.event_id is None else f"event {row.event_id}"


def _wait_for_every_server() -> None:
    time.sleep(callers.SECONDS_TRUSTED)
