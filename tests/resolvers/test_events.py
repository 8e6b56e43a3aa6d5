"""Events: who makes, changes and sees them, and what is written down of it."""

import asyncio

import pytest

from models import events as rows
from resolvers import events
from resolvers.context import REFUSED, STRANGER
from resolvers.errors import Invalid, NotAllowed, NotFound, Unidentified
from resolvers.events import changing
from tests.factories import NOON
from tests.resolvers.racing import make_event as make


async def public(ctx, **more):
    return await make(ctx, public=True, status="PUBLISHED", **more)


@pytest.fixture
def stranger(office):
    return office.context(STRANGER)


async def test_an_event_is_made_as_a_private_draft_of_one_day(ctx):
    event = await make(ctx)
    assert (event.status, event.public, event.end_date, event.time_zone) == (
        "DRAFT",
        False,
        "2026-06-01",
        "UTC",
    )
    assert len(event.token) == 64 and event.created_at == NOON and event.revision == 1
    assert (await events.of_token(ctx, event.token)).id == event.id


@pytest.mark.parametrize(
    ("bad", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": None}, "name"),
        ({"name": "x" * 129}, "name"),
        ({"edition": "a\0"}, "edition"),
        ({"location": "x" * 129}, "location"),
        ({"start_date": None}, "start_date"),
        ({"start_date": "1.6.2026"}, "start_date"),
        ({"start_date": "20260601"}, "start_date"),
        ({"start_date": "2026-02-30"}, "start_date"),
        ({"start_date": "٢٠٢٦-٠٦-٠١"}, "start_date"),
        ({"end_date": "2026-05-31"}, "end_date"),
        ({"end_date": "2029-06-01"}, "end_date"),
        ({"end_date": "soon"}, "end_date"),
        ({"reference_date": "2026"}, "reference_date"),
        ({"time_zone": "Mars/Olympus"}, "time_zone"),
        ({"time_zone": None}, "time_zone"),
        ({"status": "OVER"}, "status"),
        ({"status": None}, "status"),
        ({"public": None}, "public"),
        ({"public": "yes"}, "public"),
    ],
)
async def test_nonsense_in_an_event_names_the_field_in_a_new_one_and_in_a_patch(ctx, bad, field):
    with pytest.raises(Invalid) as error:
        await make(ctx, **bad)
    assert error.value.field == field
    event = await make(ctx)
    with pytest.raises(Invalid) as error:
        await events.update(ctx, event.token, bad)
    assert error.value.field == field
    assert (await events.of_token(ctx, event.token)) == event


async def test_a_patch_changes_what_it_names_and_nothing_else(ctx):
    event = await make(ctx, edition="45th", location="Here", end_date="2026-06-03")
    changed = await events.update(ctx, event.token, {"location": None, "status": "PUBLISHED"})
    again = await events.of_token(ctx, event.token)
    assert again == changed
    assert (again.edition, again.location, again.status, again.end_date) == (
        "45th", None, "PUBLISHED", "2026-06-03"
    )  # fmt: skip


async def test_an_event_of_one_day_moves_as_a_whole_and_a_longer_one_does_not(ctx):
    short, long = await make(ctx), await make(ctx, end_date="2026-06-03")
    assert (await events.update(ctx, short.token, {"start_date": "2026-07-01"})).end_date == "2026-07-01"
    assert (await events.update(ctx, long.token, {"start_date": "2026-05-30"})).end_date == "2026-06-03"
    with pytest.raises(Invalid, match="end_date"):
        await events.update(ctx, long.token, {"start_date": "2026-07-01"})


async def test_an_archived_event_comes_back(ctx):
    event = await make(ctx, status="ARCHIVED")
    assert (await events.update(ctx, event.token, {"status": "DRAFT"})).status == "DRAFT"


@pytest.mark.parametrize(
    ("is_public", "status", "seen"),
    [
        (True, "PUBLISHED", True),
        (True, "DRAFT", False),
        (True, "ARCHIVED", False),
        (False, "PUBLISHED", False),
        (False, "DRAFT", False),
    ],
)
async def test_strangers_and_others_see_what_is_public_and_published(
    ctx, other, stranger, is_public, status, seen
):
    event = await make(ctx, public=is_public, status=status)
    for who in (other, stranger):
        if seen:
            assert (await events.of_token(who, event.token)).id == event.id
            assert list(await events.of_rows(who, [event.id])) == [event.id]
        else:
            with pytest.raises(NotFound, match="Event not found"):
                await events.of_token(who, event.token)
            assert await events.of_rows(who, [event.id]) == {}
    assert (await events.of_token(ctx, event.token)).id == event.id


async def test_without_a_key_the_list_holds_the_public_events_of_everybody(ctx, other, stranger):
    ours, theirs = await public(ctx), await public(other)
    hidden = [await make(ctx), await make(other, public=True), await public(ctx)]
    await events.update(ctx, hidden[2].token, {"status": "ARCHIVED"})
    found, total = await events.page(stranger, limit=9)
    assert ([event.id for event in found], total) == ([ours.id, theirs.id], 2)


async def test_with_a_key_the_list_holds_the_events_of_the_account(ctx, other):
    made = [await make(ctx), await public(ctx), await make(ctx, status="ARCHIVED")]
    await public(other)
    found, total = await events.page(ctx, limit=9)
    assert ([event.id for event in found], total) == ([event.id for event in made], 3)


async def test_events_come_in_pages_by_number_and_behind_a_row(ctx):
    made = [(await make(ctx)).id for _ in range(5)]
    second, total = await events.page(ctx, number=2, limit=2)
    assert ([event.id for event in second], total) == (made[2:4], 5)
    rest, total = await events.page(ctx, after=made[2], limit=9)
    assert ([event.id for event in rest], total) == (made[3:], 5)


async def test_a_wrong_key_sees_not_even_what_is_public(office, ctx):
    event = await public(ctx)
    wrong = office.context(REFUSED)
    for asked in (events.of_token(wrong, event.token), events.page(wrong, limit=1)):
        with pytest.raises(Unidentified, match="unknown api key"):
            await asked


async def test_a_key_without_the_right_sees_of_its_account_what_everybody_sees(office, ctx):
    shown, hidden = await public(ctx), await make(ctx)
    narrow = await office.ask_as(ctx, "READ", scopes=("devices:read",))
    assert (await events.of_token(narrow, shown.token)).id == shown.id
    for asked in (
        events.of_token(narrow, hidden.token),
        events.page(narrow, limit=9),
        events.changes(narrow, shown.token),
    ):
        with pytest.raises(NotAllowed):
            await asked


@pytest.mark.parametrize("token", ["", "F" * 64, "a b", "\0", "\ud800", "x" * 10_000])
async def test_an_event_that_is_not_there_is_not_found(ctx, token):
    for asked in (events.of_token(ctx, token), events.update(ctx, token, {}), events.changes(ctx, token)):
        with pytest.raises(NotFound, match="Event not found"):
            await asked


async def test_every_change_is_written_down_with_who_when_and_why(office, ctx, clock):
    event = await make(ctx)
    clock.move(60)
    judge = await office.ask_as(ctx, "READ_WRITE", alias="Judge")
    await events.update(judge, event.token, {"name": "Race"}, "a better name")
    first, second = await events.changes(ctx, event.token)
    assert (first.change.revision, first.change.kind, first.change.at) == (1, "EVENT", NOON)
    assert (first.change.subject, first.change.reason) == (f'{{"event":"{event.token}"}}', None)
    assert first.key.id == ctx.caller.key_id
    assert (second.change.revision, second.change.at) == (2, NOON + 60_000_000)
    assert (second.change.reason, second.key.alias) == ("a better name", "Judge")
    assert (await events.of_token(ctx, event.token)).revision == 2
    assert await events.changes(ctx, event.token, after=1) == [second]
    assert await events.changes(ctx, event.token, limit=1) == [first]


async def test_changes_of_others_are_not_found_even_if_the_event_is_public(ctx, other):
    event = await public(ctx)
    with pytest.raises(NotFound, match="Event not found"):
        await events.changes(other, event.token)


@pytest.mark.parametrize("reason", ["x" * 501, "a\0"])
async def test_a_reason_that_cannot_be_kept_changes_nothing(ctx, reason):
    event = await make(ctx)
    with pytest.raises(Invalid) as error:
        await events.update(ctx, event.token, {"name": "Race"}, reason)
    assert error.value.field == "reason"
    assert await events.of_token(ctx, event.token) == event
    assert len(await events.changes(ctx, event.token)) == 1


async def test_several_changes_in_one_transaction_have_a_revision_each(ctx):
    event = await make(ctx)
    async with changing(ctx, token=event.token) as change:
        await change.note("EVENT", {"event": event.token}, "one")
        await change.note("EVENT", {"event": event.token}, "two")
    found = await events.changes(ctx, event.token)
    assert [(each.change.revision, each.change.reason) for each in found] == [
        (1, None),
        (2, "one"),
        (3, "two"),
    ]
    assert (await events.of_token(ctx, event.token)).revision == 3


async def test_who_follows_is_told_after_the_commit_and_not_of_what_failed(office, ctx):
    told = []
    ctx.boards.changed = lambda event_id, revision: told.append((event_id, revision))
    event = await make(ctx)
    await events.update(ctx, event.token, {"name": "Race"})
    with pytest.raises(Invalid):
        await events.update(ctx, event.token, {"name": ""})
    with pytest.raises(RuntimeError):
        async with changing(ctx, event.id) as change:
            await change.note("EVENT", {})
            raise RuntimeError
    assert told == [(event.id, 1), (event.id, 2)]


async def test_changes_at_the_same_moment_get_revisions_without_a_gap(office):
    ctx = await office.company()
    event = await make(ctx)
    await asyncio.gather(*(events.update(ctx, event.token, {"name": f"Run {n}"}) for n in range(12)))
    found = await events.changes(ctx, event.token)
    assert [each.change.revision for each in found] == list(range(1, 14))
    async with office.database.reading() as session:
        assert (await rows.by_token(session, event.token)).revision == 13
