"""A patch put into what is there, in a client's words: the whole is then judged like a new one."""

from collections.abc import Callable, Sequence
from dataclasses import fields, replace
from typing import Any, TypeVar

from models import races as rows
from resolvers.courses import Entry, New, NewCategory, NewCheckpoint, NewRace, NewWave
from resolvers.errors import Invalid
from timing import clocks
from timing.races import Kind, Mode

Part = TypeVar("Part", rows.Wave, rows.Category, rows.Checkpoint)
Patches = Sequence[dict[str, Any]]
"""Of waves, categories or checkpoints: with an `id` one is changed, without one it is added."""


def race(row: rows.Race, patch: dict[str, Any]) -> NewRace:
    """The race as a client would have written it with the patch in it."""
    known = {field.name for field in fields(NewRace)} - {"waves", "checkpoints", "categories"}
    current = {name: getattr(row, name) for name in known - {"laps", "duration_seconds"}}
    mode = patch.get("mode", row.mode)
    if mode == Mode.LAPS:
        current["laps"] = row.laps
    if mode == Mode.TIMED and row.duration is not None:
        current["duration_seconds"] = row.duration / clocks.SECOND
    return NewRace(**current | {name: value for name, value in patch.items() if name in known})


def waves(found: Sequence[rows.Wave], given: Patches) -> list[Entry[NewWave]]:
    return _with("waves", found, _wave, NewWave, given)


def categories(found: Sequence[rows.Category], given: Patches) -> list[Entry[NewCategory]]:
    return _with("categories", found, _category, NewCategory, given)


def checkpoints(found: Sequence[rows.Checkpoint], given: Patches) -> list[Entry[NewCheckpoint]]:
    """The course as it will be: a new start first, others before the first that is further away."""
    merged = _with("checkpoints", found, _checkpoint, NewCheckpoint, given)
    course = merged[: len(found)]
    for entry in merged[len(found) :]:
        course.insert(_place(course, entry.new), entry)
    return course


def _with(
    field: str,
    found: Sequence[Part],
    written: Callable[[Part], New],
    make: Callable[..., New],
    given: Patches,
) -> list[Entry[New]]:
    """The rows as they will be, and behind them what is new."""
    known: dict[int, Entry[New]] = {row.id: Entry(field, written(row), row) for row in found}
    fresh: list[Entry[New]] = []
    for number, patch in enumerate(given):
        place, id = f"{field}[{number}]", patch.get("id")
        said = {name: value for name, value in patch.items() if name != "id"}
        if id is None:
            fresh.append(Entry(place, make(**said)))
        elif id not in known:
            raise Invalid(f"{place}.id", "is not one of this race")
        else:
            known[id] = Entry(place, replace(known[id].new, **said), known[id].row)
    merged = list(known.values())
    return merged + fresh


def _place(course: Sequence[Entry[NewCheckpoint]], new: NewCheckpoint) -> int:
    if new.kind == Kind.START:
        return 0
    if new.kind == Kind.FINISH:
        return len(course)
    for number, entry in enumerate(course):
        there = entry.new.distance
        further = there is not None and isinstance(new.distance, int | float) and there > new.distance
        if further or entry.new.kind == Kind.FINISH:
            return number
    return len(course)


def _wave(row: rows.Wave) -> NewWave:
    """A row as a client would have written it, so that a patch of it is judged by the same rules."""
    return NewWave(name=row.name, gun_time=None if row.gun_at is None else clocks.text(row.gun_at))


def _category(row: rows.Category) -> NewCategory:
    return NewCategory(name=row.name, gender=row.gender, youngest=row.youngest, oldest=row.oldest)


def _checkpoint(row: rows.Checkpoint) -> NewCheckpoint:
    return NewCheckpoint(
        kind=row.kind,
        name=row.name,
        distance=row.distance,
        bounce_seconds=row.bounce / clocks.SECOND,
        minimum_seconds=row.minimum / clocks.SECOND,
        cutoff_seconds=None if row.cutoff is None else row.cutoff / clocks.SECOND,
        counts=row.counts,
    )
