"""What a race may be made of: its course, waves and categories as a skin hands them in, judged as a whole."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from resolvers import inputs
from resolvers.errors import Invalid
from timing import clocks
from timing.races import Basis, Counts, Kind, Mode

MOST = 500
"""Waves, checkpoints or categories of a race."""
OLDEST = 130
MOST_LAPS = 10_000
BOUNCE = {Mode.COURSE: 60.0, Mode.LAPS: 10.0, Mode.TIMED: 10.0}
"""Seconds, unless told. On laps the minimum time of a lap is the better guard."""


@dataclass(frozen=True, kw_only=True)
class NewWave:
    """A start group; `gun_time` as a text in ISO 8601."""

    name: str | None = None
    gun_time: str | None = None


@dataclass(frozen=True, kw_only=True)
class NewCategory:
    """A group by rule; None is any. Both ages are included."""

    name: str | None = None
    gender: str | None = None
    youngest: int | None = None
    oldest: int | None = None


@dataclass(frozen=True, kw_only=True)
class NewCheckpoint:
    """A place on the course; distance in metres from the start (of the lap). None: what is usual."""

    kind: str | None = None
    name: str | None = None
    distance: float | None = None
    bounce_seconds: float | None = None
    minimum_seconds: float | None = None
    cutoff_seconds: float | None = None
    counts: str | None = None


@dataclass(frozen=True, kw_only=True)
class NewRace:
    """A race that is to be made. Without waves it has one, without checkpoints a start and a finish."""

    name: str
    mode: str = Mode.COURSE
    laps: int | None = None
    duration_seconds: float | None = None
    overall_by: str = Basis.GUN
    gender_by: str = Basis.GUN
    category_by: str = Basis.GUN
    team_size: int = 3
    team_by_rank: bool = False
    waves: Sequence[NewWave] = ()
    checkpoints: Sequence[NewCheckpoint] = ()
    categories: Sequence[NewCategory] = ()


New = TypeVar("New", NewWave, NewCategory, NewCheckpoint)


@dataclass(frozen=True, slots=True)
class Entry(Generic[New]):
    """One of a list: where the client wrote it, what it says, and the row that it changes."""

    place: str
    new: New
    row: Any = None


def entries(field: str, given: Sequence[New]) -> list[Entry[New]]:
    return [Entry(f"{field}[{number}]", new) for number, new in enumerate(given)]


def race(new: NewRace) -> dict[str, Any]:
    """The columns of a race."""
    mode = inputs.choice(new.mode, "mode", tuple(Mode))
    if new.laps is not None and mode != Mode.LAPS:
        raise Invalid("laps", "goes only with LAPS")
    if new.duration_seconds is not None and mode != Mode.TIMED:
        raise Invalid("duration_seconds", "goes only with TIMED")
    if new.duration_seconds is None and mode == Mode.TIMED:
        raise Invalid("duration_seconds", "is missing", missing=True)
    bases = {name: inputs.choice(getattr(new, name), name, tuple(Basis)) for name in BASES}
    return bases | {
        "name": inputs.required(new.name, "name"),
        "mode": mode,
        "laps": 1 if new.laps is None else inputs.whole(new.laps, "laps", 1, MOST_LAPS),
        "duration": inputs.seconds(new.duration_seconds, "duration_seconds", 1),
        "team_size": inputs.whole(new.team_size, "team_size", 1, 100),
        "team_by_rank": inputs.flag(new.team_by_rank, "team_by_rank"),
    }


BASES = ("overall_by", "gender_by", "category_by")


def waves(given: Sequence[Entry[NewWave]]) -> list[dict[str, Any]]:
    """The columns of each."""
    _few("waves", given)
    judged = []
    for entry in given:
        with inputs.within(entry.place):
            gun = inputs.instant(entry.new.gun_time, "gun_time")
            judged.append({"name": inputs.required(entry.new.name, "name"), "gun_at": gun})
    return _distinct(given, judged)


def categories(given: Sequence[Entry[NewCategory]]) -> list[dict[str, Any]]:
    """The columns of each; their order is that in which the rules are tried."""
    _few("categories", given)
    judged = []
    for number, entry in enumerate(given):
        with inputs.within(entry.place):
            judged.append({"place": number} | _category(entry.new))
    return _distinct(given, judged)


def _category(new: NewCategory) -> dict[str, Any]:
    youngest = None if new.youngest is None else inputs.whole(new.youngest, "youngest", 0, OLDEST)
    oldest = None if new.oldest is None else inputs.whole(new.oldest, "oldest", youngest or 0, OLDEST)
    return {
        "name": inputs.required(new.name, "name"),
        "gender": inputs.gender(new.gender, "gender"),
        "youngest": youngest,
        "oldest": oldest,
    }


def checkpoints(given: Sequence[Entry[NewCheckpoint]], mode: str) -> list[dict[str, Any]]:
    """The columns of each, in the order of the course: at most one START first, one FINISH last."""
    _few("checkpoints", given)
    judged = []
    for number, entry in enumerate(given):
        with inputs.within(entry.place):
            judged.append({"place": number} | _checkpoint(entry.new, Mode(mode), number))
    _in_order(given, judged)
    return _distinct(given, judged)


def _checkpoint(new: NewCheckpoint, mode: Mode, number: int) -> dict[str, Any]:
    kind = inputs.choice(new.kind or Kind.INTERMEDIATE, "kind", tuple(Kind))
    start = kind == Kind.START
    distance = inputs.decimal(new.distance, "distance")
    if distance is not None and distance < 0:
        raise Invalid("distance", "must not be negative")
    bounce = inputs.seconds(new.bounce_seconds, "bounce_seconds")
    usual = 0 if start else int(BOUNCE[mode] * clocks.SECOND)
    counts = new.counts or (Counts.LAST if start else Counts.FIRST)
    return {
        "kind": kind,
        "name": _usual_name(kind, distance, number)
        if new.name is None
        else inputs.required(new.name, "name"),
        "distance": 0.0 if start and distance is None else distance,
        "bounce": usual if bounce is None else bounce,
        "minimum": inputs.seconds(new.minimum_seconds, "minimum_seconds") or 0,
        "cutoff": inputs.seconds(new.cutoff_seconds, "cutoff_seconds", 1),
        "counts": inputs.choice(counts, "counts", tuple(Counts)),
    }


def _usual_name(kind: str, distance: float | None, number: int) -> str:
    if kind != Kind.INTERMEDIATE:
        return kind.capitalize()
    if distance is None:
        return f"Checkpoint {number}"
    return f"{distance / 1000:.10g} km" if distance >= 1000 else f"{distance:.10g} m"


def _in_order(given: Sequence[Entry[NewCheckpoint]], judged: Sequence[dict[str, Any]]) -> None:
    furthest = 0.0
    for number, (entry, each) in enumerate(zip(given, judged, strict=True)):
        if each["kind"] == Kind.START and number > 0:
            raise Invalid(f"{entry.place}.kind", "a START must be the first, and the only one")
        if (each["kind"] == Kind.FINISH) != (number == len(given) - 1):
            raise Invalid(f"{entry.place}.kind", "one FINISH must be the last, and the only one")
        if each["distance"] is not None:
            if each["distance"] < furthest:
                raise Invalid(f"{entry.place}.distance", "must not be less than the one before")
            furthest = each["distance"]


def _few(field: str, given: Sequence[Any]) -> None:
    if len(given) > MOST:
        raise Invalid(field, f"must hold at most {MOST}")


def _distinct(given: Sequence[Entry[New]], judged: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Raises Invalid for a name that is used twice."""
    known: set[str] = set()
    for entry, each in zip(given, judged, strict=True):
        if each["name"] in known:
            raise Invalid(f"{entry.place}.name", "is used twice")
        known.add(each["name"])
    return judged
