"""A race as its mats saw it, and how a results file becomes one. docs/replay.md describes the format."""

import csv
import pathlib
import re
from collections.abc import Iterable
from typing import NamedTuple

import msgspec

ABOUT = {
    "bib",
    "chip",
    "gender",
    "age",
    "name",
    "lastname",
    "category",
    "club",
    "team",
    "country",
    "city",
    "race",
}
LONGEST_LAP = 86_400.0  # seconds
LAPS = ("race", "bib", "lap", "lap_time_s")
TIME = re.compile(r"(\d{1,3}):([0-5]\d):([0-5]\d(?:\.\d{1,6})?)")


class Unreadable(Exception):
    """The file is not a results file that can be played; the message tells the reader why."""


class Reading(msgspec.Struct, frozen=True, order=True, gc=False):
    """One detection: seconds after the race's common start, and whom."""

    at: float
    bib: str


class Mat(NamedTuple):
    """A place where competitors are detected; its readings are in order of time."""

    name: str
    readings: list[Reading]


class Wave(NamedTuple):
    """A start group; its gun so many seconds after the common start."""

    name: str
    gun: float


class Race(NamedTuple):
    """Mats in the order of the course, and per competitor what the file tells besides times.

    `waves`: none means that all start together. `metres`: how far it is, where the mats' names do not tell.
    `laps`: each race has one mat, which is crossed once a lap.
    """

    name: str
    mats: list[Mat]
    entrants: list[dict[str, str]]
    waves: tuple[Wave, ...] = ()
    metres: float | None = None
    laps: bool = False

    @property
    def begins(self) -> float:
        """Seconds of the first reading anywhere; negative when somebody stood on the mat before the gun."""
        return min(mat.readings[0].at for mat in self.mats)

    @property
    def ends(self) -> float:
        return max(mat.readings[-1].at for mat in self.mats)

    @property
    def size(self) -> int:
        return sum(len(mat.readings) for mat in self.mats)


def read(path: pathlib.Path) -> Race:
    """The race of a results file: a mat per split column, a reading per cell that is not empty.

    Of a list of laps: a mat per race, a reading per lap.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            lines = csv.reader(file, strict=True)
            columns = [column.strip() for column in next(lines, [])]
            of = of_laps if "lap" in columns else of_lines
            return of(path.stem, columns, ((lines.line_num, cells) for cells in lines))
    except OSError as error:
        raise Unreadable(f"{path}: {error.strerror}") from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise Unreadable(f"{path.name} is not a CSV file in UTF-8: {error}") from None
    except Unreadable as error:
        raise Unreadable(f"{path.name}: {error}") from None


def of_lines(name: str, columns: list[str], lines: Iterable[tuple[int, list[str]]]) -> Race:
    """The race that numbered lines of cells tell, under the columns of the first line."""
    splits = split_columns(columns)
    about = {column: at for at, column in enumerate(columns) if column in ABOUT}
    found: dict[str, list[Reading]] = {column: [] for column in splits}
    entrants: dict[str, dict[str, str]] = {}
    for number, cells in lines:
        if not cells:
            continue
        if len(cells) != len(columns):
            raise Unreadable(f"line {number} has {len(cells)} cells, the first line has {len(columns)}.")
        bib = cells[about["bib"]].strip()
        if not bib or bib in entrants:
            raise Unreadable(
                f"line {number}: bib {bib} comes twice." if bib else f"line {number} has no bib."
            )
        entrants[bib] = {column: cells[at].strip() for column, at in about.items()}
        for column, at in splits.items():
            if text := cells[at].strip():
                found[column].append(Reading(seconds(text, number, column), bib))
    if "gun" in found:
        found = start_and_finish(found)
    mats = [Mat(column, sorted(readings)) for column, readings in found.items() if readings]
    if not mats:
        raise Unreadable("no split column holds a time, so there is nothing to play.")
    return Race(name, mats, list(entrants.values()))


def of_laps(name: str, columns: list[str], lines: Iterable[tuple[int, list[str]]]) -> Race:
    """Races over laps, all from one start. Bibs come again in other races, so the race goes before them."""
    if missing := [column for column in LAPS if column not in columns]:
        raise Unreadable(f"a list of laps has the columns {', '.join(LAPS)}; missing: {', '.join(missing)}.")
    passed: dict[tuple[str, str], list[float]] = {}
    for number, cells in lines:
        if not cells:
            continue
        try:
            race, bib, lap, time = (cells[columns.index(column)].strip() for column in LAPS)
            times = passed.setdefault((race, bib), [])
            in_order = int(lap) == len(times) + 1 and 0 < float(time) < LONGEST_LAP
        except (ValueError, IndexError):
            raise Unreadable(f"line {number} tells no lap.") from None
        if not (race and bib and in_order):
            raise Unreadable(f"line {number}: bib {bib} of race {race} has no lap {len(times) + 1} here.")
        times.append(round((times[-1] if times else 0.0) + float(time), 6))
    if not passed:
        raise Unreadable("it holds no lap, so there is nothing to play.")
    found: dict[str, list[Reading]] = {}
    entrants = []
    for (race, bib), times in passed.items():
        title, own = f"Race {race}", f"{race}-{bib}"
        found.setdefault(title, []).extend(Reading(at, own) for at in times)
        entrants.append({"bib": own, "race": title})
    return Race(name, [Mat(mat, sorted(readings)) for mat, readings in found.items()], entrants, laps=True)


def split_columns(columns: list[str]) -> dict[str, int]:
    """Where each split column stands; refuses a header that cannot be one of splits."""
    if "bib" not in columns:
        raise Unreadable("the first line names no column `bib`.")
    if len(set(columns)) != len(columns):
        raise Unreadable("the first line names a column twice.")
    splits = {c: at for at, c in enumerate(columns) if c not in ABOUT and not c.endswith("_rank")}
    if not splits:
        raise Unreadable("the first line names no split column.")
    if ("gun" in splits) != ("net" in splits):
        raise Unreadable("the columns `gun` and `net` only tell the start and the finish together.")
    if "gun" in splits and len(splits) > 2:
        raise Unreadable("beside `gun` and `net`, split columns cannot be told apart from the start.")
    return splits


def seconds(text: str, line: int, column: str) -> float:
    match = TIME.fullmatch(text)
    if match is None:
        raise Unreadable(f"line {line}, column {column}: {text!r} is not a time written H:MM:SS.")
    hours, minutes, rest = match.groups()
    return int(hours) * 3600 + int(minutes) * 60 + float(rest)


def start_and_finish(found: dict[str, list[Reading]]) -> dict[str, list[Reading]]:
    """The finish was crossed at the gun time, the start as much earlier as the net time tells."""
    net = {reading.bib: reading.at for reading in found["net"]}
    start = [Reading(gun.at - net[gun.bib], gun.bib) for gun in found["gun"] if gun.bib in net]
    return {"start": start, "finish": found["gun"]}
