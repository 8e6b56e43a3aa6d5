"""The server thins old telemetry by itself."""

import time
from datetime import UTC, datetime, timedelta

from tests.conftest import Desk, make_account, make_key_of


def test_old_telemetry_is_thinned_when_the_server_starts(make_server):
    first = make_server()
    key = make_key_of(first, make_account(first))
    desk = Desk(first, key)
    device = desk.device()
    hour = (datetime.now(UTC) - timedelta(days=3)).replace(minute=0, second=0, microsecond=0)
    told = [hour + timedelta(minutes=minute) for minute in range(60)] + [datetime.now(UTC)]
    body = {"reports": [{"reported_at": at.isoformat(), "antennas": n} for n, at in enumerate(told)]}
    assert desk.v0("POST", f"/devices/{device}/telemetry", body).json()["inserted_count"] == 61
    desk.http.close()
    first.stop()
    second = Desk(make_server(telemetry_full_days=1), key)

    def left():
        return [
            each["antennas"] for each in second.v0("GET", f"/devices/{device}/telemetry").json()["result"]
        ]

    deadline = time.monotonic() + 20
    while len(left()) > 2 and time.monotonic() < deadline:
        time.sleep(0.01)
    assert left() == [60, 59]
    second.http.close()
