"""P1's short way answers as the ordinary one does, byte for byte, whatever is sent and however it is cut."""

import json
import os
from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rest_compat import hot
from tests.conftest import Server, make_account, make_key_of
from tests.rest_compat.conftest import V0
from tests.rest_compat.wire import Line, chunked, request

EXAMPLES = int(os.environ.get("PASSLINE_EXAMPLES", 120))
LIMIT = 4096
"""The servers' limit on bodies."""
OPEN, OTHER, CLOSED, FOREIGN = TOKENS = tuple(
    name.ljust(64, "_") for name in ("OPEN", "OTHER", "CLOSED", "FOREIGN")
)
"""Stand for a session's token, and are as long, in what is sent and in what is answered."""
ODD = st.sampled_from(
    [
        None,
        True,
        0,
        -1,
        2**63,
        1.0,
        1.5,
        "",
        "5",
        " 7 ",
        "x" * 129,
        "é",
        "\x00",
        "\ud800",
        [],
        {},
        "2026-06-01 10:00",
    ]
)
GOOD = st.fixed_dictionaries(
    {
        "num_passing": st.integers(0, 30),
        "timestamp": st.just("2026-06-01T10:00:00.123Z"),
        "bib": st.just("7"),
    },
    optional={
        "chip": st.sampled_from(["a", "b"]),
        "timezone": st.just("CET"),
        "chips": st.just("c"),
        "more": ODD,
    },
)
KEYS = (
    "num_passing",
    "timestamp",
    "bib",
    "chip",
    "chips",
    "latitude",
    "participant_id",
    "timezone",
    "gender",
)
STRANGE = st.builds(
    lambda good, odd: good | odd, GOOD, st.dictionaries(st.sampled_from(KEYS), ODD, max_size=2)
)
PASSINGS = st.one_of(st.lists(GOOD, min_size=1, max_size=4), st.lists(STRANGE, max_size=3), ODD)
TOKEN = st.one_of(st.sampled_from([OPEN, OPEN, OPEN, *TOKENS]), ODD)
OBJECTS = st.fixed_dictionaries({}, optional={"token_session": TOKEN, "passings_list": PASSINGS, "more": ODD})
USUAL = st.fixed_dictionaries({"token_session": st.just(OPEN), "passings_list": st.lists(GOOD, min_size=1)})
GARBAGE = st.sampled_from(
    [b"", b"{", b"[]", b'"x"', b"null", b"\xff", b"{}" * 9, b"[" * 2000, b'{"a":' + b"9" * 400]
)
BODIES = st.one_of(
    USUAL.map(lambda fields: json.dumps(fields).encode()),
    OBJECTS.map(lambda fields: json.dumps(fields).encode()),
    USUAL.map(lambda fields: json.dumps(fields | {"more": "x" * LIMIT}).encode()),
    GARBAGE,
)
USUAL_KEY = (b"x-api-key: KEY",)
HEADERS = st.one_of(
    st.just(USUAL_KEY),
    st.lists(
        st.sampled_from(
            [b"X-API-Key: KEY", b"api_key:KEY", b"Authorization: Bearer KEY", b"x-api-key: BARE", b"x-api-key: BODY",
             b"x-api-key: READ", b"x-api-key: ror-00000000000000000000", b"x-api-key: ", b"Connection: close",
             b"Connection: keep-alive", b"Expect: 100-continue", b"Origin: http://x", b"X-More: \xe9",
             b"Content-Type: text/plain", b"Upgrade: h2c", b"Connection: upgrade"]
        ),
        max_size=4,
    ).map(lambda more: (*more, b"x-api-key: KEY")),
    st.just(()),
)  # fmt: skip
PLAIN = st.builds(request, BODIES, st.just(USUAL_KEY))
ODD_ONES = st.one_of(
    st.builds(
        request,
        BODIES,
        HEADERS,
        st.sampled_from([b"POST", b"POST", b"GET", b"HEAD", b"PUT", b"post"]),
        st.sampled_from(
            [b"/v0/passings", b"/v0/passings/", b"/v0/passings?a=b", b"/v0/%70assings", b"/healthz"]
        ),
        st.sampled_from([b"HTTP/1.1", b"HTTP/1.1", b"HTTP/1.0"]),
    ),
    st.builds(chunked, BODIES, HEADERS),
    st.builds(lambda whole: b"\r\n" + whole, PLAIN),
    st.builds(lambda whole: whole.replace(b"\r\nHost", b"\r\n Host"), PLAIN),
    st.builds(lambda whole: whole.replace(b"Length: ", b"Length: +"), PLAIN),
)
REQUESTS = st.one_of(PLAIN, PLAIN, st.builds(request, BODIES, HEADERS), ODD_ONES)
CUTS = st.one_of(st.just(()), st.lists(st.integers(1, 400), max_size=3).map(tuple))


class Side(NamedTuple):
    """A server, and what the names in a request mean to it."""

    port: int
    names: dict[bytes, bytes]
    v0: V0

    def meant(self, data: bytes) -> bytes:
        for name, value in self.names.items():
            data = data.replace(name, value)
        return data

    def told(self, data: bytes) -> bytes:
        for name, value in self.names.items():
            data = data.replace(value, name)
        return data

    def talk(self, requests: list[bytes], cuts: tuple[int, ...]) -> list[bytes]:
        """One after the other over one connection, each when the one before is answered."""
        answers = []
        with Line(self.port) as line:
            for each in requests:
                line.send(self.meant(each), cuts)
                answers.append(self.told(line.answer(each.startswith(b"HEAD"))))
                if b"<hung up>" in answers[-1]:
                    break
        return answers

    def pipeline(self, requests: list[bytes], cuts: tuple[int, ...]) -> list[bytes]:
        """All at once over one connection."""
        with Line(self.port) as line:
            line.send(self.meant(b"".join(requests)), cuts)
            return [self.told(line.answer(each.startswith(b"HEAD"))) for each in requests]


@pytest.fixture(scope="module")
def sides(backend, backends) -> Iterator[list[Side]]:
    """The short way and uvicorn's own protocol: two servers on one database, sessions of their own."""
    one = {"database_url": backends.make(backend), "broker_url": backends.bus(backend, 2)}
    servers = [Server(**one, body_limit=LIMIT, **more).start() for more in ({}, {"http": "httptools"})]
    made = [side(server) for server in servers]
    yield made
    for each in made:
        each.v0.http.close()
    for server in servers:
        server.stop()


def side(server: Server) -> Side:
    account, foreign = make_account(server), make_account(server)
    keys = {
        b"KEY": make_key_of(server, account),
        b"BARE": make_key_of(server, account, v0_shape="BARE"),
        b"BODY": make_key_of(server, account, v0_shape="BODY"),
        b"READ": make_key_of(server, account, access="READ"),
    }
    v0, stranger = V0(server.url, keys[b"KEY"]), V0(server.url, make_key_of(server, foreign))
    tokens = {name.encode(): (stranger if name == FOREIGN else v0).open() for name in TOKENS}
    v0.close(tokens[CLOSED.encode()])
    stranger.http.close()
    return Side(server.port, {name: text.encode() for name, text in (keys | tokens).items()}, v0)


@pytest.fixture
def taken(monkeypatch) -> list[bool]:
    """Whether the short way took each request that it was offered."""
    seen: list[bool] = []
    take = hot.take

    def watched(*values: Any) -> bool:
        seen.append(take(*values))
        return seen[-1]

    monkeypatch.setattr(hot, "take", watched)
    return seen


BUDGET = settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    derandomize=True,
)


@BUDGET
@given(requests=st.lists(REQUESTS, min_size=1, max_size=6), cuts=CUTS)
def test_both_ways_answer_alike(sides, taken, requests, cuts):
    short, ordinary = (each.talk(requests, cuts) for each in sides)
    assert short == ordinary


@BUDGET
@given(
    requests=st.lists(st.one_of(PLAIN, st.builds(request, BODIES, HEADERS)), min_size=2, max_size=5),
    cuts=CUTS,
)
def test_both_ways_answer_a_pipeline_alike(sides, requests, cuts):
    short, ordinary = (each.pipeline(requests, cuts) for each in sides)
    assert short == ordinary


def test_both_ways_have_stored_the_same(sides):
    def rows(each: Side) -> list[dict[str, Any]]:
        tokens = [each.names[name.encode()].decode() for name in TOKENS[:3]]
        found = [row for token in tokens for row in each.v0.passings(token)]
        return [{k: v for k, v in row.items() if k not in ("token_session", "deviceid")} for row in found]

    short, ordinary = map(rows, sides)
    assert short == ordinary and len(short) > 10


@pytest.mark.parametrize("cuts", [(), (200,)])
def test_plain_requests_do_take_the_short_way(sides, taken, cuts):
    passing = {"timestamp": "2026-06-01T10:00:00Z", "bib": "7"}
    bodies = [{"token_session": OPEN, "passings_list": [passing | {"num_passing": n}]} for n in range(20)]
    answers = sides[0].talk([request(json.dumps(body).encode(), USUAL_KEY) for body in bodies], cuts)
    assert len(answers) == 20 and all(answer.startswith(b"HTTP/1.1 201") for answer in answers)
    assert taken.count(True) >= 18, "all but the first, whose key is looked up"
