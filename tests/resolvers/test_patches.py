"""Changing a race that is there: its fields, course, waves and categories."""

import pytest

from resolvers import events, races
from resolvers.courses import NewCheckpoint, NewRace
from resolvers.errors import Invalid
from tests.factories import NOON
from tests.resolvers.racing import NOON_TEXT, parts
from timing.clocks import SECOND

FINISH = NewCheckpoint(kind="FINISH")


async def course(ctx, race):
    return [each.name for each in (await parts(ctx, race)).checkpoints]


async def test_a_patch_changes_what_it_names_and_nothing_else(ctx, race):
    before = await parts(ctx, race)
    finish = before.checkpoints[-1]
    patch = {"overall_by": "NET", "checkpoints": [{"id": finish.id, "bounce_seconds": 5}]}
    changed = await races.update(ctx, race.id, patch)
    after = await parts(ctx, race)
    assert (changed.overall_by, changed.gender_by, changed.name) == ("NET", "GUN", "Marathon")
    assert (after.waves, after.categories, after.checkpoints[:-1]) == (
        before.waves, before.categories, before.checkpoints[:-1]
    )  # fmt: skip
    assert (after.checkpoints[-1].bounce, after.checkpoints[-1].distance) == (5 * SECOND, 42_195.0)


async def test_a_new_checkpoint_goes_to_its_place_on_the_course(ctx, race):
    await races.update(ctx, race.id, {"checkpoints": [{"distance": 30_000}, {"distance": 10_000}]})
    assert await course(ctx, race) == ["Start", "5 km", "10 km", "21.0975 km", "30 km", "Finish"]
    await races.update(ctx, race.id, {"checkpoints": [{"name": "Bridge"}]})
    assert (await course(ctx, race))[-2:] == ["Bridge", "Finish"]
    assert [each.place for each in (await parts(ctx, race)).checkpoints] == list(range(7))


async def test_a_start_is_added_before_the_others(ctx, event):
    race = await races.create(ctx, event.token, NewRace(name="A", checkpoints=[FINISH]))
    await races.update(ctx, race.id, {"checkpoints": [{"kind": "START"}]})
    assert await course(ctx, race) == ["Start", "Finish"]


async def test_two_checkpoints_change_their_names(ctx, race):
    start, *_, finish = (await parts(ctx, race)).checkpoints
    swapped = [{"id": start.id, "name": "Finish"}, {"id": finish.id, "name": "Start"}]
    await races.update(ctx, race.id, {"checkpoints": swapped})
    assert await course(ctx, race) == ["Finish", "5 km", "21.0975 km", "Start"]


async def test_waves_and_categories_are_added_and_changed(ctx, race):
    (wave,) = (await parts(ctx, race)).waves
    patch = {
        "waves": [{"name": "B"}, {"id": wave.id, "name": "A", "gun_time": NOON_TEXT}],
        "categories": [{"name": "M", "gender": "Male"}],
    }
    await races.update(ctx, race.id, patch)
    made = await parts(ctx, race)
    assert [(each.name, each.gun_at) for each in made.waves] == [("A", NOON), ("B", None)]
    await races.update(
        ctx,
        race.id,
        {
            "categories": [{"id": made.categories[0].id, "oldest": 39}],
            "waves": [{"id": wave.id, "gun_time": None}],
        },
    )
    made = await parts(ctx, race)
    assert [(each.name, each.gender, each.oldest) for each in made.categories] == [("M", "M", 39)]
    assert made.waves[0].gun_at is None


async def test_another_mode_forgets_what_went_only_with_the_one_before(ctx, race):
    laps = await races.update(ctx, race.id, {"mode": "LAPS", "laps": 4})
    assert (laps.mode, laps.laps) == ("LAPS", 4)
    assert (await races.update(ctx, race.id, {"name": "Circuit"})).laps == 4
    timed = await races.update(ctx, race.id, {"mode": "TIMED", "duration_seconds": 3600})
    assert (timed.laps, timed.duration) == (1, 3600 * SECOND)
    assert (await races.update(ctx, race.id, {"name": "Hour"})).duration == 3600 * SECOND
    assert (await races.update(ctx, race.id, {"mode": "COURSE"})).duration is None


BAD_PATCHES = [
    ({"name": None}, "name"),
    ({"mode": "TIMED"}, "duration_seconds"),
    ({"laps": 2}, "laps"),
    ({"waves": [{}]}, "waves[0].name"),
    ({"waves": [{"id": 0, "name": "A"}]}, "waves[0].id"),
    ({"categories": [{"name": "A"}, {"name": "A"}]}, "categories[1].name"),
    ({"checkpoints": [{"distance": 1}, {"id": 999_999, "distance": 1}]}, "checkpoints[1].id"),
    ({"checkpoints": [{"kind": "FINISH"}]}, "checkpoints.kind"),
    ({"checkpoints": [{"distance": "far"}]}, "checkpoints[0].distance"),
]


@pytest.mark.parametrize(("bad", "field"), BAD_PATCHES, ids=range(len(BAD_PATCHES)))
async def test_nonsense_in_a_patch_names_the_field_and_changes_nothing(ctx, event, race, bad, field):
    before, revision = await parts(ctx, race), (await events.of_token(ctx, event.token)).revision
    with pytest.raises(Invalid) as error:
        await races.update(ctx, race.id, bad)
    assert error.value.field == field
    assert await parts(ctx, race) == before and await races.of_id(ctx, race.id) == race
    assert (await events.of_token(ctx, event.token)).revision == revision


async def test_a_part_of_another_race_is_none_of_this_one(ctx, event, race):
    other_race = await races.create(ctx, event.token, NewRace(name="10K"))
    theirs = (await parts(ctx, other_race)).checkpoints[0]
    with pytest.raises(Invalid, match="not one of this race"):
        await races.update(ctx, race.id, {"checkpoints": [{"id": theirs.id, "name": "Mine"}]})
