"""The commands `passline bindings …`: tokens with which devices bind themselves."""

from typing import Annotated

import rich
import typer
from rich.table import Table

from resolvers import bindings
from server.keys import moment, print_table
from server.operator import operate

app = typer.Typer(help="Binding tokens.", no_args_is_help=True)
MOST_SHOWN = 1000


@app.command("create")
def create(
    account: Annotated[int, typer.Option(help="The account's id.")],
    expires_in: Annotated[int, typer.Option(help="Seconds, 60 to 604800 (a week).")] = bindings.LIFE,
    alias: Annotated[str | None, typer.Option(help="What the device is to be called.")] = None,
) -> None:
    """Makes a token and prints it, this once."""
    print(operate(lambda ctx: bindings.create(ctx, expires_in, alias, account))[1])


@app.command("list")
def show(
    account: Annotated[int | None, typer.Option(help="The account's id; default all accounts.")] = None,
) -> None:
    """Shows the newest tokens, never their text."""
    table = Table("id", "account", "token", "alias", "made", "expires", "used", "device", "revoked")
    for row in operate(lambda ctx: bindings.page(ctx, account, limit=MOST_SHOWN))[0]:
        table.add_row(
            str(row.id),
            str(row.account_id),
            f"bind-…{row.hint}",
            row.alias or "",
            moment(row.created_at),
            moment(row.expires_at),
            moment(row.used_at),
            str(row.device_row or ""),
            moment(row.revoked_at),
        )
    print_table(table)


@app.command("revoke")
def revoke(token_id: Annotated[int, typer.Argument(help="The token's id, from `bindings list`.")]) -> None:
    """From now on no device gets in with the token."""
    token = operate(lambda ctx: bindings.revoke(ctx, token_id))
    done = "was used before" if token.used_at is not None else "is revoked"
    rich.print(f"binding token {token_id} {done}")
