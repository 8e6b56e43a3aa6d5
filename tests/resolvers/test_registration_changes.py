"""Registrations: changing participants."""

import asyncio
import itertools

import msgspec
import pytest

from resolvers import events, races, registrations
from resolvers.courses import NewRace, NewWave
from resolvers.entries import NewChip
from resolvers.errors import BibTaken, Invalid, NotFound
from resolvers.events import NewEvent
from tests.resolvers.registering import chips, entered, listed, new, noted

NOBODY = "F" * 64


@pytest.fixture
async def event(ctx):
    return await events.create(ctx, NewEvent(name="Run", start_date="2026-06-01"))


@pytest.fixture
async def marathon(ctx, event):
    waves = [NewWave(name="A"), NewWave(name="B")]
    return await races.create(ctx, event.token, NewRace(name="Marathon", waves=waves))


async def test_two_who_take_the_same_bib_by_a_change_take_turns(office):
    ctx = await office.company()
    event = await events.create(ctx, NewEvent(name="Run", start_date="2026-06-01"))
    made = [
        each.participant
        for each in await registrations.add(ctx, event.token, [new(str(n)) for n in range(5)])
    ]
    changed = await asyncio.gather(
        *(registrations.update(ctx, each.participant_id, {"bib": "99"}) for each in made),
        return_exceptions=True,
    )
    assert sum(isinstance(each, BibTaken) for each in changed) == 4


async def test_only_what_a_patch_names_is_changed(ctx, event, marathon):
    (ann,) = await entered(ctx, event, new(wave="B", chip="X", age=30, club="C", birth_date="1990-01-01"))
    changed = await registrations.update(ctx, ann.participant_id, {"status": "DNF", "club": None}, "sat down")
    assert (changed.status, changed.club, changed.age, changed.wave_id) == ("DNF", None, 30, ann.wave_id)
    assert changed.birth_date == "1990-01-01" and [chip.code for chip in await chips(ctx, ann)] == ["X"]
    (found,) = await listed(ctx, event)
    assert found.status == "DNF"
    (change,) = (await noted(ctx, event))[-1:]
    assert (change.kind, change.reason, change.key_id) == ("PARTICIPANTS", "sat down", ctx.caller.key_id)
    assert msgspec.json.decode(change.subject) == {"participants": [ann.id], "fields": ["club", "status"]}


async def test_a_change_that_changes_nothing_is_none(ctx, event, marathon):
    (ann,) = await entered(ctx, event, new(wave="B", chip="X"))
    before = len(await noted(ctx, event))
    await registrations.update(
        ctx, ann.participant_id, {"name": "Ann", "wave": "b", "chips": [NewChip(code="X")]}
    )
    assert len(await noted(ctx, event)) == before


async def test_another_race_has_other_waves(ctx, event, marathon):
    other = await races.create(ctx, event.token, NewRace(name="5K", waves=[NewWave(name="Z")]))
    (ann,) = await entered(ctx, event, new(race="marathon", wave="B"))
    with pytest.raises(Invalid, match="no wave of this race is called B"):
        await registrations.update(ctx, ann.participant_id, {"race": "5K", "wave": "B"})
    moved = await registrations.update(ctx, ann.participant_id, {"race_id": other.id})
    assert (moved.race_id, moved.wave_id) == (other.id, None)
    assert (await registrations.update(ctx, ann.participant_id, {"wave": "Z"})).wave_id is not None
    gone = await registrations.update(ctx, ann.participant_id, {"race": None})
    assert (gone.race_id, gone.wave_id) == (None, None)


async def test_chips_are_replaced_as_a_list(ctx, event):
    (ann,) = await entered(ctx, event, new(chip="A"))
    await registrations.update(
        ctx, ann.participant_id, {"chips": [NewChip(code="B"), NewChip(code="A", to="2026-06-01T10:00Z")]}
    )
    assert [(chip.code, chip.to_at is None) for chip in await chips(ctx, ann)] == [("B", True), ("A", False)]
    await registrations.update(ctx, ann.participant_id, {"chips": []})
    assert list(await chips(ctx, ann)) == []


@pytest.mark.parametrize(
    ("patch", "error"),
    [
        ({"bib": "8"}, BibTaken), ({"bib": ""}, Invalid), ({"name": None}, Invalid), ({"status": "LATE"}, Invalid),
        ({"chips": [NewChip(code=None)]}, Invalid),
    ],
    ids=itertools.count(),
)  # fmt: skip
async def test_a_refused_change_changes_nothing(ctx, event, patch, error):
    ann, _ = await entered(ctx, event, new("7", club="C"), new("8"))
    before = (await events.of_token(ctx, event.token)).revision
    with pytest.raises(error):
        await registrations.update(ctx, ann.participant_id, patch | {"club": "D"})
    assert [(each.bib, each.club) for each in await listed(ctx, event)] == [("7", "C"), ("8", None)]
    assert (await events.of_token(ctx, event.token)).revision == before


async def test_what_was_kept_before_does_not_stand_in_the_way(ctx, event):
    (ann,) = await entered(ctx, event, new(birth_date="2026-05-31"))
    await events.update(ctx, event.token, {"start_date": "2026-05-01"})
    assert (await registrations.update(ctx, ann.participant_id, {"status": "DNF"})).birth_date == "2026-05-31"


@pytest.mark.parametrize("name", [NOBODY, "", "a b", "é", "a\0", "x" * 10_000])
async def test_who_is_not_there_cannot_be_changed(ctx, name):
    with pytest.raises(NotFound, match="Participant not found"):
        await registrations.update(ctx, name, {"status": "DNF"})
