"""What a company has, for another one to reach for."""

from functools import partial

from models import alarms as alarm_rows
from resolvers import (
    alarms,
    bindings,
    devices,
    documents,
    leaderboards,
    passings,
    races,
    registrations,
    servings,
    sessions,
    telemetry,
)
from resolvers.courses import NewCategory
from resolvers.devices import NewDevice
from resolvers.documents import NewDocument
from resolvers.entries import NewParticipant
from resolvers.reports import NewReport
from resolvers.servings import ServeCheckpoint
from tests.resolvers.racing import make_event, make_race


async def _alarm(ctx, device) -> alarm_rows.Alarm:
    start = alarm_rows.Start(device.id, "MOVED", device.account_id, "WARNING", "")
    await ctx.database.transact(partial(alarm_rows.write, alarm_rows.Changes([start]), 1))
    return (await alarms.open_alarms(ctx, [device.id]))[device.id][0]


class Theirs:
    """What another company has: a device with a session, passings with a gap, a conflict, a key, a private race."""

    @classmethod
    async def of(cls, ctx, record):
        self = cls()
        self.device = (await devices.bind(ctx, NewDevice(model="M", serial_number="S1"))).device
        await telemetry.report(ctx, self.device.device_id, [NewReport(mode="IDLE")])
        self.session = await sessions.open(ctx, self.device.device_id)
        await record(ctx, self.session.token, 1, 3)
        await record(ctx, self.session.token, 1, bib="other")
        self.key_id = ctx.caller.key_id
        await ctx.callers.note_use()
        self.token, _ = await bindings.create(ctx)
        self.account_id = ctx.caller.account
        self.event = await make_event(ctx)
        self.race = await make_race(ctx, self.event, categories=[NewCategory(name="All")])
        (self.wave,), (self.category,), (self.checkpoint, *_) = (await races.parts(ctx, [self.race.id]))[
            self.race.id
        ]
        new = ServeCheckpoint(checkpoint_id=self.checkpoint.id, device_id=self.device.device_id)
        self.serving = (await servings.serve(ctx, new)).serving
        (added,) = await registrations.add(ctx, self.event.token, [NewParticipant(bib="7", name="Ann")])
        self.participant = added.participant
        self.board = await leaderboards.of_race(ctx, self.race.id)
        self.row = await passings.of_position(ctx, 1)
        self.alarm = await _alarm(ctx, self.device)
        self.document = await documents.register(ctx, NewDocument(text="{ theirs }"))
        return self

    def vanish(self) -> None:
        """From now on it names what nobody has."""
        self.device.device_id = self.session.token = self.event.token = "F" * 64
        self.key_id = self.token.id = self.alarm.id = self.document.id = 999_999_999
        self.document.hash = b"F" * 32
        self.participant.participant_id = "F" * 64
        for each in (self.race, self.wave, self.category, self.checkpoint, self.serving, self.participant):
            each.id = 999_999_999
