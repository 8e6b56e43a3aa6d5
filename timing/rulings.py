"""A participant's whole way as the officials ruled: what was struck out or confirmed by them."""

from collections.abc import Mapping, Sequence

from timing.courses import Course, Start
from timing.passings import Note, Verdict, Walk
from timing.races import Override, Read, Ruling
from timing.servings import Servings


def walk(
    course: Course,
    start: Start,
    where: Servings,
    reads: Sequence[Read],
    rulings: Mapping[int, Ruling],
    notes: dict[int, Note] | None = None,
) -> Walk:
    """The whole way, over all of a participant's reads in order of time, as the officials ruled."""
    way = Walk(course, start, where, notes)
    if not rulings:
        way.follow(reads)
        return way
    places = {
        read.position: _place(way, read, ruling)
        for read in reads
        if (ruling := rulings.get(read.position)) and ruling.override is Override.CONFIRMED
    }
    way.foresee((read, here) for read in reads if (here := places.get(read.position)) is not None)
    for read in reads:
        ruling = rulings.get(read.position)
        if ruling is None:
            way.follow((read,))
        elif ruling.override is Override.VOIDED:
            way.doubt(read, Verdict.VOIDED, ruling.reason or "an official struck it out")
        elif (here := places[read.position]) is None:
            way.doubt(read, Verdict.WRONG_RACE, "confirmed, but at no checkpoint of the participant's race")
        else:
            way.pin(read, here)
    return way


def _place(way: Walk, read: Read, ruling: Ruling) -> int | None:
    """The checkpoint, by index, where a confirmed read counts."""
    if ruling.checkpoint in way.course.index:
        return way.course.index[ruling.checkpoint]
    spot = way.where.spot(read, way.course.race.id)
    return spot.candidates[0] if spot else None
