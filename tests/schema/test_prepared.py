"""What is known of a document before it is executed: its operations, and whether its answers may be kept."""

import pytest
from graphql import GraphQLObjectType, get_named_type

from schema import keeping, root
from schema.leaves import readers
from schema.prepared import Operation


def test_what_a_kept_answer_may_hold_depends_on_the_board_alone():
    """Whoever adds a plain field here says that it needs neither the clock nor anything but the board."""
    schema = root.build()._schema
    assert schema.query_type
    left, found = [get_named_type(schema.query_type.fields[keeping.BOARD].type)], {}
    while left:
        kind = left.pop()
        if isinstance(kind, GraphQLObjectType) and kind.name not in found:
            found[kind.name] = set(readers(kind))
            left += [get_named_type(each.type) for each in readers(kind).values()]
    assert found == {
        "StandingConnection": {"edges", "pageInfo", "totalCount", "counts"},
        "StandingEdge": {"cursor", "node"},
        "PageInfo": {"hasNextPage", "hasPreviousPage", "startCursor", "endCursor"},
        "LeaderboardCounts": {"entered", "notStarted", "onCourse", "finished", "dns", "dnf", "dsq", "at"},
        "CheckpointCount": {"checkpoint", "count"},
        "Checkpoint": {
            "id", "name", "kind", "distance", "bounceSeconds", "minimumSeconds", "cutoffSeconds", "counts",
        },
        "Standing": {
            "key", "rank", "place", "bib", "name", "gender", "category", "club", "team", "country", "state", "time",
            "gunTime", "netTime", "netIsGun", "gap", "adjustment", "lap", "projectedTime", "checkpoint", "splits",
            "members",
        },
        "Split": {"checkpoint", "lap", "at", "gunTime", "netTime"},
    }  # fmt: skip


@pytest.mark.parametrize(
    ("asked", "kept"),
    [
        (
            "{ leaderboard(raceId: 1) { edges { node { bib } } } b: leaderboard(raceId: 2) { totalCount } }",
            True,
        ),
        (
            "{ __typename ...F } fragment F on Query { leaderboard(raceId: 1) { counts { at { checkpoint { id } } } } }",
            True,
        ),
        (
            "{ leaderboard(raceId: 1) { edges { node { checkpoint { ... on Node { id } } members { bib } } } } }",
            True,
        ),
        ("{ leaderboard(raceId: 1) { edges { node { participant { bib } } } } }", False),
        ("{ leaderboard(raceId: 1) { edges { node { splits { checkpoint { race { name } } } } } } }", False),
        (
            "{ leaderboard(raceId: 1) { edges { node { ...F } } } } fragment F on Standing { participant { bib } }",
            False,
        ),
        ("{ leaderboard(raceId: 1) { edges { node { bib participant @skip(if: true) { bib } } } } }", False),
        ("{ leaderboard(raceId: 1) { totalCount } viewer { authenticated } }", False),
        ("{ __typename }", False),
        ("subscription { leaderboard(raceId: 1) { revision } }", False),
    ],
)
def test_only_answers_of_nothing_but_boards_are_kept(asked, kept):
    found = root.build().documents.operation(asked, None)
    assert isinstance(found, Operation), found
    assert found.of_boards == kept


def test_what_is_known_of_documents_is_bounded():
    documents = root.build().documents
    for number in range(700):
        assert isinstance(documents.operation(f"{{ a{number}: __typename }}", None), Operation)
    assert len(documents._kept) == 500
    for number in range(100):
        documents.operation(f"{{ __typename }} # {number} {'x' * 19_000}", None)
    assert sum(each.size for each in documents._kept.values()) == documents._characters <= 1_000_000
    documents.operation(f"{{ __typename }} # {'x' * 30_000}", None)
    assert documents.operation("{ __typename }", None) is documents.operation("{ __typename }", None)


def test_what_may_be_known_of_its_places_counts_for_a_document():
    """Few characters can ask for many fields, and each combination of conditions has places of its own."""
    documents, small = root.build().documents, "{ __typename }"
    asked = "($a: Boolean!, $b: Boolean!, $c: Boolean!, $d: Boolean!)"
    given = "x: __typename @skip(if: $a) @include(if: $b) y: __typename @skip(if: $c) @include(if: $d)"
    places = " ".join(f"a{each}: edges {{ node {{ ...F }} }}" for each in range(40))
    for number in range(50):
        found = documents.operation(
            f"query Q{number}{asked} {{ {given} events {{ {places} }} }} fragment F on Event {{ id name token }}",
            None,
        )
        assert isinstance(found, Operation), found
        assert found.size > 16 * 20 * 200
    assert len(documents._kept) < 20 and documents._characters <= 1_000_000
    lone = documents.operation(small, None)
    assert isinstance(lone, Operation) and lone.size == len(small) + 20


def test_nothing_of_a_refused_question_is_kept():
    """A strange name may be as long as a body, and an error holds the whole request by its traceback."""
    documents = root.build().documents
    for text, name in (("{ nope", None), ("{ nope }", None), ("{ __typename }", "n" * 100_000)):
        assert isinstance(documents.operation(text, name), list)
    assert not documents._kept and not documents._characters


def test_nothing_is_compiled_for_a_document_that_nobody_asks_again():
    """To compile its places takes longer than to do without, and strangers may ask another one each time."""
    found = root.build().documents.operation("query($a: Boolean!) { __typename @skip(if: $a) }", None)
    assert isinstance(found, Operation)
    assert not found.places({"a": True}).compiled and not found.places({"a": False}).compiled
    assert found.places({"a": True}).compiled
