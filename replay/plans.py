"""What a device will send, in which order and when, decided beforehand. Pure; a seed fixes it."""

import dataclasses
import datetime
import math
import random
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import msgspec

from replay import races

NEVER = math.inf
LAG = 10  # a repeat follows its original by at most so many posts
WHOLE = 0.8  # the share of repeats that come as a whole batch sent again; the others come alone


class Passing(msgspec.Struct, frozen=True, gc=False):
    """A passing under v0's own keys, so that a body is encoded from it as it is."""

    timestamp: str
    num_passing: int
    bib: str


class Post(NamedTuple):
    """One request: due at a race second, or NEVER: then it waits until everything else is through."""

    due: float
    passings: list[Passing]


class Absence(NamedTuple):
    """From `start` to `end` a device is out of reach; what it detects meanwhile is sent at `back`."""

    start: float
    end: float
    back: float


@dataclasses.dataclass(frozen=True)
class Habits:
    """How devices send.

    `batch`: passings in a full batch; `singles`: share of passings that go alone; `repeats`: share of them
    sent a second time; `hold`: race seconds that a batch waits to become full.
    """

    batch: int = 100
    singles: float = 0.05
    repeats: float = 0.0
    hold: float = NEVER


def passings(mat: races.Mat, start: datetime.datetime) -> list[Passing]:
    """The mat's readings as passings, numbered from 1 in order of time; milliseconds are kept."""
    written: dict[float, str] = {}
    found = []
    for number, reading in enumerate(mat.readings, 1):
        if reading.at not in written:
            moment = start + datetime.timedelta(seconds=reading.at)
            written[reading.at] = moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"
        found.append(Passing(written[reading.at], number, reading.bib))
    return found


def plan(
    mat: races.Mat, start: datetime.datetime, habits: Habits, seed: int, absence: Absence | None = None
) -> list[Post]:
    """The posts of a mat in order of being due: every passing once, and exactly `repeats` of them once more.

    What falls into the absence is due when the device is back, in posts of its own.
    """
    chance = random.Random(f"{seed} {mat.name}")
    moments = list(zip((reading.at for reading in mat.readings), passings(mat, start), strict=True))
    if absence is None:
        posts = list(cut(moments, habits, chance))
    else:
        away = [m for m in moments if absence.start <= m[0] < absence.end]
        there = [m for m in moments if not absence.start <= m[0] < absence.end]
        backlog = cut(away, dataclasses.replace(habits, hold=NEVER), chance)
        posts = [*cut(there, habits, chance), *(Post(absence.back, post.passings) for post in backlog)]
        posts.sort(key=lambda post: post.due)
    return with_repeats(posts, round(habits.repeats * len(moments)), chance)


def cut(moments: list[tuple[float, Passing]], habits: Habits, chance: random.Random) -> Iterator[Post]:
    """Posts of one passing and batches, mixed by chance so that `singles` of the passings go alone."""
    weight = habits.singles * habits.batch
    alone = weight / (1 - habits.singles + weight)
    at = 0
    while at < len(moments):
        most = 1 if chance.random() < alone else habits.batch
        last = moments[at][0] + habits.hold
        end = at + 1
        while end < len(moments) and end - at < most and moments[end][0] <= last:
            end += 1
        yield Post(moments[end - 1][0], [passing for _, passing in moments[at:end]])
        at = end


def with_repeats(posts: list[Post], count: int, chance: random.Random) -> list[Post]:
    """The posts, with `count` passings sent again soon after: whole batches, single ones, some both ways."""
    placed = [(float(place), post) for place, post in enumerate(posts)]
    again: list[tuple[int, list[Passing]]] = []
    whole, left = int(count * WHOLE), count
    batches = [(place, post.passings) for place, post in enumerate(posts) if len(post.passings) > 1]
    for place, batch in chance.sample(batches, len(batches)):
        if len(batch) <= whole:
            again.append((place, batch))
            whole -= len(batch)
            left -= len(batch)
    owners = [place for place, post in enumerate(posts) for _ in post.passings]
    ones = [passing for post in posts for passing in post.passings]
    again += [(owners[pick], [ones[pick]]) for pick in chance.sample(range(len(ones)), left)]
    placed += [(place + 0.5 + chance.randint(0, LAG), Post(posts[place].due, some)) for place, some in again]
    placed.sort(key=lambda pair: pair[0])
    return list(in_time(post for _, post in placed))


def in_time(posts: Iterable[Post]) -> Iterator[Post]:
    """The same posts, none due before the one it follows."""
    due = -math.inf
    for post in posts:
        due = max(due, post.due)
        yield Post(due, post.passings)
