"""Registrations: entering participants and changing them."""

import asyncio
import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from models import events as event_rows
from models import participants as rows
from models import races as race_rows
from models.database import AsyncSession
from models.events import Event
from models.participants import Participant
from resolvers import costs, inputs
from resolvers.context import Context
from resolvers.devices import new_token
from resolvers.entries import Judge, Judged, NewParticipant, Validity
from resolvers.errors import BibTaken, Invalid, NotFound, TooLarge
from resolvers.events import Changing, changing
from resolvers.participants import own

MOST = 5_000
"""Participants in one call."""
SLICE = 250
"""Participants that are judged in one go."""
_FIELD = re.compile(r"\w*")


class Added(NamedTuple):
    """What became of an entry: a participant, or what is wrong with it; after a dry run maybe neither."""

    bib: str | None
    participant: Participant | None
    wrong: Sequence[Invalid]


async def add(
    ctx: Context,
    event_token: str,
    new: Sequence[NewParticipant],
    *,
    all_or_nothing: bool = False,
    dry_run: bool = False,
) -> list[Added]:
    """Stores the good ones and tells what is wrong with each of the others; in a dry run stores none.

    With `all_or_nothing` the first bad one refuses all: raises Invalid with its place, or BibTaken.
    """
    ctx.must("participants:write", costs.entering(len(new or ())))
    if not new:
        raise Invalid("participants", f"must hold 1 to {MOST} participants")
    if len(new) > MOST:
        raise TooLarge("participants", f"must hold 1 to {MOST} participants")
    async with ctx.database.reading() as session:
        event = own(ctx, await event_rows.by_token(session, event_token), event_token)
        judge = await _judge(session, event)
        judged = [await _in_turn(index, judge, each) for index, each in enumerate(new)]
        if dry_run:
            return [_refused(each) for each in await _with_bibs(session, event.id, judged)]
    if all_or_nothing:
        _raise_first(judged)
    async with changing(ctx, token=event_token) as change:
        judged = await _with_bibs(change.session, change.event.id, judged)
        if all_or_nothing and (taken := next((each for each in judged if each.wrong), None)):
            raise BibTaken(taken.columns["bib"])
        return await _enter(change, judged)


async def _enter(change: Changing, judged: Sequence[Judged]) -> list[Added]:
    good = {each.columns["bib"]: each for each in judged if not each.wrong}
    entered: dict[str, Participant] = {}
    if good:
        own = {"event_id": change.event.id, "created_at": change.ctx.clock()}
        new = [each.columns | own | {"participant_id": new_token()} for each in good.values()]
        entered = await rows.enter(change.session, change.event.id, new)
        chips = [_chip(entered[bib], chip) for bib, each in good.items() for chip in each.chips]
        await rows.add_chips(change.session, chips)
        await change.note("PARTICIPANTS", {"participants": [entered[bib].id for bib in good]})
    return [
        _refused(each) if each.wrong else Added(each.columns["bib"], entered[each.columns["bib"]], ())
        for each in judged
    ]


def _chip(of: Participant, chip: Validity) -> dict[str, Any]:
    return {"event_id": of.event_id, "participant_row": of.id, **chip._asdict()}


async def _in_turn(index: int, judge: Judge, new: NewParticipant) -> Judged:
    """Lets others have their turn now and then: there may be thousands."""
    if index % SLICE == 0:
        await asyncio.sleep(0)
    return judge.judge(new)


def _refused(judged: Judged) -> Added:
    return Added(judged.columns.get("bib"), None, judged.wrong)


def _raise_first(judged: Sequence[Judged]) -> None:
    for index, each in enumerate(judged):
        if each.wrong:
            with inputs.within(f"participants[{index}]"):
                raise each.wrong[0]


async def _with_bibs(session: AsyncSession, event_id: int, judged: Sequence[Judged]) -> list[Judged]:
    """The same, where a bib that is in use, or that one before it has, is wrong too."""
    bibs = {each.columns["bib"] for each in judged if "bib" in each.columns}
    taken = await rows.taken(session, event_id, bibs)
    checked = []
    for each in judged:
        bib = each.columns.get("bib")
        if bib in taken:
            each = each._replace(wrong=[Invalid("bib", "is already in use"), *each.wrong])
        elif not each.wrong and bib is not None:
            taken.add(bib)
        checked.append(each)
    return checked


async def update(
    ctx: Context, participant_id: str, patch: Mapping[str, Any], reason: str | None = None
) -> Participant:
    """Changes the fields of NewParticipant that the patch names and no other. Chips are a list as a whole."""
    ctx.must("participants:write", costs.CHANGE)
    async with ctx.database.reading() as session:
        found = await rows.by_participant_id(session, participant_id)
    if found is None:
        raise NotFound("Participant", participant_id)
    async with changing(ctx, found.event_id, noun="Participant") as change:
        session = change.session
        participant = (await rows.by_ids(session, [found.id]))[0]
        judged = (await _judge(session, change.event)).judge(await _as_entered(session, participant, patch))
        for wrong in judged.wrong:
            if _FIELD.match(wrong.field)[0] in patch:  # type: ignore[index]  # what was kept before stays
                raise wrong
        bib = judged.columns["bib"]
        if bib != participant.bib and await rows.taken(session, change.event.id, [bib]):
            raise BibTaken(bib)
        changed = [name for name, value in judged.columns.items() if getattr(participant, name) != value]
        for name in changed:
            setattr(participant, name, judged.columns[name])
        if {"chip", "chips"} & set(patch) and await _rechipped(session, participant, judged.chips):
            changed.append("chips")
        if changed:
            await change.note(
                "PARTICIPANTS", {"participants": [participant.id], "fields": sorted(changed)}, reason
            )
    return participant


async def _as_entered(session: AsyncSession, row: Participant, patch: Mapping[str, Any]) -> NewParticipant:
    """The patched participant as it would be handed in, so that the same rules judge it as a new one."""
    fields = {name: getattr(row, name) for name in NewParticipant.__dataclass_fields__ if hasattr(row, name)}
    if {"race", "race_id"} & set(patch):
        fields["race_id"] = None
    elif row.wave_id is not None and row.race_id is not None:
        waves = await race_rows.waves(session, [row.race_id])
        fields["wave"] = next(wave.name for wave in waves if wave.id == row.wave_id)
    return NewParticipant(**(fields | dict(patch)))


async def _rechipped(session: AsyncSession, row: Participant, chips: Sequence[Validity]) -> bool:
    """Whether the chips are others than before."""
    before = await rows.chips_of(session, [row.id])
    if [Validity(chip.code, chip.from_at, chip.to_at) for chip in before] == list(chips):
        return False
    await rows.remove_all(session, before)
    await rows.add_chips(session, [_chip(row, chip) for chip in chips])
    return True


async def _judge(session: AsyncSession, event: Event) -> Judge:
    races = await race_rows.of_events(session, [event.id])
    return Judge(event, races, await race_rows.waves(session, [race.id for race in races]))
