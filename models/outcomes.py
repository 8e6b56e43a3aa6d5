"""What became of each row of a batch: inserted, a duplicate, or in conflict with the one stored first."""

import hashlib
import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import msgspec

from models.passings import Content

NANODEGREE = 1e-9
"""Coordinates closer than this, a tenth of a millimetre, are the same."""
DIGITS = 1e-14
"""What is no coordinate but a number all the same: SQLite's JSON gives back 15 of its digits."""


class Submission(NamedTuple):
    """Passings that one caller hands in together for one session;
    all are written in one transaction, or none."""

    account_id: int
    token: str
    received_at: int
    passings: Sequence[Content]
    device_row: int | None = None
    """The only device whose sessions are meant; None: any of the account."""


class Target(NamedTuple):
    """The active session that a submission goes to, and the position of its first row."""

    session_row: int
    device_row: int
    position: int


@dataclass(slots=True)
class Written:
    """What became of a submission after its commit. A row that is named nowhere was inserted.

    Row i was given the position `position + i` in the account's stream.
    """

    session_row: int
    device_row: int
    position: int
    inserted: int
    duplicates: frozenset[int] = frozenset()
    conflicts: frozenset[int] = frozenset()


class Stored(NamedTuple):
    """A row as the table has it after the insert: its position tells who put it there."""

    position: int
    content: Content


def same(one: Content, other: Content) -> bool:
    """Whether both tell the same. The instant counts, not how its text is spelled."""
    return (
        one[:2] == other[:2]
        and one[3:6] == other[3:6]
        and one[8:] == other[8:]
        and _close(one.latitude, other.latitude)
        and _close(one.longitude, other.longitude)
    )


def _close(one: float | None, other: float | None) -> bool:
    if one is None or other is None:
        return one is other
    return math.isclose(one, other, rel_tol=DIGITS, abs_tol=NANODEGREE)


def settle(submission: Submission, target: Target, stored: Mapping[int, Stored] | None) -> Written:
    """Judges every row by who holds its number; a number that `stored` does not name is its own row's."""
    total = len(submission.passings)
    if not stored:
        return Written(*target, inserted=total)
    duplicates, conflicts = set[int](), set[int]()
    for index, passing in enumerate(submission.passings):
        holder = stored.get(passing.number)
        if holder is not None and holder.position != target.position + index:
            (duplicates if same(holder.content, passing) else conflicts).add(index)
    inserted = total - len(duplicates) - len(conflicts)
    return Written(
        *target, inserted=inserted, duplicates=frozenset(duplicates), conflicts=frozenset(conflicts)
    )


class Tally(NamedTuple):
    """What one session gains by a batch."""

    session_row: int
    inserted: int
    first_at: int | None
    last_at: int | None
    last_position: int
    received_at: int


def tallies(settled: Iterable[tuple[Submission, Written]]) -> list[Tally]:
    """One tally a session. A session that only repeated itself gains a sign of life."""
    times: dict[int, list[int]] = defaultdict(list)
    lasts: dict[int, tuple[int, int]] = {}
    for submission, written in settled:
        session_row, passings = written.session_row, submission.passings
        last = written.position + len(passings) - 1
        if written.inserted == len(passings):
            times[session_row] += [passing.at for passing in passings]
        else:
            skipped = written.duplicates | written.conflicts
            kept = [index for index in range(len(passings)) if index not in skipped]
            times[session_row] += [passings[index].at for index in kept]
            last = written.position + kept[-1] if kept else 0
        known = lasts.get(session_row, (0, 0))
        lasts[session_row] = max(known[0], last), max(known[1], submission.received_at)
    return [
        Tally(row, len(at), min(at, default=None), max(at, default=None), *lasts[row])
        for row, at in times.items()
    ]


def conflict_rows(settled: Iterable[tuple[Submission, Written]]) -> dict[int, list[dict[str, Any]]]:
    """The rows of the conflicts table by session; the same claim made again has the same digest."""
    rows: dict[int, list[dict[str, Any]]] = defaultdict(list)
    for submission, written in settled:
        for index in sorted(written.conflicts):
            passing = submission.passings[index]
            told = msgspec.json.encode((passing.at, *passing[3:]))
            rows[written.session_row].append(
                {
                    "session_row": written.session_row,
                    "number": passing.number,
                    "digest": hashlib.blake2b(told, digest_size=16).hexdigest(),
                    "received_at": submission.received_at,
                    "claimed": msgspec.json.encode(passing._asdict()).decode(),
                }
            )
    return rows


class Commit(NamedTuple):
    """A fact: these accounts, sessions and devices have new passings, up to these positions."""

    accounts: dict[int, int]
    sessions: dict[int, int]
    devices: dict[int, int]
