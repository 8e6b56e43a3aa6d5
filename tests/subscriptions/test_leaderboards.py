"""Followed leaderboards: a snapshot, then what changed in this view alone, one reading for all."""

import asyncio
import contextlib

import pytest

from resolvers import callers, corrections, events, leaderboards, registrations
from resolvers.context import STRANGER
from resolvers.errors import NotFound, Unidentified
from subscriptions import leaderboards as feeds
from subscriptions import screens
from subscriptions.screens import Screen, Shown
from tests.subscriptions.conftest import until
from tests.subscriptions.watching import day as day
from tests.subscriptions.watching import watch as watch
from timing.views import Which


async def shown_by_query(machine, day, top, **names):
    board = await leaderboards.of_race(machine.ctx, day.race.id)
    return board.leaderboard.view(leaderboards.which(board, **names)).page(0, top)


async def test_a_snapshot_comes_first_then_only_what_changed(watch, day):
    watcher = await watch()
    assert watcher.updates[0].snapshot and watcher.updates[0].revision == 1 and len(watcher.shown) == 6
    await day.see(2, 2000, "2")
    await until(lambda: len(watcher.updates) == 2)
    update = watcher.updates[1]
    assert (update.revision, update.snapshot, update.removed) == (2, False, [])
    assert watcher.bibs[0] == "2" and update.counts.finished == 1


async def test_womens_top_hears_nothing_while_only_men_finish(watch, day):
    everybody, women = await watch(), await watch(top=2, gender="F")
    for seconds, bib in enumerate(("11", "12", "13")):
        await day.see(2, 2000 + seconds, bib)
    await until(lambda: everybody.bibs[:3] == ["11", "12", "13"])
    assert len(women.updates) == 1
    await day.see(2, 2100, "3")
    await women.shows("3", "1")
    assert [update.revision for update in women.updates] == [1, 2] and women.updates[1].removed


async def test_a_change_of_counts_alone_is_news_only_to_those_who_ask_for_counts(watch, day):
    counting, looking = await watch(top=1), await watch(top=1, counts=False)
    await day.see(2, 2000, "1")
    await until(lambda: len(counting.updates) == len(looking.updates) == 2)
    await day.see(2, 2050, "2")
    await until(lambda: len(counting.updates) == 3)
    assert counting.updates[2].standings == [] and counting.updates[2].counts.finished == 2
    assert len(looking.updates) == 2


async def test_a_burst_is_one_update(machine, watch, day):
    machine.screens.interval = 0.3
    watcher = await watch()
    await day.see(2, 2000, "1")
    await until(lambda: len(watcher.updates) == 2)
    for seconds, bib in enumerate(("12", "11", "3", "2")):
        await day.see(2, 2010 + seconds, bib)
    await watcher.shows("1", "12", "11", "3", "2", "13")
    assert len(watcher.updates) == 3


async def test_a_late_joiner_gets_a_snapshot_and_goes_on_with_the_others(watch, day):
    early = await watch()
    await day.see(2, 2000, "1")
    await until(lambda: len(early.updates) == 2)
    late = await watch()
    assert late.updates[0].snapshot and late.updates[0].revision == 2 and late.bibs == early.bibs
    await day.see(2, 1900, "2")
    await until(lambda: len(early.updates) == 3 and len(late.updates) == 2)
    assert late.updates[1] == early.updates[2]


async def test_who_reads_too_slowly_gets_a_snapshot_instead_of_all_that_came_between(
    machine, watch, day, monkeypatch
):
    monkeypatch.setattr(screens, "REMEMBERED", 2)
    machine.screens.interval = 0.01
    slow, quick = await watch(), await watch()
    slow.gate.clear()
    for seconds, bib in enumerate(("12", "11", "3", "2", "1")):
        await day.see(2, 2000 + seconds, bib)
        await until(lambda count=seconds: len(quick.updates) == count + 2)
    slow.gate.set()
    await slow.shows("12", "11", "3", "2", "1", "13")
    assert [update.snapshot for update in slow.updates][-1] and len(slow.updates) < len(quick.updates)
    assert slow.updates[-1].revision == quick.updates[-1].revision


async def test_a_board_at_a_past_checkpoint_is_as_live_as_the_latest(watch, day):
    watcher = await watch(checkpoint_id=day.checkpoints[1].id)
    assert watcher.bibs == []
    await day.see(2, 2400, "2")
    await day.see(1, 1200, "1")
    await watcher.shows("1")
    await day.see(1, 1100, "2")
    await watcher.shows("2", "1")


async def test_corrections_and_entries_reach_an_open_board(machine, watch, day):
    watcher = await watch(gender="F")
    await day.see(2, 2000, "1")
    await watcher.shows("1", "2", "3")
    await corrections.adjust_time(machine.ctx, await day.participant("1"), 10, "cut a corner")
    await until(lambda: watcher.shown and next(iter(watcher.shown.values())).adjustment == 10_000_000)
    await registrations.update(machine.ctx, await day.participant("1"), {"status": "DSQ"}, "seen")
    await watcher.shows("2", "3", "1")
    await day.enter("4", gender="F")
    await watcher.shows("2", "3", "4", "1")


async def test_what_is_shown_by_updates_alone_is_what_a_query_answers(machine, watch, day):
    import random

    machine.screens.interval = 0.01
    chance = random.Random(7)
    watchers = {
        names: await watch(top=3, **dict(names)) for names in ((), (("gender", "F"),), (("ranking", "TEAM"),))
    }
    for _ in range(60):
        with contextlib.suppress(Exception):
            await day.something(chance)
    for names, watcher in watchers.items():
        wanted = await shown_by_query(machine, day, 3, **dict(names))
        await until(
            lambda w=watcher, lines=wanted: sorted(w.shown.values(), key=lambda line: line.place) == lines
        )
        revisions = [update.revision for update in watcher.updates]
        assert all(
            update.snapshot or update.revision == last + 1
            for last, update in zip(revisions, watcher.updates[1:], strict=False)
        )


async def test_many_who_follow_the_same_share_one_screen_and_leave_nothing_behind(machine, watch, day):
    watchers = [await watch() for _ in range(5)]
    pace = machine.screens.pace(day.event)
    assert len(pace._shown) == 1
    for each in watchers:
        each.task.cancel()
    await asyncio.gather(*(each.task for each in watchers), return_exceptions=True)
    for each in watchers:
        await each._feed.aclose()
    assert machine.screens._paces == {} and machine.hub.listeners == 0


async def test_one_participant_and_the_race_are_followed(machine, day):
    board = await leaderboards.of_race(machine.ctx, day.race.id)
    who = await leaderboards.of_bib(machine.ctx, board, "2")
    one, race = feeds.participant(machine.ctx, board, who), feeds.race(machine.ctx, board)
    assert (await anext(one)).state == "NOT_STARTED" and (await anext(race)).state == "NOT_STARTED"
    await day.see(2, 2000, "1")
    await day.see(2, 2000, "2")
    async with asyncio.timeout(5):
        while (await anext(one)).state != "FINISHED":
            pass
        while (await anext(race)).counts.finished != 2:
            pass
    await one.aclose()
    await race.aclose()


async def test_a_public_board_is_followed_without_a_key_until_it_is_hidden(machine, watch, day, monkeypatch):
    stranger = machine.context_of(STRANGER)
    with pytest.raises(NotFound):
        await leaderboards.of_race(stranger, day.race.id)
    await events.update(machine.ctx, day.event.token, {"public": True, "status": "PUBLISHED"})
    watcher = await watch(ctx=stranger)
    assert len(watcher.shown) == 6
    await events.update(machine.ctx, day.event.token, {"public": False})
    await until(watcher.task.done)
    assert isinstance(watcher.task.exception(), NotFound)


async def test_a_revoked_key_ends_what_it_follows(machine, watch, day, monkeypatch):
    monkeypatch.setattr(callers, "SECONDS_TRUSTED", 0.0)
    watcher = await watch()
    await machine.revoke(machine.ctx)
    await until(watcher.task.done)
    assert isinstance(watcher.task.exception(), Unidentified)


def test_a_screen_that_sees_the_same_again_says_nothing():
    class Still:
        version = 1

        def page(self, offset, limit):
            return []

        def counts(self):
            return None

    screen, view = Screen(Shown(1, Which(), 5, True)), Still()
    screen.look(view)
    first = screen.since(None)
    screen.look(view)
    assert [update.revision for update in first] == [1] and screen.since(1) == []
