"""The short way of P1 among everything else a connection goes through: halves, stops, silence, hanging up."""

import asyncio
import json
import threading
import time

import pytest

from models.ingest_postgres import PostgresWriter
from models.ingest_sqlite import SqliteWriter
from rest_compat import hot
from server.heads import MOST_BODY, MOST_HEADS, Heads
from tests.conftest import Desk, make_account, make_key_of, passing
from tests.rest_compat.wire import BLANK_LINE, Line, request

HEAD = b"POST /v0/passings HTTP/1.1\r\nHost: x\r\nx-api-key: ror-0\r\nContent-Length: %d"


@pytest.fixture
def taken(monkeypatch):
    """How many requests took the short way."""
    seen = []
    take = hot.take
    monkeypatch.setattr(hot, "take", lambda *values: take(*values) and not seen.append(None))
    return seen


def sender(desk, key):
    """Makes requests for a new session; the key has just been looked up."""
    token = desk.session(desk.device())

    def send(*numbers):
        body = {"token_session": token, "passings_list": [passing(number) for number in numbers]}
        return request(json.dumps(body).encode(), (b"x-api-key: " + key.encode(),))

    send.token = token
    return send


@pytest.fixture
def send(key, desk):
    return sender(desk, key)


@pytest.fixture
def own(make_server):
    """A server to stop, and requests to send to it."""
    server = make_server()
    key = make_key_of(server, make_account(server))
    desk = Desk(server, key)
    send = sender(desk, key)
    desk.http.close()
    return server, send


def stored(desk, token):
    return [row["num_passing"] for row in desk.v0("GET", f"/passings/session/{token}").json()["result"]]


@pytest.fixture
def slow_commit(monkeypatch):
    """Commits wait until they are let go."""
    go = threading.Event()
    for writer in (SqliteWriter, PostgresWriter):

        async def slowly(self, submissions, write=writer.write):
            await asyncio.to_thread(go.wait, 10)
            return await write(self, submissions)

        monkeypatch.setattr(writer, "write", slowly)
    yield go
    go.set()


def test_a_body_may_come_in_pieces(server, desk, send, taken):
    whole = send(1)
    with Line(server.port) as line:
        line.send(whole, (len(whole) - 30, len(whole) - 3))
        assert line.answer().startswith(b"HTTP/1.1 201")
    assert stored(desk, send.token) == [1] and taken


def test_an_ordinary_request_may_come_before_and_after(server, desk, send, taken):
    with Line(server.port) as line:
        for number in range(3):
            line.send(request(method=b"GET", target=b"/healthz"))
            assert line.answer().endswith(b"alive")
            line.send(send(number))
            assert line.answer().startswith(b"HTTP/1.1 201")
    assert len(taken) == 3


def test_a_body_that_looks_like_a_request_is_none(server, desk, send, taken):
    """What is refused before its body has come: the body is still a body."""
    inner = send(1)
    outer = b"POST /v0/passings HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(inner)
    with Line(server.port) as line:
        line.send(outer)
        assert line.answer().startswith(b"HTTP/1.1 403")
        line.send(inner)
        line.send(request(method=b"GET", target=b"/healthz"))
        assert line.answer().endswith(b"alive")
    assert stored(desk, send.token) == [] and not taken


def test_a_head_that_looks_like_a_request_is_a_head(server, desk, send, taken):
    inner = send(1)
    with Line(server.port) as line:
        line.send(b"GET /healthz HTTP/1.1\r\nX-More: ")
        time.sleep(0.01)
        line.send(inner)
        assert line.answer().endswith(b"alive")
    assert not taken


def test_what_comes_while_another_is_answered_waits_its_turn(server, desk, send, slow_commit, taken):
    with Line(server.port) as line:
        line.send(send(1))
        time.sleep(0.1)
        line.send(request(method=b"GET", target=b"/healthz"))
        line.send(send(2))
        time.sleep(0.1)
        slow_commit.set()
        answers = [line.answer() for _ in range(3)]
    assert [answer[9:12] for answer in answers] == [b"201", b"200", b"201"]
    assert stored(desk, send.token) == [1, 2]


def test_nothing_is_answered_before_the_commit(server, desk, send, slow_commit, taken):
    with Line(server.port, patience=0.3) as line:
        line.send(send(1))
        assert line.answer() == b"<silence>" and taken
        slow_commit.set()
        assert line.answer().startswith(b"HTTP/1.1 201")


def test_one_who_hangs_up_harms_nobody(server, desk, send, slow_commit, taken):
    with Line(server.port) as stays:
        with Line(server.port) as leaves, Line(server.port) as breaks_off:
            leaves.send(send(1))
            breaks_off.send(send(2)[:-5])
            time.sleep(0.1)
        stays.send(send(3))
        time.sleep(0.1)
        slow_commit.set()
        assert stays.answer().startswith(b"HTTP/1.1 201")
    assert stored(desk, send.token) == [1, 3]


def test_a_connection_is_closed_when_it_is_silent_for_long(own):
    server, send = own
    server._config.timeout_keep_alive = 0.3
    with Line(server.port) as line:
        for number in range(5):
            time.sleep(0.15)
            line.send(send(number))
            assert line.answer().startswith(b"HTTP/1.1 201")
        assert line.answer() == b"<hung up>"


def test_a_stop_waits_for_the_rest_of_a_request(own):
    server, send = own
    whole = send(7)
    with Line(server.port) as line, Line(server.port) as idle:
        line.send(send(6))
        line.answer()
        line.send(whole[:-5])
        time.sleep(0.05)
        server._server.should_exit = True
        assert idle.answer() == b"<hung up>"
        line.send(whole[-5:])
        answer = line.answer()
        assert answer.startswith(b"HTTP/1.1 201") and b"connection: close" in answer
        assert line.answer() == b"<hung up>"


def test_a_stop_waits_for_the_commit(own, slow_commit, taken):
    server, send = own
    with Line(server.port) as line:
        line.send(send(1))
        time.sleep(0.1)
        assert taken
        server._server.should_exit = True
        time.sleep(0.3)
        slow_commit.set()
        answer = line.answer()
        assert answer.startswith(b"HTTP/1.1 201") and b"connection: close" in answer
        assert line.answer() == b"<hung up>"


@pytest.mark.parametrize(
    "head",
    [
        HEAD % 0,
        HEAD % (MOST_BODY + 1),
        HEAD % 5 + b"\r\nContent-Length: 5",
        HEAD % 5 + b"\r\nTransfer-Encoding: chunked",
        HEAD % 5 + b"\r\nExpect: 100-continue",
        HEAD % 5 + b"\r\nOrigin: http://x",
        HEAD % 5 + b"\r\nConnection: close",
        HEAD % 5 + b"\r\nConnection: upgrade\r\nUpgrade: websocket",
        HEAD % 5 + b"\r\nno header",
        (HEAD % 5).replace(b"1.1", b"1.0"),
        (HEAD % 5).replace(b"passings ", b"passings?a=b "),
        (HEAD % 5)[:-18],
        HEAD % 5 + b"\r\nX-Long: " + b"x" * 3000,
        HEAD % 5 + BLANK_LINE + b"GET / HTTP/1.1",
        b"",
    ],
)
def test_an_unusual_head_is_not_plain(head):
    assert Heads(MOST_BODY * 2).read(head) is None


def test_a_plain_head_tells_key_and_length():
    heads = Heads(100)
    assert heads.read(HEAD % 100) == ("ror-0", 100, ()) == heads.read(HEAD % 100)
    assert heads.read(HEAD % 101) is None
    assert heads.read(HEAD % 5 + b"\r\nConnection: keep-alive") == ("ror-0", 5, ())


def test_remembered_heads_are_not_more_and_more():
    heads = Heads(MOST_BODY)
    for number in range(MOST_HEADS + 10):
        heads.read(HEAD % (number + 1))
    assert len(heads._known) <= MOST_HEADS
