"""Who may do what: every operation, one by one, found by looking at the modules."""

import inspect
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from resolvers import (
    alarms,
    audits,
    bindings,
    context,
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
from resolvers.context import REFUSED, STRANGER, Caller
from resolvers.errors import NotAllowed, Unidentified

EVERY_SCOPE = context.SCOPES | context.OPERATOR
NEEDED = {
    "devices.bind": "devices:write",
    "devices.unbind": "devices:unbind",
    "devices.of_id": "devices:read",
    "devices.page": "devices:read",
    "devices.of_rows": "devices:read",
    "devices.counts": "devices:read",
    "devices.reached": "devices:read",
    "devices.last_session_counts": "devices:read",
    "alarms.open_alarms": "devices:read",
    "alarms.of_id": "devices:read",
    "alarms.page": "devices:read",
    "alarms.pages": "devices:read",
    "alarms.thresholds": "devices:read",
    "alarms.set_thresholds": "devices:write",
    "bindings.create": "devices:write",
    "bindings.page": "devices:write",
    "bindings.of_rows": "devices:write",
    "bindings.revoke": "devices:write",
    "telemetry.report": "telemetry:write",
    "telemetry.timed": "telemetry:read",
    "telemetry.history": "telemetry:read",
    "telemetry.buckets": "telemetry:read",
    "telemetry.counts": "telemetry:read",
    "telemetry.health": "devices:read",
    "sessions.open": "sessions:write",
    "sessions.close": "sessions:write",
    "sessions.of_token": "sessions:read",
    "sessions.of_device": "sessions:read",
    "sessions.active_of": "sessions:read",
    "sessions.of_rows": "sessions:read",
    "sessions.active_of_rows": "sessions:read",
    "sessions.pages": "sessions:read",
    "sessions.missing_numbers": "passings:read",
    "sessions.missing_counts": "passings:read",
    "sessions.conflicts": "passings:read",
    "passings.record": "passings:write",
    "passings.numbered": "passings:read",
    "passings.timed": "passings:read",
    "passings.which": "passings:read",
    "passings.after": "passings:read",
    "passings.before": "passings:read",
    "passings.position": "passings:read",
    "passings.count": "passings:read",
    "passings.of_numbers": "passings:read",
    "passings.of_position": "passings:read",
    "polls.poll": "passings:read",
    "events.create": "events:write",
    "events.update": "events:write",
    "events.page": "events:read",
    "events.own": "events:read",
    "events.changes": "events:read",
    "documents.register": "events:write",
    "documents.unregister": "events:write",
    "documents.page": "events:read",
    "documents.of_id": "events:read",
    "races.create": "events:write",
    "races.update": "events:write",
    "races.set_gun_time": "events:write",
    "servings.serve": "events:write",
    "servings.update": "events:write",
    "servings.end": "events:write",
    "servings.remove": "events:write",
    "servings.of_id": "events:read",
    "servings.of_checkpoints": "events:read",
    "participants.page": "participants:read",
    "participants.personal": "participants:read",
    "registrations.add": "participants:write",
    "registrations.update": "participants:write",
    "imports.participants": "participants:write",
    "corrections.add_manual_passing": "events:write",
    "corrections.judge": "events:write",
    "corrections.adjust_time": "events:write",
    "leaderboards.rescore": "events:read",
    "verdicts.served": "passings:read",
    "verdicts.of_passings": "passings:read",
    "verdicts.anomalies_of": "events:read",
    "keys.create_account": "accounts:admin",
    "keys.create": "keys:admin",
    "keys.page": "keys:admin",
    "keys.of_rows": "keys:admin",
    "keys.rotate": "keys:admin",
    "keys.revoke": "keys:admin",
    "audits.page": "keys:admin",
    "audits.uses": "keys:admin",
}
"""The one scope that lets a caller in."""
FOR_EVERY_KEY = {"keys.account"}
FOR_EVERYBODY = {
    "bindings.exchange",
    "documents.text",
    "participants.of_id",
    "participants.of_bib",
    "participants.of_rows",
    "participants.pages",
    "events.of_token",
    "events.of_rows",
    "races.of_id",
    "races.of_events",
    "races.of_rows",
    "races.parts",
    "races.checkpoints",
    "races.wave",
    "races.category",
    "races.checkpoint",
    "races.checkpoints_of_rows",
    "results.official",
    "leaderboards.of_race",
    "leaderboards.of_bib",
    "leaderboards.progress",
}
"""They show what is public to strangers too; that the rest is hidden is told by the tests of each noun.
An exchange asks for a binding token instead of a key; the text of a document tells nothing."""
ALSO_WITHOUT_A_KEY = {"events.page"}


def operations() -> Iterator[tuple[str, Callable[..., Any]]]:
    for module in (
        leaderboards,
        verdicts,
        devices,
        telemetry,
        sessions,
        passings,
        polls,
        keys,
        alarms,
        audits,
        bindings,
        documents,
        events,
        races,
        servings,
        results,
        participants,
        registrations,
        imports,
        corrections,
    ):
        for name, operation in inspect.getmembers(module, inspect.iscoroutinefunction):
            if operation.__module__ == module.__name__ and not name.startswith("_"):
                yield f"{module.__name__.removeprefix('resolvers.')}.{name}", operation


OPERATIONS = dict(operations())


async def call(ctx, operation) -> None:
    """With None for every argument: who may not ask is told so before anything is looked at."""
    _, *parameters = inspect.signature(operation).parameters.values()
    required = [
        each for each in parameters if each.default is each.empty and each.kind is not each.VAR_KEYWORD
    ]
    by_name = {each.name: None for each in required if each.kind is each.KEYWORD_ONLY}
    await operation(ctx, *[None for each in required if each.name not in by_name], **by_name)


def test_this_list_names_every_operation():
    assert set(OPERATIONS) == set(NEEDED) | FOR_EVERY_KEY | FOR_EVERYBODY


@pytest.mark.parametrize("name", OPERATIONS)
def test_an_operation_takes_who_asks_first(name):
    first = next(iter(inspect.signature(OPERATIONS[name]).parameters.values()))
    assert (first.name, first.annotation) == ("ctx", context.Context)


@pytest.mark.parametrize("name", sorted(set(OPERATIONS) - FOR_EVERYBODY - ALSO_WITHOUT_A_KEY))
@pytest.mark.parametrize(
    ("caller", "sentence"),
    [(STRANGER, "missing api key"), (REFUSED, "unknown api key")],
    ids=["none", "wrong"],
)
async def test_an_operation_refuses_a_stranger(empty_office, name, caller, sentence):
    with pytest.raises(Unidentified, match=sentence):
        await call(empty_office.context(caller), OPERATIONS[name])


@pytest.mark.parametrize("name", NEEDED)
async def test_an_operation_refuses_a_key_without_scopes(empty_office, name):
    with pytest.raises(NotAllowed):
        await call(empty_office.context(Caller(1, 1)), OPERATIONS[name])


@pytest.mark.parametrize("name", NEEDED)
async def test_one_scope_and_no_other_lets_a_key_in(empty_office, name):
    everything_else = empty_office.context(Caller(1, 1, scopes=EVERY_SCOPE - {NEEDED[name]}))
    with pytest.raises(NotAllowed):
        await call(everything_else, OPERATIONS[name])
    try:
        await call(empty_office.context(Caller(1, 1, scopes=frozenset({NEEDED[name]}))), OPERATIONS[name])
    except (NotAllowed, Unidentified):
        pytest.fail("the scope does not let in")
    except Exception:  # the arguments were nothing at all
        pass


async def test_every_key_may_see_its_own_account(office, ctx):
    bare = office.context(replace(ctx.caller, scopes=frozenset()))
    assert (await keys.account(bare)).id == ctx.caller.account


@pytest.mark.parametrize(
    ("access", "unbind", "refused"),
    [
        ("READ", False, {"write", "unbind", "admin"}),
        ("WRITE", False, {"read", "unbind", "admin"}),
        ("WRITE", True, {"read", "admin"}),
        ("READ_WRITE", False, {"unbind"}),
        ("READ_WRITE", True, set()),
    ],
)
async def test_what_each_type_of_key_may_not_do(office, ctx, access, unbind, refused):
    scopes = (await office.ask_as(ctx, access, may_unbind=unbind)).caller.scopes
    assert {scope.split(":")[1] for scope in context.SCOPES - scopes} == refused
    assert "accounts:admin" not in scopes


@pytest.mark.parametrize(
    ("scope", "sentence"),
    [
        ("passings:write", "this key may not write"),
        ("devices:unbind", "this key may not unbind"),
        ("keys:admin", "this key may not manage keys"),
    ],
)
def test_a_refusal_says_what_the_key_may_not(scope, sentence):
    with pytest.raises(NotAllowed, match=sentence):
        Caller(1, 1).must(scope)
