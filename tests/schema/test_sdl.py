"""The schema itself: described to the last argument, printed in the repository."""

from pathlib import Path

import graphql
import pytest

import schema
from schema import root

PRINTED = Path(schema.__file__).parent / "schema.graphql"


@pytest.fixture(scope="module")
def types():
    named = root.build()._schema.type_map.values()
    return [each for each in named if not each.name.startswith("__")]


def test_the_printed_schema_is_this_one():
    assert PRINTED.read_text().strip() == root.build().as_str().strip(), (
        "print it anew: python -c 'from schema import root; print(root.build().as_str())'"
        " > schema/schema.graphql"
    )


def test_every_type_field_argument_and_value_is_described(types):
    roots = {"Query", "Mutation", "Subscription", "String", "Int", "Float", "Boolean", "ID"}
    silent = []
    for each in types:
        if each.name not in roots and not each.description:
            silent.append(each.name)
        for name, field in getattr(each, "fields", {}).items():
            parts = {f"{each.name}.{name}": field} | {
                f"{each.name}.{name}({argument}:)": given
                for argument, given in getattr(field, "args", {}).items()
            }
            silent += [part for part, thing in parts.items() if not thing.description]
        for name, value in getattr(each, "values", {}).items():
            if not value.description:
                silent.append(f"{each.name}.{name}")
    assert silent == []


def test_every_description_ends_as_a_sentence(types):
    texts = {
        f"{each.name}.{name}": field.description
        for each in types
        for name, field in getattr(each, "fields", {}).items()
    }
    assert [place for place, text in texts.items() if not text.endswith((".", "…", "`"))] == []


def test_every_mutation_names_the_right_that_it_needs():
    fields = root.build()._schema.mutation_type.fields
    assert [name for name, field in fields.items() if "Needs `" not in field.description] == []


def test_every_connection_follows_relays_conventions(types):
    connections = [each for each in types if each.name.endswith("Connection") and hasattr(each, "fields")]
    assert len(connections) >= 5
    for each in connections:
        assert {"edges", "pageInfo", "totalCount"} <= set(each.fields)
        edge = graphql.get_named_type(each.fields["edges"].type)
        assert {"cursor", "node"} == set(edge.fields)
    assert {"hasNextPage", "hasPreviousPage", "startCursor", "endCursor"} == {
        name for each in types if each.name == "PageInfo" for name in each.fields
    }


def test_whatever_has_an_id_is_a_node(types):
    objects = [each for each in types if isinstance(each, graphql.GraphQLObjectType)]
    assert [
        each.name
        for each in objects
        if "id" in each.fields and "Node" not in {i.name for i in each.interfaces}
    ] == []
