"""What an official should look at, in GraphQL."""

from typing import Annotated, Self

import strawberry
from strawberry import Private

from resolvers import verdicts
from schema.context import Info
from schema.loaders import Loaders
from schema.participants import Participant
from schema.relay import global_id, row_in
from timing import anomalies as rules


@strawberry.type(description="Something doubtful in a race.")
class Anomaly:
    row: Private[int | None]
    loaders: Private[Loaders]

    kind: str = strawberry.field(description="What kind of doubt it is, as one word in capitals.")
    sentence: str = strawberry.field(description="What is doubtful, in a sentence.")
    passing_ids: list[strawberry.ID] = strawberry.field(description="The passings that it rests on.")

    @strawberry.field(description="Whom it concerns; null when that is nobody known.")
    async def participant(self) -> Participant | None:
        if self.row is None:
            return None
        return Participant.shape(await self.loaders.participant.load(self.row), self.loaders)

    @classmethod
    def shape(cls, found: rules.Anomaly, loaders: Loaders) -> Self:
        return cls(
            row=found.participant,
            loaders=loaders,
            kind=found.kind,
            sentence=found.sentence,
            passing_ids=[strawberry.ID(global_id("Passing", position)) for position in found.positions],
        )


@strawberry.type
class Query:
    @strawberry.field(
        description="What an official should look at: too fast a split, missed mats, a chip under two bibs, "
        "backup and primary that disagree, a finish without a start, and the like. Needs `events:read`."
    )
    async def anomalies(
        self, info: Info, race_id: Annotated[strawberry.ID, strawberry.argument(description="The race.")]
    ) -> list[Anomaly]:
        loaders = Loaders(info.context)
        found = await verdicts.anomalies_of(info.context, row_in(race_id, "Race"))
        return [Anomaly.shape(each, loaders) for each in found]
