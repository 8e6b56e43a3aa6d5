"""A race day: an event with a race, devices at its checkpoints and competitors, through operations alone."""

from __future__ import annotations

import datetime
import random
from typing import Any

from models.passings import Row
from resolvers import corrections, devices, passings, races, registrations, servings, sessions
from resolvers.context import Context
from resolvers.corrections import NewManual
from resolvers.courses import NewCheckpoint, NewRace, NewWave
from resolvers.devices import NewDevice
from resolvers.entries import NewChip, NewParticipant
from resolvers.passings import NewPassing
from resolvers.servings import ServeCheckpoint
from tests.resolvers.racing import make_event, make_race, parts

GUN = datetime.datetime(2026, 6, 1, 10, tzinfo=datetime.UTC)
COURSE = (
    NewCheckpoint(kind="START"),
    NewCheckpoint(distance=5000, minimum_seconds=600),
    NewCheckpoint(kind="FINISH", distance=10000),
)


def at(seconds: float) -> str:
    """So many seconds after the gun."""
    return (GUN + datetime.timedelta(seconds=seconds)).isoformat().replace("+00:00", "Z")


class Day:
    """`checkpoints` by name; `tokens` are the sessions of the devices that serve them, in the same order."""

    def __init__(self, ctx: Context) -> None:
        self.ctx = ctx
        self.numbers = 0
        self.tokens: list[str] = []
        self.device_ids: list[str] = []
        self.servings: list[Any] = []

    async def begin(self, **more: Any) -> Day:
        self.event = await make_event(self.ctx)
        wanted = {
            "checkpoints": COURSE,
            "waves": [NewWave(name="first", gun_time=at(0)), NewWave(name="second", gun_time=at(60))],
        } | more
        self.race = await make_race(self.ctx, self.event, **wanted)
        self.checkpoints = (await parts(self.ctx, self.race)).checkpoints
        for checkpoint in self.checkpoints:
            await self.reader(checkpoint.id)
        return self

    async def reader(self, checkpoint_id: int, role: str = "PRIMARY") -> str:
        """Another device at a checkpoint; returns its session."""
        new = NewDevice(model="M", serial_number=f"S{self.race.id}-{len(self.tokens)}")
        device_id = (await devices.bind(self.ctx, new)).device.device_id
        self.device_ids.append(device_id)
        self.tokens.append((await sessions.open(self.ctx, device_id)).token)
        serving = ServeCheckpoint(checkpoint_id=checkpoint_id, device_id=device_id, role=role)
        self.servings.append((await servings.serve(self.ctx, serving)).serving)
        return self.tokens[-1]

    async def enter(self, *bibs: str, **more: Any) -> None:
        new = [NewParticipant(bib=bib, name=f"N{bib}", race_id=self.race.id, **more) for bib in bibs]
        added = await registrations.add(self.ctx, self.event.token, new)
        assert all(each.participant for each in added), added

    async def see(self, place: int, seconds: float, bib: str | None = None, chip: str | None = None) -> Row:
        """The device of that place detects somebody."""
        self.numbers += 1
        new = NewPassing(number=self.numbers, timestamp=at(seconds), bib=bib, chip=chip)
        recorded = await passings.record(self.ctx, self.tokens[place], [new])
        return await passings.of_position(self.ctx, recorded.written.position)

    async def something(self, chance: random.Random) -> None:
        """Whatever may happen on a race day."""
        bib = str(chance.randint(1, 12))
        what = chance.choice(
            ["see"] * 8 + ["enter", "gun", "rule", "adjust", "status", "serve", "manual", "name"]
        )
        match what:
            case "see":
                place = chance.randrange(len(self.tokens))
                chip = f"C{bib}" if chance.random() < 0.3 else None
                await self.see(place, chance.randint(-60, 4000), None if chip else bib, chip)
            case "enter":
                new = NewParticipant(
                    bib=bib, name="N", race_id=self.race.id, wave=chance.choice(["first", "second"]),
                    gender=chance.choice("FM"), team=chance.choice("AB"), chips=[NewChip(code=f"C{bib}")],
                )  # fmt: skip
                await registrations.add(self.ctx, self.event.token, [new])
            case "gun":
                wave = chance.choice(["first", "second"])
                await races.set_gun_time(self.ctx, self.race.id, wave, at(chance.randint(-30, 90)))
            case "rule" if self.numbers:
                position = chance.randint(1, self.numbers)
                await corrections.judge(self.ctx, position, chance.choice(["VOIDED", "CONFIRMED"]), "seen")
            case "serve":
                serving = chance.choice(self.servings)
                await servings.update(self.ctx, serving.id, {"to": at(chance.randint(1000, 5000))}, "moved")
            case _:
                await self._correct(what, bib, chance)

    async def _correct(self, what: str, bib: str, chance: random.Random) -> None:
        who = await self.participant(bib)
        if who is None:
            return
        match what:
            case "adjust":
                await corrections.adjust_time(self.ctx, who, chance.randint(1, 99), "cut a corner")
            case "status":
                patch = {"status": chance.choice(["REGISTERED", "DNF", "DSQ"])}
                await registrations.update(self.ctx, who, patch, "seen")
            case "name":
                await registrations.update(self.ctx, who, {"bib": str(chance.randint(1, 12))}, None)
            case "manual":
                checkpoint = chance.choice(self.checkpoints)
                new = NewManual(
                    checkpoint_id=checkpoint.id, bib=bib, at=at(chance.randint(0, 4000)), reason="seen"
                )
                await corrections.add_manual_passing(self.ctx, new)
                self.numbers += 1

    async def participant(self, bib: str) -> str | None:
        from resolvers import participants
        from resolvers.errors import NotFound

        try:
            return (await participants.of_bib(self.ctx, self.event.token, bib)).participant_id
        except NotFound:
            return None


__all__ = ["COURSE", "Day", "NewRace", "at"]
