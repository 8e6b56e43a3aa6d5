"""nginx as it is deployed: what it hands on, what it sends twice, and what devices get when nobody is there."""

import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest

from tests.nginx import nginx

MAY_BE_REPEATED = [
    ("POST", "/v0/passings"),
    ("POST", "/v0/devices/ABC/telemetry"),
    ("GET", "/v0/devices"),
    ("DELETE", "/v0/devices/ABC"),
]
MAY_NOT = [
    ("POST", "/graphql"),
    ("POST", "/v0/bind"),
    ("PATCH", "/v0/devices/ABC/status"),
    ("POST", "/v0/sessions"),
    ("POST", "/v0/devices"),
    ("PATCH", "/v0/sessions/close/T"),
]


class Upstream(ThreadingHTTPServer):
    """A server that answers with a status, or with nothing, and remembers what it was asked."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answering)
        self.status: int | None = 200
        self.asked: list[tuple[str, str, dict[str, str]]] = []
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()


class Answering(BaseHTTPRequestHandler):
    server: Upstream

    def answer(self) -> None:
        self.rfile.read(int(self.headers.get("content-length", 0)))
        self.server.asked.append((self.command, self.path, dict(self.headers)))
        if self.server.status is None:
            self.connection.shutdown(socket.SHUT_RDWR)
            self.close_connection = True
            return
        self.send_response(self.server.status)
        self.send_header("content-length", "0")
        self.end_headers()

    do_GET = do_POST = do_PATCH = do_DELETE = answer

    def log_message(self, *_: object) -> None: ...


@pytest.fixture
def upstreams() -> Iterator[tuple[Upstream, Upstream]]:
    made = Upstream(), Upstream()
    yield made
    for each in made:
        each.shutdown()
        each.server_close()


@pytest.fixture
def proxy(tmp_path: Path, upstreams: tuple[Upstream, Upstream]) -> Iterator[httpx.Client]:
    with (
        nginx(tmp_path, *(each.server_port for each in upstreams)) as url,
        httpx.Client(base_url=url, timeout=20) as client,
    ):
        yield client


def asked(upstreams: tuple[Upstream, Upstream]) -> int:
    """How many requests reached a server since this was asked last."""
    count = sum(len(each.asked) for each in upstreams)
    for each in upstreams:
        each.asked.clear()
    return count


def test_headers_of_old_devices_and_the_clients_address_are_handed_on(proxy, upstreams):
    given = {"api_key": "ror-1", "x-forwarded-for": "10.9.8.7"}
    assert proxy.post("/v0/passings", json={}, headers=given).status_code == 200
    (request,) = upstreams[0].asked + upstreams[1].asked
    headers = {name.lower(): value for name, value in request[2].items()}
    assert headers["api_key"] == "ror-1" and headers["x-forwarded-for"] == "10.9.8.7, 127.0.0.1"
    assert "upgrade" not in headers and "close" not in headers.get("connection", "")


@pytest.mark.parametrize(("method", "path"), MAY_BE_REPEATED)
def test_what_may_be_sent_twice_goes_to_the_other_server_when_the_first_dies_over_it(
    proxy, upstreams, method, path
):
    upstreams[0].status, upstreams[1].status = None, 201
    assert {proxy.request(method, path).status_code for _ in range(3)} == {201}
    assert asked(upstreams) > 3


@pytest.mark.parametrize("status", [None, 503])
@pytest.mark.parametrize(("method", "path"), MAY_NOT)
def test_what_may_not_be_sent_twice_never_is(proxy, upstreams, method, path, status):
    upstreams[0].status = upstreams[1].status = status
    assert proxy.request(method, path).status_code == (status or 502)
    assert asked(upstreams) == 1


def test_a_busy_server_is_no_reason_to_refuse_a_device(proxy, upstreams):
    upstreams[0].status, upstreams[1].status = 503, 201
    assert {proxy.post("/v0/passings").status_code for _ in range(4)} == {201}


def test_what_was_not_sent_yet_goes_to_the_server_that_is_there(proxy, upstreams):
    upstreams[0].shutdown()
    upstreams[0].server_close()
    for method, path in MAY_BE_REPEATED + MAY_NOT:
        assert {proxy.request(method, path).status_code for _ in range(3)} == {200}, path


def test_without_a_server_devices_are_told_to_come_again(proxy, upstreams):
    for each in upstreams:
        each.shutdown()
        each.server_close()
    for _ in range(3):
        answer = proxy.post("/v0/passings")
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
        assert answer.json() == {"description": "Service unavailable"}
    assert proxy.post("/graphql").status_code == 502


@pytest.mark.parametrize("path", ["/metrics", "/readyz"])
def test_what_is_for_operators_is_not_for_the_public(proxy, upstreams, path):
    assert proxy.get(path).status_code == 404
    assert asked(upstreams) == 0
