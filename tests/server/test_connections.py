"""Slow, huge and too many requests, over real sockets: what they get, and that others notice nothing."""

import json
import socket
import time

import pytest

from server.connections import PROGRESS
from tests.conftest import Desk, make_account, make_key_of, passing
from tests.rest_compat.wire import Line, request

pytestmark = pytest.mark.alone("sqlite", "a connection hangs on no database")
QUICK = {"head_seconds": 0.3, "body_seconds": 0.3, "head_limit": 4096, "body_limit": 512 * 1024}
HEALTH = request(method=b"GET", target=b"/healthz")
OPENING = b"POST /v0/passings HTTP/1.1\r\nHost: x\r\n"


@pytest.fixture
def server(make_server):
    return make_server(**QUICK)


@pytest.fixture
def key(server):
    return make_key_of(server, make_account(server))


@pytest.fixture
def desk(server, key):
    made = Desk(server, key)
    yield made
    made.http.close()


def line_of(server, address="127.0.0.1"):
    line = Line(server.port)
    if address != "127.0.0.1":
        line.socket.close()
        line.socket = socket.create_connection(("127.0.0.1", server.port), 3, source_address=(address, 0))
    return line


def figures(server):
    with Line(server.port) as line:
        line.send(request(method=b"GET", target=b"/metrics"))
        text = line.answer().decode()
    return dict(row.rsplit(" ", 1) for row in text.splitlines() if row.startswith("passline_"))


def count(server, reason):
    return float(figures(server)[f'passline_refused{{reason="{reason}"}}'])


def dribble(line, data, pause=0.02):
    """A byte at a time, for as long as the server listens; its answer."""
    line.socket.settimeout(pause)
    for byte in data:
        try:
            line.socket.sendall(bytes([byte]))
            line.socket.recv(1, socket.MSG_PEEK)
            break
        except TimeoutError:
            continue
        except ConnectionError:
            break
    line.socket.settimeout(3)
    return line.answer()


def posted(key, *numbers, token="T" * 64):
    body = {"token_session": token, "passings_list": [passing(number) for number in numbers]}
    return request(json.dumps(body).encode(), (b"x-api-key: " + key.encode(),))


def test_a_head_that_comes_too_slowly_is_408(server):
    with Line(server.port) as line:
        answer = dribble(line, b"GET /healthz HTTP/1.1\r\n" + b"X-More: 1\r\n" * 100)
    assert answer.startswith(b"HTTP/1.1 408") and b"connection: close" in answer
    assert json.loads(answer.split(b"\r\n\r\n")[1]) == {"description": "Request timeout"}
    assert count(server, "head_time") == 1


def test_one_who_says_nothing_is_hung_up_on(server):
    with Line(server.port) as line:
        assert line.answer() == b"<hung up>"
    assert count(server, "head_time") == 1


@pytest.mark.parametrize("headers", [b"", b"Origin: http://x\r\n"])
def test_a_body_that_comes_too_slowly_is_408(server, key, desk, headers):
    token = desk.session(desk.device())
    assert desk.post(token, passing(1)).status_code == 201, "and the key is believed: the short way"
    head, _, body = posted(key, *range(50), token=token).partition(b"\r\n\r\n")
    with Line(server.port) as line:
        line.send(head + b"\r\n" + headers + b"\r\n")
        answer = dribble(line, body)
    assert answer.startswith(b"HTTP/1.1 408") and b"connection: close" in answer
    assert count(server, "body_time") == 1
    assert len(desk.v0("GET", f"/passings/session/{token}").json()["result"]) == 1


def test_a_body_that_never_comes_is_408(server, key):
    with Line(server.port) as line:
        line.send(OPENING + b"x-api-key: %s\r\nContent-Length: 100\r\n\r\n" % key.encode())
        assert line.answer().startswith(b"HTTP/1.1 408")


def test_a_large_body_may_take_longer_while_it_comes(server, key):
    body = b"[" + b" " * (PROGRESS * 5) + b"]"
    head = OPENING + b"x-api-key: %s\r\nContent-Length: %d\r\n\r\n" % (key.encode(), len(body))
    with Line(server.port) as line:
        line.send(head)
        for start in range(0, len(body), PROGRESS):
            time.sleep(0.15)
            line.send(body[start : start + PROGRESS])
        assert line.answer().startswith(b"HTTP/1.1 400")


def test_a_head_of_the_usual_size_passes_and_a_larger_one_is_431(server):
    for size, status in ((3000, b"200"), (5000, b"431"), (300_000, b"431")):
        with Line(server.port) as line:
            line.send(request(method=b"GET", target=b"/healthz", headers=(b"X-Long: " + b"x" * size,)))
            answer = line.answer()
        assert answer[9:12] == status or (size == 300_000 and answer == b"<hung up>")
    assert count(server, "head_size") == 2


def test_a_large_head_is_not_read_to_its_end(server):
    with Line(server.port) as line:
        line.send(b"GET /healthz HTTP/1.1\r\n")
        sent = 0
        for _ in range(1000):
            try:
                line.socket.sendall(b"X-More: " + b"x" * 1000 + b"\r\n")
            except ConnectionError:
                break
            sent += 1
            time.sleep(0.001)
        assert sent < 1000
    assert count(server, "head_size") == 1


def test_many_small_requests_are_no_large_head(server):
    with Line(server.port) as line:
        for _ in range(5):
            line.send(HEALTH * 40)
            for _ in range(40):
                assert line.answer().endswith(b"alive")


def test_headers_behind_a_body_in_pieces_are_not_kept(server, key):
    with Line(server.port) as line:
        line.send(OPENING + b"x-api-key: %s\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n" % key.encode())
        deadline = time.monotonic() + 10  # the kernel takes megabytes before the server reads the first
        with pytest.raises(ConnectionError):
            while time.monotonic() < deadline:
                line.socket.sendall(b"X-More: " + b"x" * 1000 + b"\r\n")


def test_a_connection_that_was_busy_for_long_may_rest_and_go_on(server):
    with Line(server.port) as line:
        for _ in range(3):
            line.send(HEALTH, (10, 20))
            assert line.answer().endswith(b"alive")
            time.sleep(0.4)


def test_a_thousand_idle_connections_keep_nobody_out(make_server):
    server = make_server(head_seconds=2)
    idle = [Line(server.port) for _ in range(1000)]
    try:
        with Line(server.port) as line:
            line.send(HEALTH)
            assert line.answer().endswith(b"alive")
            assert float(figures(server)["passline_connections"]) > 1000
            assert idle[0].answer() == b"<hung up>"
            line.send(HEALTH)
            assert line.answer().endswith(b"alive")
        assert {one.answer() for one in idle[1:]} == {b"<hung up>"}
    finally:
        for one in idle:
            one.socket.close()


def test_an_address_has_so_many_connections_and_another_one_its_own(make_server):
    server = make_server(address_connections=3)
    lines = [line_of(server) for _ in range(3)]
    for line in lines:
        line.send(HEALTH)
        assert line.answer().endswith(b"alive")
    with line_of(server) as refused, line_of(server, "127.0.0.2") as elsewhere:
        answer = refused.answer()
        assert answer.startswith(b"HTTP/1.1 429") and b"retry-after: 5\r\n" in answer
        assert refused.answer() == b"<hung up>"
        elsewhere.send(HEALTH)
        assert elsewhere.answer().endswith(b"alive")
    lines.pop().socket.close()
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        with line_of(server) as again:
            again.send(HEALTH)
            if again.answer().endswith(b"alive"):
                break
    else:
        pytest.fail("the place was not given back")
    for line in lines:
        line.socket.close()


def test_a_server_has_so_many_connections_in_all(make_server):
    server = make_server(connections=2)
    with line_of(server), line_of(server, "127.0.0.2"), line_of(server, "127.0.0.3") as third:
        answer = third.answer()
    assert answer.startswith(b"HTTP/1.1 503") and b"retry-after: 5\r\n" in answer


def test_a_trusted_proxy_has_as_many_connections_as_it_needs(make_server):
    server = make_server(address_connections=1, trusted_proxies="127.0.0.1")
    lines = [line_of(server) for _ in range(5)]
    for line in lines:
        line.send(HEALTH)
        assert line.answer().endswith(b"alive")
        line.socket.close()


def stored_page(server):
    """A request with an answer of more than a megabyte."""
    key = make_key_of(server, make_account(server))
    desk = Desk(server, key)
    token = desk.session(desk.device())
    assert desk.post(token, *(passing(number) for number in range(5_000))).status_code == 201
    desk.http.close()
    target = f"/v0/passings/session/{token}".encode()
    return request(method=b"GET", target=target, headers=(b"x-api-key: " + key.encode(),))


@pytest.mark.parametrize("asked", [1, 3])
def test_one_who_does_not_read_the_answer_is_cut_off(make_server, asked):
    server = make_server(body_seconds=0.5)
    server._config.timeout_keep_alive = 0.2
    whole = stored_page(server)
    server._socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)  # those that it accepts get it too
    with socket.socket() as reader:
        reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        reader.connect(("127.0.0.1", server.port))
        reader.sendall(whole * asked)
        deadline = time.monotonic() + 10
        while not count(server, "unread"):
            assert time.monotonic() < deadline, "it is still waited for"
            time.sleep(0.05)


def test_one_who_reads_an_answer_slowly_gets_it(make_server):
    server = make_server(body_seconds=0.5)
    whole = stored_page(server)
    server._socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
    with Line(server.port) as line:
        line.send(whole)
        size = 0
        while (read := len(line.socket.recv(131_072))) and size < 1_000_000:
            size += read
            time.sleep(0.1)
    assert size >= 1_000_000 and count(server, "unread") == 0
