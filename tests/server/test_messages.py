"""What a client may say over `graphql-transport-ws`: everything else is refused with the name of the field."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from server.asking import Asked, Nonsense
from server.messages import LONGEST_ID, Complete, Init, Ping, Pong, Subscribe, read

ASKED = {"query": "{ a }"}
NESTED = '{"type":"ping","payload":{"a":' + "[" * 100_000 + "]" * 100_000 + "}}"

UNDERSTOOD = [
    ({"type": "connection_init"}, Init(None)),
    ({"type": "connection_init", "payload": None}, Init(None)),
    ({"type": "connection_init", "payload": {"apiKey": 5}}, Init({"apiKey": 5})),
    ({"type": "ping"}, Ping()),
    ({"type": "ping", "payload": None, "id": 7}, Ping()),
    ({"type": "pong", "payload": {"a": 1}}, Pong()),
    ({"type": "complete", "id": "ü", "payload": 5}, Complete("ü")),
    (
        {"type": "subscribe", "id": "1", "payload": {**ASKED, "variables": {"a": 1}, "operationName": "A"}},
        Subscribe("1", Asked("{ a }", {"a": 1}, "A", None)),
    ),
    (
        {
            "type": "subscribe",
            "id": "x" * LONGEST_ID,
            "payload": {**ASKED, "variables": None, "operationName": None, "extensions": None, "more": [1]},
        },
        Subscribe("x" * LONGEST_ID, Asked("{ a }", {}, None, None)),
    ),
]
REFUSED = [
    (None, "a message must be a text"),
    ("", "the message is not JSON"),
    ("{no", "the message is not JSON"),
    ('{"type":"ping"} {}', "the message is not JSON"),
    ('{"type":"ping","payload":{"a":"\\ud800"}}', "the message is not JSON"),
    (NESTED, "the message is not JSON"),
    *((text, "the message must be an object") for text in ("[]", '"ping"', "1", "null", "true")),
    ({}, "type must be a text"),
    *(({"type": kind}, "type must be a text") for kind in (None, 3, ["ping"], {})),
    *(({"type": kind}, f"clients send: {kind}") for kind in ("start", "next", "connection_ack", "")),
    *(
        ({"type": kind, "payload": payload}, "payload must be an object")
        for kind in ("connection_init", "ping", "pong")
        for payload in ("x", 7, [1], True, "")
    ),
    *(
        ({"type": kind, "id": id, "payload": ASKED}, "id must be a text")
        for kind in ("subscribe", "complete")
        for id in (None, 1, {"a": 1}, ["1"])
    ),
    *(({"type": "subscribe", "id": id, "payload": ASKED}, "id must have 1 to") for id in ("", "x" * 1001)),
    *(
        ({"type": "subscribe", "id": "1", "payload": payload}, "payload must be an object")
        for payload in (None, "{ a }", 7, [ASKED], False)
    ),
    ({"type": "subscribe", "id": "1"}, "payload must be an object"),
    ({"type": "subscribe", "id": "1", "payload": {}}, "query is missing"),
    ({"type": "subscribe", "id": "1", "payload": {"query": 1}}, "query must be a text"),
    ({"type": "subscribe", "id": "1", "payload": {**ASKED, "variables": "x"}}, "variables must be an object"),
    ({"type": "subscribe", "id": "1", "payload": {**ASKED, "extensions": 1}}, "extensions must be an object"),
    ({"type": "subscribe", "id": "1", "payload": {**ASKED, "operationName": 1}}, "operationName must be"),
]


def text_of(message):
    return message if isinstance(message, str | None) else json.dumps(message)


@pytest.mark.parametrize(("message", "understood"), UNDERSTOOD)
def test_what_clients_say_is_understood(message, understood):
    said = read(text_of(message))
    assert said == understood and type(said) is type(understood)


@pytest.mark.parametrize(("message", "sentence"), REFUSED)
def test_what_nobody_can_mean_is_refused_with_the_name_of_the_field(message, sentence):
    with pytest.raises(Nonsense, match=sentence):
        read(text_of(message))


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)
KINDS = {Init: "connection_init", Subscribe: "subscribe", Complete: "complete", Ping: "ping", Pong: "pong"}
MESSAGES = st.fixed_dictionaries(
    {"type": st.sampled_from(list(KINDS.values())) | ANYTHING},
    optional={
        "id": st.text() | ANYTHING,
        "payload": ANYTHING
        | st.fixed_dictionaries(
            {},
            optional=dict.fromkeys(
                ("query", "variables", "operationName", "extensions", "documentId"), ANYTHING
            ),
        ),
    },
)


@settings(max_examples=100, deadline=None)
@given(MESSAGES | ANYTHING)
def test_whatever_comes_is_understood_or_refused(message):
    try:
        said = read(json.dumps(message))
    except Nonsense as error:
        assert str(error)
    else:
        assert message["type"] == KINDS[type(said)]
        if isinstance(said, Subscribe | Complete):
            assert isinstance(said.id, str) and said.id


@settings(max_examples=50, deadline=None)
@given(st.text())
def test_no_text_is_too_odd(text):
    with pytest.raises(Nonsense):
        read(text)
