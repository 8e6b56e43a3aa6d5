"""The command `passline replay`."""

import asyncio
import dataclasses
import datetime
import pathlib
from typing import Annotated

import typer
import uvloop
from rich import console

from replay import calls, plans, play, races, reports, show, stage, wire


def replay(
    file: Annotated[
        pathlib.Path, typer.Argument(help="A results file with splits; docs/replay.md has the format.")
    ],
    url: Annotated[str, typer.Option(help="The server's address.")] = "http://127.0.0.1:8000",
    key: Annotated[str, typer.Option(envvar="PASSLINE_KEY", help="A READ_WRITE key.")] = "",
    event: Annotated[str, typer.Option(help="Play it in this event: its token.")] = "",
    new_event: Annotated[str, typer.Option(help="Play it in a new public event of this name.")] = "",
    speed: Annotated[str, typer.Option(help="Times real time, or max.")] = "max",
    devices_offline: Annotated[int, typer.Option(min=0, help="So many devices are away for a while.")] = 0,
    offline_for: Annotated[float, typer.Option(min=0, help="… for so many minutes of the race.")] = 60.0,
    repeats: Annotated[float, typer.Option(min=0, max=1, help="Share of passings sent twice.")] = 0.0,
    singles: Annotated[float, typer.Option(min=0, max=1, help="Share of passings sent alone.")] = 0.05,
    batch: Annotated[int, typer.Option(min=1, max=5000, help="Passings in a full batch.")] = 100,
    connections: Annotated[int, typer.Option(min=1, max=100, help="Connections per device.")] = 4,
    start: Annotated[
        datetime.datetime | None, typer.Option(help="The common start, UTC; today 10:00.")
    ] = None,
    serial: Annotated[str, typer.Option(help="Serial numbers begin so; default: replay-FILE.")] = "",
    seed: Annotated[int, typer.Option(help="Another number, another mixture.")] = 1,
) -> None:
    """Play a results file as its mats' devices would have sent it, and compare the counts.

    In an event without races the file's races are made, their competitors enrolled, and the boards compared.
    Exits with 1 when the server counts other passings than the file, with 2 when it could not be played.
    """
    if event and new_event:
        raise typer.BadParameter("--event and --new-event do not go together.")
    pace = times_real_time(speed)
    options = play.Options(
        start=common_start(start),
        speed=pace,
        habits=plans.Habits(batch, singles, repeats, hold(pace)),
        offline=devices_offline,
        offline_for=offline_for * 60,
        connections=connections,
        serial=serial,
        seed=seed,
    )
    try:
        race = races.read(file)
        if devices_offline > len(race.mats):
            raise typer.BadParameter(
                f"--devices-offline {devices_offline}: the race has {len(race.mats)} devices."
            )
        server = wire.server(url, key)
        if new_event:
            event = asyncio.run(stage.new_event(server, new_event, options.start.date()))
            typer.echo(f"Event {event}")
        report = perform(race, server, options, event)
    except (races.Unreadable, wire.NoServer, calls.Refused) as error:
        typer.secho(str(error), err=True, fg="red")
        raise typer.Exit(2) from None
    raise typer.Exit(1 if report.complaints() else 0)


def perform(race: races.Race, server: wire.Server, options: play.Options, event: str = "") -> reports.Report:
    """Plays the race with bars, in an event if one is given, and prints the reckoning."""
    screen = show.Screen(console.Console())

    async def run() -> reports.Report:
        if not event:
            return await play.play(race, server, options, screen.bars)
        own = options
        if not options.serial:  # a device serves one event, or its passings would count in others too
            own = dataclasses.replace(options, serial=f"replay-{race.name}-{event[:8]}")
        ready = await stage.prepare(race, server, own, event)
        screen.ready(ready, len(race.entrants))
        report = await play.play(race, server, own, screen.bars)
        return report._replace(boards=await ready.finishers(server))

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        report = runner.run(run())
    pace = "as fast as it goes" if options.speed is None else f"{options.speed:g} times as fast as real time"
    screen.report(report, f"{race.name}, {pace}: {report.seconds:,.1f} s")
    return report


def times_real_time(speed: str) -> float | None:
    if speed == "max":
        return None
    try:
        pace = float(speed)
    except ValueError:
        pace = 0
    if not 0 < pace < float("inf"):
        raise typer.BadParameter(f"--speed {speed}: a positive number or max.")
    return pace


def common_start(start: datetime.datetime | None) -> datetime.datetime:
    if start is None:
        start = datetime.datetime.now(datetime.UTC).replace(hour=10, minute=0, second=0, microsecond=0)
    return start.replace(tzinfo=datetime.UTC)


def hold(speed: float | None) -> float:
    """A batch waits 5 s of the race for more, at high speeds half a second of ours."""
    return plans.NEVER if speed is None else max(5.0, speed / 2)
