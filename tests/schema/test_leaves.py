"""Plain fields past the general machine: the answer is the same, key by key, and so is every error."""

import asyncio
import enum
import math

import pytest
import strawberry
from hypothesis import given, settings
from hypothesis import strategies as st
from strawberry.schema.config import StrawberryConfig
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext

from resolvers.context import FREE
from schema import limits, root
from schema.executor import Executor
from schema.scalars import CONFIG, Instant


@strawberry.enum
class Colour(enum.Enum):
    RED = "red"


def later(value):
    """No coroutine: where it is not looked at, nobody need miss it."""
    promised = asyncio.get_running_loop().create_future()
    promised.set_result(value)
    return promised


async def made_later():
    return "late"


async def thing_later():
    return Thing(name="late", other=Thing(name=None))


@strawberry.interface
class Named:
    name: str


@strawberry.type
class Thing(Named):
    text: str | None = "text"
    number: int | None = 1
    share: float | None = 0.5
    flag: bool = True
    colour: Colour | None = Colour.RED
    at: Instant | None = Instant(0)
    texts: list[str | None] | None = None
    others: "list[Thing | None] | None" = None
    rows: "list[list[Thing]] | None" = None
    other: "Thing | None" = None

    @strawberry.field
    def twice(self) -> int:
        return 2 * (self.number or 0)

    @strawberry.field
    def made(self) -> str | None:
        """At once, later, or not at all."""
        match self.name:
            case "later":
                return made_later()
            case "fails":
                raise ValueError("it failed")
        return self.text

    @strawberry.field
    def below(self) -> "Thing | None":
        match self.name:
            case "later":
                return thing_later()
            case "fails":
                raise ValueError("it failed")
        return self.other

    @strawberry.field
    def must(self) -> "Thing":
        return self.other

    @strawberry.field
    async def awaited(self, fails: bool = False) -> str | None:
        await asyncio.sleep(0)
        if fails:
            raise ValueError("it failed")
        return self.text


THINGS = {
    "usual": lambda: Thing(name="a", texts=["x"], other=Thing(name="b")),
    "empty": lambda: Thing(name="", text=None, number=None, share=None, colour=None, at=None),
    "null where it may not be": lambda: Thing(name=None, flag=None),
    "another kind of number": lambda: Thing(name="a", number="12", share="x"),
    "too large a number": lambda: Thing(name="a", number=2**40),
    "not a number": lambda: Thing(name="a", share=math.nan),
    "no colour of ours": lambda: Thing(name="a", colour="green"),
    "an error as a value": lambda: Thing(name="a", text=ValueError("bad")),
    "a value that is awaited": lambda: Thing(name="a", text=later("late")),
    "a text that is a number": lambda: Thing(name=7, text=True),
    "a method that gives it later": lambda: Thing(name="later"),
    "a method that fails": lambda: Thing(name="fails"),
    "null below where it may not be": lambda: Thing(name="a", other=Thing(name=None)),
    "another type below": lambda: Thing(name="a", other="a text"),
    "an error below": lambda: Thing(name="a", other=ValueError("bad")),
    "an object that is awaited": lambda: Thing(name="a", other=later(Thing(name="late"))),
    "no such instant": lambda: Thing(name="a", at="yesterday"),
    "lists of lists": lambda: Thing(name="a", rows=[[Thing(name="b")], []], others=[None, Thing(name="c")]),
    "null in a list where it may not be": lambda: Thing(name="a", rows=[[Thing(name="b"), None]]),
    "a list with null": lambda: Thing(name="a", texts=["x", None], others=(Thing(name="b"), None)),
    "no list": lambda: Thing(name="a", texts="xyz", others=Thing(name="b"), rows={}),
    "a list that is awaited": lambda: Thing(name="a", others=later([Thing(name="b")]), texts=later(["x"])),
    "awaited in a list": lambda: Thing(name="a", others=[later(Thing(name="b")), None], texts=[later("x")]),
    "a fault in a list": lambda: Thing(
        name="a", others=[Thing(name="b"), ValueError("bad"), Thing(name=None)]
    ),
}


@strawberry.type
class Query:
    @strawberry.field
    def thing(self, kind: str) -> Thing | None:
        return THINGS[kind]()

    @strawberry.field
    def things(self, kind: str) -> list[Thing]:
        return [THINGS["usual"](), THINGS[kind](), THINGS["usual"]()]

    @strawberry.field
    def named(self, kind: str) -> Named:
        return THINGS[kind]()


CONFIGURED = StrawberryConfig(scalar_map=CONFIG.scalar_map)
FAST, GENERAL = [
    strawberry.Schema(query=Query, config=CONFIGURED, execution_context_class=kind)
    for kind in (Executor, StrawberryGraphQLCoreExecutionContext)
]
PLAIN = "name text number share flag colour at"
DOCUMENTS = [
    f"query($k: String!) {{ thing(kind: $k) {{ {PLAIN} }} }}",
    f"query($k: String!) {{ thing(kind: $k) {{ awaited flag made twice {PLAIN} texts __typename }} }}",
    f"query($k: String!) {{ things(kind: $k) {{ {PLAIN} other {{ flag other {{ name }} name }} awaited }} }}",
    "query($k: String!) { thing(kind: $k) { a: name b: name ... on Named { name } ...F } } fragment F on Thing { at }",
    "query($k: String!) { thing(kind: $k) { name @skip(if: true) text @include(if: true) number made } }",
    "query($k: String!) { things(kind: $k) { below { name below { name awaited } } must { name } other { name at } } }",
    "query($k: String!) { thing(kind: $k) { below { awaited(fails: true) name } a: must { name } } }",
    "query($k: String!) { named(kind: $k) { __typename name ... on Thing { number awaited(fails: true) } } }",
    "query($k: String!) { things(kind: $k) { name made awaited(fails: true) } thing(kind: $k) { name twice } }",
]


@pytest.mark.parametrize("document", DOCUMENTS)
@pytest.mark.parametrize("kind", THINGS)
async def test_both_ways_give_the_same_answer(document, kind):
    fast, general = [await schema.execute(document, {"k": kind}) for schema in (FAST, GENERAL)]
    assert repr(fast.data) == repr(general.data), "the order of the keys as well"
    told = [
        sorted((error.message, tuple(error.path)) for error in answer.errors or ())
        for answer in (fast, general)
    ]
    assert told[0] == told[1]
    if kind == "usual" and "fails" not in document and "must" not in document:
        assert fast.errors is None


class Asking:
    """What the product's schema asks of a context."""

    meter = FREE


class Silent:
    """Errors as they are, and nothing in the log."""

    def process_errors(self, errors_, execution_context=None): ...


class Ours(Silent, root.Schema): ...


class Others(Silent, strawberry.Schema): ...


OURS = Ours(
    query=Query, config=CONFIGURED, execution_context_class=Executor, rules=limits.rules(introspection=True)
)
OTHERS = Others(query=Query, config=CONFIGURED)
LEAVES = st.sampled_from(
    [
        "name",
        "text",
        "number",
        "share",
        "flag",
        "colour",
        "at",
        "texts",
        "twice",
        "made",
        "__typename",
        "awaited",
    ]
)
FIELDS = st.builds(
    lambda alias, leaf, condition: f"{alias and alias + leaf + ': '}{leaf}{condition}",
    st.sampled_from(["", "", "a", "b"]),
    LEAVES,
    st.sampled_from(["", "", " @skip(if: $yes)", " @include(if: $yes)", " @include(if: $no)"]),
)


def _deeper(below: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    several = st.lists(below, min_size=1, max_size=4).map(" ".join)
    return st.one_of(
        st.builds(
            "{} {{ {} }}".format,
            st.sampled_from(["other", "below", "must", "others", "rows", "c: other"]),
            several,
        ),
        st.builds("... on {} {{ {} }}".format, st.sampled_from(["Thing", "Thing @skip(if: $no)"]), several),
        st.builds("... on Named {{ name __typename ... on Thing {{ {} }} }}".format, several),
        st.just("...F"),
    )


SELECTIONS = st.lists(st.recursive(FIELDS, _deeper, max_leaves=8), min_size=1, max_size=4).map(" ".join)


async def _told(schema, document, variables):
    result = await schema.execute(document, variables, Asking())
    errors = sorted((each.message, str(each.path), str(each.locations)) for each in result.errors or ())
    return repr(result.data), errors


@settings(max_examples=40, deadline=None)
@given(
    selection=SELECTIONS,
    fragment=SELECTIONS,
    root=st.sampled_from(["thing", "things", "named"]),
    asked=st.lists(st.tuples(st.sampled_from(sorted(THINGS)), st.booleans()), min_size=4, max_size=8),
)
def test_generated_documents_are_answered_alike(selection, fragment, root, asked):
    """Each is asked about several things, so that what is known of it from before is used."""
    body = selection if root != "named" else f"... on Thing {{ {selection} }}"
    document = (
        "query($k: String!, $yes: Boolean!, $no: Boolean!) { __typename @include(if: $yes) @skip(if: $no) "
        f"{root}(kind: $k) {{ {body} }} "
        f"again: thing(kind: $k) {{ ...F }} }} fragment F on Thing {{ {fragment.replace('...F', 'name')} }}"
    )

    async def compare():
        for kind, yes in [("usual", True), *asked]:
            variables = {"k": kind, "yes": yes, "no": False}
            ours, others = [await _told(each, document, variables) for each in (OURS, OTHERS)]
            assert ours == others, (kind, document)

    asyncio.run(compare())
