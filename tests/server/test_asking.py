"""What a client asks: what is taken, and the sentence for what is not."""

import pytest

from server.asking import Asked, Nonsense, read

HASH = "0123456789abcdef" * 4
BY_ID = {"documentId": f"sha256:{HASH}"}
BY_EXTENSION = {"extensions": {"persistedQuery": {"version": 1, "sha256Hash": HASH}}}


def automatic(**named):
    return {"extensions": {"persistedQuery": {"version": 1, "sha256Hash": HASH} | named}}


@pytest.mark.parametrize(
    ("params", "asked"),
    [
        ({"query": "{ a }"}, Asked("{ a }", {}, None, None)),
        (
            {"query": "query A { a }", "variables": {"x": [1, None]}, "operationName": "A"},
            Asked("query A { a }", {"x": [1, None]}, "A", None),
        ),
        (
            {
                "query": "{ a }",
                "variables": None,
                "operationName": None,
                "extensions": None,
                "documentId": None,
            },
            Asked("{ a }", {}, None, None),
        ),
        ({"query": "{ a }", "operationName": ""}, Asked("{ a }", {}, None, None)),
        (
            {"query": "{ a }", "extensions": {"trace": 1}, "anything": object()},
            Asked("{ a }", {}, None, None),
        ),
        (BY_ID, Asked(None, {}, None, HASH)),
        ({"documentId": f"sha256:{HASH.upper()}"}, Asked(None, {}, None, HASH)),
        (BY_EXTENSION, Asked(None, {}, None, HASH)),
        (BY_EXTENSION | {"query": "{ a }", "variables": {"x": 1}}, Asked("{ a }", {"x": 1}, None, HASH)),
        (BY_EXTENSION | BY_ID | {"query": ""}, Asked(None, {}, None, HASH)),
    ],
)
def test_what_is_asked(params, asked):
    assert read(params) == asked


@pytest.mark.parametrize("params", [None, [], [{"query": "{ a }"}], "query", 7, True])
def test_what_is_no_object(params):
    with pytest.raises(Nonsense, match="^the request must be an object: one operation at a time$"):
        read(params)


@pytest.mark.parametrize(
    ("params", "sentence"),
    [
        ({}, "query is missing, and no document is named instead"),
        ({"query": None}, "query is missing, and no document is named instead"),
        ({"query": ""}, "query is missing, and no document is named instead"),
        ({"query": 7}, "query must be a text"),
        ({"query": ["{ a }"]}, "query must be a text"),
        ({"query": "{ a }", "variables": []}, "variables must be an object"),
        ({"query": "{ a }", "variables": "{}"}, "variables must be an object"),
        ({"query": "{ a }", "variables": False}, "variables must be an object"),
        ({"query": "{ a }", "operationName": {}}, "operationName must be a text"),
        ({"query": "{ a }", "extensions": "x"}, "extensions must be an object"),
        ({"query": "{ a }", "extensions": []}, "extensions must be an object"),
        ({"extensions": {"persistedQuery": HASH}}, "extensions.persistedQuery must be an object"),
        (automatic(version=2), "extensions.persistedQuery.version must be 1"),
        (automatic(version=True), "extensions.persistedQuery.version must be 1"),
        (automatic(version=None), "extensions.persistedQuery.version must be 1"),
        (automatic(sha256Hash=None), "extensions.persistedQuery.sha256Hash must be 64 hexadecimal digits"),
        (
            automatic(sha256Hash=HASH[1:]),
            "extensions.persistedQuery.sha256Hash must be 64 hexadecimal digits",
        ),
        (
            automatic(sha256Hash=HASH + "\n"),
            "extensions.persistedQuery.sha256Hash must be 64 hexadecimal digits",
        ),
        (
            automatic(sha256Hash="g" + HASH[1:]),
            "extensions.persistedQuery.sha256Hash must be 64 hexadecimal digits",
        ),
        ({"documentId": HASH}, "documentId must be sha256: and 64 hexadecimal digits"),
        ({"documentId": "sha256:"}, "documentId must be sha256: and 64 hexadecimal digits"),
        ({"documentId": f"sha256:{HASH}0"}, "documentId must be sha256: and 64 hexadecimal digits"),
        ({"documentId": 7}, "documentId must be a text"),
        (
            BY_EXTENSION | {"documentId": "sha256:" + "0" * 64},
            "documentId and extensions.persistedQuery must name the same document",
        ),
    ],
)
def test_what_nobody_can_mean_is_told_by_its_field(params, sentence):
    with pytest.raises(Nonsense) as refused:
        read(params)
    assert str(refused.value) == sentence
