"""Throws garbage at a server of its own: no 500, no hang, no row that was not acknowledged."""

import json
import re
import sys
import time
import warnings
from argparse import ArgumentParser
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import httpx
import hypothesis
import requests
import schemathesis
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.core.result import Ok

from bench import garbage, graphql_garbage, stored, table
from bench.cores import Cores
from bench.garbage import Living, Request
from bench.machine import Machine

PATIENCE_SECONDS = 8.0
ROUND = 2_000
CONFIG = schemathesis.Config.from_dict(
    {
        "generation": {"with-security-parameters": False, "allow-x00": False},
        "checks": {
            "negative_data_rejection": {"expected-statuses": ["400", "403", "404", "405", "409", "413"]}
        },
    }
)
WELL_FORMED = re.compile("[0-9A-F]{63}[02468ACE]")
ROWS = (
    "SELECT (SELECT count(*) FROM devices), (SELECT count(*) FROM sessions), (SELECT count(*) FROM passings)"
)


@dataclass
class Rows:
    """What the answers say was stored."""

    devices: set[str] = field(default_factory=set)
    sessions: set[str] = field(default_factory=set)
    passings: int = 0

    def note(self, kind: str, what: Any) -> None:
        if kind == "device":
            self.devices.add(what)
        elif kind == "session":
            self.sessions.add(what)
        else:
            self.passings += what

    def note_v0(self, answer: Any) -> None:
        description = answer["description"]
        if description == "Device binded succesfully":
            self.note("device", answer["deviceid"])
        elif description == "Session inserted succesfully":
            self.note("session", answer["token_session"])
        elif description == "Passings inserted succesfully":
            self.note("passings", answer["inserted_count"])

    def counts(self) -> tuple[int, int, int]:
        return len(self.devices), len(self.sessions), self.passings


class Stored(NamedTuple):
    """Devices, sessions and passings."""

    before: tuple[int, ...]
    after: tuple[int, ...]
    acknowledged: tuple[int, ...]


@dataclass
class Tally:
    """What one kind of garbage got back."""

    rows: Rows
    statuses: Counter[str] = field(default_factory=Counter)
    slowest: float = 0.0
    problems: list[str] = field(default_factory=list)

    def note(self, request: str, status: int, body: bytes, seconds: float) -> None:
        self.statuses[str(status)] += 1
        self.slowest = max(self.slowest, seconds)
        if status >= 500 or b'"INTERNAL_SERVER_ERROR"' in body:
            self.problems.append(f"{status} to {request}: {body[:200]!r}")
        elif status == 201:
            self.rows.note_v0(json.loads(body))
        elif status == 200 and body.startswith(b'{"data"'):
            graphql_garbage.made(json.loads(body), self.rows.note)

    def silence(self, request: str, error: Exception, seconds: float) -> None:
        self.statuses["no answer"] += 1
        self.slowest = max(self.slowest, seconds)
        self.problems.append(f"no answer to {request}: {error!r}")


class Client:
    """One keep-alive connection that sends whatever it is told."""

    def __init__(self, port: int, key: str, tally: Tally) -> None:
        self._connection = HTTPConnection("127.0.0.1", port, timeout=PATIENCE_SECONDS)
        self._key = key
        self._tally = tally

    def send(self, request: Request) -> None:
        headers = {"x-api-key": self._key, **dict(request.headers)}
        began = time.perf_counter()
        try:
            self._connection.request(request.method, request.path, request.content, headers)
            answer = self._connection.getresponse()
            body = answer.read()
        except (OSError, HTTPException) as error:
            self._connection.close()
            self._tally.silence(shown(request), error, time.perf_counter() - began)
        else:
            self._tally.note(shown(request), answer.status, body, time.perf_counter() - began)

    def close(self) -> None:
        self._connection.close()


def shown(request: Request) -> str:
    return f"{request.method} {request.path[:200]} {request.content[:500]!r}"


def repeated(examples: int, seed: int, strategy: st.SearchStrategy[Any], use: Callable[[Any], None]) -> None:
    """Uses so many examples, in rounds: what hypothesis remembers of a round would grow without end."""
    used = 0

    def once(example: Any) -> None:
        nonlocal used
        if used < examples:
            used += 1
            use(example)

    while used < examples:
        chosen = hypothesis.settings(
            max_examples=min(ROUND, examples - used),
            database=None,
            deadline=None,
            phases=[hypothesis.Phase.generate],
            suppress_health_check=list(hypothesis.HealthCheck),
        )
        hypothesis.seed(seed)(chosen(hypothesis.given(strategy)(once)))()
        seed += 1


def living(url: str, key: str, rows: Rows) -> Living:
    """Two devices and a session to aim at."""
    with httpx.Client(base_url=url, headers={"x-api-key": key}, trust_env=False) as client:

        def post(path: str, body: dict[str, str]) -> Any:
            answer = client.post(path, json=body).raise_for_status().json()
            rows.note_v0(answer)
            return answer

        device, opener = (
            post("/v0/devices", {"model": "Android", "serial_number": serial})["deviceid"]
            for serial in ("target", "opener")
        )
        return Living(device, post("/v0/sessions", {"deviceid": device})["token_session"], opener)


def described(url: str) -> st.SearchStrategy[Any]:
    """Cases that schemathesis makes of the server's own description, right ones and wrong ones."""
    schema = schemathesis.openapi.from_url(f"{url}/v0/openapi.json", config=CONFIG)
    operations = [found.ok() for found in schema.get_all_operations() if isinstance(found, Ok)]
    modes = (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)
    return st.one_of(
        *(operation.as_strategy(generation_mode=mode) for operation in operations for mode in modes)
    )


def aim(case: Any, target: Living) -> None:
    """Well-formed ids that nobody has say little: half of them become ids that live."""
    living = {"deviceid": target.device, "token_session": target.session}
    if case.method == "POST":
        living["deviceid"] = target.opener
    asked = case.path_parameters
    places = {"GET": [asked, case.query], "POST": [asked, case.body]}.get(case.method, [])
    for place in places:
        for name in living.keys() & set(place) if isinstance(place, dict) else ():
            if isinstance(place[name], str) and WELL_FORMED.fullmatch(place[name]):
                place[name] = living[name]


class Describer:
    """Sends the cases of schemathesis."""

    def __init__(self, url: str, key: str, target: Living, tally: Tally) -> None:
        self._session = requests.Session()
        self._url, self._key, self._target, self._tally = url, key, target, tally

    def send(self, case: Any) -> None:
        aim(case, self._target)
        began = time.perf_counter()
        request = f"{case.method} {case.path} {case.path_parameters} {case.query} {case.body!r}"[:700]
        try:
            answer = case.call(
                base_url=self._url,
                session=self._session,
                headers={"x-api-key": self._key},
                timeout=PATIENCE_SECONDS,
            )
        except requests.RequestException as error:
            self._tally.silence(request, error, time.perf_counter() - began)
        else:
            self._tally.note(request, answer.status_code, answer.content, time.perf_counter() - began)

    def close(self) -> None:
        self._session.close()


def fuzz(machine: Machine, requests_wanted: int, seed: int) -> tuple[dict[str, Tally], Stored]:
    """What each kind of garbage got back, and what it left in the tables."""
    rows, key = Rows(), machine.new_key()
    target = living(machine.url, key, rows)
    tallies = {name: Tally(rows) for name in ("v0, any bytes", "v0, as described", "graphql, any bytes")}
    by_bytes, as_described, to_graphql = tallies.values()
    v0 = Client(machine.port, key, by_bytes)
    graphql = Client(machine.port, key, to_graphql)
    describer = Describer(machine.url, key, target, as_described)
    shares: list[tuple[float, st.SearchStrategy[Any], Client | Describer]] = [
        (0.6, garbage.posts(target) | garbage.reads(target), v0),
        (0.1, described(machine.url), describer),
        (0.3, graphql_garbage.posts(target), graphql),
    ]
    [before] = stored.ask(machine.database, ROWS)
    for share, strategy, client in shares:
        repeated(round(requests_wanted * share), seed, strategy, client.send)
        client.close()
    [after] = stored.ask(machine.database, ROWS)
    return tallies, Stored(before, after, rows.counts())


def main() -> int:
    parser = ArgumentParser(prog="python -m bench.fuzz", description=__doc__)
    parser.add_argument("--requests", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    with TemporaryDirectory(prefix="passline-fuzz-") as place, Machine(Path(place), Cores()) as machine:
        tallies, found = fuzz(machine, options.requests, options.seed)
        if any(tally.problems for tally in tallies.values()):
            print(machine.log_tail(40), file=sys.stderr)
    show(tallies, found)
    wrong = [] if found.after == found.acknowledged else ["there are rows that no answer acknowledged"]
    for name, tally in tallies.items():
        wrong += [f"{name}: {problem[:900]}" for problem in tally.problems[:5]]
    return table.conclude(wrong, "no 500, no hang, and every row was acknowledged")


def show(tallies: dict[str, Tally], found: Stored) -> None:
    statuses = sorted({status for tally in tallies.values() for status in tally.statuses})
    lines = [[status, *(f"{tally.statuses[status]:,}" for tally in tallies.values())] for status in statuses]
    sums = [sum(tally.statuses.values()) for tally in tallies.values()]
    lines.append(["requests", *(f"{number:,}" for number in sums)])
    lines.append(["5xx or no answer", *(f"{len(tally.problems):,}" for tally in tallies.values())])
    lines.append(["slowest, ms", *(f"{tally.slowest * 1000:,.0f}" for tally in tallies.values())])
    kinds = ("devices", "sessions", "passings")
    for name, counts in zip(("before", "after", "acknowledged"), found, strict=True):
        cells = [f"{count:,} {kind}" for count, kind in zip(counts, kinds, strict=True)]
        lines.append([f"rows {name}", *cells])
    table.show(f"{sum(sums):,} requests of garbage", ["answer", *tallies], lines)


if __name__ == "__main__":
    sys.exit(main())
