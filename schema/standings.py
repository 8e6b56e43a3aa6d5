"""Standings in GraphQL: the lines of leaderboards."""

import enum
from typing import Self

import strawberry
from strawberry import Private

from schema.loaders import Loaders
from schema.participants import Participant
from schema.races import Checkpoint
from schema.scalars import Instant
from timing import standings as rules
from timing.clocks import SECOND
from timing.results import State


@strawberry.enum(description="By what a leaderboard is ordered and ranked.")
class Ranking(enum.Enum):
    OVERALL = strawberry.enum_value("OVERALL", description="All of the race together.")
    GENDER = strawberry.enum_value("GENDER", description="Ranks within each gender.")
    CATEGORY = strawberry.enum_value("CATEGORY", description="Ranks within each category.")
    TEAM = strawberry.enum_value("TEAM", description="Teams, by their best members.")


@strawberry.enum(description="How far a competitor is.")
class StandingState(enum.Enum):
    NOT_STARTED = strawberry.enum_value("NOT_STARTED", description="No passing counted yet.")
    ON_COURSE = strawberry.enum_value("ON_COURSE", description="A passing counted, but not the last one.")
    FINISHED = strawberry.enum_value("FINISHED", description="The last passing of the race counted.")
    DNS = strawberry.enum_value("DNS", description="Did not start.")
    DNF = strawberry.enum_value("DNF", description="Did not finish.")
    DSQ = strawberry.enum_value("DSQ", description="Disqualified.")


STATES = {state: StandingState(state) for state in State}


@strawberry.type(description="A time at a checkpoint.")
class Split:
    checkpoint: Checkpoint = strawberry.field(description="Where.")
    lap: int = strawberry.field(description="In which lap, from 1.")
    at: Instant = strawberry.field(description="When the counted passing was detected.")
    gun_time: float | None = strawberry.field(description="Seconds since the wave's gun; null without one.")
    net_time: float | None = strawberry.field(description="Seconds since the counted start.")


@strawberry.type(description="One line of a leaderboard.")
class Standing:
    standing: Private[rules.Standing]
    loaders: Private[Loaders]
    checkpoints: Private[dict[int, Checkpoint]]

    key: str = strawberry.field(
        description="Names the line on every board of its race; what is removed is told by it."
    )
    rank: int | None = strawberry.field(
        description="Place among those of this board; equal times share one. Null for who is not ranked."
    )
    place: int = strawberry.field(description="The line's place in the list, from 1: the order to show.")
    bib: str | None = strawberry.field(description="The competitor's bib; null for a team.")
    name: str = strawberry.field(description="The competitor's or the team's name.")
    gender: str | None = strawberry.field(description="The competitor's gender.")
    category: str | None = strawberry.field(description="The category that was given or that the rules say.")
    club: str | None = strawberry.field(description="The competitor's club.")
    team: str | None = strawberry.field(description="The competitor's team, or the team itself.")
    country: str | None = strawberry.field(description="The competitor's country.")
    state: StandingState = strawberry.field(description="How far the competitor is.")
    time: float | None = strawberry.field(
        description="Seconds that rank here, penalties and bonuses included; for a team by places their sum."
    )
    gun_time: float | None = strawberry.field(description="Seconds from the wave's gun; null without one.")
    net_time: float | None = strawberry.field(description="Seconds from the own counted start.")
    net_is_gun: bool = strawberry.field(
        description="True when there was no own start and the gun's stands in."
    )
    gap: float | None = strawberry.field(
        description="Seconds behind the first of this board at the same place of the course; null elsewhere."
    )
    adjustment: float = strawberry.field(
        description="Seconds of penalties (positive) and bonuses (negative)."
    )
    lap: int | None = strawberry.field(description="The lap of the last counted passing, from 1.")
    projected_time: float | None = strawberry.field(
        description="Seconds that the finish is expected at, by the pace so far; null once it is reached."
    )

    @strawberry.field(description="The furthest checkpoint that was reached.")
    def checkpoint(self) -> Checkpoint | None:
        place = self.standing.checkpoint
        return None if place is None else self.checkpoints[place]

    @strawberry.field(description="The counted times so far, in the order of the course.")
    def splits(self) -> list[Split]:
        return [
            Split(
                checkpoint=self.checkpoints[split.checkpoint],
                lap=split.lap,
                at=Instant(split.at),
                gun_time=_seconds(split.gun),
                net_time=_seconds(split.net),
            )
            for split in self.standing.splits
        ]

    @strawberry.field(description="Those whose results make the team's, best first; empty for a competitor.")
    def members(self) -> list["Standing"]:
        return [Standing.shape(each, self.loaders, self.checkpoints) for each in self.standing.members]

    @strawberry.field(description="The competitor; null for a team.")
    async def participant(self) -> Participant | None:
        who = self.standing.participant
        return (
            None
            if who is None
            else Participant.shape(await self.loaders.participant.load(who.id), self.loaders)
        )

    @classmethod
    def shape(cls, standing: rules.Standing, loaders: Loaders, checkpoints: dict[int, Checkpoint]) -> Self:
        who = standing.participant
        return cls(
            standing=standing,
            loaders=loaders,
            checkpoints=checkpoints,
            key=standing.key,
            rank=standing.rank,
            place=standing.place,
            bib=who.bib if who else None,
            name=who.name if who else standing.team or "",
            gender=who.gender if who else None,
            category=standing.category,
            club=who.club if who else None,
            team=who.team if who else standing.team,
            country=who.country if who else None,
            state=STATES[standing.state],
            time=_seconds(standing.time),
            gun_time=_seconds(standing.gun_time),
            net_time=_seconds(standing.net_time),
            net_is_gun=standing.net_is_gun,
            gap=_seconds(standing.gap),
            adjustment=standing.adjustment / SECOND,
            lap=standing.lap,
            projected_time=_seconds(standing.projection),
        )


def _seconds(duration: int | None) -> float | None:
    return None if duration is None else duration / SECOND
