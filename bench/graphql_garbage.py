"""Garbage for `POST /graphql`: documents, variables and envelopes."""

from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

from bench import garbage
from bench.garbage import FRAGMENTS, Json, Living, Request

VIEWER = "query V($first: Int) { viewer { __typename } devices(first: $first) { totalCount } }"
BIND = "mutation B($input: BindDeviceInput!) { bindDevice(input: $input) { device { deviceId } } }"
OPEN = (
    "mutation O($device: String!, $alias: String) { openSession(deviceId: $device, alias: $alias) { token } }"
)
RECORD = (
    "mutation R($token: String!, $passings: [PassingInput!]!) "
    "{ recordPassings(sessionToken: $token, passings: $passings) { insertedCount } }"
)
DOCUMENTS = [
    *(
        "",
        " ",
        "{",
        "}",
        "{}",
        "{ viewer",
        "query",
        "subscription { passings { cursor } }",
        "\ufeff{__typename}",
    ),
    *(
        "{ __typename }" * 2,
        "query A { __typename } query B { __typename }",
        "fragment F on Query { __typename }",
    ),
    *(
        "{ ...F } fragment F on Query { ...F }",
        "{ ...A } fragment A on Query { ...B } fragment B on Query { ...A }",
    ),
    *('{ device(deviceId: "\\ud800") { deviceId } }', '{ device(deviceId: "\\u0000") { deviceId } }'),
    *(f"{{ devices(first: {garbage.DIGITS}) {{ totalCount }} }}", "{ devices(first: 1e999) { totalCount } }"),
    *(
        "{ devices(first: -1) { totalCount } }",
        '{ devices(after: "x") { totalCount } }',
        '{ node(id: "x") { id } }',
    ),
    *("{ a" * 2_000 + "}" * 2_000, "{ __schema { types { fields { type { fields { name } } } } } }"),
    *("{ " + " ".join(f"a{n}: __typename" for n in range(2_000)) + " }", "{ " + "a " * 100_000 + "}"),
    *(
        "{ __typename " + "@skip(if: false)" * 2_000 + " }",
        "query V(" + "$a: Int " * 2_000 + ") { __typename }",
    ),
    "{ ...F0 } "
    + " ".join(f"fragment F{n} on Query {{ ...F{n + 1} ...F{n + 1} }}" for n in range(28))
    + " fragment F28 on Query { __typename }",
    "{ devices(search: " + "[" * 5_000 + "]" * 5_000 + ") { totalCount } }",
    '{ devices(search: """' + "x" * 10_000 + '""") { totalCount } }',
]


def good_bodies(living: Living) -> list[Json]:
    """What the server would accept; one mutation in each, so that its answer tells of its rows."""
    passing = {"timestamp": "2023-02-03T16:08:18.263Z", "number": 1, "bib": "0042", "chip": "E2801160"}
    return [
        {"query": VIEWER, "variables": {"first": 2}, "operationName": "V"},
        {"query": BIND, "variables": {"input": {"serialNumber": "S-2", "model": "Android", "alias": "A"}}},
        {"query": OPEN, "variables": {"device": living.opener, "alias": "Race 1"}},
        {
            "query": RECORD,
            "variables": {"token": living.session, "passings": [passing, passing | {"number": 2}]},
        },
    ]


def posts(living: Living) -> st.SearchStrategy[Request]:
    spoiled = st.one_of(*(with_spoiled_variables(good) for good in good_bodies(living)))
    documents = st.one_of(st.sampled_from(DOCUMENTS), garbage.texts)
    envelopes = st.fixed_dictionaries(
        {"query": documents},
        optional={"variables": garbage.values, "operationName": garbage.values, "extensions": garbage.values},
    )
    contents = st.one_of(
        garbage.written(spoiled),
        garbage.written(spoiled),
        garbage.written(garbage.spoiled(good_bodies(living)[0])),
        garbage.written(envelopes),
        garbage.damaged(good_bodies(living)[0]),
        garbage.written(garbage.values),
        st.sampled_from([fragment.encode() for fragment in FRAGMENTS]),
        st.binary(max_size=200),
    )
    kinds = ["application/json", "application/json", "application/graphql-response+json", "text/plain", ""]
    accepts = [
        "application/json",
        "application/graphql-response+json",
        "*/*",
        "text/event-stream",
        "multipart/mixed",
    ]

    def post(content: bytes, kind: str, accept: str) -> Request:
        return Request("POST", "/graphql", content, (("Content-Type", kind), ("Accept", accept)))

    return st.builds(post, contents, st.sampled_from(kinds), st.sampled_from(accepts))


def with_spoiled_variables(good: Json) -> st.SearchStrategy[Json]:
    """The document stays whole: the answer must go on telling which rows it made."""
    return garbage.spoiled(good["variables"]).map(lambda variables: {**good, "variables": variables})


def made(answer: Any, note: Callable[[str, Any], None]) -> None:
    """Tells `note` which rows an answer says it made."""
    data = answer.get("data") if isinstance(answer, dict) else None
    for name, found in (data or {}).items():
        if found is None:
            continue
        if name == "bindDevice":
            note("device", found["device"]["deviceId"])
        elif name == "openSession":
            note("session", found["token"])
        elif name == "recordPassings":
            note("passings", found["insertedCount"])
