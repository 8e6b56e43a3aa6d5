"""What the pages ask is in the schema, checked without a browser or a server."""

import json
import re
from pathlib import Path

import pytest
from graphql import build_schema, parse, validate

HOUSE = Path(__file__).parents[2]
QUOTED = re.compile(r"`([^`]*)`", re.S)


def documents(script: str) -> list[str]:
    """The GraphQL documents of a script, with what it inserts into them."""
    text = (HOUSE / "web" / script).read_text()
    elsewhere = (HOUSE / "web" / "view.js").read_text()
    for name in set(re.findall(r"\$\{(\w+)\}", text)):
        inserted = re.search(rf"const {name} = `?([^`;]+)`?;", text + elsewhere)
        text = text.replace(f"${{{name}}}", inserted[1] if inserted else "1")
    return [found for found in QUOTED.findall(text) if re.search(r"^(query|subscription) ", found, re.M)]


@pytest.mark.parametrize(("script", "many"), [("queries.js", 9), ("graphiql/boot.js", 2)])
def test_every_document_is_valid(script, many):
    schema = build_schema((HOUSE / "schema" / "schema.graphql").read_text())
    asked = documents(script)
    assert len(asked) == many
    assert [error.message for text in asked for error in validate(schema, parse(text))] == []


def test_what_the_live_pages_ask_counts_as_registered():
    """A server that executes registered documents only knows them from this list."""
    assert json.loads((HOUSE / "web" / "documents.json").read_text()) == documents("queries.js")
