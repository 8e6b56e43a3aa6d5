"""The commands of officials: `passline results`, `passline rescore`, `passline anomalies`. They ask a running
server, as any client would."""

import contextlib
import os
import pathlib
import sys
from collections.abc import Iterator
from typing import Annotated, Any, NoReturn
from urllib.parse import quote

import httpx
import typer
from rich.console import Console
from rich.table import Table

FAILED = 2
"""Exit code when the server could not be asked, or said no; 1 is an answer: there is something to look at."""
TIMEOUT = httpx.Timeout(10, read=120)
"""Seconds. A large race takes some to be computed from scratch."""

RESCORE = "mutation ($race: ID!) { rescoreRace(raceId: $race) { equal differences } }"
ANOMALIES = """query ($race: ID!) {
  anomalies(raceId: $race) { kind sentence participant { bib name } }
}"""

Race = Annotated[str, typer.Argument(help="The race's global id.")]
Url = Annotated[str, typer.Option(help="The server's address.")]
Key = Annotated[str, typer.Option(envvar="PASSLINE_KEY", help="A key that may read events.")]
HERE = "http://127.0.0.1:8000"


def results(
    race: Race,
    url: Url = HERE,
    key: Key = "",
    format: Annotated[str, typer.Option(help="csv or json.")] = "csv",
    output: Annotated[
        pathlib.Path | None, typer.Option("--output", "-o", help="A file; default: standard output.")
    ] = None,
) -> None:
    """Fetch the results of a race. Of a public one anybody may."""
    if format not in ("csv", "json"):
        raise typer.BadParameter(f"--format {format}: csv or json.")
    path = f"/exports/races/{quote(race, safe='')}/results.{format}"
    with _asking(url, key) as server, server.stream("GET", path) as answer:
        if answer.is_error:
            answer.read()
            _fail(_description(answer))
        if output is None:
            for part in answer.iter_text():
                sys.stdout.write(part)
        else:
            _save(answer, output)


def rescore(race: Race, url: Url = HERE, key: Key = "") -> None:
    """Compute a race from scratch and compare it with the running board.

    Prints `equal`, or what differs; then the exit code is 1.
    """
    found = _ask(url, key, RESCORE, race)["rescoreRace"]
    if found["equal"]:
        print("equal")
        return
    table = Table("", "difference", title="The running board is not what its passings say")
    for number, sentence in enumerate(found["differences"], 1):
        table.add_row(str(number), sentence)
    _show(table)
    raise typer.Exit(1)


def anomalies(race: Race, url: Url = HERE, key: Key = "") -> None:
    """Show what an official should look at in a race. The exit code is 1 if there is anything."""
    found = _ask(url, key, ANOMALIES, race)["anomalies"]
    if not found:
        print("nothing to look at")
        return
    table = Table("kind", "bib", "name", "what")
    for each in found:
        who = each["participant"] or {"bib": "", "name": ""}
        table.add_row(each["kind"], who["bib"], who["name"], each["sentence"])
    _show(table)
    raise typer.Exit(1)


@contextlib.contextmanager
def _asking(url: str, key: str) -> Iterator[httpx.Client]:
    """A client of the server; a server that cannot be asked is a sentence and exit code 2."""
    try:
        with httpx.Client(base_url=url, headers={"x-api-key": key} if key else {}, timeout=TIMEOUT) as client:
            yield client
    except (httpx.HTTPError, httpx.InvalidURL, UnicodeError) as error:
        _fail(f"{url}: {error or type(error).__name__}")


def _ask(url: str, key: str, document: str, race: str) -> dict[str, Any]:
    """The data of a GraphQL operation."""
    with _asking(url, key) as server:
        answer = server.post("/graphql", json={"query": document, "variables": {"race": race}})
    try:
        found = answer.json()
        errors, data = found.get("errors"), found.get("data")
    except (ValueError, AttributeError):
        _fail(f"{url}: {answer.status_code}, and the answer is no GraphQL")
    if errors or not data:
        _fail(errors[0]["message"] if errors else f"{url}: {answer.status_code}")
    return dict(data)


def _save(answer: httpx.Response, file: pathlib.Path) -> None:
    """The file is there whole, or as it was before."""
    part = file.with_name(f"{file.name}.part")
    try:
        with part.open("wb") as written:
            for piece in answer.iter_bytes():
                written.write(piece)
        os.replace(part, file)
    finally:
        part.unlink(missing_ok=True)


def _description(answer: httpx.Response) -> str:
    try:
        return str(answer.json()["description"])
    except (ValueError, KeyError, TypeError):
        return f"{answer.url}: {answer.status_code}"


def _show(table: Table) -> None:
    Console(width=None if sys.stdout.isatty() else 200, markup=False, highlight=False).print(table)


def _fail(sentence: str) -> NoReturn:
    typer.secho(sentence, err=True, fg="red")
    raise typer.Exit(FAILED)
