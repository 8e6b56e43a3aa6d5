"""What a race may be made of: what is usual, what is kept, what is nonsense."""

import pytest

from resolvers import events, races
from resolvers.courses import MOST, NewCategory, NewCheckpoint, NewRace, NewWave
from resolvers.errors import Invalid
from tests.factories import NOON
from tests.resolvers.racing import NOON_TEXT, parts
from timing.clocks import SECOND


async def test_a_race_of_which_only_the_name_is_said_can_be_run(ctx, event):
    race = await races.create(ctx, event.token, NewRace(name="10K"))
    made = await parts(ctx, race)
    assert (race.mode, race.laps, race.duration, race.overall_by) == ("COURSE", 1, None, "GUN")
    assert [(wave.name, wave.gun_at) for wave in made.waves] == [("10K", None)]
    assert [(each.kind, each.name, each.distance) for each in made.checkpoints] == [
        ("START", "Start", 0.0), ("FINISH", "Finish", None)
    ]  # fmt: skip
    assert made.categories == []


async def test_checkpoints_have_the_usual_values_unless_told(ctx, race):
    made = (await parts(ctx, race)).checkpoints
    assert [each.name for each in made] == ["Start", "5 km", "21.0975 km", "Finish"]
    assert [each.counts for each in made] == ["LAST", "FIRST", "FIRST", "FIRST"]
    assert [each.bounce for each in made] == [0, 60 * SECOND, 60 * SECOND, 60 * SECOND]
    assert [each.place for each in made] == [0, 1, 2, 3]
    assert {(each.minimum, each.cutoff) for each in made} == {(0, None)}


async def test_on_laps_the_bounce_is_shorter(ctx, event):
    new = NewRace(
        name="Laps", mode="LAPS", laps=4, checkpoints=[NewCheckpoint(kind="FINISH", minimum_seconds=60)]
    )
    race = await races.create(ctx, event.token, new)
    (mat,) = (await parts(ctx, race)).checkpoints
    assert (race.laps, mat.bounce, mat.minimum) == (4, 10 * SECOND, 60 * SECOND)


async def test_all_of_a_race_is_kept_as_it_was_said(ctx, event):
    new = NewRace(
        name="6 h",
        mode="TIMED",
        duration_seconds=21_600,
        overall_by="NET",
        category_by="NET",
        team_size=5,
        team_by_rank=True,
        waves=[NewWave(name="A", gun_time=NOON_TEXT), NewWave(name="B")],
        categories=[NewCategory(name="W40", gender="female", youngest=40, oldest=49), NewCategory(name="All")],
        checkpoints=[
            NewCheckpoint(
                kind="FINISH", name="Mat", distance=1500, bounce_seconds=2.5, minimum_seconds=0.000001,
                cutoff_seconds=25_000, counts="LAST",
            )
        ],
    )  # fmt: skip
    race = await races.create(ctx, event.token, new)
    made = await parts(ctx, race)
    assert (race.duration, race.overall_by, race.gender_by, race.category_by) == (
        21_600 * SECOND, "NET", "GUN", "NET"
    )  # fmt: skip
    assert (race.team_size, race.team_by_rank) == (5, True)
    assert [(wave.name, wave.gun_at) for wave in made.waves] == [("A", NOON), ("B", None)]
    assert [(rule.name, rule.gender, rule.youngest, rule.oldest) for rule in made.categories] == [
        ("W40", "F", 40, 49), ("All", None, None, None)
    ]  # fmt: skip
    (mat,) = made.checkpoints
    assert (mat.name, mat.distance, mat.bounce, mat.minimum, mat.cutoff, mat.counts) == (
        "Mat", 1500.0, 2_500_000, 1, 25_000 * SECOND, "LAST"
    )  # fmt: skip


START, FINISH = NewCheckpoint(kind="START"), NewCheckpoint(kind="FINISH")
NONSENSE = [
    ({"name": " "}, "name"),
    ({"name": None}, "name"),
    ({"mode": "SPRINT"}, "mode"),
    ({"laps": 3}, "laps"),
    ({"mode": "LAPS", "laps": 0}, "laps"),
    ({"mode": "LAPS", "laps": 10_001}, "laps"),
    ({"mode": "TIMED"}, "duration_seconds"),
    ({"duration_seconds": 60}, "duration_seconds"),
    ({"mode": "TIMED", "duration_seconds": 0}, "duration_seconds"),
    ({"mode": "TIMED", "duration_seconds": 1e9}, "duration_seconds"),
    ({"overall_by": "CHIP"}, "overall_by"),
    ({"gender_by": None}, "gender_by"),
    ({"category_by": ""}, "category_by"),
    ({"team_size": 0}, "team_size"),
    ({"team_by_rank": 1}, "team_by_rank"),
    ({"waves": [NewWave(name="A"), NewWave(name="")]}, "waves[1].name"),
    ({"waves": [NewWave(name="A"), NewWave(name="A")]}, "waves[1].name"),
    ({"waves": [NewWave(name="A", gun_time="noon")]}, "waves[0].gun_time"),
    ({"waves": [NewWave(name=str(n)) for n in range(MOST + 1)]}, "waves"),
    ({"categories": [NewCategory()]}, "categories[0].name"),
    ({"categories": [NewCategory(name="A", youngest=-1)]}, "categories[0].youngest"),
    ({"categories": [NewCategory(name="A", youngest=40, oldest=39)]}, "categories[0].oldest"),
    ({"categories": [NewCategory(name="A", oldest=131)]}, "categories[0].oldest"),
    ({"categories": [NewCategory(name="A", gender="x" * 17)]}, "categories[0].gender"),
    ({"categories": [NewCategory(name="A"), NewCategory(name="A")]}, "categories[1].name"),
    ({"checkpoints": [START]}, "checkpoints[0].kind"),
    ({"checkpoints": [FINISH, FINISH]}, "checkpoints[0].kind"),
    ({"checkpoints": [FINISH, START]}, "checkpoints[0].kind"),
    ({"checkpoints": [START, START, FINISH]}, "checkpoints[1].kind"),
    ({"checkpoints": [START, NewCheckpoint()]}, "checkpoints[1].kind"),
    ({"checkpoints": [NewCheckpoint(kind="GATE"), FINISH]}, "checkpoints[0].kind"),
    ({"checkpoints": [NewCheckpoint(name="Finish"), FINISH]}, "checkpoints[1].name"),
    ({"checkpoints": [NewCheckpoint(name="x" * 129), FINISH]}, "checkpoints[0].name"),
    ({"checkpoints": [NewCheckpoint(distance=-1), FINISH]}, "checkpoints[0].distance"),
    ({"checkpoints": [NewCheckpoint(distance=1e10), FINISH]}, "checkpoints[0].distance"),
    (
        {"checkpoints": [START, NewCheckpoint(distance=9), NewCheckpoint(distance=8), FINISH]},
        "checkpoints[2].distance",
    ),
    ({"checkpoints": [NewCheckpoint(bounce_seconds=-1), FINISH]}, "checkpoints[0].bounce_seconds"),
    ({"checkpoints": [NewCheckpoint(minimum_seconds=1e8), FINISH]}, "checkpoints[0].minimum_seconds"),
    ({"checkpoints": [NewCheckpoint(cutoff_seconds=0), FINISH]}, "checkpoints[0].cutoff_seconds"),
    ({"checkpoints": [NewCheckpoint(counts="BEST"), FINISH]}, "checkpoints[0].counts"),
]  # fmt: skip


@pytest.mark.parametrize(("bad", "field"), NONSENSE, ids=range(len(NONSENSE)))
async def test_nonsense_in_a_race_names_the_field_and_stores_nothing(ctx, event, bad, field):
    with pytest.raises(Invalid) as error:
        await races.create(ctx, event.token, NewRace(**{"name": "A"} | bad))
    assert error.value.field == field
    assert await races.of_events(ctx, [event.id]) == {event.id: []}
    assert (await events.of_token(ctx, event.token)).revision == 1
