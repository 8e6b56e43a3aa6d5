"""Participants: who sees whom, and that what is personal stays with the account."""

import pytest

from models.participants import Filter
from resolvers import events, participants, races, registrations
from resolvers.context import REFUSED, STRANGER
from resolvers.courses import NewRace
from resolvers.entries import NewParticipant
from resolvers.errors import Invalid, NotAllowed, NotFound, Unidentified
from resolvers.events import NewEvent


async def make(ctx, **more):
    """An event with three participants."""
    event = await events.create(ctx, NewEvent(**{"name": "Run", "start_date": "2026-06-01"} | more))
    race = await races.create(ctx, event.token, NewRace(name="10K"))
    await races.create(ctx, event.token, NewRace(name="5K"))
    entries = [
        NewParticipant(bib="007", name="Ann", last_name="Bell", race="10K", birth_date="1990-06-02", email="a@b.c"),
        NewParticipant(bib="7", name="Bob 100%", race="5K", age=40),
        NewParticipant(bib="12", name="Cat", last_name="Annan", chip="X"),
    ]  # fmt: skip
    added = await registrations.add(ctx, event.token, entries)
    return event, race, [each.participant for each in added]


@pytest.fixture
async def private(ctx):
    return await make(ctx)


@pytest.fixture
async def public(ctx):
    return await make(ctx, public=True, status="PUBLISHED")


@pytest.fixture
def stranger(office):
    return office.context(STRANGER)


async def looks(ctx, event, who):
    """Every way to look at a participant."""
    yield participants.of_id(ctx, who.participant_id)
    yield participants.of_bib(ctx, event.token, who.bib)
    yield participants.pages(ctx, [event.id], Filter(), 0, 10)


async def test_everybody_sees_who_runs_in_a_public_event(stranger, other, public):
    event, _, (ann, *_) = public
    for asking in (stranger, other):
        assert (await participants.of_id(asking, ann.participant_id)).name == "Ann"
        assert (await participants.of_bib(asking, event.token, "007")).id == ann.id
        assert set(await participants.of_rows(asking, [ann.id])) == {ann.id}
        found, total = (await participants.pages(asking, [event.id], Filter(), 0, 2))[event.id]
        assert ([each.bib for each in found], total) == (["007", "7"], 3)


@pytest.mark.parametrize(
    "more", [{}, {"public": True}, {"status": "PUBLISHED"}, {"public": True, "status": "ARCHIVED"}]
)
async def test_nobody_else_sees_who_runs_in_another_event(office, ctx, stranger, other, more):
    event, _, (ann, *_) = await make(ctx, **more)
    for asking in (stranger, other):
        async for look in looks(asking, event, ann):
            with pytest.raises(NotFound):
                await look
        assert await participants.of_rows(asking, [ann.id]) == {}
    narrow = await office.ask_as(ctx, "READ", scopes=("events:read",))
    async for look in looks(narrow, event, ann):
        with pytest.raises(NotAllowed):
            await look
    reading = await office.ask_as(ctx, "READ", scopes=("participants:read",))
    async for look in looks(reading, event, ann):
        assert await look


async def test_a_wrong_key_is_told_so_even_of_a_public_event(office, public):
    event, _, (ann, *_) = public
    async for look in looks(office.context(REFUSED), event, ann):
        with pytest.raises(Unidentified):
            await look


async def test_personal_data_is_for_keys_of_the_account_with_the_right(office, ctx, stranger, other, public):
    _, _, (ann, bob, cat) = public
    ids = [ann.id, bob.id, cat.id]
    found = await participants.personal(ctx, ids)
    assert (found[ann.id].birth_date, found[ann.id].email, found[ann.id].phone) == (
        "1990-06-02",
        "a@b.c",
        None,
    )
    assert [chip.code for chip in found[cat.id].chips] == ["X"] and found[bob.id].chips == ()
    assert await participants.personal(other, ids) == {}
    with pytest.raises(Unidentified):
        await participants.personal(stranger, ids)
    for narrow in (
        await office.ask_as(ctx, "WRITE"),
        await office.ask_as(ctx, "READ_WRITE", scopes=("events:read", "participants:write")),
    ):
        with pytest.raises(NotAllowed):
            await participants.personal(narrow, ids)


async def test_a_page_with_chips_is_for_the_account_only(office, ctx, stranger, other, public):
    event, race, _ = public
    page = await participants.page(ctx, event.token, number=2, limit=2)
    assert ([each.bib for each in page.participants], page.total) == (["12"], 3)
    assert page.races[race.id] == "10K" and len(page.chips) == 1
    for asking, error in (
        (other, NotFound),
        (stranger, Unidentified),
        (await office.ask_as(ctx, "WRITE"), NotAllowed),
    ):
        with pytest.raises(error):
            await participants.page(asking, event.token, limit=9)


@pytest.mark.parametrize(
    ("search", "bibs"),
    [("7", ["7"]), ("007", ["007"]), ("ann", ["007", "12"]), ("N BEL", ["007"]), ("%", ["7"]), ("0%", ["7"]), ("_", []),
     ("a@b.c", []), ("1990", []), ("", ["007", "7", "12"])],
)  # fmt: skip
async def test_a_search_looks_into_bib_and_names_and_nothing_else(ctx, private, search, bibs):
    event, _, _ = private
    found, total = (await participants.pages(ctx, [event.id], Filter(search=search), 0, 10))[event.id]
    assert ([each.bib for each in found], total) == (bibs, len(bibs))


async def test_a_search_is_a_text_that_can_be_kept(ctx, private):
    with pytest.raises(Invalid):
        await participants.pages(ctx, [private[0].id], Filter(search="a\0"), 0, 10)


async def test_pages_of_several_events_are_fetched_together(ctx):
    one, race, (ann, *_) = await make(ctx)
    two, _, _ = await make(ctx)
    pages = await participants.pages(ctx, [one.id, two.id], Filter(), 0, 2)
    assert [([each.bib for each in found], total) for found, total in pages.values()] == [
        (["007", "7"], 3)
    ] * 2
    pages = await participants.pages(ctx, [one.id, two.id], Filter(race_id=race.id), 0, 2)
    assert [len(pages[each.id][0]) for each in (one, two)] == [1, 0]
    pages = await participants.pages(ctx, [one.id], Filter(), ann.id, 9)
    assert [each.bib for each in pages[one.id][0]] == ["7", "12"]


async def test_nobody_asks_for_everybody_at_once(ctx, private, monkeypatch):
    monkeypatch.setattr(participants, "MOST", 9)
    with pytest.raises(Invalid, match="more than 9 participants") as error:
        await participants.pages(ctx, [private[0].id] * 2, Filter(), 0, 5)
    assert error.value.field == "first"


async def test_ages_count_on_the_day_of_the_event(ctx, private):
    event, _, (ann, bob, cat) = private
    assert [participants.age(event, each) for each in (ann, bob, cat)] == [35, 40, None]
    later = await events.update(ctx, event.token, {"reference_date": "2026-12-31"})
    assert participants.age(later, ann) == 36


@pytest.mark.parametrize("name", ["F" * 64, "", "a b", "é", "a\0", "x" * 10_000])
async def test_who_is_not_there_is_not_found(ctx, private, name):
    with pytest.raises(NotFound, match="Participant not found"):
        await participants.of_id(ctx, name)
    with pytest.raises(NotFound, match="Event not found"):
        await participants.of_bib(ctx, name, "7")


async def test_a_bib_of_nobody_is_not_found(ctx, private):
    with pytest.raises(NotFound, match="Participant not found"):
        await participants.of_bib(ctx, private[0].token, "0007")
