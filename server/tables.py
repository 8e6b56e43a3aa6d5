"""Exports as they are written: CSV for spreadsheets, JSON for programs. docs/results.md has each column."""

import csv
import io
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import msgspec

from models.passings import Row
from resolvers.results import Line, Place, Results
from schema.relay import global_id
from timing import clocks
from timing.clocks import SECOND
from timing.races import Mode
from timing.results import Split

FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
"""What a spreadsheet takes for the beginning of a formula, or looks behind for one."""


def text(value: str | None) -> str:
    """What people or devices wrote, so that a spreadsheet shows it and does not compute it."""
    if value is None:
        return ""
    return f"'{value}" if value.startswith(FORMULA) else value


def duration(time: int | None) -> str:
    """Microseconds as `H:MM:SS`, with decimals as far as there are any."""
    if time is None:
        return ""
    seconds, fraction = divmod(abs(time), SECOND)
    decimals = f".{fraction:06}".rstrip("0") if fraction else ""
    sign = "-" if time < 0 else ""
    return f"{sign}{seconds // 3600}:{seconds // 60 % 60:02}:{seconds % 60:02}{decimals}"


RESULT: dict[str, Callable[[Line], object]] = {
    "rank": lambda line: line.rank,
    "gender_rank": lambda line: line.gender_rank,
    "category_rank": lambda line: line.category_rank,
    "bib": lambda line: text(line.participant.bib),
    "name": lambda line: text(line.participant.name),
    "gender": lambda line: text(line.participant.gender),
    "category": lambda line: text(line.category),
    "club": lambda line: text(line.participant.club),
    "team": lambda line: text(line.participant.team),
    "country": lambda line: text(line.participant.country),
    "state": lambda line: line.state.value,
    "time": lambda line: duration(line.time),
    "gun_time": lambda line: duration(line.gun_time),
    "net_time": lambda line: duration(line.net_time),
    "net_is_gun": lambda line: "yes" if line.net_is_gun else "",
    "adjustment": lambda line: duration(line.participant.adjustment or None),
    "laps": lambda line: line.laps,
}
"""The columns of results that every race has; its splits follow."""

PASSING: dict[str, Callable[[Row], object]] = {
    "number": lambda row: row.number,
    "timestamp": lambda row: clocks.text(row.at),
    "bib": lambda row: text(row.bib),
    "chip": lambda row: text(row.chip),
    "latitude": lambda row: row.latitude,
    "longitude": lambda row: row.longitude,
    "participant_ref": lambda row: text(row.participant),
    "status": lambda row: text(row.status),
    "gender": lambda row: text(row.gender),
    "timestamp_text": lambda row: text(row.timestamp_text),
    "time_zone": lambda row: text(row.time_zone),
    "received_at": lambda row: clocks.text(row.received_at),
}
"""The columns of passings."""


def split_column(place: Place, mode: Mode) -> str:
    """Never a column of RESULT, nor the same as another's: names are unique in a race."""
    return (
        f"split: {place.checkpoint.name}"
        if mode is Mode.COURSE
        else f"lap {place.lap}: {place.checkpoint.name}"
    )


def result_header(results: Results) -> bytes:
    return _csv([[*RESULT, *(split_column(place, results.race.mode) for place in results.places)]])


def result_rows(results: Results, offset: int, limit: int) -> bytes:
    """Lines as CSV, each with the gun time at every place; empty where there is none."""
    keys = [(place.checkpoint.id, place.lap) for place in results.places]
    rows = []
    for line in results.lines(offset, limit):
        splits = {(split.checkpoint, split.lap): split.gun for split in line.splits}
        rows.append([*(cell(line) for cell in RESULT.values()), *(duration(splits.get(key)) for key in keys)])
    return _csv(rows)


def passing_header() -> bytes:
    return _csv([list(PASSING)])


def passing_rows(rows: Sequence[Row]) -> bytes:
    return _csv([cell(row) for cell in PASSING.values()] for row in rows)


def _csv(rows: Iterable[Sequence[object]]) -> bytes:
    written = io.StringIO()
    csv.writer(written).writerows(rows)
    return written.getvalue().encode()


def result_head(results: Results) -> dict[str, Any]:
    """What a JSON document says before the lines. Names as in GraphQL."""
    event, race, verdicts = results.event, results.race, results.verdicts
    return {
        "at": clocks.text(results.at),
        "event": {"token": event.token, "name": event.name, "edition": event.edition},
        "race": {
            "id": global_id("Race", race.id),
            "name": race.name,
            "mode": race.mode.value,
            "overallBy": race.overall_by.value,
            "genderBy": race.gender_by.value,
            "categoryBy": race.category_by.value,
        },
        "waves": [{"name": wave.name, "gunTime": _instant(wave.gun)} for wave in race.waves],
        "checkpoints": [
            {"name": point.name, "kind": point.kind.value, "distance": point.distance}
            for point in race.checkpoints
        ],
        "verdicts": None if verdicts is None else {each.value: verdicts[each] for each in sorted(verdicts)},
    }


def result_documents(results: Results, offset: int, limit: int) -> bytes:
    """Lines as JSON objects with commas between them."""
    names = {point.id: point.name for point in results.race.checkpoints}
    return b",\n".join(msgspec.json.encode(_document(line, names)) for line in results.lines(offset, limit))


def _document(line: Line, names: dict[int, str]) -> dict[str, Any]:
    who = line.participant
    return {
        "rank": line.rank,
        "genderRank": line.gender_rank,
        "categoryRank": line.category_rank,
        "bib": who.bib,
        "name": who.name,
        "gender": who.gender,
        "category": line.category,
        "club": who.club,
        "team": who.team,
        "country": who.country,
        "state": line.state.value,
        "time": _seconds(line.time),
        "gunTime": _seconds(line.gun_time),
        "netTime": _seconds(line.net_time),
        "netIsGun": line.net_is_gun,
        "adjustment": _seconds(who.adjustment),
        "laps": line.laps,
        "splits": [_split(split, names) for split in line.splits],
    }


def _split(split: Split, names: dict[int, str]) -> dict[str, Any]:
    return {
        "checkpoint": names[split.checkpoint],
        "lap": split.lap,
        "at": clocks.text(split.at),
        "gunTime": _seconds(split.gun),
        "netTime": _seconds(split.net),
    }


def _seconds(time: int | None) -> float | None:
    return None if time is None else time / SECOND


def _instant(at: int | None) -> str | None:
    return None if at is None else clocks.text(at)
