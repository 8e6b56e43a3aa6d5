"""What a document may ask for at once. Each refusal is fast: one document must not keep everybody waiting."""

import time

import pytest
from graphql import get_introspection_query

from tests.conftest import Desk
from tests.journeys.sockets import open_socket
from tests.schema.conftest import code

AT_MOST = 1.5
"""Seconds for any refusal. A walk that grows with each spread takes hours, a quadratic one many seconds."""


def bomb(step: str, last: str, on: str, levels: int) -> str:
    """Fragments that each spread the next twice: 2 to the power of `levels` fields."""
    body = " ".join(
        f"fragment F{n} on {on} {{ {step.replace('NEXT', f'...F{n + 1}')} }}" for n in range(levels)
    )
    return f"{body} fragment F{levels} on {on} {{ {last} }}"


SAME = "... on Device { activeSession { device { id } } }"
DEEP = {
    "fields": "{ " + "a { " * 20 + "a" + " }" * 20 + " }",
    "device and session": '{ device(deviceId: "x") { '
    + "activeSession { device { " * 8
    + "id"
    + " } }" * 8
    + " } }",
    "in a fragment": '{ device(deviceId: "x") { ...F } } fragment F on Device { '
    + "activeSession { device { " * 8 + "id" + " } }" * 8 + " }",
    "600 fields": "{ " + "a { " * 600 + "a" + " }" * 600 + " }",
    "600 inline fragments": "{ " + "... { " * 600 + "__typename" + " }" * 600 + " }",
    "900 lists": "{ device(deviceId: " + "[" * 900 + "]" * 900 + ") { id } }",
    "400 objects": "mutation { bindDevice(input: " + "{a: " * 400 + "1" + "}" * 400 + ") { alreadyBound } }",
}  # fmt: skip
WIDE = {
    "fragments that spread twice": "{ ...F0 } " + bomb("NEXT NEXT", "__typename", "Query", 60),
    "fragments that spread twice in fields": "{ v: viewer { ...F0 } } "
    + bomb("account { id } NEXT NEXT", "keyAlias", "Viewer", 60),
    "fragments that spread twice two levels deeper": '{ device(deviceId: "x") { ...F0 } } '
    + bomb("activeSession { a: device { NEXT } b: device { NEXT } }", "id", "Device", 60),
    "fragments in a circle": "{ ...F0 } "
    + " ".join(f"fragment F{n} on Query {{ {' '.join(f'...F{m}' for m in range(12))} }}" for n in range(12)),
    "1001 aliases": "{ viewer { " + " ".join(f"a{n}" for n in range(1001)) + " } }",
    "31 things at the top": "{ " + " ".join(f"a{n}: __typename" for n in range(31)) + " }",
    "31 things at the top by a fragment": "{ ...F } fragment F on Query { "
    + " ".join(f"a{n}: __typename" for n in range(31)) + " }",
    "31 mutations": "mutation { "
    + " ".join(f'a{n}: revokeApiKey(id: "x") {{ id }}' for n in range(31)) + " }",
    "the same 1900 times": "{ " + "__typename " * 1900 + "}",
    "the same 900 times below": "{ viewer { " + "scopes " * 900 + "} }",
    "the same 240 times with fields": '{ node(id: "x") { ' + f"{SAME} " * 200 + "} }",
    "a flood of tokens": "{ " + "__typename " * 200_000 + "}",
    "a flood of directives": "{ __typename " + "@skip(if: false) " * 1000 + "}",
    "a flood of fragments": "{ __typename } " + "fragment F on Query { __typename } " * 1000,
}  # fmt: skip


@pytest.mark.parametrize("document", [*DEEP.values(), *WIDE.values()], ids=[*DEEP, *WIDE])
def test_a_document_that_asks_for_too_much_is_refused_at_once(desk, document):
    started = time.monotonic()
    for _ in range(2):  # what is remembered of the first must not let the second in
        answer = desk.ask(document)
        assert {error["extensions"]["code"] for error in answer["errors"]} == {"BAD_USER_INPUT"}
        assert answer["data"] is None
    assert time.monotonic() - started < 2 * AT_MOST


@pytest.mark.parametrize("document", [DEEP["device and session"], WIDE["31 mutations"]])
async def test_the_limits_hold_on_a_socket_too(server, key, document):
    async with open_socket(server.ws_url, key) as socket:
        await socket.ask(document)
        message = await socket.receive()
        assert message["type"] == "error"
        assert {error["extensions"]["code"] for error in message["payload"]} == {"BAD_USER_INPUT"}


def test_what_honest_clients_ask_for_is_within_the_limits(desk):
    desk.data(get_introspection_query(input_value_deprecation=True, directive_is_repeatable=True))
    desk.data("{ " + " ".join(f"a{n}: viewer {{ scopes access }}" for n in range(30)) + " }")
    desk.data("{ viewer { " + " ".join(f"a{n}: scopes" for n in range(600)) + " } }")
    desk.data('{ device(deviceId: "x") { ' + "activeSession { device { " * 7 + "id" + " } }" * 7 + " } }")


def test_a_circle_of_fragments_is_named_as_what_it_is(desk):
    answer = desk.ask("{ ...A } fragment A on Query { ...B } fragment B on Query { ...A }")
    assert code(answer) == "BAD_USER_INPUT" and "within itself" in answer["errors"][0]["message"]


def test_introspection_can_be_switched_off(make_server):
    closed = Desk(make_server(introspection=False), None)
    for query in ("{ __schema { types { name } } }", '{ __type(name: "Query") { name } }'):
        for _ in range(2):
            assert {error["extensions"]["code"] for error in closed.ask(query)["errors"]} == {
                "BAD_USER_INPUT"
            }
    assert closed.data("{ __typename viewer { __typename } }")["viewer"]["__typename"] == "Viewer"
    closed.http.close()


async def test_introspection_stays_off_on_a_socket(make_server):
    async with open_socket(make_server(introspection=False).ws_url) as socket:
        await socket.ask("{ __schema { types { name } } }")
        assert (await socket.receive())["type"] == "error"
