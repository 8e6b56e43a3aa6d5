"""A whole database into another one, of the same kind and of the other."""

import asyncio
import contextlib
import math

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool
from sqlmodel import AutoString

from models import copying
from models.copying import TABLES, NotCopied
from models.database import Database
from models.migrate import NotReady
from tests import factories as make
from tests.backends import BACKENDS, execute

WAYS = [(one, other) for one in BACKENDS for other in BACKENDS]
ROWS = 3
TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)
ODD = ["Zoë 🏃🏽‍♀️", "'; --", "\\N", "\t\r\n", "\x01\x7f", "�\uffff", '{"a": [1]}', "é", "é"]
SMALL, BIG = st.integers(-(2**31), 2**31 - 1), st.integers(-(2**63), 2**63 - 1) | st.just(10**18)
KINDS = {
    str: TEXT | st.sampled_from(ODD),
    float: st.floats(allow_nan=False) | st.sampled_from([-0.0, math.inf, 5e-324, 45.123456789012345]),
    bool: st.booleans(),
    bytes: st.binary(max_size=40),
}


def kind(column):
    return str if isinstance(column.type, AutoString) else column.type.python_type


def of_kind(column):
    if isinstance(column.type, sa.Integer):
        return BIG if isinstance(column.type, sa.BigInteger) else SMALL
    return KINDS[kind(column)]


def value(column, row):
    """What a column of the n-th row may hold: references to n-th rows, texts that differ, odd values else."""
    if column.name.endswith("_row") or column.foreign_keys or (column.primary_key and kind(column) is int):
        return st.just(row + 10**18 if isinstance(column.type, sa.BigInteger) and row > 1 else row)
    if kind(column) is str and not column.nullable:
        return TEXT.map(lambda text: f"{row}{text}")
    if kind(column) is bytes:
        return of_kind(column).map(lambda data: bytes([row]) + data)
    return of_kind(column) if not column.nullable else st.none() | of_kind(column)


def row_of(table, row):
    return st.fixed_dictionaries({column.name: value(column, row) for column in table.columns})


FILLED = st.fixed_dictionaries(
    {table.name: st.tuples(*(row_of(table, row) for row in range(1, ROWS + 1))) for table in TABLES}
)


def quiet(_table, _done, _total):
    """Nobody looks."""


async def fill(url, filled):
    async with inside(url) as connection:
        for table in TABLES:
            await connection.execute(sa.insert(table), list(filled[table.name]))


async def contents(url):
    async with inside(url) as connection:
        return {
            table.name: [
                dict(row._mapping)
                for row in await connection.execute(sa.select(table).order_by(*table.primary_key))
            ]
            for table in TABLES
        }


@contextlib.asynccontextmanager
async def inside(url):
    engine = create_async_engine(url, poolclass=NullPool)
    try:
        async with engine.begin() as connection:
            yield connection
    finally:
        await engine.dispose()


@pytest.mark.parametrize("way", [WAYS[1], WAYS[2]], ids="-".join)
@settings(max_examples=2, deadline=None, suppress_health_check=list(HealthCheck), phases=[Phase.generate])
@given(filled=FILLED)
def test_whatever_is_in_it_arrives(backends, way, filled):
    source, target = backends.make(way[0]), backends.make(way[1])

    async def run():
        await fill(source, filled)
        copied = await copying.copy(source, target, quiet)
        assert not copied.overtaken and {each.source.rows for each in copied.tables} == {ROWS}
        assert await contents(target) == {name: list(rows) for name, rows in filled.items()}

    asyncio.run(run())
    backends.drop(source)
    backends.drop(target)


@pytest.fixture
def target(backend, backends):
    """An empty database of the other kind, without a schema."""
    made = backends.bare(next(other for other in BACKENDS if other != backend))
    yield made
    backends.drop(made)


@pytest.fixture
async def source(database, url):
    """One with something in it."""
    device = await make.device(database)
    await make.session(database, device)
    return url


@pytest.mark.parametrize("kind", BACKENDS)
async def test_a_database_of_the_same_kind_is_copied_as_well(backends, kind):
    source, target = backends.make(kind), backends.bare(kind)
    execute(source, "INSERT INTO accounts (id, name, created_at) VALUES (7, 'Zoë 🏃🏽‍♀️', 1)")
    await copying.copy(source, target, quiet)
    assert await contents(target) == await contents(source)
    backends.drop(source)
    backends.drop(target)


async def test_many_rows_go_over_in_slices(source, target, monkeypatch):
    monkeypatch.setattr(copying, "SLICE", 3)
    execute(
        source,
        *(
            f"INSERT INTO passings (account_id, position, session_row, device_row, received_at, number, at,"
            f" timestamp_text) VALUES ({number % 2}, {number}, 1, 1, 1, {number}, 1, '')"
            for number in range(9)
        ),
    )
    told = []
    await copying.copy(source, target, lambda *heard: told.append(heard))
    assert execute(target, "SELECT count(*), sum(position) FROM passings") == [(9, 36)]
    assert [heard[1:] for heard in told if heard[0] == "passings"] == [(0, 9), (3, 9), (6, 9), (9, 9)]


async def test_new_rows_get_numbers_behind_the_copied_ones(source, target):
    execute(source, "INSERT INTO accounts (id, name, created_at) VALUES (41, 'late', 1)")
    await copying.copy(source, target, quiet)
    opened = Database(target)
    assert (await make.account(opened)).id == 42
    assert (await make.device(opened)).id == 2
    await opened.close()


async def test_a_target_that_holds_anything_is_refused(source, target, database):
    await copying.copy(source, target, quiet)
    before = await contents(target)
    await make.account(database)
    with pytest.raises(NotCopied, match="not empty: there are rows in accounts"):
        await copying.copy(source, target, quiet)
    assert await contents(target) == before


@pytest.mark.alone("sqlite", "only there a column takes what is not of its type")
@pytest.mark.parametrize(
    "odd", ["UPDATE sessions SET alias = 'a' || char(0)", "UPDATE sessions SET passings_before = 1 << 62",
            "UPDATE sessions SET device_row = 99, closed_at = 1"],
)  # fmt: skip
async def test_what_the_target_cannot_keep_stops_all_of_it(source, target, odd):
    execute(source, "PRAGMA foreign_keys=OFF", odd.replace("passings_before", "sessions_before"))
    with pytest.raises(NotCopied, match="sessions cannot be kept in the target"):
        await copying.copy(source, target, quiet)
    assert set(map(len, (await contents(target)).values())) == {0}


async def test_a_copy_that_differs_is_found_out(source, target):
    await copying.copy(source, target, quiet)
    assert all(each.same for each in await copying.compare(source, target, quiet))
    execute(target, "DELETE FROM sessions", "UPDATE devices SET model = 'm'")
    wrong = [each for each in await copying.compare(source, target, quiet) if not each.same]
    assert [(each.table, each.source.rows, each.target.rows) for each in wrong] == [
        ("devices", 1, 1),
        ("sessions", 1, 0),
    ]


async def test_a_copy_that_goes_wrong_on_the_way_is_taken_back(source, target, monkeypatch):
    whole = copying._write

    async def lossy(table, rows, connection):
        await whole(table, rows[:-1], connection)

    monkeypatch.setattr(copying, "_write", lossy)
    monkeypatch.setattr(copying, "TABLES", [table for table in TABLES if table.name == "accounts"])
    execute(source, "INSERT INTO accounts (id, name, created_at) VALUES (2, 'lost', 1)")
    with pytest.raises(NotCopied, match="differs from the source in accounts; nothing was copied"):
        await copying.copy(source, target, quiet)
    assert execute(target, "SELECT count(*) FROM accounts") == [(0,)]


async def test_what_comes_while_it_is_copied_is_not_in_it_and_is_told(source, target, database):
    late = asyncio.Event()

    def progress(table, _done, _total):
        if table == "devices" and not late.is_set():
            late.set()
            execute(source, "UPDATE accounts SET position = 1, name = 'late'")

    assert (await copying.copy(source, target, progress)).overtaken
    assert execute(target, "SELECT position FROM accounts") == [(0,)]


async def test_what_cannot_be_a_source_is_told_in_a_sentence(source, target, bare_url, backend):
    with pytest.raises(NotCopied, match="the same database"):
        await copying.copy(source, source, quiet)
    wanted = (NotCopied, "there is no file") if backend == "sqlite" else (NotReady, "passline migrate")
    with pytest.raises(wanted[0], match=wanted[1]):
        await copying.copy(bare_url, target, quiet)
