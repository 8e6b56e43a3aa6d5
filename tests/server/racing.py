"""A race on a running server, made and run through its public doors."""

import itertools
from typing import Any

from tests.conftest import Desk, passing

EVENT = "mutation ($input: EventInput!) { createEvent(input: $input) { token } }"
RACE = """mutation ($event: String!, $input: RaceInput!) {
  createRace(eventToken: $event, input: $input) { id checkpoints { id } }
}"""
SERVE = "mutation ($input: ServeCheckpointInput!) { serveCheckpoint(input: $input) { id } }"
ENTER = """mutation ($event: String!, $participants: [ParticipantInput!]!) {
  addParticipants(eventToken: $event, participants: $participants) { results { participant { id } } }
}"""
GUN = "2026-06-01T10:00:00Z"
COURSE = [{"kind": "START"}, {"distance": 5000.0}, {"kind": "FINISH", "distance": 10000.0}]
_serials = itertools.count(1)


class Meeting:
    """A race of a desk's account: `read` sends what a mat detects, so many seconds after the gun."""

    def __init__(self, desk: Desk, *, public: bool = False, **race: Any) -> None:
        self.desk = desk
        event = {"name": "Run", "startDate": "2026-06-01", "status": "PUBLISHED", "public": public}
        self.event = desk.data(EVENT, input=event)["createEvent"]["token"]
        new = {"name": "10K", "checkpoints": COURSE, "waves": [{"name": "1", "gunTime": GUN}]} | race
        made = desk.data(RACE, event=self.event, input=new)["createRace"]
        self.id = made["id"]
        self.mats = [self._mat(checkpoint["id"]) for checkpoint in made["checkpoints"]]
        self._numbers = itertools.count(1)

    def _mat(self, checkpoint: str) -> str:
        session = self.desk.session(self.desk.device(f"meeting-{next(_serials)}"))
        self.desk.data(SERVE, input={"checkpointId": checkpoint, "sessionToken": session})
        return session

    def enter(self, *participants: dict[str, Any]) -> None:
        self.desk.data(ENTER, event=self.event, participants=list(participants))

    def read(self, mat: int, bib: str, seconds: float) -> None:
        whole, micros = divmod(round(seconds * 1_000_000), 1_000_000)
        at = f"2026-06-01T{10 + whole // 3600}:{whole // 60 % 60:02}:{whole % 60:02}.{micros:06}Z"
        answer = self.desk.post(self.mats[mat], passing(next(self._numbers), bib, at))
        assert answer.status_code == 201, answer.text

    def run(self, bib: str, *seconds: float) -> None:
        """The competitor passes one mat after the other."""
        for mat, each in enumerate(seconds):
            self.read(mat, bib, each)

    def path(self, kind: str) -> str:
        return f"/exports/races/{self.id}/results.{kind}"
