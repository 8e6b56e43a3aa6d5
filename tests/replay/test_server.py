"""A rehearsal with the real server."""

import datetime
import socket
import subprocess
import sys

import pytest

from replay import plans, play, simulated, wire


async def test_a_race_arrives_once_and_in_full(server, key):
    race = simulated.race(300)
    start = datetime.datetime(2026, 5, 3, 10, tzinfo=datetime.UTC)
    habits = plans.Habits(batch=50, singles=0.1, repeats=0.3)
    options = play.Options(start, habits=habits, offline=2, patience=20)
    report = await play.play(race, wire.server(server.url, key), options)
    assert report.complaints() == []
    assert report.total.stored == race.size
    assert report.total.tally.duplicates == report.total.tally.sent - race.size


@pytest.fixture
def port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def demo(folder, *words):
    command = [sys.executable, "-m", "server.cli", "demo", *words]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=100)


def test_the_demo_plays_its_race_and_leaves(tmp_path, port):
    done = demo(tmp_path, "--port", str(port), "--runners", "60", "--speed", "max", "--exit")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "is stored once" in done.stdout


def test_the_demo_says_when_its_port_is_taken(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = demo(tmp_path, "--port", str(port))
    assert done.returncode == 1
    assert f"Port {port} cannot be used" in done.stderr
