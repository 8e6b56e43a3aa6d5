"""What callers may use up: points for operations, by key and by address, and places by name."""

import math
from collections import Counter, OrderedDict
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from resolvers.context import FREE, Allowance, Caller, Meter
from resolvers.errors import TooMany

Name = int | str
ROUNDING = 1e-6
"""Seconds by which the sum of many small ones may be wrong."""


class Rate(NamedTuple):
    """Points that flow in each second, and how many may gather. Without inflow there is no limit."""

    per_second: float
    burst: float


class Buckets:
    """Buckets of one kind, by name. They begin full.

    Of each only the moment is kept at which it is full again (GCRA), and of no more than `most`: the one that
    was used longest ago is forgotten and with that full. `shared`: what is spent is noted for other servers.
    """

    __slots__ = ("rate", "refused", "_full_at", "_most", "_point", "_spent", "_whole")

    def __init__(self, rate: Rate, most: int, shared: bool = False) -> None:
        self.rate = rate
        self.refused = 0
        self._spent: dict[Name, float] | None = {} if shared else None
        self._point = 1 / rate.per_second if rate.per_second else 0.0
        self._whole = rate.burst * self._point
        self._most = most
        self._full_at: OrderedDict[Name, float] = OrderedDict()

    def __len__(self) -> int:
        return len(self._full_at)

    def after(self, name: Name, cost: float, now: float) -> float:
        """When the bucket is full again once so much is taken from it. Raises TooMany if it is not in it.

        What costs more than a bucket holds is let in when the bucket is full.
        """
        full = self._full_at.get(name, now)
        taken = cost * self._point
        full = (full if full > now else now) + (taken if taken < self._whole else self._whole)
        if full > now + self._whole + ROUNDING:
            self.refused += 1
            self._full_at.move_to_end(name)  # who goes on asking is not forgotten
            raise TooMany(math.ceil(full - now - self._whole))
        return full

    def keep(self, name: Name, full: float, cost: float) -> None:
        """The bucket, from which so much was taken, is full again at that moment."""
        kept = self._full_at
        kept[name] = full
        kept.move_to_end(name)
        if len(kept) > self._most:
            kept.popitem(last=False)
        if (spent := self._spent) is not None:
            spent[name] = spent.get(name, 0.0) + cost

    def owing(self, name: Name, cost: float, now: float) -> float:
        """`after` for what was had already: more may be taken than there is."""
        return max(self._full_at.get(name, now), now) + cost * self._point

    def spent(self, least: float) -> dict[Name, float]:
        """What was taken since this was asked last by those who took so many seconds or more: by name, as the
        seconds in which it flows in."""
        spent, self._spent = self._spent or {}, {}
        return {name: cost * self._point for name, cost in spent.items() if cost * self._point >= least}

    def learn(self, name: Name, full: float) -> None:
        """Others took from the bucket as well: it is not full before that moment."""
        if full > self._full_at.get(name, 0.0):
            kept = self._full_at
            kept[name] = full
            if len(kept) > self._most:
                kept.popitem(last=False)

    def left(self, name: Name, now: float) -> float:
        missing = max(0.0, self._full_at.get(name, now) - now)
        return max(0.0, self.rate.burst - missing * self.rate.per_second)


class Metered(Meter):
    """Pays from several buckets, or from none of them."""

    __slots__ = ("_buckets", "_clock")

    def __init__(self, clock: Callable[[], float], buckets: Sequence[tuple[Buckets, Name]]) -> None:
        self._clock = clock
        self._buckets = buckets

    def spend(self, cost: float) -> None:
        now = self._clock()
        paid = [(each, name, each.after(name, cost, now)) for each, name in self._buckets]
        for each, name, full in paid:
            burst = each.rate.burst
            each.keep(name, full, cost if cost < burst else burst)

    def charge(self, cost: float) -> None:
        now = self._clock()
        for each, name in self._buckets:
            each.keep(name, each.owing(name, cost, now), cost)

    def allowance(self) -> Allowance:
        each, name = self._buckets[0]
        return Allowance(each.rate.per_second, each.rate.burst, each.left(name, self._clock()))


class Limits:
    """The buckets of one process. `clock`: seconds, that never go back. `most`: buckets kept of each kind.
    `shared`: other servers have buckets of the same names (`resolvers.shares`).

    Who shows a key pays from its bucket and from that of the address; strangers from one of the address.
    """

    def __init__(
        self,
        clock: Callable[[], float],
        *,
        most: int,
        key: Rate,
        address: Rate,
        stranger: Rate,
        bad_key: Rate,
        shared: bool = False,
    ) -> None:
        self._clock = clock
        self._keys = Buckets(key, most, shared)
        self._addresses = Buckets(address, most, shared)
        self._strangers = Buckets(stranger, most, shared)
        self._bad_keys = Buckets(bad_key, most, shared)
        self._some_unlimited = not (key.per_second and address.per_second and stranger.per_second)

    def meter(self, caller: Caller, address: str) -> Meter:
        if caller.key_id is None:
            kinds: list[tuple[Buckets, Name]] = [(self._strangers, address)]
        else:
            kinds = [(self._keys, caller.key_id), (self._addresses, address)]
        if self._some_unlimited:
            kinds = [pair for pair in kinds if pair[0].rate.per_second]
        return Metered(self._clock, kinds) if kinds else FREE

    def bad_key(self, address: str) -> None:
        """Somebody there showed a key that is none. Raises TooMany when that happens too often."""
        if self._bad_keys.rate.per_second:
            now = self._clock()
            self._bad_keys.keep(address, self._bad_keys.after(address, 1, now), 1)

    @property
    def refused(self) -> dict[str, int]:
        """How often a bucket was empty, by kind."""
        return {kind: each.refused for kind, each in self.by_kind.items()}

    @property
    def kept(self) -> dict[str, int]:
        """Buckets that are not forgotten, by kind."""
        return {kind: len(each) for kind, each in self.by_kind.items()}

    @property
    def by_kind(self) -> dict[str, Buckets]:
        return {
            "key": self._keys,
            "address": self._addresses,
            "stranger": self._strangers,
            "bad_key": self._bad_keys,
        }


class Places:
    """How many of something each name has at the same time: no more than `most`, and of all no more than
    `in_all`."""

    def __init__(self, most: int, in_all: float = math.inf) -> None:
        self._most, self._in_all = most, in_all
        self._taken: Counter[Name] = Counter()
        self.elsewhere: Mapping[Name, int] = {}
        """How many each name has on other servers."""
        self.total = 0
        self.refused = 0

    def take(self, name: Name) -> bool:
        """Whether there was one. Who took one gives it back with `leave`."""
        taken = self._taken[name] + self.elsewhere.get(name, 0)
        if taken >= self._most or self.total >= self._in_all:
            self.refused += 1
            return False
        self._taken[name] += 1
        self.total += 1
        return True

    def many(self, share: float) -> dict[Name, int]:
        """Who has this share of the most, or more."""
        return {name: count for name, count in self._taken.items() if count >= self._most * share}

    def leave(self, name: Name) -> None:
        self.total -= 1
        self._taken[name] -= 1
        if not self._taken[name]:
            del self._taken[name]
