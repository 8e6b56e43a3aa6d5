"""What defines an event's boards, from the tables into the words of `timing`."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date

from sqlmodel.ext.asyncio.session import AsyncSession

from models import participants as participant_rows
from models import races as race_rows
from models.events import Event
from timing import categories, races


async def of_event(session: AsyncSession, event: Event) -> races.Definition:
    """The whole definition, as the session's snapshot has it."""
    found = await race_rows.of_events(session, [event.id])
    return races.Definition(
        races=await _races(session, found),
        servings=await _servings(session, event.id),
        participants=await participants(session, event, None),
        rulings=await rulings(session, event.id, None),
    )


async def _races(session: AsyncSession, found: Sequence[race_rows.Race]) -> list[races.Race]:
    ids = [race.id for race in found]
    waves, rules, checkpoints = defaultdict(list), defaultdict(list), defaultdict(list)
    for wave in await race_rows.waves(session, ids):
        waves[wave.race_id].append(races.Wave(wave.id, wave.name, wave.gun_at))
    for rule in await race_rows.categories(session, ids):
        rules[rule.race_id].append(races.Category(rule.name, rule.gender, rule.youngest, rule.oldest))
    for checkpoint in await race_rows.checkpoints(session, ids):
        checkpoints[checkpoint.race_id].append(_checkpoint(checkpoint))
    return [
        races.Race(
            id=race.id,
            name=race.name,
            mode=races.Mode(race.mode),
            laps=race.laps,
            duration=race.duration,
            checkpoints=tuple(checkpoints[race.id]),
            waves=tuple(waves[race.id]),
            categories=tuple(rules[race.id]),
            overall_by=races.Basis(race.overall_by),
            gender_by=races.Basis(race.gender_by),
            category_by=races.Basis(race.category_by),
            team_size=race.team_size,
            team_by_rank=race.team_by_rank,
        )
        for race in found
    ]


def _checkpoint(row: race_rows.Checkpoint) -> races.Checkpoint:
    return races.Checkpoint(
        id=row.id,
        kind=races.Kind(row.kind),
        name=row.name,
        distance=row.distance,
        bounce=row.bounce,
        minimum=row.minimum,
        cutoff=row.cutoff,
        counts=races.Counts(row.counts),
    )


async def _servings(session: AsyncSession, event_id: int) -> list[races.Serving]:
    found = await race_rows.servings(session, event_id)
    race_of = {
        checkpoint.id: checkpoint.race_id
        for checkpoint in await race_rows.checkpoints(
            session, [race.id for race in await race_rows.of_events(session, [event_id])]
        )
    }
    return [
        races.Serving(
            race=race_of[row.checkpoint_id],
            checkpoint=row.checkpoint_id,
            device_row=row.device_row,
            session_row=row.session_row,
            from_=row.from_at,
            to=row.to_at,
            role=races.Role(row.role),
        )
        for row in found
    ]


async def participants(
    session: AsyncSession, event: Event, ids: Iterable[int] | None
) -> list[races.Participant]:
    """Those of these rows, or all of the event, with their chips, age on the event's day and adjustments."""
    found = await participant_rows.of_event(session, event.id, ids)
    reference = date.fromisoformat(event.reference_date or event.start_date)
    chips: dict[int, list[races.Chip]] = defaultdict(list)
    for chip in await participant_rows.chips_of_event(session, event.id, ids):
        chips[chip.participant_row].append(races.Chip(chip.code, chip.from_at, chip.to_at))
    sums = await participant_rows.adjustment_sums(session, event.id, ids)
    return [
        races.Participant(
            id=row.id,
            race=row.race_id,
            bib=row.bib,
            name=f"{row.name} {row.last_name}" if row.last_name else row.name,
            gender=row.gender,
            age=_age(row.birth_date, reference) if row.birth_date else row.age,
            category=row.category,
            club=row.club,
            team=row.team,
            country=row.country,
            status=races.Status(row.status),
            wave=row.wave_id,
            adjustment=sums.get(row.id, 0),
            chips=tuple(chips[row.id]) if row.id in chips else (),
        )
        for row in found
    ]


def _age(birth_date: str, on: date) -> int:
    return categories.age(date.fromisoformat(birth_date), on)


async def rulings(
    session: AsyncSession, event_id: int, positions: Iterable[int] | None
) -> list[races.Ruling]:
    """The newest ruling on each of these passings, or on all of the event."""
    newest = {
        row.position: races.Ruling(
            row.position, races.Override(row.override), row.checkpoint_id, row.participant_row, row.reason
        )
        for row in await participant_rows.rulings(session, event_id, positions)
    }
    return list(newest.values())
