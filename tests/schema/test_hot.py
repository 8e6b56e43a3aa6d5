"""The hot way answers as the general one does: same data, same errors, whatever is sent."""

import asyncio
from collections.abc import AsyncIterator
from functools import partial
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from models import fleets as fleet_rows
from models.database import Database
from models.ingest import Ingest
from models.reports import Reports
from resolvers import devices, keys, sessions
from resolvers.callers import Callers, caller_of
from resolvers.context import OPERATOR, Caller, Context
from resolvers.leaderboards import Boards
from schema import root
from schema.context import GraphQLContext
from schema.prepared import Operation
from server.app import now, writer
from subscriptions.fleets import Fleets
from subscriptions.hub import Hub
from subscriptions.screens import Screens
from tests import factories as make

NAMES = ("number", "timestamp", "bib", "chip", "latitude", "longitude", "participantRef", "timeZone", "extra")
FIELDS = ("insertedCount", "duplicateCount", "__typename", "n: insertedCount", "results { number outcome }",
          "results { o: outcome __typename number }", "r: results { passing { bib } }", "results { nope }",
          "insertedCount @skip(if: true)", "... on RecordPassingsPayload { insertedCount }")  # fmt: skip
VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-2, 9),
    st.integers(-(2**70), 2**70),
    st.floats(allow_nan=False, allow_infinity=False, width=16),
    st.sampled_from(["", "7", "2026-06-01T10:00:00Z", "2026-06-01 10:00", "Europe/Rome", "x" * 129, "\x00"]),
    st.lists(st.integers(), max_size=1),
)
GOOD = st.fixed_dictionaries(
    {"number": st.integers(0, 5), "timestamp": st.just("2026-06-01T10:00:00.123Z"), "bib": st.just("7")},
    optional={
        "chip": st.sampled_from(["a", "b"]),
        "latitude": st.integers(0, 3),
        "participantRef": st.just("p"),
    },
)
PASSINGS = st.one_of(
    st.lists(GOOD, max_size=6),
    st.lists(
        st.one_of(GOOD, st.dictionaries(st.sampled_from(NAMES), VALUES, max_size=5), VALUES), max_size=3
    ),
    VALUES,
)
DOCUMENTS = st.builds(
    "mutation {}({}: {}, $p: {}) {{ {}recordPassings(sessionToken: $t, passings: $p) {{ {} }} }}".format,
    st.sampled_from(["", "M"]),
    st.just("$t"),
    st.sampled_from(["String!", "String!", "String", "ID!"]),
    st.sampled_from(["[PassingInput!]!", "[PassingInput!]!", "[PassingInput!]", "[PassingInput]!"]),
    st.sampled_from(["", "alias: "]),
    st.lists(st.sampled_from(FIELDS), min_size=1, max_size=3).map(" ".join),
)


class Ways:
    """The same schema twice over one database, each with a session of its own."""

    def __init__(self, schema: root.Schema, ctx: GraphQLContext, device_ids: list[str]) -> None:
        self.schema, self.ctx, self.device_ids = schema, ctx, device_ids

    def is_hot(self, document: str) -> bool:
        found = self.schema.documents.operation(document, None)
        return isinstance(found, Operation) and found.hot is not None

    async def both(self, document: str, passings: Any, **more: Any) -> list[dict[str, Any]]:
        answers = []
        for device_id, execute in zip(
            self.device_ids, (self.schema.execute, super(root.Schema, self.schema).execute), strict=True
        ):
            token = (await sessions.open(self.ctx, device_id)).token
            result = await execute(document, {"t": token, "p": passings} | more, self.ctx)
            formatted = [error.formatted for error in result.errors or ()]
            answers.append({"data": result.data, "errors": str(formatted).replace(token, "TOKEN")})
        return answers


@pytest.fixture
async def ways(database: Database, broker_url: str) -> AsyncIterator[Ways]:
    callers = Callers(database, "", now)
    ingest = Ingest(database, writer(database), lambda _commit: None, 50_000)
    ingest.start()
    texts = make.unjudged(database, now)
    operator = Context(Caller(scopes=OPERATOR), database, ingest, None, callers, Boards(), texts, now)  # type: ignore[arg-type]
    account = await keys.create_account(operator, "A")
    row, _ = await keys.create(operator, keys.NewKey(access="READ_WRITE"), account.id)
    boards, hub = Boards(), Hub(broker_url)
    reports = Reports(database, hub.touched, 1_000)
    plain = Context(caller_of(row), database, ingest, reports, callers, boards, texts, now)
    screens = Screens(hub, partial(boards.of_event, database), 0.2)
    fleets = Fleets(hub, partial(fleet_rows.read, database), now, 0.5)
    ctx = GraphQLContext(plain, hub, screens, fleets)
    bound = [
        await devices.bind(ctx, devices.NewDevice(model="m", serial_number=name))
        for name in ("hot", "general")
    ]
    yield Ways(root.build(), ctx, [each.device.device_id for each in bound])
    await ingest.close()


async def test_the_hot_way_is_taken_and_tells_each_outcome(ways: Ways) -> None:
    document = (
        "mutation($t: String!, $p: [PassingInput!]!) { recordPassings(sessionToken: $t, passings: $p) "
        "{ insertedCount results { number outcome } } }"
    )
    one = {"number": 1, "timestamp": "2026-06-01T10:00:00Z", "bib": "7"}
    hot, general = await ways.both(document, [one, one, one | {"bib": "8"}])
    assert hot == general
    assert [each["outcome"] for each in hot["data"]["recordPassings"]["results"]] == [
        "INSERTED", "DUPLICATE", "CONFLICT",
    ]  # fmt: skip
    assert ways.is_hot(document)


async def test_both_ways_answer_the_same(ways: Ways) -> None:

    loop = asyncio.get_running_loop()
    seen = {"hot": 0}

    @settings(max_examples=150, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(DOCUMENTS, PASSINGS)
    def compare(document: str, passings: Any) -> None:
        hot, general = asyncio.run_coroutine_threadsafe(ways.both(document, passings), loop).result(30)
        assert hot == general
        seen["hot"] += ways.is_hot(document)

    await asyncio.to_thread(compare)
    assert seen["hot"] > 5
