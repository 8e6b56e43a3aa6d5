"""The command line: `passline …`."""

import asyncio
import signal
import socket
import sys
from typing import Annotated

import rich
import typer
import uvicorn
from pydantic import ValidationError
from sqlalchemy.exc import SQLAlchemyError
from uvicorn.config import STARTUP_FAILURE

from models import migrate as migrations
from models.database import Unreachable
from replay.cli import replay
from resolvers import keys as key_operations
from resolvers.errors import TimingError
from server import bindings, copying, documents, imports, keys, logs, officials
from server.app import build, prepare
from server.demo import demo
from server.operator import operate
from server.protocol import Protocol
from server.settings import Settings
from server.sockets import Sockets
from server.stopping import Server

app = typer.Typer(help="Passline, the open race-timing cloud.", no_args_is_help=True, add_completion=False)
accounts = typer.Typer(help="Timing companies.", no_args_is_help=True)
app.add_typer(accounts, name="accounts")
app.add_typer(keys.app, name="keys")
app.add_typer(bindings.app, name="bindings")
app.add_typer(documents.app, name="documents")
app.add_typer(imports.app, name="participants")
app.command()(replay)
app.command()(demo)
app.command()(officials.results)
app.command()(officials.rescore)
app.command()(officials.anomalies)
app.command()(copying.copy)


def main() -> None:
    """What a person got wrong is a sentence on standard error and exit code 1, not a stack trace."""
    try:
        app()
    except (TimingError, RuntimeError, SQLAlchemyError, OSError, Unreachable) as error:
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
    fd: Annotated[
        int | None,
        typer.Option(min=0, help="Instead of both, a socket that listens already: 3 under systemd."),
    ] = None,
) -> None:
    """Runs the server."""
    settings = Settings()
    logs.configure(settings.log_level, settings.log_format)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # a planned stop ends with 0, also while it starts
    listening = None if fd is None else [_listener(fd)]
    asyncio.run(prepare(settings))
    machine = build(settings)
    config = uvicorn.Config(
        machine,
        host=host or settings.host,
        port=settings.port if port is None else port,
        http=Protocol,
        ws=Sockets,
        ws_per_message_deflate=False,
        ws_max_size=1024 * 1024,
        timeout_graceful_shutdown=settings.drain_seconds,
        access_log=False,
        server_header=False,
        proxy_headers=False,  # `server.addresses` reads them, for every way in
        log_config=None,
    )
    server = Server(
        config,
        machine.stopping,
        machine.audience,
        lame_duck=settings.lame_duck_seconds,
        goodbye=settings.goodbye_seconds,
    )
    server.run(listening)
    if not server.started:
        raise SystemExit(STARTUP_FAILURE)


def _listener(fd: int) -> socket.socket:
    """Raises OSError for what connections cannot be made to."""
    found = socket.socket(fileno=fd)
    if found.type is not socket.SOCK_STREAM:
        raise OSError(f"file descriptor {fd} is a socket without connections")
    return found


@app.command()
def migrate() -> None:
    """Brings the database's schema up to date."""
    asyncio.run(migrations.upgrade(Settings().database_url))
    rich.print("the schema is up to date")


@accounts.command("create")
def create_account(name: Annotated[str, typer.Argument(help="What the account is called.")]) -> None:
    """Makes an account and prints its id."""
    print(operate(lambda ctx: key_operations.create_account(ctx, name)).id)


if __name__ == "__main__":
    main()
