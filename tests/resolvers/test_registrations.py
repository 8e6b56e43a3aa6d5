"""Registrations: entering participants row by row or all together."""

import asyncio
import itertools

import msgspec
import pytest

from models import participants as rows
from resolvers import events, participants, races, registrations
from resolvers.courses import NewRace, NewWave
from resolvers.entries import NewChip
from resolvers.errors import BibTaken, Invalid, NotAllowed, NotFound, TooLarge
from resolvers.events import NewEvent
from tests.resolvers.registering import chips, entered, listed, new, noted


@pytest.fixture
async def event(ctx):
    return await events.create(ctx, NewEvent(name="Run", start_date="2026-06-01", time_zone="Europe/Madrid"))


@pytest.fixture
async def marathon(ctx, event):
    waves = [NewWave(name="A"), NewWave(name="B")]
    return await races.create(ctx, event.token, NewRace(name="Marathon", waves=waves))


async def test_a_participant_is_entered_with_everything(ctx, event, marathon):
    (ann,) = await entered(
        ctx,
        event,
        new(
            "007", "Ann", last_name="Bell", gender="female", birth_date="1990-12-31", race="marathon", wave="b",
            category="Elite", club="C", team="T", country="ESP", city="Vigo", email="a@b.c", phone="+34 1", status="dns",
            chips=[NewChip(code="E200", from_="2026-06-01T10:00", to="2026-06-01T12:00:00Z"), NewChip(code="X")],
        ),
    )  # fmt: skip
    (found,) = await listed(ctx, event)
    assert found.participant_id == ann.participant_id and len(ann.participant_id) == 64
    assert (found.bib, found.name, found.last_name, found.gender) == ("007", "Ann", "Bell", "F")
    assert (found.birth_date, found.race_id, found.status) == ("1990-12-31", marathon.id, "DNS")
    waves = (await races.parts(ctx, [marathon.id]))[marathon.id].waves
    assert found.wave_id == next(wave.id for wave in waves if wave.name == "B")
    window, ever = await chips(ctx, found)
    assert window.to_at - window.from_at == 4 * 3_600_000_000  # 10:00 in Madrid is 08:00 UTC
    assert (ever.code, ever.from_at, ever.to_at) == ("X", None, None)


async def test_bibs_are_texts_and_their_leading_zeros_count(ctx, event):
    await entered(ctx, event, new("7"), new("07"), new(" 007 "), new(8))
    assert [each.bib for each in await listed(ctx, event)] == ["7", "07", "007", "8"]
    (again,) = await registrations.add(ctx, event.token, [new("07")])
    assert [wrong.field for wrong in again.wrong] == ["bib"]


async def test_good_rows_are_stored_and_each_bad_one_says_all_that_is_wrong(ctx, event):
    bad = new("2", "", birth_date="31.12.1990", age=131, race="5K", status="LATE")
    added = await registrations.add(ctx, event.token, [new("1"), bad, new("3")])
    assert [each.participant is not None for each in added] == [True, False, True]
    assert [wrong.field for wrong in added[1].wrong] == ["name", "birth_date", "age", "race", "status"]
    assert [each.bib for each in await listed(ctx, event)] == ["1", "3"]


async def test_a_bib_that_a_refused_row_has_is_still_free(ctx, event):
    added = await registrations.add(ctx, event.token, [new("1", age=-1), new("1"), new("1")])
    assert [bool(each.wrong) for each in added] == [True, False, True]


@pytest.mark.parametrize(
    ("entry", "field"),
    [
        (new(None), "bib"), (new(""), "bib"), (new(" "), "bib"), (new("x" * 33), "bib"), (new(7.5), "bib"), (new(True), "bib"),
        (new("a\0"), "bib"), (new(10**400), "bib"), (new(name=None), "name"), (new(name="x" * 129), "name"), (new(club=[]), "club"),
        (new(gender="x" * 17), "gender"), (new(birth_date="1990-02-30"), "birth_date"), (new(birth_date="2026-06-02"), "birth_date"),
        (new(birth_date="1895-01-01"), "birth_date"), (new(birth_date="19901231"), "birth_date"), (new(age="x"), "age"),
        (new(age=131), "age"), (new(race="nothing"), "race"), (new(race_id=999_999), "race_id"), (new(race_id=0), "race_id"),
        (new(wave="C"), "wave"), (new(status="LATE"), "status"), (new(chip="x" * 129), "chip"), (new(chips=[NewChip(code="")]), "chips[0].code"),
        (new(chips=[NewChip(code="A"), NewChip(code="B", from_="noon")]), "chips[1].from"), (new(chips=[NewChip(code="A")] * 21), "chips"),
        (new(chips=[NewChip(code="A", from_="2026-06-01T10:00Z", to="2026-06-01T10:00Z")]), "chips[0].to"),
        (new(email="x" * 129), "email"), (new(phone=5), "phone"),
    ],
    ids=itertools.count(),
)  # fmt: skip
async def test_nonsense_is_refused_by_its_field(ctx, event, marathon, entry, field):
    (added,) = await registrations.add(ctx, event.token, [entry])
    assert [wrong.field for wrong in added.wrong] == [field]
    assert added.participant is None and await listed(ctx, event) == []


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("m", "M"),
        ("Male", "M"),
        ("women", "F"),
        ("w", "F"),
        ("X", "X"),
        ("", None),
        (" f ", "F"),
        ("divers", "DIVERS"),
    ],
)
async def test_genders_are_written_one_way(ctx, event, given, kept):
    (ann,) = await entered(ctx, event, new(gender=given))
    assert ann.gender == kept


async def test_without_a_race_it_is_the_only_one_or_none(ctx, event):
    (before,) = await entered(ctx, event, new("1"))
    only = await races.create(ctx, event.token, NewRace(name="10K"))
    (then,) = await entered(ctx, event, new("2"))
    other = await races.create(ctx, event.token, NewRace(name="5K"))
    after, named, by_id = await entered(
        ctx, event, new("3"), new("4", race=" 5k "), new("5", race_id=other.id)
    )
    assert (before.race_id, then.race_id, after.race_id) == (None, only.id, None)
    assert (named.race_id, by_id.race_id) == (other.id, other.id)


async def test_a_race_of_another_event_is_none_of_this_one(ctx, event):
    elsewhere = await events.create(ctx, NewEvent(name="Other", start_date="2026-06-01"))
    foreign = await races.create(ctx, elsewhere.token, NewRace(name="10K"))
    (added,) = await registrations.add(ctx, event.token, [new(race_id=foreign.id)])
    assert [wrong.field for wrong in added.wrong] == ["race_id"]


async def test_all_or_nothing_stores_nothing_beside_a_bad_one(ctx, event):
    with pytest.raises(Invalid, match=r"participants\[1\]\.name: is missing") as error:
        await registrations.add(ctx, event.token, [new("1"), new("2", None)], all_or_nothing=True)
    assert error.value.missing
    await entered(ctx, event, new("2"), all_or_nothing=True)
    for entries in ([new("1"), new("2")], [new("3"), new("4"), new("3")]):
        with pytest.raises(BibTaken, match="Bib already in use") as taken:
            await registrations.add(ctx, event.token, entries, all_or_nothing=True)
        assert taken.value.bib == entries[-1].bib
    assert [each.bib for each in await listed(ctx, event)] == ["2"]


@pytest.mark.parametrize(("count", "error"), [(0, Invalid), (5_001, TooLarge)])
async def test_a_call_has_1_to_5000_participants(ctx, event, count, error):
    with pytest.raises(error, match="must hold 1 to 5000"):
        await registrations.add(ctx, event.token, [new(str(bib)) for bib in range(count)])


async def test_5000_are_entered_at_once(ctx, event, marathon):
    made = await entered(ctx, event, *(new(str(bib), chip=f"C{bib}") for bib in range(5_000)))
    assert len({each.participant_id for each in made}) == 5_000
    (change,) = (await noted(ctx, event))[-1:]
    assert len(msgspec.json.decode(change.subject)["participants"]) == 5_000


async def test_a_dry_run_says_the_same_and_stores_nothing(ctx, event):
    await entered(ctx, event, new("1"))
    before = (await events.of_token(ctx, event.token)).revision
    entries = [new("1"), new("2"), new("2"), new("3", age=-1)]
    dry = await registrations.add(ctx, event.token, entries, dry_run=True)
    assert len(await listed(ctx, event)) == 1
    assert (await events.of_token(ctx, event.token)).revision == before
    wet = await registrations.add(ctx, event.token, entries)
    assert [[str(wrong) for wrong in each.wrong] for each in dry] == [
        [str(wrong) for wrong in each.wrong] for each in wet
    ]
    assert all(each.participant is None for each in dry)


async def test_who_adds_the_same_bib_at_the_same_moment_is_refused_but_one(office):
    ctx = await office.company()
    event = await events.create(ctx, NewEvent(name="Run", start_date="2026-06-01"))
    attempts = await asyncio.gather(
        *(registrations.add(ctx, event.token, [new("7", f"N{n}"), new(f"1{n}")]) for n in range(10))
    )
    assert sum(not added[0].wrong for added in attempts) == 1
    assert all(not added[1].wrong for added in attempts)
    races_ = await asyncio.gather(
        *(registrations.add(ctx, event.token, [new("8")], all_or_nothing=True) for _ in range(10)),
        return_exceptions=True,
    )
    assert sum(isinstance(each, BibTaken) for each in races_) == 9
    found = (await participants.page(ctx, event.token, limit=100)).participants
    assert len({each.bib for each in found}) == len(found) == 12


async def test_entering_needs_the_right_and_the_account(office, ctx, other, event):
    for asking, error in ((await office.ask_as(ctx, "READ"), NotAllowed), (other, NotFound)):
        with pytest.raises(error):
            await registrations.add(asking, event.token, [new()])
        with pytest.raises(error):
            await registrations.add(asking, event.token, [new()], dry_run=True)
    (ann,) = await entered(ctx, event, new())
    await events.update(ctx, event.token, {"status": "PUBLISHED", "public": True})
    for asking, error in ((await office.ask_as(ctx, "READ"), NotAllowed), (other, NotFound)):
        with pytest.raises(error):
            await registrations.update(asking, ann.participant_id, {"name": "Eve"})
    assert (await listed(ctx, event))[0].name == "Ann"


async def test_the_boards_are_told_after_the_commit(ctx, event):
    told = []
    ctx.boards.changed = lambda event_id, revision: told.append((event_id, revision))
    await entered(ctx, event, new())
    assert told == [(event.id, (await events.of_token(ctx, event.token)).revision)]
    async with ctx.database.reading() as session:
        assert await rows.taken(session, event.id, ["7"]) == {"7"}


async def test_a_chip_may_pass_from_one_to_another(ctx, event):
    await entered(
        ctx,
        event,
        new("1", chips=[NewChip(code="X", to="2026-06-01T10:00Z")]),
        new("2", chips=[NewChip(code="X", from_="2026-06-01T10:00Z")]),
    )
