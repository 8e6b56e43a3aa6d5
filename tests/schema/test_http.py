"""GraphQL over HTTP: whatever the body is, the answer is never a failure of ours."""

import gzip
import json

import httpx
import pytest

JSON = {"content-type": "application/json"}
GARBAGE = {
    "empty": b"",
    "null": b"null",
    "number": b"1",
    "string": b'"{ __typename }"',
    "true": b"true",
    "list": b"[]",
    "list of numbers": b"[1]",
    "list of null": b"[null]",
    "batch": b'[{"query": "{ __typename }"}]',
    "no query": b"{}",
    "null query": b'{"query": null}',
    "numeric query": b'{"query": 1}',
    "empty query": b'{"query": ""}',
    "object query": b'{"query": {}}',
    "list variables": b'{"query": "{ __typename }", "variables": []}',
    "string variables": b'{"query": "{ __typename }", "variables": "{}"}',
    "numeric operation": b'{"query": "{ __typename }", "operationName": 1}',
    "list extensions": b'{"query": "{ __typename }", "extensions": []}',
    "cut off": b'{"query": "{ __typename }"',
    "bad UTF-8": b"\xff\xfe\xfd",
    "bad UTF-8 in a text": b'{"query": "{ __typename \xff }"}',
    "half a character": b'{"query": "{ __typename }", "variables": {"a": "\\ud800"}}',
    "deep lists": b"[" * 100_000,
    "deep variables": b'{"query": "{ __typename }", "variables": {"a": ' + b"[" * 5000 + b"]" * 5000 + b"}}",
    "huge integer": b'{"query": "{ __typename }", "variables": {"a": ' + b"9" * 5000 + b"}}",
    "huge float": b'{"query": "{ __typename }", "variables": {"a": 1e999}}',
    "not a number": b'{"query": "{ __typename }", "variables": {"a": NaN}}',
    "gzip": gzip.compress(b'{"query": "{ __typename }"}'),
    "UTF-16": '{"query": "{ __typename }"}'.encode("utf-16"),
}


@pytest.mark.parametrize("body", GARBAGE.values(), ids=GARBAGE.keys())
def test_a_body_that_is_no_request_is_refused(desk, body):
    answer = desk.http.post("/graphql", content=body, headers=JSON)
    assert 400 <= answer.status_code < 500, answer.text


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "x", ""]
)
def test_another_type_of_content_is_refused(desk, kind):
    answer = desk.http.post(
        "/graphql", content=b'{"query": "{ __typename }"}', headers={"content-type": kind}
    )
    assert 400 <= answer.status_code < 500


def test_a_compressed_body_is_refused(desk):
    body = gzip.compress(b'{"query": "{ __typename }"}')
    answer = desk.http.post("/graphql", content=body, headers=JSON | {"content-encoding": "gzip"})
    assert 400 <= answer.status_code < 500


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
def test_only_get_and_post_are_spoken(desk, method):
    assert desk.http.request(method, "/graphql").status_code == 405


def test_queries_may_be_asked_by_get_and_mutations_may_not(desk):
    answer = desk.http.get("/graphql", params={"query": "{ viewer { authenticated } }"})
    assert answer.json() == {"data": {"viewer": {"authenticated": True}}}
    query = "query A($n: Int) { devices(first: $n) { totalCount } } query B { __typename }"
    asked = {"query": query, "variables": json.dumps({"n": 1}), "operationName": "A"}
    assert desk.http.get("/graphql", params=asked).json() == {"data": {"devices": {"totalCount": 0}}}
    change = 'mutation { bindDevice(input: {serialNumber: "S", model: "M"}) { alreadyBound } }'
    assert 400 <= desk.http.get("/graphql", params={"query": change}).status_code < 500
    assert desk.data("{ devices { totalCount } }")["devices"]["totalCount"] == 0


@pytest.mark.parametrize("variables", ["garbage", "[]", "1", "{", '"x"'])
def test_variables_of_a_get_that_are_no_object_are_refused(desk, variables):
    answer = desk.http.get("/graphql", params={"query": "{ __typename }", "variables": variables})
    assert 400 <= answer.status_code < 500, answer.text


@pytest.mark.parametrize(
    "query",
    ["{", "{ nope }", "}", "query { devices(first: ) }", '{ node(id: "a\\u0000")',
     "query($a: Nope) { __typename }", "{ __typename } { __typename }", "\u0000", "{ devices }"],
)  # fmt: skip
def test_a_document_that_is_wrong_is_bad_input(desk, query):
    answer = desk.ask(query)
    assert {error["extensions"]["code"] for error in answer["errors"]} == {"BAD_USER_INPUT"}
    assert answer.get("data") is None


@pytest.mark.parametrize("query", ["fragment F on Query { __typename }", "# nothing", " "])
def test_a_document_without_an_operation_is_refused(desk, query):
    answer = desk.http.post("/graphql", json={"query": query})
    assert answer.status_code == 400 or answer.json()["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"


def test_an_operation_that_is_not_in_the_document_is_refused(desk):
    answer = desk.http.post("/graphql", json={"query": "query A { __typename }", "operationName": "B"})
    assert answer.status_code == 400 or "errors" in answer.json()
    assert "Query" not in answer.text


def test_one_of_several_operations_must_be_named(desk):
    answer = desk.http.post("/graphql", json={"query": "query A { a: __typename } query B { b: __typename }"})
    assert "__typename" not in answer.text and '"a"' not in answer.text


@pytest.mark.parametrize(
    "text", ["Zoë 山田 🏃", "\u202e", "'; DROP TABLE devices; --", '"\\', "\ufeff", "<b>"]
)
def test_any_text_comes_back_as_it_was(desk, text):
    query = """mutation($t: String!) { bindDevice(input: {serialNumber: "S", model: "M", alias: $t}) {
        device { alias } } }"""
    assert desk.data(query, t=text)["bindDevice"]["device"]["alias"] == text


def test_a_body_that_is_too_large_is_413(desk):
    body = json.dumps({"query": "{ __typename }", "variables": {"a": "x" * 6 * 1024 * 1024}})
    answer = desk.http.post("/graphql", content=body, headers=JSON)
    assert answer.status_code == 413
    assert answer.json()["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"


def test_a_page_of_another_origin_may_ask_with_its_key(server, key):
    origin = {"origin": "https://results.example"}
    wanted = {
        "access-control-request-method": "POST",
        "access-control-request-headers": "x-api-key,content-type",
    }
    allowed = httpx.options(f"{server.url}/graphql", headers=origin | wanted)
    assert (allowed.status_code, allowed.headers["access-control-allow-origin"]) == (200, "*")
    query = {"query": "{ viewer { authenticated } }"}
    answer = httpx.post(f"{server.url}/graphql", headers=origin | {"x-api-key": key}, json=query)
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "access-control-allow-credentials" not in answer.headers
    assert answer.json()["data"]["viewer"]["authenticated"] is True
