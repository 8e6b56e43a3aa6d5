"""Pages in the order of commit, whatever is wanted: none is left out, however short the strides are."""

import random

import pytest

from models import sessions, streams
from models.keys import Owner
from models.passings import Filter, Window
from tests import factories as make

SIZES = (1, 3, 1_000)


@pytest.fixture
async def stream(database):
    """Three devices whose sessions take turns, with what a stranger sends between; times in no order."""
    chance = random.Random(5)
    first = await make.device(database)
    devices = [
        first,
        await make.device(database, first.account_id),
        await make.device(database, first.account_id),
    ]
    strange = await make.session(database)
    async with make.running(database) as ingest:
        for turn in range(4):
            active = []
            for device in devices:
                async with database.transaction() as session:
                    await sessions.close_active(session, device.id, turn)
                active.append(await make.session(database, device))
            for number in range(1, 6):
                for each in (chance.choice(active), strange):
                    passing = make.content(turn * 9 + number, at=chance.randrange(100), bib=str(number % 3))
                    await ingest.write(make.submission(each, passing))
    async with database.reading() as session:
        found = await streams.after(session, Owner(first.account_id), Filter(), 0, 1_000)
    assert len(found) == 20
    return devices, found


def wanted(devices, found):
    """Filters, and what each is to find."""
    one, other = devices[0].id, devices[1].id
    late = found[-1].session_row
    windows = (Window(one, None, 20, 60), Window(None, late, None, None), Window(other, None, None, 50))
    return {
        Filter(device_row=one): lambda row: row.device_row == one,
        Filter(device_row=other, from_=30): lambda row: row.device_row == other and row.at >= 30,
        Filter(bib="1"): lambda row: row.bib == "1",
        Filter(from_number=20, chip=None): lambda row: row.number >= 20,
        Filter(from_=20, to=40): lambda row: 20 <= row.at <= 40,
        Filter(to=40, bib="2"): lambda row: row.at <= 40 and row.bib == "2",
        Filter(served=()): lambda row: False,
        Filter(served=windows): lambda row: (
            (row.device_row == one and 20 <= row.at < 60)
            or row.session_row == late
            or (row.device_row == other and row.at < 50)
        ),
        Filter(device_row=one, served=windows): lambda row: (
            row.device_row == one and (20 <= row.at < 60 or row.session_row == late)
        ),
    }


@pytest.mark.parametrize("stride", [2, 1_000])
async def test_every_page_of_every_filter_is_there_both_ways(database, stream, monkeypatch, stride):
    monkeypatch.setattr(streams, "STRIDE", stride)
    monkeypatch.setattr(streams, "LONGEST_STRIDE", stride + 1)
    monkeypatch.setattr(streams, "SESSIONS_AT_ONCE", 2)
    devices, found = stream
    whole = Owner(devices[0].account_id)
    async with database.reading() as session:
        for owner in (whole, whole._replace(device_row=devices[0].id)):
            for which, is_wanted in wanted(devices, found).items():
                right = [
                    row for row in found if is_wanted(row) and owner.device_row in (None, row.device_row)
                ]
                for size in SIZES:
                    assert await forwards(session, owner, which, size) == right
                    assert await backwards(session, owner, which, size) == right
                assert await streams.count(session, owner, which) == len(right)


async def forwards(session, owner, which, size):
    read, position = [], 0
    while page := await streams.after(session, owner, which, position, size):
        read += page
        position = page[-1].position
    return read


async def backwards(session, owner, which, size):
    read, position = [], 1_000
    while page := await streams.before(session, owner, which, position, size):
        read = page + read
        position = page[0].position
    return read
