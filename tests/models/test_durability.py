"""`kill -9` at any moment: what was acknowledged is there, once."""

import os
import random
import subprocess
import sys
import threading
from collections import Counter
from pathlib import Path

from models import passings, sessions
from models.keys import Owner
from tests import factories as make

ROUNDS = 3
APART = 10_000_000
"""Between the first numbers of two rounds."""
PROGRAM = Path(__file__).with_name("writing.py")
ROOT = Path(__file__).parents[2]


def acknowledged_until_killed(url: str, account_id: int, token: str, start: int) -> list[int]:
    """Lets a process write and kills it soon after its first word: the numbers that it vouched for."""
    process = subprocess.Popen(
        [sys.executable, PROGRAM, url, str(account_id), token, str(start)],
        stdout=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )
    assert process.stdout is not None
    try:
        first = process.stdout.readline()
        killer = threading.Timer(random.uniform(0, 0.3), process.kill)
        killer.start()
        rest = process.stdout.read()
        killer.join()
    finally:
        process.kill()
        process.stdout.close()
        assert process.wait(10) == -9
    whole = (first + rest).rpartition(b"\n")[0]  # the last line may be cut off
    return [int(line) for line in whole.split()]


async def test_what_was_acknowledged_before_a_kill_is_stored_once(database, url):
    session = await make.session(database)
    acknowledged: list[int] = []
    for turn in range(ROUNDS):
        acknowledged += acknowledged_until_killed(url, session.account_id, session.token, turn * APART)
    async with database.reading() as transaction:  # one view: the last commit may still be under way
        rows = await passings.arrived(transaction, session.id, 0, limit=10_000_000)
        now = await sessions.by_token(transaction, Owner(session.account_id), session.token)
    stored = Counter(row.number for row in rows)
    assert len(acknowledged) >= ROUNDS
    assert [number for number in acknowledged if stored[number] != 1] == []
    assert max(stored.values()) == 1
    assert (now.passing_count, now.last_position) == (len(rows), rows[-1].position)
