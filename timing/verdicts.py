"""What became of each read: asked for now and then, so worked out when asked for."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from timing.courses import Course
from timing.ledger import Ledger
from timing.passings import Note, Verdict
from timing.races import Override, Read
from timing.results import Result
from timing.servings import Servings
from timing.tracks import Track

MOST_KEPT = 256
"""Tracks whose verdicts are kept for the next question."""


class Judged(NamedTuple):
    """What became of one passing. `checkpoint` (by id) is None where it may be one of several."""

    position: int
    verdict: Verdict
    reason: str
    race: int | None
    checkpoint: int | None
    station: int | None
    participant: int | None


class Unknown(NamedTuple):
    """Names that nobody carries, and how many reads at this event's checkpoints have them."""

    bib: str | None
    chip: str | None
    reads: int


class Verdicts:
    """Of one event."""

    def __init__(self, ledger: Ledger, servings: Servings, courses: Mapping[int, Course]) -> None:
        self._ledger = ledger
        self._servings = servings
        self._courses = courses
        self._kept: dict[Track, dict[int, Judged]] = {}
        self._changes = 0

    def of(self, track: Track) -> dict[int, Judged]:
        """Every read of a track that is of this event, by position."""
        if self._changes != self._ledger.changes or len(self._kept) >= MOST_KEPT:
            self._changes = self._ledger.changes
            self._kept.clear()
        judged = self._kept.get(track)
        if judged is None:
            notes = self._notes(track)
            judged = self._kept[track] = {
                read.position: self._judged(read, track, notes[read.position])
                for read in track.reads
                if read.position in notes
            }
        return judged

    def counts(self, results: Iterable[tuple[Track, Result]]) -> Counter[Verdict]:
        """Of the reads of participants with these results."""
        counts: Counter[Verdict] = Counter()
        for track, result in results:
            counts.update(track.counts(result))
        return counts

    def astray(self, race: int) -> Counter[Verdict]:
        """Of the reads at a race's checkpoints of nobody, or of somebody in no race."""
        counts: Counter[Verdict] = Counter()
        for track in self._ledger.everybody():
            if self._course(track) is None:
                judged = self.of(track)
                here = (each for each in track.reads if race in self._servings.spots(each))
                counts.update(judged[read.position].verdict for read in here)
        return counts

    def unknown(self) -> list[Unknown]:
        """The most read first."""
        found = [
            Unknown(names[0], names[1], count)
            for names, track in self._ledger.strangers.items()
            if (count := sum(bool(self._servings.spots(read)) for read in track.reads))
        ]
        return sorted(found, key=lambda each: (-each.reads, each.bib or "", each.chip or ""))

    def _course(self, track: Track) -> Course | None:
        race = None if track.participant is None else track.participant.race
        return None if race is None else self._courses.get(race)

    def _notes(self, track: Track) -> dict[int, Note]:
        course = self._course(track)
        if course is not None:
            return track.report(course, self._servings, self._ledger.rulings)
        return {read.position: self._astray(read, track) for read in track.reads if self._here(read)}

    def _judged(self, read: Read, track: Track, note: Note) -> Judged:
        participant = track.participant
        race = None if participant is None else participant.race
        if race is None:
            races = list(self._servings.spots(read))
            race = races[0] if len(races) == 1 else None
        checkpoint = self._checkpoint(read, race, note.station)
        who = None if participant is None else participant.id
        return Judged(read.position, note.verdict, note.reason, race, checkpoint, note.station, who)

    def _here(self, read: Read) -> bool:
        return bool(self._servings.spots(read)) or read.position in self._ledger.rulings

    def _astray(self, read: Read, track: Track) -> Note:
        ruling = self._ledger.rulings.get(read.position)
        if ruling is not None and ruling.override is Override.VOIDED:
            return Note(Verdict.VOIDED, ruling.reason or "an official struck it out")
        if track.participant is None:
            return Note(Verdict.UNKNOWN_PARTICIPANT, "nobody carries this bib or chip")
        return Note(Verdict.WRONG_RACE, "its participant is in no race")

    def _checkpoint(self, read: Read, race: int | None, station: int | None) -> int | None:
        course = None if race is None else self._courses.get(race)
        if course is None:
            return None
        if station is not None:
            return course.checkpoints[course.at(station)].id
        spot = self._servings.spots(read).get(course.race.id)
        return course.checkpoints[spot.candidates[0]].id if spot and len(spot.candidates) == 1 else None
