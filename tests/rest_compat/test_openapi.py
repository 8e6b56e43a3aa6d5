"""The description at `/v0/openapi.json`: it is a valid one, and what it says is what the server does."""

import json
from operator import itemgetter
from pathlib import Path

import jsonschema_rs
import pytest
from schemathesis.specs.openapi import definitions

HERE = Path(__file__).parent
DOCUMENT = json.loads((HERE.parents[1] / "rest_compat" / "openapi.json").read_text())
VERBS = {"get", "post", "patch", "delete"}


def operations():
    for path, verbs in DOCUMENT["paths"].items():
        for verb in VERBS & set(verbs):
            yield f"{verb.upper()} {path}", verbs[verb]


def resolved(node):
    while "$ref" in node:
        kind, name = node["$ref"].split("/")[-2:]
        node = DOCUMENT["components"][kind][name]
    return node


def described(operation, status):
    """The schema of an answer, ready to judge by."""
    schema = resolved(operation["responses"][str(status)])["content"]["application/json"]["schema"]
    return jsonschema_rs.Draft202012Validator({**schema, "components": DOCUMENT["components"]})


def test_it_is_openapi_3_1():
    definitions.OPENAPI_31_VALIDATOR.validate(DOCUMENT)


def test_it_is_served_without_a_key_in_compact_json(speak):
    answer = speak(None).call("GET", "/v0/openapi.json")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
    assert answer.text == json.dumps(DOCUMENT, separators=(",", ":"), ensure_ascii=False)


def test_everything_it_refers_to_is_there_and_nothing_is_left_over():
    text = json.dumps(DOCUMENT)
    for kind in ("schemas", "responses", "parameters", "headers"):
        for name in DOCUMENT["components"][kind]:
            assert f'"#/components/{kind}/{name}"' in text
    references = [part.split('"')[0] for part in text.split('"$ref": "')[1:]]
    assert all(resolved({"$ref": reference}) for reference in references)


@pytest.mark.parametrize(
    ("name", "operation"), sorted(operations(), key=itemgetter(0)), ids=lambda value: str(value)[:48]
)
def test_every_operation_is_described_in_full(name, operation):
    assert operation["summary"] and operation["description"] and operation["operationId"]
    if name == "GET /v0/openapi.json":
        return
    assert {"403", "429", "500", "503"} <= set(operation["responses"])
    for status, answer in operation["responses"].items():
        for example in resolved(answer)["content"]["application/json"]["examples"].values():
            described(operation, status).validate(example["value"])
    for media in operation.get("requestBody", {}).get("content", {}).values():
        schema = {**media["schema"], "components": DOCUMENT["components"]}
        for example in media["examples"].values():
            jsonschema_rs.Draft202012Validator(schema).validate(example["value"])


@pytest.mark.parametrize("file", sorted(HERE.glob("golden/*.json")), ids=lambda file: file.stem)
def test_golden_answers_are_as_described_in_every_shape(file):
    described_operations = dict(operations())
    golden = json.loads(file.read_text())
    operation = described_operations[golden["route"]]
    route = golden["route"].split("/")
    for step in golden["steps"]:
        asked = step["request"].split("?")[0].split("/")
        if len(asked) != len(route) or any(
            "{" not in a and a != b for a, b in zip(route, asked, strict=True)
        ):
            continue
        judge = described(operation, step["status"])
        text = step["body"]
        for kind, value in (
            ("date", "2023-02-03T16:08:18.263Z"),
            ("deviceid", "A" * 64),
            ("token_session", "B" * 64),
            ("event_token", "C" * 64),
            ("participant_id", "D" * 64),
            ("api_key", "ror-" + "e" * 20),
        ):
            text = placed(text, kind, value)
        both = json.loads(text)
        for answer in (both, both["body"], {"body": both["body"]}):
            judge.validate(answer)


def placed(text, kind, value):
    while f"<{kind}:" in text:
        before, after = text.split(f"<{kind}:", 1)
        text = before + value + after.split(">", 1)[1]
    return text


def test_the_description_refuses_what_is_not_the_contract():
    judge = described(dict(operations())["POST /v0/devices"], 201)
    inner = {"description": "Device binded succesfully", "deviceid": "A" * 64}
    assert judge.is_valid({**inner, "body": inner})
    for wrong in (
        {**inner, "description": "Device bound successfully"},
        {**inner, "deviceid": "a" * 64},
        {**inner, "body": None},
        {**inner, "body": {**inner, "extra": 1}},
        {"description": inner["description"]},
    ):
        assert not judge.is_valid(wrong)
