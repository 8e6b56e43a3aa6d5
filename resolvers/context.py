"""Who asks, and what an operation may use to answer."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from models.database import Database
from models.ingest import Ingest
from resolvers import errors

if TYPE_CHECKING:
    from resolvers.callers import Callers
    from resolvers.leaderboards import Boards

READS = frozenset({"devices:read", "sessions:read", "passings:read", "events:read", "participants:read"})
WRITES = frozenset(
    {"devices:write", "sessions:write", "passings:write", "events:write", "participants:write"}
)
BUNDLES: dict[str, frozenset[str]] = {
    "READ": READS,
    "WRITE": WRITES,
    "READ_WRITE": READS | WRITES | {"keys:admin"},
}
"""What each access type of a key may do; a key's own list of scopes can only make it less."""
UNBIND = "devices:unbind"
SCOPES = BUNDLES["READ_WRITE"] | {UNBIND}
OPERATOR = frozenset({"accounts:admin", "keys:admin"})
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


STRANGER = Caller()
REFUSED = Caller(refusal="unknown api key")


@dataclass(slots=True)
class Context:
    """Handed to every operation as its first argument. `clock` gives the instant of now."""

    caller: Caller
    database: Database
    ingest: Ingest
    callers: "Callers"
    boards: "Boards"
    clock: Callable[[], int]
