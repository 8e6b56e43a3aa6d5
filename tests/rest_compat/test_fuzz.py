"""Garbage over real HTTP, on a small budget: no 500, no hang, no row; `bench/fuzz.py` has a big one."""

import json
import sys
from pathlib import Path
from urllib.parse import urlsplit

import hypothesis
import pytest
import requests
import schemathesis
from hypothesis import HealthCheck
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi import checks

ROOT = Path(__file__).parents[2]
sys.path.append(str(ROOT))

from bench import fuzz, garbage, graphql_garbage  # noqa: E402

DOCUMENT = json.loads((ROOT / "rest_compat" / "openapi.json").read_text())
DESCRIPTION = schemathesis.openapi.from_dict(DOCUMENT, config=fuzz.CONFIG)
BUDGET = hypothesis.settings(
    max_examples=8,
    deadline=None,
    database=None,
    derandomize=True,
    phases=[hypothesis.Phase.explicit, hypothesis.Phase.generate],
    suppress_health_check=list(HealthCheck),
)
SEEDS = {"sqlite": 3, "postgresql": 2}
"""What is thrown at the one is not what is thrown at the other."""
MORE_THAN_A_SCHEMA_CAN_TELL = (".timestamp", ".timezone", "reported_at", " from", " to", " cursor")
CHECKS = [
    not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
    checks.unsupported_method,
    checks.negative_data_rejection,
]


def stored(v0):
    """Devices, sessions and passings, as the account's own list counts them."""
    answer = v0.get("/v0/devices").json()
    devices = answer["result"]
    sessions = sum(device["sessions"] for device in devices)
    return answer["pagination"]["total"], sessions, sum(device["passings"] for device in devices)


@pytest.fixture
def key(make_key):
    """Of a fresh account, so that its rows can be counted."""
    return make_key(unbind=True)


@pytest.fixture
def tally():
    return fuzz.Tally(fuzz.Rows())


@pytest.fixture
def before(v0):
    return stored(v0)


@pytest.fixture
def target(server, key, tally, before):
    return fuzz.living(server.url, key, tally.rows)


def throw(strategy, examples, backend, server, key, tally):
    client = fuzz.Client(urlsplit(server.url).port, key, tally)
    try:
        fuzz.repeated(examples, SEEDS[backend], strategy, client.send)
    finally:
        client.close()
    assert not tally.problems, tally.problems[:3]
    assert sum(tally.statuses.values()) == examples


def added(v0, before):
    return tuple(now - then for now, then in zip(stored(v0), before, strict=True))


def test_no_body_breaks_v0_or_leaves_a_row_that_was_not_acknowledged(
    backend, server, v0, key, target, tally, before
):
    throw(garbage.posts(target), 600, backend, server, key, tally)
    assert added(v0, before) == tally.rows.counts()
    assert {"400", "201", "409"} <= set(tally.statuses), "404 is too rare to be sure of it"


def test_no_path_or_query_breaks_v0_or_leaves_a_row(backend, server, v0, key, target, tally, before):
    throw(garbage.reads(target), 200, backend, server, key, tally)
    assert added(v0, before) == tally.rows.counts()


def test_no_body_breaks_graphql_or_leaves_a_row(backend, server, v0, key, target, tally, before):
    throw(graphql_garbage.posts(target), 200, backend, server, key, tally)
    assert added(v0, before) == tally.rows.counts()


def test_no_odd_document_or_name_breaks_graphql(server, key, tally):
    longer_in_lower_case = {"token": "x", "passings": [{"İ": 1}]}
    asked = [{"query": graphql_garbage.RECORD, "variables": longer_in_lower_case}]
    asked += [{"query": document} for document in graphql_garbage.DOCUMENTS]
    client = fuzz.Client(urlsplit(server.url).port, key, tally)
    for body in asked:
        content = json.dumps(body).encode()
        client.send(garbage.Request("POST", "/graphql", content, (("Content-Type", "application/json"),)))
    client.close()
    assert not tally.problems, [problem[:300] for problem in tally.problems]


@pytest.fixture
def session():
    with requests.Session() as session:
        session.trust_env = False
        yield session


@DESCRIPTION.parametrize()
@BUDGET
def test_every_answer_is_as_described(case, server, key, target, session):
    fuzz.aim(case, target)
    headers = {"x-api-key": key}
    answer = case.call(base_url=server.url, session=session, headers=headers, timeout=fuzz.PATIENCE_SECONDS)
    case.validate_response(answer, checks=CHECKS)
    if case.meta.generation.mode is GenerationMode.POSITIVE and answer.status_code == 400:
        assert answer.json()["description"].endswith(MORE_THAN_A_SCHEMA_CAN_TELL)
