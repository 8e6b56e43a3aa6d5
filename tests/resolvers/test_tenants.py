"""Nothing of one account is visible to another, by any operation."""

import pytest

from models import alarms as alarm_rows
from models.history import Period
from models.participants import Filter as Who
from models.passings import Filter
from resolvers import (
    alarms,
    audits,
    bindings,
    corrections,
    devices,
    documents,
    events,
    imports,
    keys,
    leaderboards,
    participants,
    passings,
    polls,
    races,
    registrations,
    results,
    servings,
    sessions,
    telemetry,
    verdicts,
)
from resolvers.corrections import NewManual
from resolvers.courses import NewRace
from resolvers.devices import NewDevice
from resolvers.entries import NewParticipant
from resolvers.errors import NotFound, Unidentified
from resolvers.keys import NewKey
from resolvers.reports import NewReport
from resolvers.servings import ServeCheckpoint
from resolvers.telemetry import Part
from tests.resolvers.racing import NOON_TEXT
from tests.resolvers.test_rights import OPERATIONS
from tests.resolvers.theirs import Theirs


async def _alarms(ctx, device) -> tuple[list[alarm_rows.Alarm], int]:
    return (await alarms.pages(ctx, [device.id], None, None, 9))[device.id]


REFUSED = {
    "devices.unbind": lambda ctx, of: devices.unbind(ctx, of.device.device_id),
    "devices.of_id": lambda ctx, of: devices.of_id(ctx, of.device.device_id),
    "devices.reached": lambda ctx, of: devices.reached(ctx, [of.device.device_id]),
    "telemetry.report": lambda ctx, of: telemetry.report(ctx, of.device.device_id, [NewReport()]),
    "telemetry.timed": lambda ctx, of: telemetry.timed(ctx, of.device.device_id, Period()),
    "sessions.open": lambda ctx, of: sessions.open(ctx, of.device.device_id),
    "sessions.close": lambda ctx, of: sessions.close(ctx, of.session.token),
    "sessions.of_token": lambda ctx, of: sessions.of_token(ctx, of.session.token),
    "sessions.of_device": lambda ctx, of: sessions.of_device(ctx, of.device.device_id),
    "sessions.active_of": lambda ctx, of: sessions.active_of(ctx, of.device.device_id),
    "passings.record": lambda ctx, of: passings.record(
        ctx, of.session.token, [passings.NewPassing(9, "2026-06-01T12:00:00", "7")]
    ),
    "passings.numbered": lambda ctx, of: passings.numbered(ctx, of.session.token),
    "passings.timed": lambda ctx, of: passings.timed(ctx, of.device.device_id),
    "passings.which": lambda ctx, of: passings.which(ctx, session_token=of.session.token),
    "passings.of_position": lambda ctx, of: passings.of_position(ctx, 1),
    "polls.poll": lambda ctx, of: polls.poll(ctx, of.device.device_id),
    "keys.revoke": lambda ctx, of: keys.revoke(ctx, of.key_id),
    "keys.rotate": lambda ctx, of: keys.rotate(ctx, of.key_id),
    "bindings.revoke": lambda ctx, of: bindings.revoke(ctx, of.token.id),
    "alarms.of_id": lambda ctx, of: alarms.of_id(ctx, of.alarm.id),
    "documents.unregister": lambda ctx, of: documents.unregister(ctx, of.document.hash.hex()),
    "documents.of_id": lambda ctx, of: documents.of_id(ctx, of.document.id),
    "events.update": lambda ctx, of: events.update(ctx, of.event.token, {"name": "Mine"}),
    "events.of_token": lambda ctx, of: events.of_token(ctx, of.event.token),
    "events.own": lambda ctx, of: events.own(ctx, of.event.token),
    "events.changes": lambda ctx, of: events.changes(ctx, of.event.token),
    "races.create": lambda ctx, of: races.create(ctx, of.event.token, NewRace(name="Mine")),
    "races.update": lambda ctx, of: races.update(ctx, of.race.id, {"name": "Mine"}),
    "races.set_gun_time": lambda ctx, of: races.set_gun_time(ctx, of.race.id, None, NOON_TEXT),
    "races.of_id": lambda ctx, of: races.of_id(ctx, of.race.id),
    "races.checkpoints": lambda ctx, of: races.checkpoints(ctx, of.race.id),
    "races.wave": lambda ctx, of: races.wave(ctx, of.wave.id),
    "races.category": lambda ctx, of: races.category(ctx, of.category.id),
    "races.checkpoint": lambda ctx, of: races.checkpoint(ctx, of.checkpoint.id),
    "leaderboards.of_race": lambda ctx, of: leaderboards.of_race(ctx, of.race.id),
    "leaderboards.of_bib": lambda ctx, of: leaderboards.of_bib(ctx, of.board, "7"),
    "leaderboards.progress": lambda ctx, of: leaderboards.progress(ctx, of.board),
    "leaderboards.rescore": lambda ctx, of: leaderboards.rescore(ctx, of.race.id),
    "verdicts.served": lambda ctx, of: verdicts.served(ctx, event_token=of.event.token),
    "verdicts.anomalies_of": lambda ctx, of: verdicts.anomalies_of(ctx, of.race.id),
    "results.official": lambda ctx, of: results.official(ctx, of.race.id),
    "servings.serve": lambda ctx, of: servings.serve(
        ctx, ServeCheckpoint(checkpoint_id=of.checkpoint.id, device_id=of.device.device_id)
    ),
    "servings.update": lambda ctx, of: servings.update(ctx, of.serving.id, {"role": "BACKUP"}),
    "servings.end": lambda ctx, of: servings.end(ctx, of.serving.id),
    "servings.remove": lambda ctx, of: servings.remove(ctx, of.serving.id),
    "servings.of_id": lambda ctx, of: servings.of_id(ctx, of.serving.id),
    "participants.of_id": lambda ctx, of: participants.of_id(ctx, of.participant.participant_id),
    "participants.of_bib": lambda ctx, of: participants.of_bib(ctx, of.event.token, "7"),
    "participants.page": lambda ctx, of: participants.page(ctx, of.event.token, limit=9),
    "participants.pages": lambda ctx, of: participants.pages(ctx, [of.event.id], Who(), 0, 9),
    "registrations.add": lambda ctx, of: registrations.add(
        ctx, of.event.token, [NewParticipant(bib="8", name="Eve")]
    ),
    "registrations.update": lambda ctx, of: registrations.update(
        ctx, of.participant.participant_id, {"name": "Eve"}
    ),
    "imports.participants": lambda ctx, of: imports.participants(ctx, of.event.token, "bib,name\n8,Eve"),
    "corrections.add_manual_passing": lambda ctx, of: corrections.add_manual_passing(
        ctx, NewManual(checkpoint_id=of.checkpoint.id, bib="7", at=NOON_TEXT, reason="seen")
    ),
    "corrections.judge": lambda ctx, of: corrections.judge(ctx, 1, "VOIDED", "why", of.checkpoint.id),
    "corrections.adjust_time": lambda ctx, of: corrections.adjust_time(
        ctx, of.participant.participant_id, 5, "why"
    ),
}
EMPTY = {
    "verdicts.of_passings": lambda ctx, of: verdicts.of_passings(ctx, [of.row]),
    "devices.page": lambda ctx, of: devices.page(ctx, limit=9),
    "devices.of_rows": lambda ctx, of: devices.of_rows(ctx, [of.device.id]),
    "devices.counts": lambda ctx, of: devices.counts(ctx, [of.device.id]),
    "devices.last_session_counts": lambda ctx, of: devices.last_session_counts(ctx, [of.device.id]),
    "alarms.open_alarms": lambda ctx, of: alarms.open_alarms(ctx, [of.device.id]),
    "alarms.page": lambda ctx, of: alarms.page(ctx, limit=9),
    "alarms.pages": lambda ctx, of: _alarms(ctx, of.device),
    "keys.of_rows": lambda ctx, of: keys.of_rows(ctx, [of.key_id]),
    "audits.uses": lambda ctx, of: audits.uses(ctx, [of.key_id], 9),
    "bindings.page": lambda ctx, of: bindings.page(ctx, limit=9),
    "bindings.of_rows": lambda ctx, of: bindings.of_rows(ctx, [of.token.id]),
    "telemetry.history": lambda ctx, of: telemetry.history(ctx, [of.device.id], Part(Period(), 9)),
    "telemetry.buckets": lambda ctx, of: telemetry.buckets(ctx, [of.device.id], Part(Period(), 9), 60),
    "telemetry.counts": lambda ctx, of: telemetry.counts(ctx, [of.device.id], Period()),
    "telemetry.health": lambda ctx, of: telemetry.health(ctx, [of.device.id]),
    "sessions.of_rows": lambda ctx, of: sessions.of_rows(ctx, [of.session.id]),
    "sessions.active_of_rows": lambda ctx, of: sessions.active_of_rows(ctx, [of.device.id]),
    "sessions.missing_numbers": lambda ctx, of: sessions.missing_numbers(ctx, [of.session.id], 9),
    "sessions.missing_counts": lambda ctx, of: sessions.missing_counts(ctx, [of.session.id]),
    "sessions.conflicts": lambda ctx, of: sessions.conflicts(ctx, [of.session.id], 9),
    "sessions.pages": lambda ctx, of: sessions.pages(ctx, [of.device.id], 0, 9),
    "passings.after": lambda ctx, of: passings.after(ctx, Filter(), 0, 9),
    "passings.before": lambda ctx, of: passings.before(ctx, Filter(), None, 9),
    "passings.position": lambda ctx, of: passings.position(ctx),
    "passings.count": lambda ctx, of: passings.count(ctx, Filter()),
    "passings.of_numbers": lambda ctx, of: passings.of_numbers(ctx, of.session.id, [1, 3]),
    "participants.of_rows": lambda ctx, of: participants.of_rows(ctx, [of.participant.id]),
    "participants.personal": lambda ctx, of: participants.personal(ctx, [of.participant.id]),
    "documents.page": lambda ctx, of: documents.page(ctx, limit=9),
    "events.page": lambda ctx, of: events.page(ctx, limit=9),
    "events.of_rows": lambda ctx, of: events.of_rows(ctx, [of.event.id]),
    "races.of_events": lambda ctx, of: races.of_events(ctx, [of.event.id]),
    "races.of_rows": lambda ctx, of: races.of_rows(ctx, [of.race.id]),
    "races.parts": lambda ctx, of: races.parts(ctx, [of.race.id]),
    "races.checkpoints_of_rows": lambda ctx, of: races.checkpoints_of_rows(ctx, [of.checkpoint.id]),
    "servings.of_checkpoints": lambda ctx, of: servings.of_checkpoints(ctx, [of.checkpoint.id]),
}
NOTHING = ([], {}, 0, ([], {}, 0), ([], 0))
# They take a row, which only an operation gives, and a filter, which only `which` makes of names.
BY_ROW = {
    "passings.after by session": lambda ctx, of: passings.after(ctx, Filter(of.session.id), 0, 9),
    "passings.before by session": lambda ctx, of: passings.before(ctx, Filter(of.session.id), None, 9),
    "passings.count by session": lambda ctx, of: passings.count(ctx, Filter(of.session.id, bib="7")),
}
BELOW = {
    "devices.bind",
    "keys.create",
    "keys.page",
    "keys.account",
    "keys.create_account",
    "events.create",
    "alarms.thresholds",
    "alarms.set_thresholds",
    "audits.page",
    "bindings.create",
    "bindings.exchange",
    "documents.register",
    "documents.text",
}
"""Have a test of their own."""


@pytest.fixture
async def theirs(other, record):
    return await Theirs.of(other, record)


def test_these_lists_name_every_operation():
    named = {name.split(" ")[0] for name in (*REFUSED, *EMPTY, *BY_ROW, *BELOW)}
    assert named == set(OPERATIONS)


async def refusals(ctx, theirs, names, subtests):
    """What each operation says when it is asked for theirs."""
    said = {}
    for name in names:
        with subtests.test(name), pytest.raises(NotFound) as refused:
            await REFUSED[name](ctx, theirs)
        said[name] = (type(refused.value), str(refused.value), refused.value.code)
    return said


async def test_what_another_account_has_is_refused_as_what_does_not_exist(ctx, theirs, subtests):
    foreign = await refusals(ctx, theirs, REFUSED, subtests)
    theirs.vanish()
    assert await refusals(ctx, theirs, REFUSED, subtests) == foreign


async def test_lists_hold_nothing_of_another_account(ctx, theirs, subtests):
    for name, operation in EMPTY.items():
        with subtests.test(name):
            assert await operation(ctx, theirs) in NOTHING


async def test_refused_operations_changed_nothing(ctx, other, theirs):
    for operation in REFUSED.values():
        with pytest.raises(NotFound):
            await operation(ctx, theirs)
    assert (await devices.of_id(other, theirs.device.device_id)).bound
    assert (await sessions.active_of(other, theirs.device.device_id)).id == theirs.session.id
    assert await passings.count(other, Filter()) == 2
    assert (await keys.page(other))[0].revoked_at is None
    assert (await documents.of_id(other, theirs.document.id)).text == "{ theirs }"
    assert (await events.of_token(other, theirs.event.token)).revision == theirs.event.revision + 3


async def test_the_same_serial_number_is_another_device_in_another_account(ctx, other, theirs):
    bound = await devices.bind(ctx, NewDevice(model="X", serial_number="S1"))
    assert bound.fresh and bound.device.device_id != theirs.device.device_id
    assert (await devices.of_id(other, theirs.device.device_id)).model == "M"


async def test_a_key_sees_and_makes_keys_of_its_own_account_only(ctx, theirs):
    made, _ = await keys.create(ctx, NewKey(access="READ"), theirs.account_id)
    assert made.account_id == ctx.caller.account
    listed = await keys.page(ctx, theirs.account_id)
    assert {row.account_id for row in listed} == {ctx.caller.account} and len(listed) == 2
    assert (await keys.account(ctx)).id == ctx.caller.account


async def test_a_key_sees_the_audit_trail_of_its_own_account_only(ctx, other, theirs):
    found, total = await audits.page(ctx, theirs.account_id, limit=99)
    assert {entry.account_id for entry in found} == {ctx.caller.account} and len(found) == total == 1
    assert (await audits.page(other, limit=99))[1] > 1


async def test_a_binding_token_binds_to_the_account_that_made_it(ctx, other, theirs):
    token, text = await bindings.create(ctx, account_id=theirs.account_id)
    assert token.account_id == ctx.caller.account
    bound = await bindings.exchange(other, text, NewDevice(model="X", serial_number="S1"))
    assert bound.device.account_id == ctx.caller.account and bound.device.id != theirs.device.id
    assert (await other.callers.identify(bound.key)).account_id == ctx.caller.account


async def test_the_operator_has_no_account_and_sees_no_race(office, theirs):
    with pytest.raises(Unidentified):
        await devices.of_id(office.operator, theirs.device.device_id)


async def test_the_owner_sees_all_of_it(other, theirs):
    for operation in (*EMPTY.values(), *BY_ROW.values()):
        assert await operation(other, theirs) not in NOTHING
