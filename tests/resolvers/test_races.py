"""Races: making and changing them, starting them, and who sees them."""

import pytest

from resolvers import events, races, servings
from resolvers.context import REFUSED, STRANGER
from resolvers.courses import NewCategory, NewRace, NewWave
from resolvers.errors import Conflict, Invalid, NotAllowed, NotFound, Unidentified
from resolvers.servings import ServeCheckpoint
from tests.factories import NOON
from tests.resolvers.racing import NOON_TEXT, make_event, parts


async def test_the_name_of_a_race_is_unique_in_its_event_only(ctx, event, race):
    for asked in (
        races.create(ctx, event.token, NewRace(name="Marathon")),
        races.update(
            ctx, (await races.create(ctx, event.token, NewRace(name="10K"))).id, {"name": "Marathon"}
        ),
    ):
        with pytest.raises(Invalid, match="another race") as error:
            await asked
        assert error.value.field == "name"
    elsewhere = await make_event(ctx)
    await races.create(ctx, elsewhere.token, NewRace(name="Marathon"))
    assert (await races.update(ctx, race.id, {"name": "Marathon"})).name == "Marathon"


async def test_an_event_has_only_so_many_races(ctx, event, race, monkeypatch):
    monkeypatch.setattr(races, "MOST_RACES", 1)
    with pytest.raises(Conflict, match="1 races already"):
        await races.create(ctx, event.token, NewRace(name="10K"))


async def test_the_gun_of_the_only_wave_needs_no_name(ctx, race):
    await races.set_gun_time(ctx, race.id, None, NOON_TEXT, "heard it")
    assert (await parts(ctx, race)).waves[0].gun_at == NOON
    await races.set_gun_time(ctx, race.id, "Marathon", "2026-06-01T14:00:01.5+02:00")
    assert (await parts(ctx, race)).waves[0].gun_at == NOON + 1_500_000


async def test_of_several_waves_one_is_named(ctx, event):
    new = NewRace(name="A", waves=[NewWave(name="1"), NewWave(name="2")])
    race = await races.create(ctx, event.token, new)
    await races.set_gun_time(ctx, race.id, "2", NOON_TEXT)
    assert [wave.gun_at for wave in (await parts(ctx, race)).waves] == [None, NOON]
    for wave in (None, "3", ""):
        with pytest.raises(Invalid) as error:
            await races.set_gun_time(ctx, race.id, wave, NOON_TEXT)
        assert error.value.field == "wave"


@pytest.mark.parametrize("at", ["noon", "", 5, "2026-06-01", "9" * 200])
async def test_a_gun_time_is_a_time(ctx, race, at):
    with pytest.raises(Invalid) as error:
        await races.set_gun_time(ctx, race.id, None, at)
    assert error.value.field == "at"


async def test_every_change_of_a_race_is_written_down(ctx, event, race):
    await races.update(ctx, race.id, {"name": "Half"}, "too far")
    await races.set_gun_time(ctx, race.id, None, NOON_TEXT, "heard it")
    wave = (await parts(ctx, race)).waves[0]
    found = [
        (each.change.kind, each.change.subject, each.change.reason)
        for each in await events.changes(ctx, event.token)
    ]
    assert found[1:] == [
        ("RACE", f'{{"race":{race.id}}}', None),
        ("RACE", f'{{"race":{race.id}}}', "too far"),
        ("GUN", f'{{"race":{race.id},"wave":{wave.id}}}', "heard it"),
    ]


@pytest.mark.parametrize(
    ("status", "is_public", "seen"),
    [("PUBLISHED", True, True), ("DRAFT", True, False), ("PUBLISHED", False, False)],
)
async def test_strangers_see_the_races_of_public_events_and_never_who_serves(
    office, ctx, other, status, is_public, seen
):
    event = await make_event(ctx, status=status, public=is_public)
    new = NewRace(name="A", categories=[NewCategory(name="All")])
    race = await races.create(ctx, event.token, new)
    made = await parts(ctx, race)
    checkpoint = made.checkpoints[0]
    for who in (other, office.context(STRANGER)):
        for asked in (
            races.of_id(who, race.id),
            races.checkpoints(who, race.id),
            races.wave(who, made.waves[0].id),
            races.category(who, made.categories[0].id),
            races.checkpoint(who, checkpoint.id),
        ):
            if seen:
                assert await asked
            else:
                with pytest.raises(NotFound):
                    await asked
        known = {race.id} if seen else set()
        assert set(await races.parts(who, [race.id])) == known == set(await races.of_rows(who, [race.id]))
        assert set(await races.of_events(who, [event.id])) == ({event.id} if seen else set())
    assert await servings.of_checkpoints(other, [checkpoint.id]) == {}
    with pytest.raises(Unidentified):
        await servings.of_checkpoints(office.context(STRANGER), [checkpoint.id])
    with pytest.raises(Unidentified, match="unknown api key"):
        await races.of_id(office.context(REFUSED), race.id)


async def test_a_public_race_is_changed_by_its_account_only(ctx, other):
    event = await make_event(ctx, status="PUBLISHED", public=True)
    race = await races.create(ctx, event.token, NewRace(name="A"))
    checkpoint = (await parts(ctx, race)).checkpoints[0]
    for noun, asked in (
        ("Event", races.create(other, event.token, NewRace(name="B"))),
        ("Race", races.update(other, race.id, {"name": "B"})),
        ("Race", races.set_gun_time(other, race.id, None, NOON_TEXT)),
        ("Checkpoint", servings.serve(other, ServeCheckpoint(checkpoint_id=checkpoint.id, device_id="X"))),
    ):
        with pytest.raises(NotFound, match=f"{noun} not found"):
            await asked
    assert (await events.of_token(ctx, event.token)).revision == 2


@pytest.mark.parametrize("row", [0, -1, 999_999, 2**31, 2**63, 10**30])
async def test_what_is_not_there_is_not_found(ctx, row):
    for noun, asked in (
        ("Race", races.of_id(ctx, row)),
        ("Race", races.checkpoints(ctx, row)),
        ("Race", races.update(ctx, row, {})),
        ("Race", races.set_gun_time(ctx, row, None, NOON_TEXT)),
        ("Wave", races.wave(ctx, row)),
        ("Category", races.category(ctx, row)),
        ("Checkpoint", races.checkpoint(ctx, row)),
    ):
        with pytest.raises(NotFound, match=f"{noun} not found"):
            await asked


async def test_a_key_without_the_right_does_not_see_the_races_of_its_account(office, ctx, race):
    narrow = await office.ask_as(ctx, "READ", scopes=("devices:read",))
    for asked in (races.of_id(narrow, race.id), races.parts(narrow, [race.id])):
        with pytest.raises(NotAllowed):
            await asked
