"""Who asks, and what an operation may use to answer."""

import copy
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple, Self

from models.database import Database
from models.ingest import Ingest
from models.keys import Owner
from models.reports import Reports
from resolvers import errors

if TYPE_CHECKING:
    from resolvers.callers import Callers
    from resolvers.leaderboards import Boards
    from resolvers.texts import Texts

_NOUNS = ("devices", "telemetry", "sessions", "passings", "events", "participants")
READS = frozenset(f"{noun}:read" for noun in _NOUNS)
WRITES = frozenset(f"{noun}:write" for noun in _NOUNS)
BUNDLES: dict[str, frozenset[str]] = {
    "READ": READS,
    "WRITE": WRITES,
    "READ_WRITE": READS | WRITES | {"keys:admin"},
}
"""What each access type of a key may do; a key's own list of scopes can only make it less."""
UNBIND = "devices:unbind"
SCOPES = BUNDLES["READ_WRITE"] | {UNBIND}
FOR_ONE_DEVICE = frozenset(
    {
        "devices:read",
        "telemetry:read",
        "telemetry:write",
        "sessions:read",
        "sessions:write",
        "passings:read",
        "passings:write",
    }
)
"""What a key that is for one device may do at most, and for that device alone."""
FOR_ONE_EVENT = frozenset({"events:read", "events:write", "participants:read", "participants:write"})
"""What a key that is for one event may do at most, and for that event alone."""
OPERATOR = frozenset({"accounts:admin", "keys:admin", "devices:write"})
"""What the command line may do, for every account."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks. `account_id` None: nobody known, or with the operator's scopes the command line."""

    account_id: int | None = None
    key_id: int | None = None
    alias: str | None = None
    access: str | None = None
    scopes: frozenset[str] = frozenset()
    v0_shape: str = "BOTH"
    device_row: int | None = None
    """The only device that a key of its own acts for."""
    event_id: int | None = None
    """The only event that a key of its own acts for."""
    expires_at: int | None = None
    """From when on the key lets nobody in any more."""
    refusal: str | None = None
    """Why a key that was shown is not taken."""

    def must_be_known(self) -> None:
        """Raises Unidentified for a stranger."""
        if self.key_id is None:
            raise errors.Unidentified(self.refusal)

    def must(self, scope: str) -> None:
        """Raises Unidentified for a stranger and NotAllowed for a key without the scope."""
        if scope in self.scopes:
            return
        self.must_be_known()
        noun, verb = scope.split(":")
        verb = {"admin": f"manage {noun}"}.get(verb, verb)
        raise errors.NotAllowed(f"this key may not {verb}")

    @property
    def account(self) -> int:
        """The caller's account. To be asked for after `must`."""
        if self.account_id is None:
            raise errors.Unidentified(self.refusal)
        return self.account_id

    @property
    def rights(self) -> "Caller":
        """A caller with nothing left that differs between two keys of the same rights."""
        key = None if self.key_id is None else 0
        return replace(self, key_id=key, alias=None, v0_shape="BOTH", expires_at=None)

    @property
    def owner(self) -> Owner:
        """Whose devices, sessions and passings the caller reaches. To be asked for after `must`."""
        return Owner(self.account, self.device_row)


STRANGER = Caller()
REFUSED = Caller(refusal="unknown api key")
EXPIRED = Caller(refusal="expired api key")


class Allowance(NamedTuple):
    """What may be spent: points that flow in each second, as many as may gather, and those left."""

    per_second: float
    burst: float
    left: float


class Meter:
    """What a caller's operations are paid from. This one never runs out; `resolvers.limits` has others."""

    __slots__ = ()

    def spend(self, cost: float) -> None:
        """Raises TooMany, with nothing spent, when not so much is left."""

    def charge(self, cost: float) -> None:
        """For what turned out to be dearer than what was spent: is taken in any case, and has to flow in
        before the next is let in."""

    def allowance(self) -> Allowance | None:
        """None: nothing is limited."""
        return None


FREE = Meter()


@dataclass(slots=True)
class Context:
    """Handed to every operation as its first argument. `clock` gives the instant of now."""

    caller: Caller
    database: Database
    ingest: Ingest
    reports: Reports
    callers: "Callers"
    boards: "Boards"
    texts: "Texts"
    clock: Callable[[], int]
    meter: Meter = FREE

    def must(self, scope: str, cost: float = 1) -> None:
        """Raises Unidentified for a stranger, NotAllowed for a key without the scope, and TooMany."""
        self.caller.must(scope)
        self.meter.spend(cost)

    def paid(self) -> Self:
        """The same for the parts of what was paid for as a whole."""
        part = copy.copy(self)
        part.meter = FREE
        return part
