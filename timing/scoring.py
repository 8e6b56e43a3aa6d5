"""One event: its passings made into boards."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace

from timing.courses import Course
from timing.leaderboards import Leaderboard
from timing.ledger import Ledger
from timing.passings import Verdict
from timing.races import Definition, Participant, Read, Ruling
from timing.servings import Servings
from timing.tracks import Track
from timing.verdicts import Judged, Unknown, Verdicts

FEW = 1000
"""So many concerned can always be told to the views one by one."""
PART = 1000
"""Participants whose verdicts are counted at once: a few milliseconds."""


class Scoring:
    """Takes reads and changes in any order; the boards come out the same. For one thread."""

    def __init__(self, definition: Definition) -> None:
        self.courses = {race.id: Course(race) for race in definition.races}
        self.boards = {race: Leaderboard(course) for race, course in self.courses.items()}
        """By race."""
        self.servings = Servings(definition.servings, self.courses)
        self.ledger = Ledger(definition.participants, definition.rulings)
        self.verdicts = Verdicts(self.ledger, self.servings, self.courses)
        self._left = 0

    def take(self, reads: Iterable[Read]) -> None:
        """Reads in any order; one that was taken before is passed over."""
        self.ledger.take(reads)

    def reads(self) -> Iterator[Read]:
        """Everything that was taken, in no order, for another scoring; this one must not change meanwhile."""
        return (read for track in self.ledger.everybody() for read in track.reads)

    def change(self, participants: Iterable[Participant] = (), rulings: Iterable[Ruling] = ()) -> None:
        """Participants who came or changed; rulings, of which a later one replaces an earlier one."""
        self.ledger.change(participants, rulings)

    def regun(self, race: int, wave: int, gun: int | None) -> None:
        """A wave has another gun time, or none."""
        former = self.courses[race].race
        waves = tuple(replace(each, gun=gun) if each.id == wave else each for each in former.waves)
        course = self.courses[race] = self.boards[race].course = Course(replace(former, waves=waves))
        self.boards[race].forget_views()
        for track in self.ledger.tracks.values():
            if track.participant is not None and track.participant.race == course.race.id:
                track.restart()
                self.ledger.concern(track)
        self.ledger.changes += 1

    def settle(self, most: int | None = None) -> int:
        """Judges those whom reads and changes concern, at most so many; returns how many are left."""
        queue = self.ledger.queue
        if len(queue) > max(FEW, self._left):  # what was left was thought of before
            self._forget_views()
        for _ in range(len(queue) if most is None else min(most, len(queue))):
            track = queue.popleft()
            track.queued = False
            participant = track.participant
            if participant is not track.entered:
                self._enter(track)
            if participant is not None and (board := track.board) is not None:
                board.put(participant, track.judge(board.course, self.servings, self.ledger.rulings))
        self._left = len(queue)
        return self._left

    def _enter(self, track: Track) -> None:
        """On the board of the race that the participant is in now, or on none."""
        participant = track.entered = track.participant
        race = None if participant is None else participant.race
        board = None if race is None else self.boards.get(race)
        if track.board is not None and track.board is not board and participant is not None:
            track.board.drop(participant.id)
        track.board = board

    def _forget_views(self) -> None:
        """It is cheaper to make a view anew than to move a quarter of its lines one by one."""
        if any(board.viewed for board in self.boards.values()):
            races = Counter(each.participant.race for each in self.ledger.queue if each.participant)
            for race, board in self.boards.items():
                if board.viewed and races[race] * 4 > len(board):
                    board.forget_views()

    def judged(self, position: int) -> Judged | None:
        """What became of a passing; None when it is not of this event."""
        track = self.ledger.holder(position)
        return None if track is None else self.verdicts.of(track).get(position)

    def verdict_counts(self, race: int) -> dict[Verdict, int]:
        """How many reads have which verdict, as last settled: those of the race's participants, and of
        nobody at its checkpoints."""
        return dict(sum(self.counting(race), Counter[Verdict]()))

    def counting(self, race: int) -> Iterator[Counter[Verdict]]:
        """The same in parts, for who may not take long; what changes meanwhile may be in it or not."""
        lines, tracks = list(self.boards[race].lines.items()), self.ledger.tracks
        for start in range(0, len(lines), PART):
            part = ((tracks[who], line.result) for who, line in lines[start : start + PART])
            yield self.verdicts.counts(part)
        yield self.verdicts.astray(race)

    @property
    def unknown(self) -> list[Unknown]:
        """Names that were read and that nobody carries."""
        return self.verdicts.unknown()
