"""Ranks against a reference that sorts and counts, while results come and change."""

import random

from tests.timing.contests import mats, runner
from timing.courses import Course
from timing.leaderboards import Leaderboard, Which
from timing.races import Race, Status, Wave
from timing.results import Result

NAMES = "SABF"
COURSE = Course(Race(1, "Race", checkpoints=mats(NAMES), waves=(Wave(1, "All", 0),)))
VIEWS = [
    Which(gender=gender, checkpoint=place) for gender in (None, "F") for place in (None, *map(ord, NAMES))
]


def reference(people, ats, which):
    """By id, the rank: one more than how many are better."""
    standing = {}
    for id, person in people.items():
        reached = [at for at in ats[id] if at is not None]
        if person.status is not Status.REGISTERED or not reached or which.gender not in (None, person.gender):
            continue
        station = max(at for at, time in enumerate(ats[id]) if time is not None)
        if which.checkpoint is not None:
            station = NAMES.index(chr(which.checkpoint))
            if len(ats[id]) <= station or ats[id][station] is None:
                continue
        standing[id] = (-station, ats[id][station] + person.adjustment)
    return {id: 1 + sum(other < mine for other in standing.values()) for id, mine in standing.items()}


def test_ranks_are_those_of_sorting_and_counting():
    chance = random.Random(1)
    board = Leaderboard(COURSE)
    people = {id: runner(id, gender=chance.choice("MF")) for id in range(1, 40)}
    ats = {id: () for id in people}
    for id in people:
        board.put(people[id], Result((), -1, -1, 0, 0, None, False))
    for which in VIEWS:
        board.view(which)
    for step in range(2500):
        id = chance.choice(list(people))
        if chance.random() < 0.1:
            status = chance.choice([Status.REGISTERED, Status.REGISTERED, Status.DNF, Status.DSQ])
            adjustment = chance.choice([0, 0, 5, -3])
            people[id] = runner(id, gender=chance.choice("MF"), status=status, adjustment=adjustment)
        else:
            ats[id] = tuple(chance.choice([None, chance.randint(0, 30)]) for _ in range(chance.randint(0, 4)))
            while ats[id] and ats[id][-1] is None:
                ats[id] = ats[id][:-1]
        last = len(ats[id]) - 1
        visited = sum(1 << at for at, time in enumerate(ats[id]) if time is not None)
        board.put(people[id], Result(ats[id], last, last, visited, 0, None, last == 3))
        which = chance.choice(VIEWS)
        wanted = reference(people, ats, which)
        found = {id: rank for id in people if (rank := board.view(which).rank_of(id)) is not None}
        assert found == wanted, (step, which)
        page = board.view(which).page(0, 99)
        assert {each.participant.id: each.rank for each in page if each.rank} == wanted
        assert [each.rank is None for each in page] == sorted(each.rank is None for each in page)
        ranked = [each.rank for each in page if each.rank]
        assert ranked == sorted(ranked) and [each.place for each in page] == list(range(1, len(page) + 1))
