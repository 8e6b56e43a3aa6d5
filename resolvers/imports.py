"""Imports: participants from a file with a line for each, as entry systems and spreadsheets write it."""

import csv
import io
import re
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from models import events as event_rows
from resolvers import costs, inputs, registrations
from resolvers.context import Context
from resolvers.entries import NewChip, NewParticipant
from resolvers.errors import Invalid
from resolvers.participants import own

MOST_LINES = 100_000
AT_ONCE = 1_000
"""Participants that are stored in one transaction."""
SEPARATORS = ",;\t"
NAMES = {
    "bib": "bib bibnumber bibno bibnum number no nr startnumber startnummer dorsal racenumber dossard",
    "name": "firstname forename givenname first vorname nombre prenom name fullname athlete runner",
    "last_name": "lastname surname familyname last nachname apellido apellidos nomdefamille",
    "gender": "gender sex mf geschlecht sexo sexe",
    "birth_date": "birthdate dateofbirth dob birthday born geburtsdatum fechanacimiento datedenaissance",
    "age": "age alter edad",
    "race": "race racename distance course wettbewerb carrera epreuve",
    "wave": "wave startgroup startwave corral pen",
    "category": "category cat division agegroup agecategory ageclass class klasse categoria categorie",
    "club": "club verein",
    "team": "team teamname mannschaft equipo equipe",
    "country": "country nation nationality countrycode nat pais pays",
    "city": "city town place ort ciudad ville",
    "email": "email mail emailaddress",
    "phone": "phone phonenumber telephone tel mobile cell telefon telefono",
    "chip": "chip chipcode chipid chipno tag tagid transponder transpondercode epc rfid",
    "status": "status",
}
"""The names that a column has for a field without being told, the likeliest first."""
_LETTERS = re.compile(r"[^a-z0-9]")


class Wrong(NamedTuple):
    """What is wrong on a line of the file, counted from 1, the header included."""

    line: int
    field: str
    reason: str
    bib: str | None = None


class Imported(NamedTuple):
    """How many came in (in a dry run: would), what was wrong, and the column taken for each field."""

    created: int
    refused: int
    wrong: Sequence[Wrong]
    columns: Mapping[str, str]
    unused: Sequence[str]


class Sheet(NamedTuple):
    """A file that was read: a participant by its line, and what is wrong with other lines."""

    participants: dict[int, NewParticipant]
    wrong: list[Wrong]
    columns: dict[str, str]
    unused: list[str]


async def participants(
    ctx: Context,
    event_token: str,
    text: str,
    mapping: Mapping[str, str] | None = None,
    *,
    dry_run: bool = False,
    progress: Callable[[int, int], None] = lambda done, of: None,
) -> Imported:
    """Stores the good lines and tells what is wrong with the others; in a dry run stores none.

    `mapping` names the columns of fields; other columns are known by their usual names.
    """
    ctx.must("participants:write")
    async with ctx.database.reading() as session:
        own(ctx, await event_rows.by_token(session, event_token), event_token)
    sheet = read(text, mapping or {})
    lines, created, wrong = list(sheet.participants), 0, list(sheet.wrong)
    ctx.meter.spend(costs.entering(len(lines)))  # now: it shall not end half way
    paid = ctx.paid()
    for start in range(0, len(lines), AT_ONCE):
        some = lines[start : start + AT_ONCE]
        added = await registrations.add(
            paid, event_token, [sheet.participants[line] for line in some], dry_run=dry_run
        )
        for line, result in zip(some, added, strict=True):
            created += not result.wrong
            wrong += [Wrong(line, each.field, each.reason, result.bib) for each in result.wrong]
        progress(start + len(some), len(lines))
    refused = len({each.line for each in wrong})
    return Imported(created, refused, sorted(wrong), sheet.columns, sheet.unused)


def read(text: str, mapping: Mapping[str, str]) -> Sheet:
    """Raises Invalid for what is no such file at all, or a mapping that does not fit it."""
    given = inputs.text(text, "csv", len(text) if isinstance(text, str) else 0) or ""
    given = given.removeprefix("\ufeff")
    reader = csv.reader(io.StringIO(given, newline=""), delimiter=_separator(given))
    header: list[str] = []
    columns: dict[str, int] = {}
    sheet = Sheet({}, [], {}, [])
    bibs: dict[str, int] = {}
    line = 1
    try:
        for cells in reader:
            cells = [cell.strip() for cell in cells]
            if not any(cells):
                pass
            elif not header:
                header = cells
                columns = _columns(header, mapping)
                sheet.columns.update({field: header[index] for field, index in columns.items()})
                sheet.unused.extend(name for name in header if name and name not in sheet.columns.values())
            else:
                _take(sheet, line, cells, header, columns, bibs)
            line = reader.line_num + 1
    except csv.Error as error:
        raise Invalid("csv", f"cannot be read at line {line}: {error}") from None
    if not header:
        raise Invalid("csv", "is empty")
    return sheet


def _take(
    sheet: Sheet,
    line: int,
    cells: list[str],
    header: list[str],
    columns: dict[str, int],
    bibs: dict[str, int],
) -> None:
    if len(sheet.participants) + len(sheet.wrong) >= MOST_LINES:
        raise Invalid("csv", f"must not have more than {MOST_LINES} lines")
    found = {field: cells[index] for field, index in columns.items() if index < len(cells) and cells[index]}
    bib = found.get("bib")
    if any(cells[len(header) :]):
        sheet.wrong.append(Wrong(line, "line", "has more cells than the header", bib))
    elif bib is not None and bib in bibs:
        sheet.wrong.append(Wrong(line, "bib", f"is on line {bibs[bib]} too", bib))
    else:
        bibs |= {bib: line} if bib else {}
        chips = [NewChip(code=code) for code in re.split(r"[|;]", found.pop("chip", "")) if code.strip()]
        sheet.participants[line] = NewParticipant(**found, chips=chips)


def _separator(text: str) -> str:
    """The one that gives the header the most cells."""
    header = next((line for line in text.splitlines() if line.strip()), "")
    return max(SEPARATORS, key=lambda each: len(next(csv.reader([header], delimiter=each), [])))


def _columns(header: list[str], mapping: Mapping[str, str]) -> dict[str, int]:
    """The index of each field's column."""
    columns = {}
    for field, name in mapping.items():
        if field not in NAMES:
            raise Invalid("mapping", f"no field is called {field}")
        if name.strip() not in header:
            raise Invalid("mapping", f"no column is called {name}")
        columns[field] = header.index(name.strip())
    plain = [_LETTERS.sub("", name.casefold()) for name in header]
    for field, names in NAMES.items():
        free = [name for name in names.split() if name in plain and plain.index(name) not in columns.values()]
        if field not in columns and free:
            columns[field] = plain.index(free[0])
    if "bib" not in columns:
        raise Invalid("csv", "has no column for bib")
    if "name" not in columns:
        raise Invalid("csv", "has no column for name")
    return columns
