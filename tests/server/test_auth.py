"""How a caller shows its key."""

import pytest

QUERY = {"query": "{ devices { totalCount } }"}


@pytest.fixture
def ask(server, make_desk):
    http = make_desk(None).http

    def post(*headers):
        answer = http.post("/graphql", json=QUERY, headers=list(headers)).json()
        return "errors" not in answer

    return post


@pytest.mark.parametrize("header", ["x-api-key", "X-API-Key", "api_key", "API_KEY"])
def test_the_key_may_come_in_either_header(ask, key, header):
    assert ask((header, key))
    assert not ask((header, key.upper())) and not ask((header, f"{key}x")) and not ask((header, ""))


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_the_key_may_be_a_bearer_token(ask, key, scheme):
    assert ask(("authorization", f"{scheme} {key}"))


@pytest.mark.parametrize("value", ["Bearer", "Bearer x", "Basic KEY", "KEY", "Bearer KEY KEY"])
def test_another_authorization_is_none(ask, key, value):
    assert not ask(("authorization", value.replace("KEY", key)))


def test_a_keys_own_header_counts_more_than_a_bearer_token(ask, key):
    assert ask(("authorization", "Bearer other"), ("x-api-key", key))
    assert not ask(("authorization", f"Bearer {key}"), ("x-api-key", "other"))


def test_the_key_is_not_taken_from_the_address_or_a_cookie(server, make_desk, key):
    http = make_desk(None).http
    for answer in (
        http.post(f"/graphql?api_key={key}&x-api-key={key}", json=QUERY),
        http.post("/graphql", json=QUERY, headers={"cookie": f"api_key={key}; x-api-key={key}"}),
    ):
        assert answer.json()["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"


def test_both_doors_know_the_same_keys(desk, make_desk, key):
    for headers in ({"x-api-key": key}, {"api_key": key}, {"authorization": f"Bearer {key}"}):
        assert make_desk(None).http.get("/v0/devices", headers=headers).status_code == 200
