"""Registering documents over GraphQL."""

import hashlib

import pytest

from tests.schema.conftest import code, fields

EVENTS = "query Events($first: Int) {\n  events(first: $first) { totalCount }\n}"
HASH = hashlib.sha256(EVENTS.encode()).hexdigest()
REGISTER = """mutation($input: DocumentInput!) { registerDocument(input: $input) {
    id documentId hash text name registeredAt registeredBy { hint } } }"""
UNREGISTER = "mutation($hash: String!) { unregisterDocument(hash: $hash) { hash } }"
LIST = """query($first: Int, $after: String) { documents(first: $first, after: $after) { totalCount
    pageInfo { hasNextPage hasPreviousPage endCursor } edges { cursor node { text } } } }"""


def register(desk, text=EVENTS, **more):
    return desk.data(REGISTER, input={"text": text} | more)["registerDocument"]


def test_a_document_is_registered_shown_and_taken_away(desk):
    made = register(desk, name="events")
    assert made["documentId"] == f"sha256:{HASH}" and made["hash"] == HASH
    assert (made["text"], made["name"]) == (EVENTS, "events")
    assert made["registeredBy"]["hint"] == desk.http.headers["x-api-key"][-4:]
    assert register(desk) == made
    found = desk.data("query($id: ID!) { node(id: $id) { ... on Document { text } } }", id=made["id"])
    assert found["node"] == {"text": EVENTS}
    assert desk.data(UNREGISTER, hash=HASH)["unregisterDocument"] == {"hash": HASH}
    assert desk.data(LIST)["documents"]["totalCount"] == 0
    assert code(desk.ask(UNREGISTER, hash=HASH)) == "NOT_FOUND"


def test_they_are_listed_newest_first_page_by_page(desk):
    for name in "abc":
        register(desk, f"query {name} {{ events {{ totalCount }} }}")
    page = desk.data(LIST, first=2)["documents"]
    assert [edge["node"]["text"][6] for edge in page["edges"]] == ["c", "b"] and page["totalCount"] == 3
    assert page["pageInfo"]["hasNextPage"] and not page["pageInfo"]["hasPreviousPage"]
    rest = desk.data(LIST, first=2, after=page["pageInfo"]["endCursor"])["documents"]
    assert [edge["node"]["text"][6] for edge in rest["edges"]] == ["a"]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("{ events {", "line 1, column 11: Syntax Error: Expected Name, found <EOF>."),
        (
            "{\n  events { nope }\n}",
            "line 2, column 12: Cannot query field 'nope' on type 'EventConnection'.",
        ),
        ("query($a: Qqqqq) { events(first: $a) { totalCount } }", "line 1, column 11: Unknown type 'Qqqqq'."),
        ("fragment A on Event { name }", "line 1, column 1: Fragment 'A' is never used."),
        ("type A { b: Int }", "line 1, column 1: The 'A' definition is not executable."),
        (
            "{ " + "events { edges { node { races { event " * 5 + "{ name }" + "} } } }" * 5 + " }",
            "line 1, column 1: The document is deeper than 16 levels.",
        ),
        ("{ events { totalCount } } " + "{ viewer { authenticated } } " * 500, "Syntax Error"),
        (
            "{ events(first: " + "9" * 5_000 + ") { totalCount } }",
            "line 1, column 17: The document holds a name or a number that cannot be read.",
        ),
        ("# nothing but a comment", "Syntax Error"),
    ],
)
def test_what_could_not_be_executed_is_told_by_its_place(desk, text, sentence):
    said = fields(desk.ask(REGISTER, input={"text": text}))["text"]
    assert said == sentence or (sentence == "Syntax Error" and sentence in said)


@pytest.mark.parametrize(("access", "allowed"), [("READ", "LIST"), ("WRITE", "REGISTER")])
def test_reading_and_registering_have_a_right_each(make_desk, make_key, access, allowed):
    desk = make_desk(make_key(access))
    registered, listed = (
        desk.ask(REGISTER.replace("registeredBy { hint }", ""), input={"text": EVENTS}),
        desk.ask(LIST),
    )
    refused, good = (registered, listed) if allowed == "LIST" else (listed, registered)
    assert code(refused) == "FORBIDDEN" and "errors" not in good


def test_a_document_of_another_account_is_not_to_be_seen(desk, make_desk, other_key):
    made, other = register(desk), make_desk(other_key)
    assert other.data("query($id: ID!) { node(id: $id) { id } }", id=made["id"]) == {"node": None}
    assert other.data(LIST)["documents"]["edges"] == []
    assert code(other.ask(UNREGISTER, hash=HASH)) == "NOT_FOUND"
