"""What an official should look at before the results of a race are official."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from operator import attrgetter
from statistics import median
from typing import NamedTuple

from timing.clocks import SECOND
from timing.courses import NEVER, Course
from timing.passings import Verdict
from timing.races import Read, Status
from timing.scoring import Scoring
from timing.standings import Line
from timing.verdicts import Judged

FASTEST = 10
TOO_FAST = 1.5
"""So many times as fast on a leg as the median of the first FASTEST is doubtful …"""
ENOUGH = 3
"""… if so many of these were timed on it."""
AGREE = 2 * SECOND
"""Two readers of one checkpoint may differ by so much, or by the bounce time if that is more."""


DOUBTS = {
    Verdict.WRONG_RACE: "was read at checkpoints of another race",
    Verdict.TOO_SOON: "was read too soon at {}",
    Verdict.OUT_OF_ORDER: "was read out of order at {}",
    Verdict.AFTER_CUTOFF: "was read after the cut-off at {}",
}
"""Verdicts that are worth a look. A bounced read is not."""


Leg = tuple[int, int]
"""From one station to a later one."""


class Anomaly(NamedTuple):
    """`kind` is one word in capitals; `participant` by id; `positions` are the reads that it rests on."""

    kind: str
    participant: int | None
    positions: tuple[int, ...]
    sentence: str


def anomalies(scoring: Scoring, race: int) -> list[Anomaly]:
    """Of one race, as last settled: first what concerns its participants, then reads of nobody."""
    limits = _limits(scoring, race)
    chips = _chips(scoring, race)
    found: list[Anomaly] = []
    for line in sorted(scoring.boards[race].lines.values(), key=lambda line: line.participant.id):
        case = _Case(scoring, race, line, limits)
        if case.suspicious:
            found += case.anomalies()
        found += chips.get(line.participant.id, ())
    return found + list(_unknown(scoring, race))


class _Case:
    """One participant of the race. The reads are looked at only where the result raises a suspicion."""

    def __init__(self, scoring: Scoring, race: int, line: Line, limits: dict[Leg, float]) -> None:
        self._course = scoring.courses[race]
        self._line = line
        self._limits = limits
        self._verdicts = scoring.verdicts
        self._track = scoring.ledger.tracks[line.participant.id]
        self._counts = self._track.counts(line.result)
        result = line.result
        self._missed = [station for station, at in enumerate(result.ats) if at is None]
        self._fast = [leg for leg, taken in _legs(result.ats) if taken < limits.get(leg, NEVER)]
        self._no_time = result.finished and result.gun is None and result.start is None
        status = line.participant.status
        seen = {Status.DNS: result.last >= 0, Status.DNF: result.finished}
        self._absent = seen.get(status, False)

    @property
    def suspicious(self) -> bool:
        doubts = self._counts.keys() - {Verdict.VALID, Verdict.CONFIRMED, Verdict.BOUNCED, Verdict.VOIDED}
        return bool(doubts or self._missed or self._fast or self._no_time or self._absent)

    def anomalies(self) -> Iterator[Anomaly]:
        judged = self._verdicts.of(self._track)
        reads = sorted((read for read in self._track.reads if read.position in judged), key=attrgetter("at"))
        counted = {station: read for read in reads if (station := judged[read.position].station) is not None}
        yield from self._of_places(counted)
        yield from self._of_result(counted)
        yield from self._of_backups(reads, judged)
        for verdict, sentence in DOUBTS.items():
            if doubtful := [read for read in reads if judged[read.position].verdict is verdict]:
                places = sorted({self._place(judged[read.position]) for read in doubtful})
                yield self._anomaly(verdict.value, doubtful, sentence.format(", ".join(places)))

    def _of_places(self, counted: Mapping[int, Read]) -> Iterator[Anomaly]:
        course = self._course
        start = [station for station in self._missed if station < course.first]
        between = [station for station in self._missed if station >= course.first]
        if start:
            yield self._anomaly("NO_START", list(counted.values())[:1], "has passings but no start")
        if between:
            names = ", ".join(_name(course, station) for station in between)
            beside = [read for station, read in counted.items() if {station - 1, station + 1} & {*between}]
            yield self._anomaly("MISSED_MATS", beside, f"was not read at {names}")
        for leg in self._fast:
            names = " to ".join(_name(course, station) for station in leg)
            sentence = f"went from {names} in {(counted[leg[1]].at - counted[leg[0]].at) / SECOND:.1f} s"
            usual = f"of the first {FASTEST} half took {self._limits[leg] * TOO_FAST / SECOND:.1f} s or more"
            yield self._anomaly("TOO_FAST", [counted[station] for station in leg], f"{sentence}; {usual}")

    def _of_result(self, counted: Mapping[int, Read]) -> Iterator[Anomaly]:
        if self._no_time:
            last = list(counted.values())[-1:]
            yield self._anomaly("NO_TIME", last, "has finished, but neither a gun nor a start gives a time")
        if self._absent:
            status = self._line.participant.status
            seen = "passings that count" if status is Status.DNS else "a finish"
            yield self._anomaly("SEEN_AFTER_ALL", list(counted.values()), f"is {status} and has {seen}")

    def _of_backups(self, reads: Sequence[Read], judged: Mapping[int, Judged]) -> Iterator[Anomaly]:
        """Where the nearest read of a backup is too far from the primary's to be of the same visit."""
        counted = [read for read in reads if judged[read.position].verdict is Verdict.VALID]
        nearest: dict[Read, list[Read]] = defaultdict(list)
        for read in reads:
            if judged[read.position].verdict is Verdict.BACKUP_UNUSED:
                place = judged[read.position].checkpoint
                same = [each for each in counted if judged[each.position].checkpoint == place]
                if same:
                    nearest[min(same, key=partial(_apart, read))].append(read)
        for primary, backups in nearest.items():
            apart = min(_apart(each, primary) for each in backups)
            station = judged[primary.position].station or 0
            if apart > max(AGREE, self._course.bounces[self._course.at(station)]):
                name = _name(self._course, station)
                sentence = f"has a backup's read {apart / SECOND:.1f} s from the primary's at {name}"
                yield self._anomaly("BACKUP_DISAGREES", [primary, *backups], sentence)

    def _place(self, judged: Judged) -> str:
        index = None if judged.checkpoint is None else self._course.index.get(judged.checkpoint)
        return "another race" if index is None else self._course.checkpoints[index].name

    def _anomaly(self, kind: str, reads: Iterable[Read], sentence: str) -> Anomaly:
        who = self._line.participant
        name = f"{who.bib} {who.name}".strip()
        return Anomaly(kind, who.id, tuple(read.position for read in reads), f"{name} {sentence}.")


def _name(course: Course, station: int) -> str:
    name = course.checkpoints[course.at(station)].name
    return name if course.once(course.at(station)) else f"{name} of lap {course.lap(station)}"


def _apart(one: Read, other: Read) -> int:
    return abs(one.at - other.at)


def _legs(ats: Sequence[int | None]) -> Iterator[tuple[Leg, int]]:
    """From each visited station to the next one, and the time that it took."""
    before, since = -1, 0
    for station, at in enumerate(ats):
        if at is not None:
            if before >= 0:
                yield (before, station), at - since
            before, since = station, at


def _limits(scoring: Scoring, race: int) -> dict[Leg, float]:
    """The time on each leg below which it is doubtful."""
    board = scoring.boards[race]
    times: dict[Leg, list[int]] = defaultdict(list)
    for each in board.view().page(0, FASTEST):
        if each.participant and each.rank:
            for leg, taken in _legs(board.lines[each.participant.id].result.ats):
                times[leg].append(taken)
    return {leg: median(taken) / TOO_FAST for leg, taken in times.items() if len(taken) >= ENOUGH}


def _chips(scoring: Scoring, race: int) -> dict[int, list[Anomaly]]:
    """By participant: reads that name a bib and another's chip, and chips that two carry at a time."""
    found: dict[int, list[Anomaly]] = defaultdict(list)
    identities = scoring.ledger.identities
    for who in scoring.boards[race].lines:
        track = scoring.ledger.tracks[who]
        others: dict[tuple[str, int], list[int]] = defaultdict(list)
        for read in track.reads:
            for other in identities.holders(read.chip or "", read.at) if read.chip else ():
                if other != who:
                    others[read.chip or "", other].append(read.position)
        for (chip, other), positions in sorted(others.items()):
            bibs = [each.bib for id in (who, other) if (each := scoring.ledger.tracks[id].participant)]
            sentence = f"Chip {chip} was read for {bibs[0]} and is carried by {bibs[-1]}."
            found[who].append(Anomaly("ONE_CHIP_TWO_BIBS", who, tuple(positions), sentence))
    return found


def _unknown(scoring: Scoring, race: int) -> Iterator[Anomaly]:
    for names, track in scoring.ledger.strangers.items():
        reads = [read.position for read in track.reads if race in scoring.servings.spots(read)]
        if reads:
            bib, chip = names
            named = " with ".join(filter(None, (bib and f"bib {bib}", chip and f"chip {chip}")))
            sentence = f"Read {len(reads)} times and carried by nobody: {named or 'no bib, no chip'}."
            yield Anomaly(Verdict.UNKNOWN_PARTICIPANT.value, None, tuple(reads), sentence)
