"""A driver that speaks v0 the way a device in the field does."""

from collections.abc import Callable, Iterator
from uuid import uuid4

import httpx
import pytest

from tests.conftest import make_account, make_key_of

AT = "2023-02-03T16:08:18.263Z"


def passing(number: object, **fields: object) -> dict[str, object]:
    """A passing as a device sends it; what a test cares about overrides the rest."""
    return {"timestamp": AT, "num_passing": number, "bib": "0042", **fields}


class V0:
    """One API key over real HTTP."""

    def __init__(self, url: str, key: str | None) -> None:
        headers = {} if key is None else {"x-api-key": key}
        # Making a TLS context takes longer than most tests.
        self.http = httpx.Client(base_url=url, headers=headers, timeout=8, verify=False, trust_env=False)

    def call(self, method: str, path: str, **more: object) -> httpx.Response:
        return self.http.request(method, path, **more)

    def get(self, path: str, **params: object) -> httpx.Response:
        return self.http.get(path, params={name.rstrip("_"): value for name, value in params.items()})

    def post(self, path: str, body: object) -> httpx.Response:
        return self.http.post(path, json=body)

    def bind(self, serial: str | None = None, **fields: object) -> str:
        """The id of a device that is bound now."""
        new = {"model": "Android", "serial_number": serial or uuid4().hex, **fields}
        answer = self.post("/v0/devices", new)
        assert answer.status_code == 201, answer.text
        return answer.json()["deviceid"]

    def open(self, device: str | None = None, alias: str = "Race 1") -> str:
        """The token of a session that is open now, on a new device unless told."""
        answer = self.post("/v0/sessions", {"deviceid": device or self.bind(), "alias": alias})
        assert answer.status_code == 201, answer.text
        return answer.json()["token_session"]

    def close(self, token: str) -> None:
        assert self.call("PATCH", f"/v0/sessions/close/{token}").status_code == 200

    def unbind(self, device: str) -> None:
        assert self.call("DELETE", f"/v0/devices/{device}").status_code == 200

    def send(self, token: str, *passings: dict[str, object]) -> httpx.Response:
        return self.post("/v0/passings", {"token_session": token, "passings_list": list(passings)})

    def sent(self, token: str, *passings: dict[str, object]) -> tuple[int, int]:
        """How many were inserted, how many were duplicates."""
        answer = self.send(token, *passings)
        assert answer.status_code == 201, answer.text
        return answer.json()["inserted_count"], answer.json()["duplicate_count"]

    def passings(self, token: str, **params: object) -> list[dict[str, object]]:
        answer = self.get(f"/v0/passings/session/{token}", **params)
        assert answer.status_code == 200, answer.text
        return answer.json()["result"]

    def numbers(self, token: str, **params: object) -> list[object]:
        return [passing["num_passing"] for passing in self.passings(token, **params)]


@pytest.fixture(scope="module")
def key(server) -> str:
    """One account for a whole file: its tests bind devices of their own."""
    return make_key_of(server, make_account(server), may_unbind=True)


@pytest.fixture(scope="module")
def other_key(server) -> str:
    """Another account's."""
    return make_key_of(server, make_account(server), may_unbind=True)


@pytest.fixture
def speak(server) -> Iterator[Callable[[str | None], V0]]:
    """Make a driver for any key."""
    drivers: list[V0] = []

    def start(key: str | None) -> V0:
        drivers.append(V0(server.url, key))
        return drivers[-1]

    yield start
    for driver in drivers:
        driver.http.close()


@pytest.fixture
def v0(speak, key) -> V0:
    return speak(key)


@pytest.fixture
def other(speak, other_key) -> V0:
    """Somebody else's key."""
    return speak(other_key)
