"""GraphQL over HTTP: what a client takes, what a status means, who may keep an answer."""

import httpx
import pytest

from tests.conftest import make_account, make_event

pytestmark = pytest.mark.alone("sqlite", "HTTP is the same whatever the database")
NEWER, OLDER = "application/graphql-response+json", "application/json"
PAGE = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
ASKED = {"query": "{ __typename }"}
ANSWER = {"data": {"__typename": "Query"}}


def post(desk, accept=NEWER, headers=None, **asked):
    return desk.http.post("/graphql", json=asked or ASKED, headers={"accept": accept} | (headers or {}))


@pytest.mark.parametrize(
    ("accept", "told"),
    [
        ("*/*", OLDER),
        ("application/*", OLDER),
        ("", OLDER),
        (OLDER, OLDER),
        (NEWER, NEWER),
        (f"{NEWER}, {OLDER}", NEWER),
        (f"{OLDER}, {NEWER}", OLDER),
        (f"{NEWER};q=0.1, {OLDER};q=0.9", OLDER),
        (f"{OLDER};q=0.1, {NEWER}", NEWER),
        (f"{NEWER};q=0, */*", OLDER),
        (f"{NEWER.upper()}; charset=utf-8", NEWER),
        (f"image/png, */*;q=0.1, {NEWER};q=0.01", OLDER),
        (f"{NEWER}, application/graphql+json, {OLDER}, text/event-stream, multipart/mixed", NEWER),
        (PAGE, OLDER),
        (NEWER + ", x/y" * 500, NEWER),
    ],
)
def test_a_client_gets_the_type_that_it_would_like_best(desk, accept, told):
    answer = post(desk, accept)
    assert (answer.status_code, answer.json()) == (200, ANSWER)
    assert answer.headers["content-type"] == f"{told}; charset=utf-8"


def test_a_client_that_says_it_in_two_lines_is_understood(desk):
    lines = [("accept", "image/png"), ("accept", NEWER)]
    answer = desk.http.post("/graphql", json=ASKED, headers=lines)
    assert answer.headers["content-type"].startswith(NEWER)


@pytest.mark.parametrize(
    "accept", ["text/html", "image/*", f"{OLDER};q=0", "x", "multipart/mixed", "application/json;q=x", ";,;"]
)
def test_a_client_that_takes_nothing_of_ours_is_told_what_there_is(desk, accept):
    answer = post(desk, accept)
    assert answer.status_code == 406 and answer.headers["content-type"].startswith(OLDER)
    assert "application/graphql-response+json" in answer.json()["errors"][0]["message"]


WRONG = {
    "syntax": {"query": "{"},
    "validation": {"query": "{ nope }"},
    "variable": {"query": "query($n: Int!) { devices(first: $n) { totalCount } }", "variables": {"n": "x"}},
    "missing variable": {"query": "query($n: Int!) { devices(first: $n) { totalCount } }"},
    "unknown operation": {"query": "query A { __typename }", "operationName": "B"},
    "unnamed operation": {"query": "query A { __typename } query B { __typename }"},
    "no operation": {"query": "fragment F on Query { __typename }"},
    "too deep": {"query": "{ " + "a { " * 20 + "a" + " }" * 20 + " }"},
    "subscription": {"query": "subscription { passings { cursor } }"},
}


@pytest.mark.parametrize("asked", WRONG.values(), ids=WRONG.keys())
def test_what_is_not_executed_is_a_400_without_data_for_those_who_look_at_the_status(desk, asked):
    answer = post(desk, **asked)
    assert answer.status_code == 400 and list(answer.json()) == ["errors"]
    assert answer.json()["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"
    older = post(desk, OLDER, **asked)
    assert older.status_code == 200 and older.json()["data"] is None
    assert older.json()["errors"] == answer.json()["errors"]


def test_a_part_of_an_answer_is_a_200(desk):
    answer = post(
        desk, query='{ __typename passings(sessionToken: "x") { totalCount } node(id: "x") { id } }'
    )
    assert answer.status_code == 200 and "data" in answer.json() and answer.json()["errors"]


@pytest.mark.parametrize(
    ("kind", "kept"),
    [
        ("application/json", True),
        ("Application/JSON ; Charset=UTF-8", True),
        ("application/json; charset=utf-16", False),
        ("application/graphql", False),
        ("text/json", False),
        ("", False),
    ],
)
def test_a_body_is_json_in_utf_8_or_not_read(desk, kind, kept):
    answer = desk.http.post(
        "/graphql", content=b'{"query": "{ __typename }"}', headers={"content-type": kind}
    )
    assert answer.status_code == (200 if kept else 415)
    assert kept or "content-type" in answer.json()["errors"][0]["message"]


def test_a_compressed_body_is_not_read(desk):
    answer = post(desk, headers={"content-encoding": "gzip"})
    assert answer.status_code == 415 and "content-encoding" in answer.json()["errors"][0]["message"]


@pytest.mark.parametrize(
    "body",
    [
        b'{"query": "{ __typename }", "query": "{ viewer { scopes } }"}',
        b'{"query": "{ __typename }", "\\u0071uery": "{ viewer { scopes } }"}',
        b'{"query": "{ __typename }", "variables": {}, "variables": {"a": 1}}',
    ],
)
def test_a_name_that_is_given_twice_is_refused(desk, body):
    answer = desk.http.post("/graphql", content=body, headers={"content-type": "application/json"})
    assert answer.status_code == 400 and "is given twice" in answer.json()["errors"][0]["message"]


def test_names_of_ours_within_variables_are_nobodys_business(desk):
    query = "query($query: String!) { device(deviceId: $query) { id } }"
    asked = {"query": query, "variables": {"query": "\x00query"}, "operationName": None}
    assert post(desk, **asked).json() == {"data": {"device": None}}


@pytest.mark.parametrize(
    "given",
    [
        "query=a&query=b",
        "query=%ff",
        "query=a&variables=%5B%5D",
        "query=a&extensions=x",
        "variables={}",
        "a=b",
    ],
)
def test_an_address_that_asks_nonsense_is_refused(desk, given):
    answer = desk.http.get(f"/graphql?{given}", headers={"accept": NEWER})
    assert answer.status_code == 400 and list(answer.json()) == ["errors"]


@pytest.mark.parametrize("accept", [NEWER, OLDER])
def test_a_mutation_is_not_made_by_get(desk, accept):
    change = 'mutation { bindDevice(input: {serialNumber: "S", model: "M"}) { alreadyBound } }'
    answer = desk.http.get("/graphql", params={"query": change}, headers={"accept": accept})
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")
    assert desk.data("{ devices { totalCount } }") == {"devices": {"totalCount": 0}}


def test_other_methods_are_told_which_there_are(desk):
    answer = desk.http.delete("/graphql")
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD, POST, OPTIONS")
    assert answer.json()["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"
    assert desk.http.options("/graphql").status_code == 405


def test_head_tells_what_get_would(desk):
    given = {"params": {"query": "{ __typename }"}}
    got, head = desk.http.get("/graphql", **given), desk.http.head("/graphql", **given)
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == got.headers["content-length"]


def test_browsers_see_a_page_unless_they_ask_something(make_server, desk):
    page = desk.http.get("/graphql", headers={"accept": PAGE})
    assert page.headers["content-type"].startswith("text/html") and "GraphiQL" in page.text
    asked = desk.http.get("/graphql", params={"query": "{ __typename }"}, headers={"accept": PAGE})
    assert asked.json() == ANSWER
    with httpx.Client(base_url=make_server(graphiql=False).url) as without:
        assert without.get("/graphql", headers={"accept": PAGE}).status_code == 400


def test_introspection_stays_off_by_get_as_well(make_server):
    with httpx.Client(base_url=make_server(introspection=False).url) as http:
        answer = http.get(
            "/graphql", params={"query": "{ __schema { types { name } } }"}, headers={"accept": NEWER}
        )
        assert answer.status_code == 400 and list(answer.json()) == ["errors"]


def test_whoever_asks_too_much_is_told_so_by_the_status(make_server):
    with httpx.Client(base_url=make_server(stranger_rate=0.01, stranger_burst=4).url) as http:
        answers = [http.post("/graphql", json=ASKED, headers={"accept": NEWER}) for _ in range(6)]
        assert [answer.status_code for answer in answers] == [200] * 3 + [429] * 3
        assert int(answers[-1].headers["retry-after"]) >= 1 and list(answers[-1].json()) == ["errors"]
        older = http.post("/graphql", json=ASKED)
        assert older.status_code == 200 and "retry-after" in older.headers


PUBLIC = "query($t: String!) { event(token: $t) { name } }"


def get(desk, token, query=PUBLIC, **headers):
    asked = {"query": query, "variables": f'{{"t": "{token}"}}'}
    return desk.http.get("/graphql", params=asked, headers=headers)


@pytest.fixture
def event(server, account):
    return make_event(server, account, status="PUBLISHED", public=True)


@pytest.fixture
def stranger(make_desk):
    return make_desk(None)


def test_what_strangers_see_of_a_public_event_may_be_kept_for_a_moment(stranger, event):
    answer = get(stranger, event)
    assert answer.json() == {"data": {"event": {"name": "Run"}}}
    assert answer.headers["cache-control"] == "public, max-age=1, stale-while-revalidate=1"
    assert set(answer.headers["vary"].split(", ")) == {"accept", "x-api-key", "api_key", "authorization"}


@pytest.mark.parametrize("known", ["{}", "W/{}", '"x", {}', "*"])
def test_who_has_it_already_gets_no_bytes(stranger, event, known):
    first = get(stranger, event)
    again = get(stranger, event, **{"if-none-match": known.format(first.headers["etag"])})
    assert (again.status_code, again.content) == (304, b"")
    for name in ("etag", "cache-control", "vary"):
        assert again.headers[name] == first.headers[name]


def test_what_differs_has_another_name(stranger, event):
    tag = get(stranger, event).headers["etag"]
    newer = get(stranger, event, accept=NEWER, **{"if-none-match": tag})
    assert newer.status_code == 200 and newer.headers["etag"] != tag
    other = get(
        stranger, event, "query($t: String!) { event(token: $t) { token } }", **{"if-none-match": tag}
    )
    assert other.status_code == 200 and other.headers["etag"] != tag


def test_nothing_else_is_kept(server, account, desk, stranger, event):
    hidden = make_event(server, account)
    for answer in (
        get(desk, event),
        get(stranger, hidden),
        get(stranger, event, "query($t: String!) { event(token: $t) { name } viewer { authenticated } }"),
        get(stranger, event, "query($t: String!) { event(token: $t) { nope } }"),
        get(stranger, event, "query($t: String!) { event(token: $t) { name } devices { totalCount } }"),
        get(stranger, event, **{"x-api-key": "ror-00000000000000000000"}),
        stranger.http.post("/graphql", json={"query": PUBLIC, "variables": {"t": event}}),
        stranger.http.get("/graphql"),
    ):
        assert answer.headers["cache-control"] == "no-store" and "etag" not in answer.headers, answer.text


def test_an_operator_may_want_nothing_kept(make_server):
    server = make_server(public_max_age=0)
    token = make_event(server, make_account(server), status="PUBLISHED", public=True)
    with httpx.Client(base_url=server.url) as http:
        answer = http.get("/graphql", params={"query": f'{{ event(token: "{token}") {{ name }} }}'})
    assert answer.json()["data"] and answer.headers["cache-control"] == "no-store"
