"""The command `passline demo`: a fresh server, a simulated race played to it, and where to look."""

import asyncio
import contextlib
import datetime
import os
import pathlib
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Annotated, NoReturn

import httpx
import typer

from replay import calls, plans, play, reports, simulated, stage, wire
from replay import cli as rehearsal

HOST = "127.0.0.1"
FOLDER = pathlib.Path(".demo")
READY = 30.0  # seconds
STOP = 20.0  # seconds

LOOK = """
The race is over, the server keeps running. Look at

  live page   {url}/#event={event}
  GraphiQL    {url}/graphql

GraphiQL wants the key among its headers: {{"x-api-key": "{key}"}}
Then this follows the finish, and shows what a device sends from another terminal:

  subscription {{ passings(sessionToken: "{session}") {{ cursor passing {{ number bib }} }} }}

  curl -H 'x-api-key: {key}' -d '{passing}' {url}/v0/passings

The database and the server's log are in {folder}/. Ctrl-C stops the server.
"""


def demo(
    port: Annotated[int, typer.Option(min=1, max=65535, help="The server's port.")] = 8000,
    runners: Annotated[int, typer.Option(min=1, max=100_000, help="How many start.")] = 2000,
    speed: Annotated[str, typer.Option(help="Times real time, or max.")] = "240",
    leave: Annotated[bool, typer.Option("--exit", help="Stop the server after the race.")] = False,
) -> None:
    """Start a server with an empty database, play a simulated race to it and say where to look.

    Exits with 1 when the race did not arrive as it was sent.
    """
    pace = rehearsal.times_real_time(speed)
    url = f"http://{HOST}:{port}"
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for other in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(other, lambda *_: signal.raise_signal(signal.SIGINT))
    try:
        refuse_busy(port)
        typer.echo(f"The server starts at {url}.")
        with serving(port) as (server, environment):
            wait_until_ready(server, url, port)
            key = new_key(environment)
            report, event = perform(url, key, runners, pace)
            if not leave:
                typer.echo(where_to_look(url, key, event, report.lines[-1].session))
                server.wait()
                fail(f"The server stopped by itself; its log: {log(port)}")
    except KeyboardInterrupt:
        raise typer.Exit(0) from None
    except calls.Refused as error:
        fail(str(error))
    raise typer.Exit(1 if report.complaints() else 0)


@contextlib.contextmanager
def serving(port: int) -> Iterator[tuple[subprocess.Popen[bytes], dict[str, str]]]:
    """A server with an empty database, and the environment it runs in; stopped cleanly at the end."""
    FOLDER.mkdir(exist_ok=True)
    database = FOLDER.resolve() / f"{port}.db"
    for leftover in FOLDER.glob(f"{port}.db*"):
        leftover.unlink()
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PASSLINE_")}
    environment["PASSLINE_DATABASE_URL"] = f"sqlite+aiosqlite:///{database}"
    environment["PASSLINE_BROKER_URL"] = "memory://"
    command = passline("serve", "--host", HOST, "--port", str(port))
    with log(port).open("wb") as output:
        # A session of its own: Ctrl-C reaches the demo alone, which then stops the server.
        server = subprocess.Popen(
            command, env=environment, stdout=output, stderr=output, start_new_session=True
        )
    try:
        yield server, environment
    finally:
        stop(server)


def stop(server: subprocess.Popen[bytes]) -> None:
    server.terminate()
    try:
        server.wait(STOP)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()


def refuse_busy(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            fail(f"Port {port} cannot be used ({error.strerror}). Try scripts/demo --port {port + 1}")


def wait_until_ready(server: subprocess.Popen[bytes], url: str, port: int) -> None:
    until = time.monotonic() + READY
    while time.monotonic() < until and server.poll() is None:
        with contextlib.suppress(httpx.TransportError):
            if httpx.get(f"{url}/readyz", timeout=2).is_success:
                return
        time.sleep(0.1)
    typer.echo(log(port).read_text(errors="replace")[-2000:], err=True)
    fail(f"The server did not become ready; its log: {log(port)}")


def new_key(environment: dict[str, str]) -> str:
    """A READ_WRITE key of a new account, made as an operator would: on the command line."""
    account = said(environment, "accounts", "create", "Demo")
    return said(
        environment, "keys", "create", "--account", account, "--access", "READ_WRITE", "--alias", "demo"
    )


def said(environment: dict[str, str], *words: str) -> str:
    """What a passline command printed; ends the demo when the command failed."""
    done = subprocess.run(passline(*words), env=environment, capture_output=True, text=True)
    if done.returncode:
        fail(f"passline {' '.join(words)}: {done.stderr.strip()}")
    return done.stdout.strip()


def perform(url: str, key: str, runners: int, pace: float | None) -> tuple[reports.Report, str]:
    """The simulated race in an event that everybody may see, played with repeats and one device offline for
    20 minutes of it. The report, and the event's token.
    """
    race = simulated.race(runners)
    now = datetime.datetime.now(datetime.UTC).replace(microsecond=0)
    start = now - datetime.timedelta(seconds=round(race.ends))
    habits = plans.Habits(singles=0.2, repeats=0.1, hold=rehearsal.hold(pace))
    options = play.Options(start, pace, habits, offline=1, offline_for=1200, patience=20)
    server = wire.server(url, key)
    event = asyncio.run(stage.new_event(server, "Passline demo run", start.date()))
    typer.echo(
        f"{runners:,} runners in {len(race.waves)} waves cross {len(race.mats)} mats; one device loses its "
        f"connection on the way.\n\nThe leaderboard, live: {url}/#event={event}\n"
    )
    return rehearsal.perform(race, server, options, event), event


def where_to_look(url: str, key: str, event: str, session: str) -> str:
    now = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    passing = f'{{"timestamp":"{now}","num_passing":1000000,"bib":"7"}}'
    body = f'{{"token_session":"{session}","passings_list":[{passing}]}}'
    return LOOK.format(url=url, key=key, event=event, session=session, passing=body, folder=FOLDER)


def passline(*words: str) -> list[str]:
    return [sys.executable, "-m", "server.cli", *words]


def log(port: int) -> pathlib.Path:
    return FOLDER / f"{port}.log"


def fail(sentence: str) -> NoReturn:
    typer.secho(sentence, err=True, fg="red")
    raise typer.Exit(1)
