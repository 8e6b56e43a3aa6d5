"""Races: making and changing them with their courses, starting them, looking at them."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple, TypeVar

from models import events as event_rows
from models import races as rows
from models.database import AsyncSession
from resolvers import costs, courses, events, inputs, patches
from resolvers.context import Context
from resolvers.courses import Entry, NewCheckpoint, NewRace, NewWave
from resolvers.errors import Conflict, Invalid, NotFound
from resolvers.events import Changing
from timing.races import Kind

MOST_RACES = 500
"""Races of an event."""
Part = TypeVar("Part", rows.Wave, rows.Category, rows.Checkpoint)
Row = TypeVar("Row", rows.Race, rows.Wave, rows.Category, rows.Checkpoint)
USUAL_COURSE = (NewCheckpoint(kind=Kind.START), NewCheckpoint(kind=Kind.FINISH))


class Parts(NamedTuple):
    """What a race is made of, in order."""

    waves: Sequence[rows.Wave]
    categories: Sequence[rows.Category]
    checkpoints: Sequence[rows.Checkpoint]


async def create(ctx: Context, event_token: str, new: NewRace) -> rows.Race:
    """A new race of an event of the account, with all that comes with it."""
    ctx.must("events:write", costs.CHANGE)
    columns = courses.race(new)
    waves = courses.waves(courses.entries("waves", new.waves or [NewWave(name=new.name)]))
    course = courses.entries("checkpoints", new.checkpoints or USUAL_COURSE)
    checkpoints = courses.checkpoints(course, columns["mode"])
    categories = courses.categories(courses.entries("categories", new.categories))
    async with events.changing(ctx, token=event_token) as change:
        await _name_is_free(change, columns["name"])
        if len(await rows.of_events(change.session, [change.event.id])) >= MOST_RACES:
            raise Conflict(f"the event has {MOST_RACES} races already")
        race = await rows.add(change.session, rows.Race(event_id=change.event.id, **columns))
        change.session.add_all([rows.Wave(race_id=race.id, **each) for each in waves])
        change.session.add_all([rows.Category(race_id=race.id, **each) for each in categories])
        change.session.add_all([rows.Checkpoint(race_id=race.id, **each) for each in checkpoints])
        await change.note("RACE", {"race": race.id})
    return race


async def update(ctx: Context, race_id: int, patch: dict[str, Any], reason: str | None = None) -> rows.Race:
    """Changes the fields of NewRace that the patch names, and no other.

    Of waves, checkpoints and categories it holds dicts: with an `id` one is changed, without one it is added.
    A new checkpoint goes to its place by its distance, else behind the others before the finish.
    """
    ctx.must("events:write", costs.CHANGE)
    async with events.changing(ctx, await _event_of(ctx, race_id), noun="Race") as change:
        race = await _race(change.session, race_id)
        columns = courses.race(patches.race(race, patch))
        if columns["name"] != race.name:
            await _name_is_free(change, columns["name"])
        await _change_parts(change.session, race.id, columns["mode"], patch)
        _set(race, columns)
        await change.note("RACE", {"race": race.id}, reason)
    return race


async def set_gun_time(
    ctx: Context, race_id: int, wave: str | None, at: Any, reason: str | None = None
) -> rows.Race:
    """The moment in which the wave of this name started; the name may be left out if there is one wave."""
    ctx.must("events:write", costs.CHANGE)
    gun_at = inputs.instant(at, "at")
    async with events.changing(ctx, await _event_of(ctx, race_id), noun="Race") as change:
        race = await _race(change.session, race_id)
        waves = await rows.waves(change.session, [race_id])
        started = [each for each in waves if wave is None or each.name == wave]
        if not started:
            raise Invalid("wave", "is not one of this race")
        if len(started) > 1:
            raise Invalid("wave", "must be named: the race has several", missing=True)
        started[0].gun_at = gun_at
        await change.note("GUN", {"race": race.id, "wave": started[0].id}, reason)
    return race


async def of_id(ctx: Context, race_id: int) -> rows.Race:
    """A race of the account, or anybody's if its event is public; so it is with its parts."""
    ctx.meter.spend(1)
    async with ctx.database.reading() as session:
        return await _seen(ctx, session, await rows.by_id(session, race_id), "Race")


async def of_events(ctx: Context, event_ids: Iterable[int]) -> dict[int, list[rows.Race]]:
    """The races of each event that the caller may see, oldest first."""
    ctx.meter.spend(1)
    async with ctx.database.reading() as session:
        visible = events.visible(ctx, await event_rows.by_ids(session, event_ids))
        found: dict[int, list[rows.Race]] = {event_id: [] for event_id in visible}
        for race in await rows.of_events(session, list(visible)):
            found[race.event_id].append(race)
    return found


async def of_rows(ctx: Context, ids: Iterable[int]) -> dict[int, rows.Race]:
    """Races by their row, for what refers to them; those that the caller may not see are left out."""
    ctx.meter.spend(1)
    async with ctx.database.reading() as session:
        return await _visible(ctx, session, ids)


async def parts(ctx: Context, race_ids: Iterable[int]) -> dict[int, Parts]:
    """What each race is made of, as far as the caller may see it."""
    ctx.meter.spend(1)
    async with ctx.database.reading() as session:
        ids = list(await _visible(ctx, session, race_ids))
        waves = _by_race(await rows.waves(session, ids))
        categories = _by_race(await rows.categories(session, ids))
        checkpoints = _by_race(await rows.checkpoints(session, ids))
    return {id: Parts(waves[id], categories[id], checkpoints[id]) for id in ids}


async def checkpoints(ctx: Context, race_id: int) -> Sequence[rows.Checkpoint]:
    """The course of a race of the account, or of anybody's if its event is public."""
    ctx.meter.spend(1)
    async with ctx.database.reading() as session:
        race = await _seen(ctx, session, await rows.by_id(session, race_id), "Race")
        return await rows.checkpoints(session, [race.id])


async def wave(ctx: Context, wave_id: int) -> rows.Wave:
    ctx.meter.spend(1)
    async with ctx.database.reading() as session:
        return await _seen(ctx, session, await rows.wave(session, wave_id), "Wave")


async def category(ctx: Context, category_id: int) -> rows.Category:
    ctx.meter.spend(1)
    async with ctx.database.reading() as session:
        return await _seen(ctx, session, await rows.category(session, category_id), "Category")


async def checkpoint(ctx: Context, checkpoint_id: int) -> rows.Checkpoint:
    ctx.meter.spend(1)
    async with ctx.database.reading() as session:
        return await _seen(ctx, session, await rows.checkpoint(session, checkpoint_id), "Checkpoint")


async def checkpoints_of_rows(ctx: Context, ids: Iterable[int]) -> dict[int, rows.Checkpoint]:
    """Checkpoints by their row, for what refers to them; without those that the caller may not see."""
    ctx.meter.spend(1)
    async with ctx.database.reading() as session:
        found = await rows.checkpoints_by_ids(session, ids)
        visible = await _visible(ctx, session, {checkpoint.race_id for checkpoint in found})
    return {checkpoint.id: checkpoint for checkpoint in found if checkpoint.race_id in visible}


async def _seen(ctx: Context, session: AsyncSession, found: Row | None, noun: str) -> Row:
    """The race or the part of one, if the caller may see its event."""
    event = None
    if found is not None:
        race_id = found.id if isinstance(found, rows.Race) else found.race_id
        event = await rows.event_of(session, race_id)
    events.seen(ctx, event, noun)
    if found is None:
        raise NotFound(noun)
    return found


async def _visible(ctx: Context, session: AsyncSession, ids: Iterable[int]) -> dict[int, rows.Race]:
    races = await rows.by_ids(session, ids)
    visible = events.visible(ctx, await event_rows.by_ids(session, {race.event_id for race in races}))
    return {race.id: race for race in races if race.event_id in visible}


def _by_race(found: Iterable[Part]) -> dict[int, list[Part]]:
    sorted_out: dict[int, list[Part]] = defaultdict(list)
    for each in found:
        sorted_out[each.race_id].append(each)
    return sorted_out


async def _event_of(ctx: Context, race_id: int) -> int:
    async with ctx.database.reading() as session:
        return (await _race(session, race_id)).event_id


async def _race(session: AsyncSession, race_id: int) -> rows.Race:
    race = await rows.by_id(session, race_id)
    if race is None:
        raise NotFound("Race")
    return race


async def _name_is_free(change: Changing, name: str) -> None:
    if name in {race.name for race in await rows.of_events(change.session, [change.event.id])}:
        raise Invalid("name", "is the name of another race of the event")


async def _change_parts(session: AsyncSession, race_id: int, mode: str, patch: dict[str, Any]) -> None:
    if given := patch.get("waves"):
        waves = patches.waves(await rows.waves(session, [race_id]), given)
        _store(session, race_id, rows.Wave, waves, courses.waves(waves))
    if given := patch.get("categories"):
        rules = patches.categories(await rows.categories(session, [race_id]), given)
        _store(session, race_id, rows.Category, rules, courses.categories(rules))
    if given := patch.get("checkpoints"):
        course = patches.checkpoints(await rows.checkpoints(session, [race_id]), given)
        _store(session, race_id, rows.Checkpoint, course, courses.checkpoints(course, mode))


def _store(
    session: AsyncSession,
    race_id: int,
    table: type[Any],
    given: Sequence[Entry[Any]],
    judged: Sequence[dict[str, Any]],
) -> None:
    for entry, columns in zip(given, judged, strict=True):
        row = entry.row or table(race_id=race_id)
        _set(row, columns)
        session.add(row)


def _set(row: Any, columns: dict[str, Any]) -> None:
    for name, value in columns.items():
        setattr(row, name, value)
