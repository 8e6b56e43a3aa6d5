"""Binding tokens as an account makes them and devices exchange them, over HTTP."""

from collections.abc import Callable
from typing import Any

import httpx

from tests.conftest import Desk

CREATE = """mutation($expiresIn: Int, $alias: String) { createBindingToken(expiresIn: $expiresIn, alias: $alias) {
    id token hint alias createdAt expiresAt usedAt revokedAt device { deviceId } } }"""


def made(desk: Desk, **wanted: Any) -> str:
    """The text of a new binding token."""
    return str(desk.data(CREATE, **wanted)["createBindingToken"]["token"])


def exchange(stranger: Desk, token: str, serial: str = "S1", **more: Any) -> httpx.Response:
    body = {"token": token, "model": "M", "serial_number": serial} | more
    return stranger.v0("POST", "/bind", body)


def said(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["description"]


def report(desk: Desk, device: str, **fields: Any) -> None:
    answer = desk.v0("POST", f"/devices/{device}/telemetry", fields)
    assert answer.status_code == 201, answer.text


class Bound:
    """A device that was bound by a token, asking with the key that it got."""

    def __init__(self, desk: Desk, make_desk: Callable[[str | None], Desk], serial: str = "S1") -> None:
        answer = exchange(make_desk(None), made(desk), serial).json()
        self.id, self.key = str(answer["deviceid"]), str(answer["api_key"])
        self.desk = make_desk(self.key)
