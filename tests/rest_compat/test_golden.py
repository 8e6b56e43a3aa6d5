"""Every v0 route, word for word: `golden/*.json` hold requests and whole answers, in the shape BOTH."""

import json
import re
from pathlib import Path

import pytest

from resolvers import bindings
from rest_compat import routes
from rest_compat.endpoints import Endpoint
from tests.conftest import make_account, make_event, make_key_of

GOLDEN = Path(__file__).parent / "golden"
OPENAPI = Path(__file__).parents[2] / "rest_compat" / "openapi.json"
SHAPES = ["BOTH", "BARE", "BODY"]
PLACEHOLDER = re.compile(
    r'"<(deviceid|token_session|event_token|participant_id|api_key|date|cursor|maybe):([^>"]+)>"'
)
FORMATS = {
    "deviceid": '"[0-9A-F]{64}"',
    "token_session": '"[0-9A-F]{64}"',
    "event_token": '"[0-9A-F]{64}"',
    "participant_id": '"[0-9A-F]{64}"',
    "api_key": '"ror-[0-9a-f]{20}"',
    "date": r'"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"',
    "cursor": '"[^"]+"',
    "maybe": 'null|"[^"]*"',
}


def compact(value: object) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def in_shape(shape: str, both: str) -> str:
    """The same answer as a key of another shape gets it."""
    inner = json.loads(both)["body"]
    assert both == compact({**inner, "body": inner}), "a golden body is written in the shape BOTH"
    return {"BOTH": both, "BARE": compact(inner), "BODY": compact({"body": inner})}[shape]


class Bindings(dict[str, str]):
    """What the placeholders stand for: bound on first sight, compared afterwards."""

    def filled(self, text: str) -> str:
        for name, value in self.items():
            text = text.replace(name, value)
        return text

    def match(self, expected: str, actual: str) -> None:
        pattern, groups, end = "", {}, 0
        expected = self.filled(expected)
        for place in PLACEHOLDER.finditer(expected):
            name = place[0].strip('"')
            pattern += re.escape(expected[end : place.start()])
            pattern += (
                f"(?P={groups[name]})" if name in groups else f"(?P<g{len(groups)}>{FORMATS[place[1]]})"
            )
            groups.setdefault(name, f"g{len(groups)}")
            end = place.end()
        found = re.fullmatch(pattern + re.escape(expected[end:]), actual)
        assert found, f"expected {expected}\n     got {actual}"
        self.update({name: found[group].strip('"') for name, group in groups.items()})


def content(step: dict) -> str | None:
    if "raw" in step:
        return step["raw"]
    return json.dumps(step["send"]) if "send" in step else None


@pytest.fixture(scope="module")
def weak_keys(server):
    """Keys that lack a right, by access type and shape; whose they are does not matter."""
    return {
        (access, shape): make_key_of(server, account, access=access, v0_shape=shape)
        for shape in SHAPES
        for account in [make_account(server)]
        for access in ("READ", "WRITE", "READ_WRITE")
    }


@pytest.fixture
def keys(make_key, weak_keys, server):
    """A key by the word that golden files use; the files expect fresh accounts."""

    def key(word: str, shape: str) -> str | None:
        match word:
            case "NONE":
                return None
            case "UNKNOWN":
                return "ror-00000000000000000000"
            case "ALL":
                return make_key(unbind=True, v0_shape=shape)
            case "OTHER":
                return make_key_of(server, make_account(server), v0_shape=shape, may_unbind=True)
            case _:
                return weak_keys[word, shape]

    return key


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("file", sorted(GOLDEN.glob("*.json")), ids=lambda file: file.stem)
def test_v0_answers_word_for_word(file, shape, speak, keys, server, account):
    golden = json.loads(file.read_text())
    bound = Bindings(
        {
            f"<event_token:{each['name']}>": make_event(server, account, *each["races"], **each["fields"])
            for each in golden.get("given", [])  # v0 itself makes no events
        }
    )
    for name in golden.get("binding_tokens", []):
        made = server.operate(lambda ctx: bindings.create(ctx, account_id=account))
        bound[f"<binding_token:{name}>"] = made[1]
    drivers = {}
    for number, step in enumerate(golden["steps"]):
        word = step.get("key", "ALL")
        if word not in drivers:
            drivers[word] = speak(keys(word, shape))
        method, path = bound.filled(step["request"]).split(" ")
        body = content(step)
        answer = drivers[word].call(
            method,
            path,
            content=body and bound.filled(body),
            headers={"Content-Type": "application/json"},
        )
        where = f"step {number}: {step['request']}\n{answer.text}"
        assert answer.status_code == step["status"], where
        assert answer.headers["content-type"] == step["content-type"], where
        known_shape = "BOTH" if word in ("NONE", "UNKNOWN") else shape
        bound.match(in_shape(known_shape, step["body"]), answer.text)


def test_every_v0_route_has_a_golden_file_and_is_described():
    golden = {json.loads(file.read_text())["route"] for file in GOLDEN.glob("*.json")}
    served = {
        f"{verb} /v0{route.path}"
        for route in routes.routes(None, 0)
        if isinstance(route.endpoint, Endpoint)
        for verb in route.endpoint._verbs
        if verb != "HEAD"
    }
    described = {
        f"{verb.upper()} {path}"
        for path, verbs in json.loads(OPENAPI.read_text())["paths"].items()
        for verb in verbs
        if verb != "parameters" and path != "/v0/openapi.json"
    }
    assert golden == served == described
