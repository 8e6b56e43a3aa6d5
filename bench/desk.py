"""A timing desk: makes events and races, enters people and reads boards, over GraphQL."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import httpx

AT_ONCE = 5_000
PAGE = 1_000
EVENT = "mutation($i:EventInput!){createEvent(input:$i){token}}"
RACE = "mutation($e:String!,$i:RaceInput!){createRace(eventToken:$e,input:$i){id name checkpoints{id name}}}"
SERVE = "mutation($c:ID!,$d:String!){serveCheckpoint(input:{checkpointId:$c,deviceId:$d}){id}}"
ADD = (
    "mutation($e:String!,$p:[ParticipantInput!]!)"
    "{addParticipants(eventToken:$e,participants:$p){createdCount results{bib errors{field reason}}}}"
)
BOARD = (
    "query($r:ID!,$by:Ranking!,$c:ID,$lap:Int,$n:Int,$a:String)"
    "{leaderboard(raceId:$r,ranking:$by,checkpointId:$c,lap:$lap,first:$n,after:$a)"
    "{pageInfo{hasNextPage endCursor} edges{node{LINE}}}}"
)
LINE = "key rank bib gender category state gunTime netTime time"
RESCORE = "mutation($r:ID!){rescoreRace(raceId:$r){equal differences}}"


class Race(NamedTuple):
    """A race that is there, with its checkpoints' ids by name."""

    id: str
    name: str
    checkpoints: dict[str, str]


class Desk:
    """Somebody with a key of the account."""

    def __init__(self, client: httpx.Client) -> None:
        self._client = client

    def ask(self, document: str, **variables: Any) -> Any:
        """What the document's only field holds."""
        sent = {"query": document, "variables": variables}
        answer = self._client.post("/graphql", json=sent).raise_for_status().json()
        if "errors" in answer:
            raise RuntimeError(f"{document[:60]}…: {answer['errors'][:3]}")
        (held,) = answer["data"].values()
        return held

    def event(self, name: str, day: str) -> str:
        """The token of a new public event."""
        new = {"name": name, "startDate": day, "public": True, "status": "PUBLISHED"}
        return str(self.ask(EVENT, i=new)["token"])

    def race(self, event: str, new: dict[str, Any]) -> Race:
        made = self.ask(RACE, e=event, i=new)
        return Race(made["id"], made["name"], {each["name"]: each["id"] for each in made["checkpoints"]})

    def serve(self, checkpoint: str, device: str) -> None:
        self.ask(SERVE, c=checkpoint, d=device)

    def enter(self, event: str, people: Sequence[dict[str, Any]]) -> None:
        for at in range(0, len(people), AT_ONCE):
            answer = self.ask(ADD, e=event, p=people[at : at + AT_ONCE])
            if refused := [each for each in answer["results"] if each["errors"]]:
                raise RuntimeError(f"{len(refused)} people were refused, the first: {refused[0]}")

    def board(
        self,
        race: str,
        ranking: str = "OVERALL",
        checkpoint: str | None = None,
        lap: int | None = None,
        line: str = LINE,
    ) -> list[dict[str, Any]]:
        """All lines of a leaderboard, page by page."""
        query, lines, after = BOARD.replace("LINE", line), [], None
        while True:
            page = self.ask(query, r=race, by=ranking, c=checkpoint, lap=lap, n=PAGE, a=after)
            lines += [edge["node"] for edge in page["edges"]]
            if not page["pageInfo"]["hasNextPage"]:
                return lines
            after = page["pageInfo"]["endCursor"]

    def differences(self, race: str) -> list[str]:
        """How the running board differs from one that the server computes from scratch; best not at all."""
        answer = self.ask(RESCORE, r=race)
        if answer["equal"] == bool(answer["differences"]):
            raise RuntimeError(f"an answer that contradicts itself: {answer}")
        return [str(each) for each in answer["differences"]]
