"""Devices bound, unbound, re-bound, timing and sending, by several clients in any order, over HTTP.

`PASSLINE_EXAMPLES=1200` tries ten times as many sequences as by default.
"""

import itertools
import os
from collections.abc import Callable
from functools import partial
from typing import ClassVar, NamedTuple

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from tests.conftest import Server
from tests.journeys.boxes import TIMING, Box, Clients

SEQUENCES = max(1, int(os.environ.get("PASSLINE_EXAMPLES", 120)) // 20)
STEPS = 40
SERIALS = ("S0", "S1", "S2")
SURVEY = """{ devices { edges { node { deviceId serialNumber bindingStatus activeSession { token }
    sessions(first: 1000) { edges { node { token closedAt passingCount } } } } } }
    viewer { apiKeys(bindings: true) { ofBinding revokedAt device { deviceId } } } }"""
TOKEN = "mutation { createBindingToken { id token } }"
REVOKE = "mutation($id: ID!) { revokeBindingToken(id: $id) { revokedAt } }"


class Turn(NamedTuple):
    """Who is meant, and by whom, where a step leaves it open."""

    box: str
    other: str
    own_key: bool
    place: int
    mode: str


turns = st.builds(
    Turn,
    st.sampled_from(SERIALS),
    st.sampled_from(SERIALS),
    st.booleans(),
    st.integers(0, 9),
    st.sampled_from(("IDLE", *TIMING)),
)


class Fleet(RuleBasedStateMachine):
    """An account with three devices, two clients with keys of the account, and the devices' own keys."""

    server: ClassVar[Server]
    numbers = itertools.count(1)

    @initialize(turn=turns)
    def begin(self, turn: Turn) -> None:
        """One device was bound by a token and has a session, one was bound with a key, one was never seen."""
        self.clients = Clients(self.server)
        self.boxes = {serial: Box(serial) for serial in SERIALS}
        self.unused: list[tuple[str, str]] = []
        self.spent = ["bind-" + "0" * 20]
        first = turn._replace(box=SERIALS[0])
        for step in (self.exchange, self.open_session, self.tell_mode):
            step(first)
        self.bind(turn._replace(box=SERIALS[1]))

    def teardown(self) -> None:
        for box in self.boxes.values():
            for token, numbers in box.sessions.items():
                answer = self.clients.call(self.clients.keys[0], "GET", f"/passings/session/{token}")
                assert {each["num_passing"] for each in answer.json()["result"]} == numbers
        self.clients.close()

    def of(self, serial: str, able: Callable[[Box], object]) -> list[Box]:
        """The device, or another one that can do it; none where none can."""
        return [box for box in (self.boxes[serial], *self.boxes.values()) if able(box)][:1]

    def by(self, box: Box, turn: Turn) -> str:
        """A key that acts for the device: its own, or one of the account's."""
        return box.key if box.key and turn.own_key else self.clients.keys[turn.place % 2]

    def token(self, turn: Turn) -> tuple[str, str]:
        """One that waits for a device: its global id and its text."""
        while len(self.unused) < 2:
            made = self.clients.ask(TOKEN)["createBindingToken"]
            self.unused.append((made["id"], made["token"]))
        return self.unused.pop(turn.place % 2)

    def bind(self, turn: Turn) -> None:
        box = self.boxes[turn.box]
        body = {"model": "M", "serial_number": box.serial}
        answer = self.clients.call(self.clients.keys[turn.place % 2], "POST", "/devices", body)
        assert answer.status_code == (409 if box.bound else 201)
        box.bind(answer.json()["deviceid"])

    def exchange(self, turn: Turn) -> None:
        box, (id, text) = self.boxes[turn.box], self.token(turn)
        answer = self.clients.exchange(text, box)
        assert answer.status_code == (409 if box.timing else 201), answer.text
        if box.timing:
            self.unused.append((id, text))
        else:
            box.bind(answer.json()["deviceid"], answer.json()["api_key"])
            self.spent.append(text)

    def revoke_token(self, turn: Turn) -> None:
        id, text = self.token(turn)
        assert self.clients.ask(REVOKE, id=id)["revokeBindingToken"]["revokedAt"]
        self.spent.append(text)

    def show_spent_token(self, turn: Turn) -> None:
        text = self.spent[turn.place % len(self.spent)]
        assert self.clients.exchange(text, self.boxes[turn.box]).status_code == 403

    def race_for_one_token(self, turn: Turn) -> None:
        pair, (_, text) = [self.boxes[turn.box], self.boxes[turn.other]], self.token(turn)
        if any(box.timing for box in pair):
            return
        answers = self.clients.at_once(*(partial(self.clients.exchange, text, box) for box in pair))
        assert sorted(answer.status_code for answer in answers) == [201, 403]
        ((won, answer),) = [each for each in zip(pair, answers, strict=True) if each[1].status_code == 201]
        won.bind(answer.json()["deviceid"], answer.json()["api_key"])
        self.spent.append(text)

    def race_of_tokens_for_one_device(self, turn: Turn) -> None:
        for box in self.of(turn.box, lambda box: not box.timing):
            texts = [self.token(turn)[1] for _ in range(2)]
            answers = self.clients.at_once(*(partial(self.clients.exchange, text, box) for text in texts))
            assert [answer.status_code for answer in answers] == [201, 201]
            for answer in answers:
                box.bind(answer.json()["deviceid"], answer.json()["api_key"])
            tried = [box.key, box.dead.pop()]
            live = [key for key in tried if self.clients.call(key, "GET", "/devices").status_code == 200]
            (box.key,) = live
            box.dead += [key for key in tried if key and key not in live]
            self.spent += texts

    def unbind(self, turn: Turn) -> None:
        for box in self.of(turn.box, lambda box: box.id):
            answer = self.clients.unbind(self.clients.keys[turn.place % 2], box)
            assert answer.status_code == (409 if box.timing else 200 if box.bound else 404), answer.text
            if answer.status_code == 200:
                box.unbind()

    def unbind_while_it_begins_to_time(self, turn: Turn) -> None:
        for box in self.of(turn.box, lambda box: box.bound and not box.timing):
            unbound, reported = self.clients.at_once(
                partial(self.clients.unbind, self.clients.keys[0], box),
                partial(self.clients.report, self.clients.keys[1], box, mode="START"),
            )
            assert (unbound.status_code, reported.status_code) in ((200, 404), (409, 201))
            if unbound.status_code == 200:
                box.unbind()
            else:
                box.mode = "START"

    def unbind_while_it_sends(self, turn: Turn) -> None:
        for box in self.of(turn.box, lambda box: box.active and not box.timing):
            token, number = box.active or "", next(self.numbers)
            unbound, sent = self.clients.at_once(
                partial(self.clients.unbind, self.clients.keys[0], box),
                partial(self.clients.upload, self.clients.keys[1], token, number),
            )
            assert unbound.status_code == 200 and sent.status_code in (201, 404)
            box.sessions[token] |= {number} if sent.status_code == 201 else set()
            box.unbind()

    def tell_mode(self, turn: Turn) -> None:
        for box in self.of(turn.box, lambda box: box.id):
            answer = self.clients.report(self.by(box, turn), box, mode=turn.mode)
            assert answer.status_code == (201 if box.bound else 404)
            box.mode = turn.mode if box.bound else box.mode

    def tell_mode_of_long_ago(self, turn: Turn) -> None:
        for box in self.of(turn.box, lambda box: box.bound and box.mode):
            at = f"2020-01-01T00:00:00.{next(self.numbers):06}Z"
            answer = self.clients.report(self.by(box, turn), box, mode=turn.mode, reported_at=at)
            assert (answer.status_code, answer.json()["stale_count"]) == (201, 1)

    def open_session(self, turn: Turn) -> None:
        for box in self.of(turn.box, lambda box: box.id):
            answer = self.clients.call(self.by(box, turn), "POST", "/sessions", {"deviceid": box.id})
            assert answer.status_code == (201 if box.bound else 404)
            if box.bound:
                box.active = answer.json()["token_session"]
                box.sessions[box.active] = set()

    def close_session(self, turn: Turn) -> None:
        for box in self.of(turn.box, lambda box: box.sessions):
            token = list(box.sessions)[-1 - turn.place % len(box.sessions)]
            answer = self.clients.call(self.by(box, turn), "PATCH", f"/sessions/close/{token}")
            assert answer.status_code == 200
            box.active = None if token == box.active else box.active

    def send(self, turn: Turn) -> None:
        """Twice: a device that heard no answer sends again."""
        for box in self.of(turn.box, lambda box: box.active):
            numbers = [next(self.numbers) for _ in range(1 + turn.place % 3)]
            for inserted in (len(numbers), 0):
                answer = self.clients.upload(self.by(box, turn), box.active or "", *numbers)
                assert (answer.status_code, answer.json()["inserted_count"]) == (201, inserted)
            box.sessions[box.active or ""].update(numbers)

    def send_to_closed_session(self, turn: Turn) -> None:
        for box in self.of(turn.box, lambda box: box.closed):
            token = box.closed[turn.place % len(box.closed)]
            assert self.clients.upload(self.by(box, turn), token, next(self.numbers)).status_code == 404

    def use_dead_key(self, turn: Turn) -> None:
        for box in self.of(turn.box, lambda box: box.dead):
            key = box.dead[turn.place % len(box.dead)]
            assert self.clients.call(key, "GET", "/devices").status_code == 403
            assert self.clients.report(key, box, mode="IDLE").status_code == 403

    def reach_for_sibling(self, turn: Turn) -> None:
        for box in self.of(turn.box, lambda box: box.key):
            key = box.key or ""
            listed = self.clients.call(key, "GET", "/devices").json()["result"]
            assert [each["deviceid"] for each in listed] == [box.id]
            assert self.clients.unbind(key, box).status_code == 403
            siblings = [other for other in self.boxes.values() if other is not box and other.id]
            for sibling in siblings:
                assert self.clients.call(key, "GET", f"/devices/{sibling.id}").status_code == 404
                assert self.clients.report(key, sibling, mode="IDLE").status_code == 404
                assert (
                    self.clients.call(key, "POST", "/sessions", {"deviceid": sibling.id}).status_code == 404
                )
                for token in sibling.sessions:
                    assert self.clients.upload(key, token, next(self.numbers)).status_code == 404

    STEPS = (
        *(exchange, bind, revoke_token, show_spent_token, race_for_one_token, race_of_tokens_for_one_device),
        *(unbind, unbind, unbind_while_it_begins_to_time, unbind_while_it_sends),
        *(tell_mode, tell_mode, tell_mode_of_long_ago, open_session, open_session, close_session),
        *(send, send, send_to_closed_session, use_dead_key, reach_for_sibling),
    )

    @rule(step=st.sampled_from(STEPS), turn=turns)
    def take(self, step: Callable[["Fleet", Turn], None], turn: Turn) -> None:
        """One rule for all steps, so that each comes as often as its neighbours."""
        step(self, turn)

    @invariant()
    def the_account_shows_what_was_acknowledged(self) -> None:
        found = self.clients.ask(SURVEY)
        shown = {edge["node"]["serialNumber"]: edge["node"] for edge in found["devices"]["edges"]}
        assert set(shown) == {box.serial for box in self.boxes.values() if box.id}
        for serial, node in shown.items():
            box = self.boxes[serial]
            sessions = {edge["node"]["token"]: edge["node"] for edge in node["sessions"]["edges"]}
            assert (node["deviceId"], node["bindingStatus"] == "BOUND") == (box.id, box.bound)
            counts = {token: each["passingCount"] for token, each in sessions.items()}
            assert counts == {token: len(numbers) for token, numbers in box.sessions.items()}
            active = [token for token, each in sessions.items() if each["closedAt"] is None]
            assert active == ([box.active] if box.active else []), "one active session at most"
            assert (node["activeSession"] or {}).get("token") == box.active
        keys = [key for key in found["viewer"]["apiKeys"] if key["ofBinding"] and not key["revokedAt"]]
        live = sorted(key["device"]["deviceId"] for key in keys)
        assert live == sorted(box.id or "" for box in self.boxes.values() if box.key)


def test_whatever_clients_do_the_rules_of_binding_hold(server: Server) -> None:
    run_state_machine_as_test(
        type("Fleet", (Fleet,), {"server": server}),
        settings=settings(
            max_examples=SEQUENCES,
            stateful_step_count=STEPS,
            deadline=None,
            database=None,
            derandomize="PASSLINE_EXAMPLES" not in os.environ,
            phases=[Phase.explicit, Phase.generate],  # a shorter sequence is not worth the minutes
            suppress_health_check=list(HealthCheck),
        ),
    )
