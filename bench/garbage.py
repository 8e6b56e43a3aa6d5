"""What no sane client sends: malformed JSON, wrong types, odd Unicode, deep nesting, huge numbers."""

import copy
import json
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple
from urllib.parse import quote

from hypothesis import strategies as st

Json = Any
Draw = Callable[[st.SearchStrategy[Any]], Any]

DIGITS = "9" * 5000


class Request(NamedTuple):
    method: str
    path: str
    content: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()


class Living(NamedTuple):
    """What exists on the server, so that garbage gets past the first look-up."""

    device: str
    session: str
    opener: str
    """A device to open sessions on: it would close `session` if it were the same."""


ODD_TEXTS = [
    *("", " ", "\x00", "a\x00b", "\ud800", "\udfff\ud800", "\ufeff", "\u202e", "a\u0301", "\U0010ffff", "İ"),
    *(
        "null",
        "NaN",
        "-0",
        "1e400",
        "0x10",
        "--5",
        "+-1",
        "1_0",
        "١٢",
        "½",
        "true",
        "[]",
        "{}",
        "' OR 1=1 --",
        "%s%n",
        "${x}",
    ),
    *("../../x", "0000-00-00T00:00:00Z", "9999-12-31T23:59:60-23:59", "2023-02-03T16:08:18+25:61"),
    *("x" * 129, "x" * 70_000, "é" * 128, "\x1b[2J", "\r\nx-api-key: ror-0", "9" * 400),
]
ODD_NUMBERS = [
    *(0, -1, 1, 2**31, 2**32, 2**53 + 1, 2**63 - 1, 2**63, 2**64, -(2**63) - 1, 10**400, -(10**400)),
    *(-0.0, 0.1, 1.5, 1e16, 5e-324, 1.7976931348623157e308, float("inf"), float("-inf"), float("nan")),
]
FRAGMENTS = [
    *(
        DIGITS,
        f"-{DIGITS}",
        f"0.{DIGITS}",
        f"{DIGITS}.5",
        "1e999",
        "-1e999",
        "1E+400000",
        "01",
        "+1",
        ".5",
        "1.",
    ),
    *(
        "-",
        "nul",
        "NaN",
        "Infinity",
        "undefined",
        "'x'",
        '"\\ud800"',
        '"\\x"',
        '"\\u12"',
        '"\t"',
        '"\x00"',
        '"open',
    ),
    *(
        "[" * 100_000,
        "[" * 5_000 + "]" * 5_000,
        '{"a":' * 5_000,
        '{"a":' * 500 + "1" + "}" * 500,
        "[1,]",
        "{,}",
    ),
    *('{"a":1,"a":2}', "/* */1", "1 2", "", ",", ":", "\ufeff1", "\u2028"),
]

texts = st.one_of(st.sampled_from(ODD_TEXTS), st.text(st.characters(), max_size=40))
numbers = st.one_of(st.sampled_from(ODD_NUMBERS), st.integers(), st.floats())
values: st.SearchStrategy[Json] = st.recursive(
    st.one_of(st.none(), st.booleans(), numbers, texts),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(texts, inner, max_size=4)),
    max_leaves=8,
)


def spots(document: Json) -> Iterator[tuple[Json, Json]]:
    """Every place in a document, as a container and the key or index in it."""
    keys = document if isinstance(document, dict) else range(len(document))
    for key in keys:
        yield document, key
        if isinstance(document[key], dict | list):
            yield from spots(document[key])


@st.composite
def spoiled(draw: Draw, good: Json) -> Json:
    """A good document with one to three things wrong in it, or only odd."""
    document = copy.deepcopy(good)
    for _ in range(draw(st.integers(1, 3))):
        places = list(spots(document))
        if not places:
            break
        container, key = draw(st.sampled_from(places))
        how = draw(st.sampled_from(["replace", "replace", "replace", "remove", "wrap", "repeat", "add"]))
        if how == "replace":
            container[key] = draw(values)
        elif how == "remove":
            del container[key]
        elif how == "wrap":
            container[key] = draw(st.sampled_from([[container[key]], {"value": container[key]}]))
        elif how == "repeat" and isinstance(container[key], list):
            container[key] = container[key] * draw(st.integers(2, 40))
        elif isinstance(container, dict):
            container[draw(texts)] = draw(values)
    return document


def in_escapes(document: Json) -> bytes:
    return json.dumps(document).encode()


def in_utf8(document: Json) -> bytes:
    """Lone surrogates become bytes that are not UTF-8."""
    return json.dumps(document, ensure_ascii=False).encode("utf-8", "surrogatepass")


def in_another_charset(document: Json) -> bytes:
    return json.dumps(document, ensure_ascii=False).encode("utf-16", "surrogatepass")


def written(documents: st.SearchStrategy[Json]) -> st.SearchStrategy[bytes]:
    """Documents as bytes, mostly in good JSON."""
    writers = [in_escapes, in_escapes, in_escapes, in_utf8, in_utf8, in_another_charset]
    return st.builds(lambda document, writer: writer(document), documents, st.sampled_from(writers))


@st.composite
def damaged(draw: Draw, good: Json) -> bytes:
    """Good JSON with bytes cut off, overwritten or put in, or a value that is no JSON."""
    content: bytes = json.dumps(good).encode()
    how = draw(st.sampled_from(["cut", "overwrite", "insert", "fragment"]))
    at = draw(st.integers(0, len(content) - 1))
    if how == "cut":
        return content[:at]
    if how == "overwrite":
        some: bytes = draw(st.binary(min_size=1, max_size=4))
        return content[:at] + some + content[at + len(some) :]
    if how == "insert":
        more: bytes = draw(st.binary(min_size=1, max_size=4))
        return content[:at] + more + content[at:]
    document = copy.deepcopy(good)
    container, key = draw(st.sampled_from(list(spots(document))))
    container[key] = "<here>"
    fragment = draw(st.sampled_from(FRAGMENTS))
    return json.dumps(document).replace('"<here>"', fragment).encode()


def bodies(good: Json) -> st.SearchStrategy[bytes]:
    """Bodies near a good one, and bodies far from any."""
    return st.one_of(
        written(spoiled(good)),
        written(spoiled(good)),
        damaged(good),
        written(values),
        st.sampled_from([fragment.encode() for fragment in FRAGMENTS]),
        st.binary(max_size=200),
    )


def good_passing(number: int) -> dict[str, Json]:
    return {
        "timestamp": "2023-02-03T16:08:18.263Z",
        "num_passing": number,
        "bib": "0042",
        "latitude": 41.3879,
        "longitude": "2.16992",
        "chip": "E2801160600002084D1A2B3C",
        "timezone": "CET",
    }


def good_report(minute: int) -> dict[str, Json]:
    return {
        "reported_at": f"2023-02-03T16:0{minute}:18.263Z",
        "device_status": "timing",
        "mode": "IDLE",
        "battery_percentage": 87.5,
        "charging": False,
        "temperature": "31.5",
        "latitude": 41.3879,
        "connectivity": "WIFI",
        "antennas": 4,
        "passings_pending": 0,
        "configuration": {"power": 30},
        "extra": {},
    }


def good_bodies(living: Living) -> dict[str, Json]:
    """What each POST route of v0 would accept."""
    return {
        "/v0/devices": {
            "model": "Android",
            "serial_number": "S-1",
            "type": "RFID",
            "alias": "A",
            "firmware": "1",
        },
        "/v0/sessions": {"deviceid": living.opener, "alias": "Race 1"},
        "/v0/passings": {
            "token_session": living.session,
            "passings_list": [good_passing(1), good_passing(2)],
        },
        f"/v0/devices/{living.device}/telemetry": {"reports": [good_report(1), good_report(2)]},
    }


def posts(living: Living) -> st.SearchStrategy[Request]:
    kinds = st.sampled_from(["application/json", "text/plain", "", "application/json; charset=utf-16"])
    headers = st.builds(lambda kind: (("Content-Type", kind),), kinds)
    return st.one_of(
        *(
            st.builds(Request, st.just("POST"), st.just(path), bodies(good), headers)
            for path, good in good_bodies(living).items()
        )
    )


def reads(living: Living) -> st.SearchStrategy[Request]:
    """Odd ids, odd query parameters, odd verbs."""
    device, session = living.device, living.session
    paths = [
        *("/v0/devices", "/v0/devices/{id}", "/v0/sessions/{id}", "/v0/sessions/device/{id}"),
        *("/v0/sessions/device/{id}/active", "/v0/passings/session/{id}", "/v0/passings/device/{id}"),
        *("/v0/passings/device2/{id}", "/v0/sessions/close/{id}", "/v0/{id}"),
        "/v0/devices/{id}/telemetry",
    ]
    names = ["page", "limit", "first", "last", "from", "to", "token_session", "cursor"]
    ids = st.one_of(st.sampled_from([device, session]), texts.map(lambda text: text[:1000]))
    odd = st.one_of(texts.map(lambda text: text[:1000]), numbers.map(str), st.sampled_from([device, session]))
    queries = st.lists(st.tuples(st.sampled_from(names), odd), max_size=4)
    verbs = st.sampled_from(["GET", "GET", "GET", "HEAD", "OPTIONS", "PUT", "PATCH"])

    def read(verb: str, path: str, chosen: str, query: list[tuple[str, str]]) -> Request:
        asked = "&".join(f"{name}={spelled(value)}" for name, value in query)
        headers = (("Content-Type", "application/json"),)
        closing = path == "/v0/sessions/close/{id}" and chosen == session
        return Request(
            "GET" if closing else verb, path.replace("{id}", spelled(chosen)) + "?" + asked, b"", headers
        )

    return st.builds(read, verbs, st.sampled_from(paths), ids, queries)


def spelled(text: str) -> str:
    """For a URL; lone surrogates become bytes that are not UTF-8."""
    return quote(text.encode("utf-8", "surrogatepass"), safe="")
