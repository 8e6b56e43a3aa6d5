"""What one passing costs on a board, and how long a board takes to make anew.

The one bench that imports a room: `timing` is rules alone, without anything to be a client of.
"""

import gc
import random
import sys
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Sequence
from statistics import median

from sortedcontainers import SortedList

from bench import table
from timing.clocks import SECOND
from timing.races import Checkpoint, Counts, Definition, Kind, Participant, Race, Read, Serving, Wave
from timing.scoring import Scoring
from timing.views import Which

CHECKPOINTS, STARTERS, START_READS = 10, 18_000, 1_500_000
LATEST = Which()
IDS = 40
"""Bits of the sorted numbers that are the participant's."""


def definition(runners: int) -> Definition:
    """A course of ten mats, the last read of the start counting, each read by a device of its own."""
    kinds = {1: Kind.START, CHECKPOINTS: Kind.FINISH}
    mats = tuple(
        Checkpoint(
            id=mat,
            kind=kinds.get(mat, Kind.INTERMEDIATE),
            name=str(mat),
            distance=5000.0 * (mat - 1),
            bounce=10 * SECOND,
            minimum=60 * SECOND if mat > 1 else 0,
            counts=Counts.LAST if mat == 1 else Counts.FIRST,
        )
        for mat in range(1, CHECKPOINTS + 1)
    )
    race = Race(1, "Bench", checkpoints=mats, waves=(Wave(1, "All", 0),))
    people = [
        Participant(id, 1, str(id), gender="FM"[id % 2], age=20 + id % 50) for id in range(1, runners + 1)
    ]
    return Definition((race,), [Serving(1, mat.id, device_row=mat.id) for mat in mats], people)


def passings(runners: int) -> list[Read]:
    """Everybody at every mat, in order of time."""
    chance = random.Random(1)
    found = []
    for id in range(1, runners + 1):
        at, pace = chance.randrange(600 * SECOND), chance.uniform(900, 2400)
        for mat in range(1, CHECKPOINTS + 1):
            found.append((at, mat, str(id)))
            at += int(pace * SECOND * chance.uniform(0.9, 1.1))
    found.sort()  # and new numbers and texts, as of reads that have just been decoded
    return [Read(n, mat, mat, n, at + 0, str(int(bib)), None) for n, (at, mat, bib) in enumerate(found, 1)]


class Runs:
    """Processor seconds of each measure, taken in turn, and what was wrong with what it made."""

    def __init__(self, options: Namespace) -> None:
        self.runners: int = options.runners
        self.rounds: int = options.rounds
        self.reads = passings(self.runners)
        self.definition = definition(self.runners)
        self.wrong: list[str] = []
        self.places = [LATEST, *(Which(checkpoint=mat + 1) for mat in range(CHECKPOINTS))]

    def live(self) -> float:
        """Each passing alone: taken, judged, its rank told in the race and at the mat; eleven views kept."""
        scoring = Scoring(self.definition)
        scoring.settle()
        board, places = scoring.boards[1], self.places
        for which in places:
            board.view(which)
        began = time.process_time()
        for read in self.reads:
            scoring.take((read,))
            scoring.settle()
            who = int(read.bib or 0)
            board.view(LATEST).rank_of(who)
            board.view(places[read.session_row]).rank_of(who)
        taken = time.process_time() - began
        self._check(scoring)
        return taken

    def sorted_lists(self) -> float:
        """The same ranks from the same numbers in bare sorted lists, with nothing judged."""
        latest: SortedList[int] = SortedList()
        at_mats: list[SortedList[int]] = [SortedList() for _ in range(CHECKPOINTS + 1)]
        keys: dict[int, int] = {}
        began = time.process_time()
        for read in self.reads:
            who, mat = int(read.bib or 0), read.session_row
            key = (((CHECKPOINTS - mat << 62) + read.at) << IDS) + who
            former = keys.get(who)
            if former is not None:
                latest.remove(former)
            latest.add(key)
            keys[who] = key
            latest.bisect_left(key >> IDS << IDS)
            at_mats[mat].add(key)
            at_mats[mat].bisect_left(key >> IDS << IDS)
        return time.process_time() - began

    def rebuild(self) -> float:
        """From the participants and all passings to the board of the latest progress."""
        began = time.process_time()
        scoring = Scoring(self.definition)
        scoring.take(self.reads)
        scoring.settle()
        scoring.boards[1].view(LATEST)
        taken = time.process_time() - began
        self._check(scoring)
        return taken

    def bare_rebuild(self) -> float:
        """The last passing of each, sorted; nothing judged."""
        began = time.process_time()
        keys: dict[str | None, int] = {}
        for read in self.reads:
            keys[read.bib] = (((CHECKPOINTS - read.session_row << 62) + read.at) << IDS) + int(read.bib or 0)
        SortedList(keys.values())
        return time.process_time() - began

    def _check(self, scoring: Scoring) -> None:
        board = scoring.boards[1]
        counts, verdicts = board.counts(), scoring.verdict_counts(1)
        times = [each.time or 0 for each in board.view(LATEST).page(0, self.runners)]
        if (
            counts.finished != self.runners
            or sum(verdicts.values()) != len(self.reads)
            or times != sorted(times)
        ):
            self.wrong.append(f"finished {counts.finished:,} of {self.runners:,}, verdicts {verdicts}")


def in_turn(rounds: int, *measures: Callable[[], float]) -> list[list[float]]:
    """Seconds of each measure in every round, in turn, so that what disturbs one disturbs all."""
    taken: list[list[float]] = [[] for _ in measures]
    for _ in range(rounds):
        for seconds, measure in zip(taken, measures, strict=True):
            gc.collect()
            seconds.append(measure())
    return taken


def show(title: str, unit: str, scale: float, names: Sequence[str], taken: list[list[float]]) -> None:
    figures = [[each * scale for each in seconds] for seconds in taken]
    middle = [median(each) for each in figures]
    lines = [
        [name, f"{value:.2f}", f"{min(each):.2f}–{max(each):.2f}", f"{value / middle[-1]:.1f}"]
        for name, value, each in zip(names, middle, figures, strict=True)
    ]
    table.show(title, ["", f"{unit}, median", "lowest–highest", "× the last line"], lines)


def start_line() -> list[str]:
    """A crowd that stands on the start mat: one start each is to count, the last read."""
    chance = random.Random(1)
    bibs = [str(chance.randrange(STARTERS) + 1) for _ in range(START_READS - STARTERS)]
    bibs += [str(bib + 1) for bib in range(STARTERS)]
    times = sorted(chance.randrange(1800 * SECOND) for _ in bibs)
    chance.shuffle(bibs)
    reads = [Read(n, 1, 1, n, at, bib, None) for n, (at, bib) in enumerate(zip(times, bibs, strict=True), 1)]
    last = {int(read.bib or 0): read.at for read in reads}
    scoring = Scoring(definition(STARTERS))
    began = time.process_time()
    for at in range(0, len(reads), 500):
        scoring.take(reads[at : at + 500])
        scoring.settle()
    lines = scoring.boards[1].view(LATEST).page(0, STARTERS)
    taken = time.process_time() - began
    table.show(
        f"{START_READS:,} reads at a start line, {STARTERS:,} people, in batches of 500",
        ["seconds", "µs per read", "starts counted", "verdicts"],
        [[f"{taken:.1f}", f"{taken / len(reads) * 1e6:.2f}", f"{len(lines):,}", str(_plain(scoring))]],
    )
    right = {each.participant.id: each.splits[0].at for each in lines if each.participant} == last
    return (
        []
        if right and [each.time for each in lines] == sorted(last.values())
        else ["not the last read of each"]
    )


def _plain(scoring: Scoring) -> str:
    return ", ".join(f"{count:,} {verdict}" for verdict, count in scoring.verdict_counts(1).items())


def main() -> int:
    options = _options()
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)  # as the server runs
    if options.start_line:
        return table.conclude(
            start_line(), "everybody has one start, the last read, and the board is in its order"
        )
    runs = Runs(options)
    live, bare, rebuild, least = in_turn(
        runs.rounds, runs.live, runs.sorted_lists, runs.rebuild, runs.bare_rebuild
    )
    count = len(runs.reads)
    field = f"{runs.runners:,} participants × {CHECKPOINTS} checkpoints"
    names = ["taken, judged, ranked twice", "sorted lists alone: remove, add, rank"]
    show(f"One passing, {field}, processor time", "µs", 1e6 / count, names, [live, bare])
    names = ["taken, judged, one view made", "the last passing of each, sorted"]
    show(f"A board of {count:,} passings, processor time", "seconds", 1, names, [rebuild, least])
    return table.conclude(
        runs.wrong, "every passing has a verdict, everybody has finished, the board is in order"
    )


def _options() -> Namespace:
    parser = ArgumentParser(prog="python -m bench.boards", description=__doc__)
    parser.add_argument("--runners", type=int, default=30_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument(
        "--start-line", action="store_true", help=f"{START_READS:,} reads of {STARTERS:,} people instead"
    )
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
