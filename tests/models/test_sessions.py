"""Queries of sessions, devices and keys, and how many statements a page takes."""

import asyncio
from collections.abc import Iterator

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from models import devices, keys, sessions
from models.keys import Owner
from tests import factories as make


@pytest.fixture
def statements(database) -> Iterator[list[str]]:
    """What is asked of the database from now on, except for the beginning and the end of transactions."""
    asked: list[str] = []

    def note(connection, cursor, statement, *rest):
        if not statement.startswith("BEGIN"):
            asked.append(statement)

    engine = database._engine.sync_engine  # not all engines: a server of other tests may be at work
    sa.event.listen(engine, "before_cursor_execute", note)
    yield asked
    sa.event.remove(engine, "before_cursor_execute", note)


async def fleet(database, size):
    """Devices of one account with three sessions each, the newest active; the second holds two passings."""
    owner = await make.account(database)
    found = []
    async with make.running(database) as ingest:
        for place in range(size):
            device = await make.device(database, owner.id, alias=f"Mat {place}%")
            kept = []
            for turn in range(3):
                async with database.transaction() as session:
                    await sessions.close_active(session, device.id, turn)
                kept.append(await make.session(database, device))
                if turn == 1:
                    rows = [make.content(n, at=place * 10 + n) for n in (1, 2)]
                    await ingest.write(make.submission(kept[1], *rows, received_at=place))
            found.append((device, kept))
    return owner, found


@pytest.mark.parametrize("size", [1, 12])
async def test_a_page_takes_the_same_number_of_statements_whatever_its_length(database, statements, size):
    owner, made = await fleet(database, size)
    statements.clear()
    async with database.reading() as session:
        found, total = await devices.page(session, Owner(owner.id), limit=50)
        ids = [device.id for device in found]
        pages = await sessions.pages(session, ids, first=2)
        counts = await sessions.counts_by_device(session, ids)
        active = await sessions.active_of(session, ids)
    assert len(statements) == 6
    assert total == len(found) == len(pages) == len(counts) == len(active) == size


async def test_a_page_of_sessions_for_each_device_with_their_number(database):
    _, made = await fleet(database, 2)
    (one, first), (other, second) = made
    empty = await make.device(database, one.account_id)
    async with database.reading() as session:
        pages = await sessions.pages(session, [one.id, other.id, empty.id], first=2)
        behind = await sessions.pages(session, [one.id, other.id], after=first[1].id, first=2)
    assert {row: ([each.id for each in page], total) for row, (page, total) in pages.items()} == {
        one.id: ([first[0].id, first[1].id], 3),
        other.id: ([second[0].id, second[1].id], 3),
        empty.id: ([], 0),
    }
    assert [each.id for each in behind[one.id][0]] == [first[2].id]
    assert [each.id for each in behind[other.id][0]] == [second[0].id, second[1].id]


async def test_a_devices_counts_are_the_sums_over_its_sessions(database):
    owner, made = await fleet(database, 2)
    other = made[1][0]
    async with database.reading() as session:
        counts = await sessions.counts_by_device(session, [device.id for device, _ in made])
        assert counts[other.id] == sessions.Counts(3, 2, 12, 1)
        assert await sessions.counts_by_device(session, []) == {}
        assert await sessions.passing_total(session, Owner(owner.id)) == 4
        assert await sessions.passing_total(session, Owner(owner.id), device_row=other.id) == 2
        assert await sessions.passing_total(session, Owner(owner.id), session_row=made[1][1][1].id) == 2
        assert await sessions.passing_total(session, Owner(owner.id + 1)) == 0


async def test_the_next_session_is_the_oldest_that_holds_something_behind_the_place(database):
    _, [(device, kept)] = await fleet(database, 1)
    async with make.running(database) as ingest:
        await ingest.write(make.submission(kept[2], make.content(9)))
    ask = sessions.next_with_passings
    async with database.reading() as session:
        found = [
            await ask(session, device.id),
            await ask(session, device.id, after_session=kept[0].id),
            await ask(session, device.id, after_session=kept[1].id),
            await ask(session, device.id, after_position=1),
            await ask(session, device.id, after_position=2),
        ]
        assert [each.id for each in found] == [kept[place].id for place in (1, 1, 2, 1, 2)]
        assert await ask(session, device.id, after_session=kept[2].id) is None
        assert await ask(session, device.id, after_position=3) is None


async def test_sessions_of_a_device_the_newest_and_the_active_one(database):
    owner, [(device, kept)] = await fleet(database, 1)
    async with database.reading() as session:
        assert [each.id for each in await sessions.of_device(session, device.id)] == [
            each.id for each in kept
        ]
        assert (await sessions.newest(session, device.id)).id == kept[2].id
        assert [each.id for each in await sessions.active_of(session, [device.id])] == [kept[2].id]
        assert await sessions.newest(session, device.id + 1) is None
        assert await sessions.by_ids(session, Owner(owner.id + 1), [each.id for each in kept]) == []


async def test_a_device_has_at_most_one_active_session(database):
    session = await make.session(database)
    async with database.reading() as transaction:
        [device] = await devices.by_ids(transaction, Owner(session.account_id), [session.device_row])
    with pytest.raises(IntegrityError):
        await make.session(database, device)


async def test_closing_keeps_the_first_end(database):
    session = await make.session(database)
    for at in (7, 8):
        async with database.transaction() as transaction:
            await sessions.close(transaction, session.id, at)
            await sessions.close_active(transaction, session.device_row, at)
    assert (await make.stored(database, session.token, session.account_id)).closed_at == 7


@pytest.mark.parametrize("name", ["", "a b", "'; --", "ä\0", "\ud800", "x" * 999])
async def test_a_name_that_cannot_be_one_of_ours_is_nobodys(database, name):
    session = await make.session(database)
    async with database.reading() as transaction:
        assert await sessions.by_token(transaction, Owner(session.account_id), name) is None
        assert await devices.by_device_id(transaction, Owner(session.account_id), name) is None


@pytest.mark.parametrize(
    ("search", "found"),
    [("mat", 3), ("MAT 1", 1), ("%", 3), ("0%", 1), ("_", 0), ("DEVICE", 3), ("", 3), ("é", 0)],
)
async def test_devices_are_searched_by_what_people_type(database, search, found):
    owner, _ = await fleet(database, 3)
    await make.device(database, alias="Mat of a stranger")
    async with database.reading() as session:
        page, total = await devices.page(session, Owner(owner.id), search=search, limit=2)
    assert (len(page), total) == (min(found, 2), found)


async def test_devices_page_by_row_by_offset_and_by_state(database):
    owner, made = await fleet(database, 3)
    loose = await make.device(database, owner.id, bound=False)
    ids = [device.id for device, _ in made]
    async with database.reading() as session:
        ask = devices.page
        assert [each.id for each in (await ask(session, Owner(owner.id), after=ids[0], limit=2))[0]] == ids[
            1:
        ]
        assert [each.id for each in (await ask(session, Owner(owner.id), offset=2, limit=9))[0]] == [
            ids[2],
            loose.id,
        ]
        assert [each.id for each in (await ask(session, Owner(owner.id), bound=False, limit=9))[0]] == [
            loose.id
        ]
        assert (await ask(session, Owner(owner.id), bound=True, limit=1))[1] == 3


async def test_an_accounts_position_is_that_of_its_last_commit(database):
    session = await make.session(database)
    async with database.reading() as transaction:
        assert await keys.position(transaction, session.account_id) == 0
        assert await keys.position(transaction, session.account_id + 1) == 0
    async with make.running(database) as ingest:
        await asyncio.gather(*(ingest.write(make.submission(session, make.content(n))) for n in range(5)))
    async with database.reading() as transaction:
        assert await keys.position(transaction, session.account_id) == 5
