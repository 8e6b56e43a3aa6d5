"""Entries: what is handed in to become a participant, judged field by field against the event's races."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, NamedTuple

from models.events import Event
from models.races import Race, Wave
from resolvers import inputs
from resolvers.errors import Invalid
from timing import categories
from timing.races import Status

LONGEST_BIB = 32
OLDEST = 130
MOST_CHIPS = 20
TEXTS = ("last_name", "category", "club", "team", "country", "city", "email", "phone")
PERSONAL = ("birth_date", "email", "phone")
"""What nobody may read without a key of the account."""


@dataclass(frozen=True, kw_only=True, slots=True)
class NewChip:
    """A chip as a skin hands it in: valid from `from_` (included) to `to` (excluded); None is open."""

    code: Any = None
    from_: Any = None
    to: Any = None


@dataclass(frozen=True, kw_only=True, slots=True)
class NewParticipant:
    """A participant as a skin hands it in, nothing judged yet.

    The race by its row or its name, the wave by its name. `chip` is one that is always valid.
    """

    bib: Any = None
    name: Any = None
    last_name: Any = None
    gender: Any = None
    birth_date: Any = None
    age: Any = None
    race_id: Any = None
    race: Any = None
    wave: Any = None
    category: Any = None
    club: Any = None
    team: Any = None
    country: Any = None
    city: Any = None
    email: Any = None
    phone: Any = None
    status: Any = None
    chip: Any = None
    chips: Sequence[NewChip] = ()


class Validity(NamedTuple):
    """A chip and when it is the participant's, in microseconds."""

    code: str
    from_at: int | None = None
    to_at: int | None = None


class Judged(NamedTuple):
    """The columns of a participant and its chips, or what is wrong with its fields."""

    columns: dict[str, Any]
    chips: list[Validity]
    wrong: list[Invalid]


class Judge:
    """Knows the races of an event, their waves, and its day."""

    def __init__(self, event: Event, races: Sequence[Race], waves: Sequence[Wave]) -> None:
        self._day = event.reference_date or event.start_date
        self._zone = event.time_zone
        self._races = {race.id: race for race in races}
        self._by_name = {race.name.casefold(): race for race in races}
        self._waves = {(wave.race_id, wave.name.casefold()): wave.id for wave in waves}

    def judge(self, new: NewParticipant) -> Judged:
        """Looks at every field, so that a list can be put right in one go."""
        columns: dict[str, Any] = {}
        chips: list[Validity] = []
        wrong: list[Invalid] = []

        def look(column: str, judged: Callable[[], Any]) -> None:
            try:
                columns[column] = judged()
            except Invalid as error:
                wrong.append(error)

        look("bib", lambda: _required(_digits(new.bib), "bib", LONGEST_BIB))
        look("name", lambda: _required(new.name, "name"))
        for field in TEXTS:
            look(field, lambda field=field: _text(getattr(new, field), field))  # type: ignore[misc]
        look("gender", lambda: inputs.gender(new.gender, "gender"))
        look("birth_date", lambda: self._birth_date(new.birth_date))
        look("age", lambda: None if new.age in (None, "") else inputs.whole(new.age, "age", 0, OLDEST))
        look("race_id", lambda: self._race(new))
        look("wave_id", lambda: self._wave(new.wave, columns.get("race_id")))
        look("status", lambda: _status(new.status))
        try:
            chips = self._chips(new)
        except Invalid as error:
            wrong.append(error)
        return Judged(columns, chips, wrong)

    def _birth_date(self, value: Any) -> str | None:
        given = inputs.day(_text(value, "birth_date"), "birth_date")
        if given is not None and not 0 <= age(given, self._day) <= OLDEST:
            raise Invalid("birth_date", f"gives no age from 0 to {OLDEST} on the day of the event")
        return given

    def _race(self, new: NewParticipant) -> int | None:
        if new.race_id is not None:
            if new.race_id not in self._races:
                raise Invalid("race_id", "is no race of this event")
            return int(new.race_id)
        name = _text(new.race, "race")
        if name is not None:
            race = self._by_name.get(name.casefold())
            if race is None:
                raise Invalid("race", f"no race of this event is called {name}")
            return race.id
        return next(iter(self._races)) if len(self._races) == 1 else None

    def _wave(self, value: Any, race_id: int | None) -> int | None:
        name = _text(value, "wave")
        if name is None:
            return None
        if (race_id or 0, name.casefold()) not in self._waves:
            raise Invalid("wave", f"no wave of this race is called {name}")
        return self._waves[race_id or 0, name.casefold()]

    def _chips(self, new: NewParticipant) -> list[Validity]:
        if len(new.chips) > MOST_CHIPS:
            raise Invalid("chips", f"must not be more than {MOST_CHIPS}")
        chip = _text(_digits(new.chip), "chip")
        chips = [] if chip is None else [Validity(chip)]
        for index, given in enumerate(new.chips):
            with inputs.within(f"chips[{index}]"):
                chips.append(self._chip(given))
        return chips

    def _chip(self, given: NewChip) -> Validity:
        from_ = inputs.instant(given.from_, "from", self._zone)
        to = inputs.instant(given.to, "to", self._zone)
        if from_ is not None and to is not None and from_ >= to:
            raise Invalid("to", "must be later than from")
        return Validity(_required(_digits(given.code), "code"), from_, to)


def age(birth_date: str, day: str) -> int:
    """Whole years on a day; below 0 for who was not born yet."""
    return categories.age(date.fromisoformat(birth_date), date.fromisoformat(day))


def _text(value: Any, field: str, longest: int = inputs.LONGEST) -> str | None:
    """A text without blanks around it; an empty one is None."""
    given = inputs.text(value, field, longest)
    return (given.strip() or None) if given is not None else None


def _required(value: Any, field: str, longest: int = inputs.LONGEST) -> str:
    given = _text(value, field, longest)
    if given is None:
        reason = "is missing" if value is None else "must not be empty"
        raise Invalid(field, reason, missing=value is None)
    return given


def _digits(value: Any) -> Any:
    """A whole number as its digits: some clients send bibs as numbers."""
    small = isinstance(value, int) and not isinstance(value, bool) and abs(value) <= inputs.HIGHEST
    return str(value) if small else value


def _status(value: Any) -> str:
    given = _text(value, "status")
    return inputs.choice(given.upper() if given else Status.REGISTERED.value, "status", tuple(Status))
