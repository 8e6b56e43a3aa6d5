"""Imports: files as entry systems and spreadsheets write them."""

import pytest

from resolvers import events, imports, participants, races
from resolvers.courses import NewRace, NewWave
from resolvers.errors import Invalid, NotAllowed, NotFound
from resolvers.events import NewEvent
from resolvers.imports import Wrong


@pytest.fixture
async def event(ctx):
    event = await events.create(ctx, NewEvent(name="Run", start_date="2026-06-01"))
    await races.create(ctx, event.token, NewRace(name="10K", waves=[NewWave(name="A"), NewWave(name="B")]))
    await races.create(ctx, event.token, NewRace(name="5K"))
    return event


async def listed(ctx, event):
    return (await participants.page(ctx, event.token, limit=10_000)).participants


async def test_columns_are_known_by_their_usual_names(ctx, event):
    text = (
        "Bib No.,First Name,Surname,Sex,Date of Birth,Distance,Wave,Age Group,Club,Team,Nation,City,E-Mail,Phone,Chip,Shoes\n"
        "007,Ann,Bell,Female,1990-12-31,10k,b,F30,C,T,ESP,Vigo,a@b.c,+34 1,E200|E201,43\n"
    )
    found = await imports.participants(ctx, event.token, text)
    assert (found.created, found.refused, found.wrong, found.unused) == (1, 0, [], ["Shoes"])
    assert found.columns["birth_date"] == "Date of Birth" and len(found.columns) == 15
    (ann,) = await listed(ctx, event)
    assert (ann.bib, ann.name, ann.last_name, ann.gender, ann.category) == ("007", "Ann", "Bell", "F", "F30")
    assert (ann.birth_date, ann.country, ann.email) == ("1990-12-31", "ESP", "a@b.c")
    assert ann.race_id and ann.wave_id
    personal = (await participants.personal(ctx, [ann.id]))[ann.id]
    assert [chip.code for chip in personal.chips] == ["E200", "E201"]


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"], ids=["unix", "windows", "old"])
@pytest.mark.parametrize("mark", ["", "\ufeff"], ids=["plain", "marked"])
async def test_separators_endings_and_marks_are_found_out(ctx, event, separator, ending, mark):
    text = mark + ending.join(
        separator.join(cells)
        for cells in (
            ("bib", "name", "club"),
            ("01", '"Bell, Ann; or so"', ""),
            ("", "", ""),
            ("02", "Bob", "C"),
        )
    )
    assert (await imports.participants(ctx, event.token, text)).created == 2
    assert [(each.bib, each.name, each.club) for each in await listed(ctx, event)] == [
        ("01", "Bell, Ann; or so", None),
        ("02", "Bob", "C"),
    ]


async def test_every_wrong_line_is_told_with_its_number_and_field(ctx, event):
    text = (
        'bib,name,race,age,club\n\n1,Ann,10K,30,"two\nlines"\n1,Eve,10K,30,\n2,,42K,200,\n,Bob,,,\n'
        "3,Cat,10K,30,C,more\n4,Dan,5K\n"
    )
    found = await imports.participants(ctx, event.token, text)
    assert (found.created, found.refused) == (2, 4)
    assert [wrong[:2] for wrong in found.wrong] == [
        (5, "bib"), (6, "age"), (6, "name"), (6, "race"), (7, "bib"), (8, "line"),
    ]  # fmt: skip
    assert found.wrong[0] == Wrong(5, "bib", "is on line 3 too", "1")
    assert [each.bib for each in await listed(ctx, event)] == ["1", "4"]


async def test_a_dry_run_says_the_same_and_stores_nothing(ctx, event):
    await imports.participants(ctx, event.token, "bib,name\n5,Old\n")
    text = "bib,name\n" + "".join(f"{bib},Ann\n" for bib in range(2_500)) + "7,Twice\n"
    dry = await imports.participants(ctx, event.token, text, dry_run=True)
    assert len(await listed(ctx, event)) == 1
    steps = []
    wet = await imports.participants(ctx, event.token, text, progress=lambda *step: steps.append(step))
    assert dry == wet and (wet.created, wet.refused) == (2_499, 2)
    assert steps == [(1_000, 2_500), (2_000, 2_500), (2_500, 2_500)]
    again = await imports.participants(ctx, event.token, text)
    assert (again.created, again.refused) == (0, 2_501)


async def test_columns_may_be_named(ctx, event):
    text = "Nummer,Wer,Name\n7,Ann,Team Bell\n"
    mapping = {"bib": "Nummer", "name": " Wer ", "team": "Name"}
    found = await imports.participants(ctx, event.token, text, mapping)
    assert found.columns == {"bib": "Nummer", "name": "Wer", "team": "Name"}
    (ann,) = await listed(ctx, event)
    assert (ann.bib, ann.name, ann.team) == ("7", "Ann", "Team Bell")


@pytest.mark.parametrize(
    ("text", "mapping", "field"),
    [
        ("", {}, "csv"), ("\n\n", {}, "csv"), ("name,club\nAnn,C\n", {}, "csv"), ("bib,club\n7,C\n", {}, "csv"),
        ("bib,name\n7,A\0nn\n", {}, "csv"), ("bib,name\n7," + "x" * 200_000, {}, "csv"), (None, {}, "csv"), (7, {}, "csv"),
        ("bib,name\n7,\ud800", {}, "csv"), ("bib,name\n", {"shoe": "bib"}, "mapping"), ("bib,name\n", {"name": "Wer"}, "mapping"),
    ],
    ids=range(11),
)  # fmt: skip
async def test_what_is_no_such_file_is_refused_whole(ctx, event, text, mapping, field):
    with pytest.raises(Invalid) as error:
        await imports.participants(ctx, event.token, text, mapping)
    assert error.value.field == field


async def test_a_file_has_so_many_lines(ctx, event, monkeypatch):
    monkeypatch.setattr(imports, "MOST_LINES", 2)
    with pytest.raises(Invalid, match="more than 2 lines"):
        await imports.participants(ctx, event.token, "bib,name\n1,A\n2,B\n3,C\n")


async def test_importing_needs_the_right_and_the_account(office, ctx, other, event):
    await events.update(ctx, event.token, {"status": "PUBLISHED", "public": True})
    for asking, error in ((await office.ask_as(ctx, "READ"), NotAllowed), (other, NotFound)):
        for text in ("bib,name\n7,Ann\n", "bib,name\n"):
            for dry_run in (True, False):
                with pytest.raises(error):
                    await imports.participants(asking, event.token, text, dry_run=dry_run)
    assert await listed(ctx, event) == []
