"""Devices bound and sessions opened through v0, ready to take passings."""

import httpx


def opened(client: httpx.Client, count: int) -> list[str]:
    """The tokens of so many sessions, each on a device of its own."""
    return [_opened(client, f"BENCH-{place:04d}") for place in range(1, count + 1)]


def passing_count(client: httpx.Client, token: str) -> int:
    """The session's own counter, as v0 shows it."""
    answer = client.get(f"/v0/sessions/{token}").raise_for_status().json()
    return int(answer["result"][0]["passings"])


def _opened(client: httpx.Client, serial: str) -> str:
    bind = {"model": "Mat", "serial_number": serial}
    device = client.post("/v0/devices", json=bind).raise_for_status().json()["deviceid"]
    opening = {"deviceid": device, "alias": serial}
    token: str = client.post("/v0/sessions", json=opening).raise_for_status().json()["token_session"]
    return token
