"""Devices bound and sessions opened through v0, ready to take passings."""

from typing import NamedTuple

import httpx


class Session(NamedTuple):
    """An open session, and the device that it is on."""

    device: str
    token: str


def opened(client: httpx.Client, count: int) -> list[str]:
    """The tokens of so many sessions, each on a device of its own."""
    return [on_device(client, f"BENCH-{place:04d}").token for place in range(1, count + 1)]


def on_device(client: httpx.Client, serial: str) -> Session:
    """A session on the device of this serial number."""
    bind = {"model": "Mat", "serial_number": serial}
    device: str = client.post("/v0/devices", json=bind).raise_for_status().json()["deviceid"]
    opening = {"deviceid": device, "alias": serial}
    answer = client.post("/v0/sessions", json=opening).raise_for_status().json()
    return Session(device, answer["token_session"])


def passing_count(client: httpx.Client, token: str) -> int:
    """The session's own counter, as v0 shows it."""
    answer = client.get(f"/v0/sessions/{token}").raise_for_status().json()
    return int(answer["result"][0]["passings"])
