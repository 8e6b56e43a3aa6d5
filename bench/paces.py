"""Events for a crowd, at full speed or at their own times, and what became of them."""

import time
from collections.abc import Iterator
from typing import NamedTuple

from bench import laps
from bench.crowd import PATIENCE, Crowd


class Heard(NamedTuple):
    """What the sockets had of a run's events. `waits`: from the beginning of a request to each message with
    that event; `lags`: the same from the answer. `busy`: the share of a core that this side used."""

    messages: int
    deliveries: int
    seconds: float
    waits: list[float]
    lags: list[float]
    busy: float

    @property
    def rate(self) -> float:
        return self.deliveries / self.seconds


class Run:
    """One run. A message tells of as many events as it has lines: two may be told in one."""

    def __init__(self, crowd: Crowd) -> None:
        self._crowd = crowd
        self._first_post, self._first_place = len(crowd.posted), len(crowd.messages)
        self._upto: list[int] = []  # place by place: the events that were told with it and before
        self._began, self._worked = time.perf_counter(), time.process_time()

    @property
    def posted(self) -> int:
        return len(self._crowd.posted) - self._first_post

    @property
    def begun(self) -> int:
        """Events of which some socket has heard."""
        for message in self._crowd.messages[self._first_place + len(self._upto) :]:
            self._upto.append((self._upto or [0])[-1] + len(laps.update(message)["standings"]))
        return (self._upto or [0])[-1]

    @property
    def told(self) -> int:
        """Events of which every socket has heard."""
        whole = self._crowd.told - self._first_place
        return self._upto[whole - 1] if self.begun and whole > 0 else 0

    def finish(self) -> Heard:
        """Returns when every socket has heard of every event."""
        end = time.perf_counter() + PATIENCE
        while self.told < self.posted or len(self._crowd.answered) < len(self._crowd.posted):
            if time.perf_counter() > end:
                raise RuntimeError(f"{self.posted - self.told} events are not told after {PATIENCE:.0f} s")
            self._crowd.listen(end)
        busy = (time.process_time() - self._worked) / (time.perf_counter() - self._began)
        came = self._crowd.came[self._first_place :]
        seconds = max(max(instants) for instants in came) - self._began
        waits, lags, event = [], [], self._first_post
        for instants, upto in zip(came, self._upto, strict=True):
            for each in range(event, self._first_post + upto):
                waits += [instant - self._crowd.posted[each] for instant in instants]
                lags += [instant - self._crowd.answered[each] for instant in instants]
            event = self._first_post + upto
        deliveries = sum(map(len, came))
        return Heard(len(came), deliveries, seconds, waits, lags, busy)


def at_full_speed(crowd: Crowd, posts: Iterator[bytes], seconds: float) -> Heard:
    """The next event leaves when the last one has begun to arrive and all sockets have those before it: the
    server always has something to do, and events keep their order."""
    run = Run(crowd)
    end = time.perf_counter() + seconds
    while (now := time.perf_counter()) < end:
        if run.begun == run.posted and run.told >= run.posted - 1:
            crowd.post(next(posts))
        crowd.listen(min(end, now + 1))
    return run.finish()


def at_times(crowd: Crowd, posts: Iterator[bytes], rate: float, seconds: float) -> Heard:
    """So many events a second. Each is clocked from its own time on, though it leaves only when the one
    before it is answered: whoever is slow is not spared any."""
    run = Run(crowd)
    began = time.perf_counter()
    for number in range(round(rate * seconds)):
        due = began + number / rate
        while (now := time.perf_counter()) < due or len(crowd.answered) < len(crowd.posted):
            if now > due + PATIENCE:
                raise RuntimeError(f"a request is not answered after {PATIENCE:.0f} s")
            crowd.listen(due if now < due else now + 1)
        crowd.post(next(posts), due)
    return run.finish()
