"""The command line: `passline …`."""

import asyncio
import signal
import sys
import time
from typing import Annotated

import rich
import typer
import uvicorn
from pydantic import ValidationError
from rich.console import Console
from rich.table import Table
from sqlalchemy.exc import SQLAlchemyError

from models import migrate as migrations
from replay.cli import replay
from resolvers import keys
from resolvers.callers import SECONDS_TRUSTED
from resolvers.errors import TimingError
from server import imports, logs, officials
from server.app import build
from server.demo import demo
from server.operator import operate
from server.protocol import Protocol
from server.settings import Settings
from timing import clocks

app = typer.Typer(help="Passline, the open race-timing cloud.", no_args_is_help=True, add_completion=False)
accounts = typer.Typer(help="Timing companies.", no_args_is_help=True)
api_keys = typer.Typer(help="API keys.", no_args_is_help=True)
app.add_typer(accounts, name="accounts")
app.add_typer(api_keys, name="keys")
app.add_typer(imports.app, name="participants")
app.command()(replay)
app.command()(demo)
app.command()(officials.results)
app.command()(officials.rescore)
app.command()(officials.anomalies)


def main() -> None:
    """What a person got wrong is a sentence on standard error and exit code 1, not a stack trace."""
    try:
        app()
    except (TimingError, RuntimeError, SQLAlchemyError, OSError) as error:
        print(str(error).partition("\n")[0], file=sys.stderr)
    except ValidationError as error:
        for wrong in error.errors():
            print(f"PASSLINE_{wrong['loc'][0]}".upper() + f": {wrong['msg']}", file=sys.stderr)
    else:
        return
    raise SystemExit(1)


@app.command()
def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen at; default PASSLINE_HOST.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen at; default PASSLINE_PORT.")] = None,
) -> None:
    """Runs the server."""
    settings = Settings()
    logs.configure(settings.log_level, settings.log_format)
    # uvicorn raises the signal again when it has stopped; a stop that went well shall end with 0.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    uvicorn.run(
        build(settings),
        host=host or settings.host,
        port=settings.port if port is None else port,
        http=Protocol,
        ws="websockets-sansio",
        ws_per_message_deflate=False,
        ws_max_size=1024 * 1024,
        timeout_graceful_shutdown=settings.drain_seconds,
        access_log=False,
        server_header=False,
        log_config=None,
    )


@app.command()
def migrate() -> None:
    """Brings the database's schema up to date."""
    asyncio.run(migrations.upgrade(Settings().database_url))
    rich.print("the schema is up to date")


@accounts.command("create")
def create_account(name: Annotated[str, typer.Argument(help="What the account is called.")]) -> None:
    """Makes an account and prints its id."""
    print(operate(lambda ctx: keys.create_account(ctx, name)).id)


@api_keys.command("create")
def create_key(
    account: Annotated[int, typer.Option(help="The account's id.")],
    access: Annotated[str, typer.Option(help="READ, WRITE or READ_WRITE.")],
    unbind: Annotated[bool, typer.Option("--unbind", help="May unbind devices.")] = False,
    alias: Annotated[str | None, typer.Option(help="What people call the key.")] = None,
    scope: Annotated[list[str] | None, typer.Option(help="Less than the access type allows.")] = None,
    v0_shape: Annotated[str, typer.Option(help="BOTH, BARE or BODY.")] = "BOTH",
) -> None:
    """Makes a key and prints it, this once."""
    new = keys.NewKey(
        access=access,
        may_unbind=unbind,
        alias=alias,
        scopes=tuple(scope) if scope else None,
        v0_shape=v0_shape,
    )
    print(operate(lambda ctx: keys.create(ctx, new, account))[1])


@api_keys.command("list")
def list_keys(
    account: Annotated[int | None, typer.Option(help="The account's id; default all accounts.")] = None,
) -> None:
    """Shows keys, never their text."""
    table = Table("id", "account", "key", "alias", "access", "unbind", "scopes", "v0", "used", "revoked")
    for row in operate(lambda ctx: keys.page(ctx, account)):
        used, revoked = (clocks.text(at) if at else "" for at in (row.last_used_at, row.revoked_at))
        table.add_row(
            str(row.id),
            str(row.account_id),
            f"ror-…{row.hint}",
            row.alias or "",
            row.access,
            "yes" if row.may_unbind else "",
            row.scopes or "",
            row.v0_shape,
            used,
            revoked,
        )
    Console(width=None if sys.stdout.isatty() else 200).print(table)


@api_keys.command("revoke")
def revoke_key(
    key_id: Annotated[int, typer.Argument(help="The key's id, from `keys list`.")],
) -> None:
    """From now on nobody gets in with the key; returns when every server has taken note."""
    operate(lambda ctx: keys.revoke(ctx, key_id))
    time.sleep(SECONDS_TRUSTED)
    rich.print(f"key {key_id} is revoked")


if __name__ == "__main__":
    main()
