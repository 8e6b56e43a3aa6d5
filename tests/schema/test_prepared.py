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
    assert sum(len(text) for text, _ in documents._kept) == documents._characters <= 1_000_000
    documents.operation(f"{{ __typename }} # {'x' * 30_000}", None)
    assert documents.operation("{ __typename }", None) is documents.operation("{ __typename }", None)
