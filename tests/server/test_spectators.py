"""A stadium that looks at one board through the deployed nginx."""

import asyncio
import json
import time

import httpx
import pytest

from server.answers import Answers
from tests.conftest import make_account, make_event, make_key_of
from tests.nginx import nginx

SPECTATORS = 200
BOARD = """query($e: String!) { event(token: $e) { name races { name } } }"""
OWN = "query($e: String!) { event(token: $e) { name status } }"


@pytest.fixture
def reached(monkeypatch):
    """How often a server of this process was asked anything."""
    told = []
    answer = Answers.answer

    async def tell(self, query, *more, **options):
        told.append(query)
        return await answer(self, query, *more, **options)

    monkeypatch.setattr(Answers, "answer", tell)
    return told


@pytest.fixture
def machine(make_server):
    return make_server(public_max_age=3600)


@pytest.fixture
def proxy(machine, tmp_path):
    with nginx(tmp_path, machine.port, machine.port) as url:
        yield url


def address(proxy, query, event):
    return httpx.URL(f"{proxy}/graphql", params={"query": query, "variables": json.dumps({"e": event})})


@pytest.mark.alone("sqlite", "nginx asks no database")
async def test_a_stadium_costs_a_server_what_one_spectator_does(machine, proxy, reached):
    company = make_account(machine)
    event = make_event(machine, company, "10 km", status="PUBLISHED", public=True)
    async with httpx.AsyncClient(timeout=20) as http:
        answers = await asyncio.gather(*(http.get(address(proxy, BOARD, event)) for _ in range(SPECTATORS)))
    assert {answer.status_code for answer in answers} == {200}
    assert {answer.text for answer in answers} == {answers[0].text} and "10 km" in answers[0].text
    assert len(reached) <= 3, "one, and on a busy machine those who waited for it too long"
    with httpx.Client() as http:
        again = http.get(address(proxy, BOARD, event), headers={"if-none-match": answers[0].headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert len(reached) <= 3


@pytest.mark.alone("sqlite", "nginx asks no database")
def test_what_a_key_sees_is_never_kept(machine, proxy, reached):
    company = make_account(machine)
    key = make_key_of(machine, company)
    shown = [{"x-api-key": key}, {"api_key": key}, {"authorization": f"Bearer {key}"}]
    hidden, public = (
        make_event(machine, company),
        make_event(machine, company, status="PUBLISHED", public=True),
    )
    with httpx.Client(timeout=20) as http:
        for event in (hidden, public):
            where = address(proxy, OWN, event)
            for header in shown:
                assert http.get(where, headers=header).json()["data"]["event"]["name"] == "Run"
            assert (http.get(where).json()["data"]["event"] is None) == (event is hidden)
            for header in shown:
                assert http.get(where, headers=header).json()["data"]["event"]["name"] == "Run"
    assert len(reached) == 2 * (3 + 1 + 3)


@pytest.mark.alone("sqlite", "nginx asks no database")
def test_each_type_is_kept_by_itself(machine, proxy, reached):
    event = make_event(machine, make_account(machine), status="PUBLISHED", public=True)
    newer = {"accept": "application/graphql-response+json"}
    with httpx.Client(timeout=20) as http:
        for _ in range(2):
            older = http.get(address(proxy, OWN, event))
            assert older.headers["content-type"].startswith("application/json")
            told = http.get(address(proxy, OWN, event), headers=newer)
            assert told.headers["content-type"].startswith("application/graphql-response+json")
    assert len(reached) == 2


@pytest.mark.alone("sqlite", "nginx asks no database")
def test_what_nobody_asked_for_long_is_not_shown_as_it_was(make_server, tmp_path):
    """The first who looks again is told the same as everybody: nothing older than two seconds."""
    machine = make_server(public_max_age=1)
    company = make_account(machine)
    event = make_event(machine, company, status="PUBLISHED", public=True)
    key = {"x-api-key": make_key_of(machine, company)}
    hidden = "mutation($e: String!) { updateEvent(token: $e, input: {public: false}) { name } }"
    with nginx(tmp_path, machine.port, machine.port) as url, httpx.Client(timeout=20) as http:
        where = address(url, OWN, event)
        assert http.get(where).json()["data"]["event"]["name"] == "Run"
        asked = {"query": hidden, "variables": {"e": event}}
        assert "errors" not in http.post(f"{url}/graphql", json=asked, headers=key).json()
        time.sleep(3.1)
        assert http.get(where).json()["data"]["event"] is None
