"""What several servers do at the same moment, where nothing but the tables can tell them of each other."""

import asyncio

from models.alarms import Thresholds
from resolvers import alarms, audits, bindings, events, keys, races
from resolvers.callers import Callers
from resolvers.courses import NewRace
from resolvers.errors import Conflict, TimingError
from resolvers.keys import NewKey
from timing.clocks import SECOND


def at_once(*asked):
    return asyncio.gather(*asked, return_exceptions=True)


async def test_of_races_with_one_name_there_is_one(office, ctx, event):
    made = await at_once(*(races.create(ctx, event.token, NewRace(name="10K")) for _ in range(6)))
    assert sorted(type(each).__name__ for each in made)[:-1] == ["Invalid"] * 5, "the name is taken"
    assert [race.name for race in (await races.of_events(ctx, [event.id]))[event.id]] == ["10K"]
    assert len(await events.changes(ctx, event.token)) == 2, "the event's and the race's"


async def test_thresholds_that_are_set_one_by_one_are_all_kept(ctx):
    names = ("battery_low", "moved", "clock_ahead", "passings_pending")
    await at_once(*(alarms.set_thresholds(ctx, {name: 42}) for name in names))
    kept = await alarms.thresholds(ctx)
    assert {name: getattr(kept, name) for name in names} == dict.fromkeys(names, 42)
    assert set(names) <= set(Thresholds.model_fields)


async def test_a_binding_token_is_revoked_or_made_but_never_beyond_the_limit(ctx, monkeypatch):
    monkeypatch.setattr(bindings, "MOST_USABLE", 3)
    made = await at_once(*(bindings.create(ctx) for _ in range(8)))
    assert sum(isinstance(each, Conflict) for each in made) == 5
    (token, _), *_ = [each for each in made if not isinstance(each, TimingError)]
    revoked = await at_once(*(bindings.revoke(ctx, token.id) for _ in range(4)))
    assert {each.revoked_at for each in revoked} == {revoked[0].revoked_at}


async def test_the_use_of_keys_is_added_up_whoever_notes_it_and_in_which_order(office, ctx, clock):
    made = [await keys.create(ctx, NewKey(access="READ")) for _ in range(8)]
    servers = [Callers(office.database, "secret", clock) for _ in range(4)]
    for number, server in enumerate(servers):
        for _, text in made[:: 1 if number % 2 else -1]:
            await server.identify(text)
    assert await at_once(*(server.note_use() for server in servers)) == [None] * 4
    ids = [row.id for row, _ in made]
    uses = await audits.uses(ctx, ids, 1)
    assert [[use.count for use in uses[key]] for key in ids] == [[4]] * 8


async def test_who_notes_late_does_not_turn_back_when_a_key_was_used_last(office, ctx, clock):
    row, text = await keys.create(ctx, NewKey(access="READ"))
    late, quick = (Callers(office.database, "secret", clock) for _ in range(2))
    await late.identify(text)
    clock.move(10)
    await quick.identify(text)
    await quick.note_use()
    await late.note_use()
    assert (await keys.of_rows(ctx, [row.id]))[row.id].last_used_at == clock()
    (use,) = (await audits.uses(ctx, [row.id], 1))[row.id]
    assert (use.count, use.last_at - use.first_at) == (2, 10 * SECOND)
