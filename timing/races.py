"""What defines a race: its course, waves, categories, participants and who serves its checkpoints."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple


class Mode(StrEnum):
    """COURSE: each checkpoint once. LAPS: a fixed number of times. TIMED: as often as time allows."""

    COURSE = "COURSE"
    LAPS = "LAPS"
    TIMED = "TIMED"


class Kind(StrEnum):
    START = "START"
    INTERMEDIATE = "INTERMEDIATE"
    FINISH = "FINISH"


class Counts(StrEnum):
    """Which read of a burst counts."""

    FIRST = "FIRST"
    LAST = "LAST"


class Role(StrEnum):
    PRIMARY = "PRIMARY"
    BACKUP = "BACKUP"


class Basis(StrEnum):
    """GUN: from the wave's gun. NET: from the participant's own counted start."""

    GUN = "GUN"
    NET = "NET"


class Status(StrEnum):
    REGISTERED = "REGISTERED"
    DNS = "DNS"
    DNF = "DNF"
    DSQ = "DSQ"


class Override(StrEnum):
    """What an official says of a passing."""

    VOIDED = "VOIDED"
    CONFIRMED = "CONFIRMED"


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A place on the course. Durations in microseconds, distance in metres from the start (of the lap)."""

    id: int
    kind: Kind
    name: str
    distance: float | None = None
    bounce: int = 0
    minimum: int = 0
    cutoff: int | None = None
    counts: Counts = Counts.FIRST


@dataclass(frozen=True, slots=True)
class Wave:
    id: int
    name: str
    gun: int | None = None


@dataclass(frozen=True, slots=True)
class Category:
    """Those of a gender (None: any) whose age is from `youngest` to `oldest`, both included."""

    name: str
    gender: str | None = None
    youngest: int | None = None
    oldest: int | None = None


@dataclass(frozen=True, slots=True)
class Chip:
    """Valid from `from_` (included) to `to` (excluded); None is open."""

    code: str
    from_: int | None = None
    to: int | None = None


@dataclass(frozen=True, slots=True)
class Participant:
    """`category` is what was given (a free group), or None: then the race's rules decide by `age`.

    `wave` None: the race's first wave. `adjustment`: the sum of penalties and bonuses, in microseconds.
    """

    id: int
    race: int | None
    bib: str
    name: str = ""
    gender: str | None = None
    age: int | None = None
    category: str | None = None
    club: str | None = None
    team: str | None = None
    country: str | None = None
    status: Status = Status.REGISTERED
    wave: int | None = None
    adjustment: int = 0
    chips: tuple[Chip, ...] = ()


@dataclass(frozen=True, slots=True)
class Race:
    """`checkpoints` in the order of the course: START (at most one) first, FINISH last."""

    id: int
    name: str
    mode: Mode = Mode.COURSE
    laps: int = 1
    duration: int | None = None
    checkpoints: tuple[Checkpoint, ...] = ()
    waves: tuple[Wave, ...] = ()
    categories: tuple[Category, ...] = ()
    overall_by: Basis = Basis.GUN
    gender_by: Basis = Basis.GUN
    category_by: Basis = Basis.GUN
    team_size: int = 3
    team_by_rank: bool = False


@dataclass(frozen=True, slots=True)
class Serving:
    """A device or a session (one is set) serves a checkpoint from `from_` (included) to `to` (excluded)."""

    race: int
    checkpoint: int
    device_row: int | None = None
    session_row: int | None = None
    from_: int | None = None
    to: int | None = None
    role: Role = Role.PRIMARY


class Ruling(NamedTuple):
    """An official's word on the passing at `position`.

    `checkpoint`: where a confirmed one counts, else its own. `participant`: whose it is,
    else whose bib or chip it has.
    """

    position: int
    override: Override
    checkpoint: int | None = None
    participant: int | None = None
    reason: str = ""


class Read(NamedTuple):
    """What the rules need of a stored passing."""

    position: int
    session_row: int
    device_row: int
    number: int
    at: int
    bib: str | None
    chip: str | None


@dataclass(frozen=True, slots=True)
class Definition:
    """Everything that decides over an event's boards but the passings."""

    races: Sequence[Race] = ()
    servings: Sequence[Serving] = ()
    participants: Sequence[Participant] = field(default_factory=tuple)
    rulings: Sequence[Ruling] = ()
