"""Devices that are bound and unbound: what is known of each, and clients that ask for it over HTTP."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import httpx

from tests.conftest import Server, make_account, make_key_of, passing

TIMING = ("START", "TEST")


@dataclass
class Box:
    """What is known of a device by the answers that were given."""

    serial: str
    id: str | None = None
    bound: bool = False
    mode: str | None = None
    key: str | None = None
    dead: list[str] = field(default_factory=list)
    sessions: dict[str, set[int]] = field(default_factory=dict)
    active: str | None = None

    @property
    def timing(self) -> bool:
        return self.bound and self.mode in TIMING

    @property
    def closed(self) -> list[str]:
        return [token for token in self.sessions if token != self.active]

    def bind(self, name: str, key: str | None = None) -> None:
        """Its name never changes. A key takes the place of the one before."""
        assert self.id in (None, name)
        self.id, self.bound = name, True
        if key:
            self.lose_key()
            self.key = key

    def unbind(self) -> None:
        self.bound, self.active = False, None
        self.lose_key()

    def lose_key(self) -> None:
        self.dead += [self.key] if self.key else []
        self.key = None


class Clients:
    """Two clients with keys of one account, and whoever shows another key or none."""

    def __init__(self, server: Server) -> None:
        account = make_account(server)
        self.keys = [make_key_of(server, account, may_unbind=True) for _ in range(2)]
        self._http = httpx.Client(base_url=server.url, timeout=20, verify=False, trust_env=False)
        self._threads = ThreadPoolExecutor(4)

    def close(self) -> None:
        self._threads.shutdown()
        self._http.close()

    def call(self, key: str | None, method: str, path: str, body: Any = None) -> httpx.Response:
        headers = {"x-api-key": key} if key else {}
        answer = self._http.request(method, f"/v0{path}", json=body, headers=headers)
        assert answer.status_code < 500, answer.text
        return answer

    def ask(self, query: str, **variables: Any) -> Any:
        body = {"query": query, "variables": variables}
        answer = self._http.post("/graphql", json=body, headers={"x-api-key": self.keys[0]}).json()
        assert "errors" not in answer, answer
        return answer["data"]

    def at_once(self, *calls: Callable[[], httpx.Response]) -> list[httpx.Response]:
        return [each.result() for each in [self._threads.submit(call) for call in calls]]

    def exchange(self, token: str, box: Box) -> httpx.Response:
        return self.call(None, "POST", "/bind", {"token": token, "model": "M", "serial_number": box.serial})

    def unbind(self, key: str, box: Box) -> httpx.Response:
        return self.call(key, "DELETE", f"/devices/{box.id}")

    def report(self, key: str, box: Box, **fields: Any) -> httpx.Response:
        return self.call(key, "POST", f"/devices/{box.id}/telemetry", fields)

    def upload(self, key: str, token: str, *numbers: int) -> httpx.Response:
        body = {"token_session": token, "passings_list": [passing(number) for number in numbers]}
        return self.call(key, "POST", "/passings", body)
