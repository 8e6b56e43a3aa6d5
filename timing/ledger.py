"""Every read, under whom it belongs to; and who is to be judged anew."""

from collections import defaultdict, deque
from collections.abc import Iterable, Sequence

from timing.identities import Identities, identifiers
from timing.races import Participant, Read, Ruling
from timing.tracks import Track

Names = tuple[str | None, ...]
"""A read's bib and chip, as it was sent."""


class Ledger:
    """Reads, participants and rulings in any order; `queue` has whom they concern."""

    def __init__(self, participants: Sequence[Participant], rulings: Sequence[Ruling]) -> None:
        self.identities = Identities()
        self.tracks: dict[int, Track] = {}
        """By participant."""
        self.strangers: dict[Names, Track] = {}
        self.rulings: dict[int, Ruling] = {}
        """By the position of the read."""
        self.queue: deque[Track] = deque()
        self.changes = 0
        """Grows with everything that can change a verdict."""
        self._places: dict[int, Track] = {}
        self._known: dict[Names | str | None, Track] = {}
        """Names that mean the same at all times need not be asked again."""
        self._carriers: dict[str, tuple[Track, ...]] = {}
        """Who has reads with a bib or a chip."""
        self._assigned: defaultdict[int, set[int]] = defaultdict(set)
        """The reads that officials gave to a participant."""
        for ruling in rulings:
            self._rule(ruling)
        for participant in participants:
            self._enter(participant)

    def take(self, reads: Iterable[Read]) -> None:
        self.changes += 1
        places, known, rulings, queue = self._places, self._known, self.rulings, self.queue
        for read in reads:
            position = read[0]
            if position in places:
                continue
            names = read[5:] if read[6] else read[5]
            track = known.get(names) if position not in rulings else None
            if track is None:
                track = self._find(read)
            places[position] = track
            track.reads.append(read)
            if not track.queued:
                track.queued = True
                queue.append(track)

    def holder(self, position: int) -> Track | None:
        """Who has the read."""
        return self._places.get(position)

    def everybody(self) -> list[Track]:
        return [*self.tracks.values(), *self.strangers.values()]

    def change(self, participants: Iterable[Participant], rulings: Iterable[Ruling]) -> None:
        moving: set[Track] = set()
        for participant in participants:
            moving |= self._change(participant)
        for ruling in rulings:
            self._rule(ruling)
            if (track := self._places.get(ruling.position)) is not None:
                moving.add(track)
        reads = [read for track in moving for read in track.empty()]
        for read in reads:
            del self._places[read.position]
            self._known.pop(read[5:] if read[6] else read[5], None)
        for track in moving:
            self.concern(track)
        self.take(reads)

    def concern(self, track: Track) -> None:
        if not track.queued:
            track.queued = True
            self.queue.append(track)

    def _change(self, participant: Participant) -> set[Track]:
        """Those whose reads may belong to another now."""
        track = self.tracks.get(participant.id)
        if track is None:
            self._enter(participant)
            moving = {self._places[each] for each in self._assigned[participant.id] if each in self._places}
            names = identifiers(participant)
        else:
            former, track.participant = track.participant, participant
            track.restart()
            self.concern(track)
            if former is None or (former.bib, former.chips) == (participant.bib, participant.chips):
                return set()
            self.identities.leave(former)
            self.identities.enter(participant)
            moving, names = {track}, identifiers(former) | identifiers(participant)
        return moving.union(*(self._carriers.get(name, ()) for name in names))

    def _enter(self, participant: Participant) -> None:
        track = self.tracks[participant.id] = Track(participant)
        self.identities.enter(participant)
        self.concern(track)

    def _rule(self, ruling: Ruling) -> None:
        self.rulings[ruling.position] = ruling
        if ruling.participant is not None:
            self._assigned[ruling.participant].add(ruling.position)

    def _find(self, read: Read) -> Track:
        """Whose a read is: as an official said, else as its names say."""
        ruling = self.rulings.get(read.position)
        track = None if ruling is None or ruling.participant is None else self.tracks.get(ruling.participant)
        names = read[5:]
        if track is None:
            who = self.identities.whose(read.bib, read.chip, read.at)
            track = self._stranger(names) if who is None else self.tracks[who]
            if self.identities.lasting(read.bib, read.chip):
                self._known[names if read.chip else read.bib] = track
        track.ruled = track.ruled or ruling is not None
        for name in names:
            if name:
                carriers = self._carriers.get(name, ())
                if track not in carriers:
                    self._carriers[name] = (*carriers, track)
        return track

    def _stranger(self, names: Names) -> Track:
        names = tuple(name or None for name in names)
        track = self.strangers.get(names)
        if track is None:
            track = self.strangers[names] = Track(None)
        return track
